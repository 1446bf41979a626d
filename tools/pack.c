// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pack.h"

static uint8_t *room_for(struct packer *p, size_t len)
{
	uint8_t *pos = p->pos;

	if (p->full || p->left < len) {
		p->full = true;
		return NULL;
	}
	p->pos += len;
	p->left -= len;
	return pos;
}

void pack_num(struct packer *p, uint64_t val, int bytes)
{
	uint8_t *pos = room_for(p, bytes);
	int i;

	for (i = 0; pos && i < bytes; i++)
		pos[i] = val >> 8 * (bytes - 1 - i);
}

void pack_raw(struct packer *p, const void *src, size_t len)
{
	uint8_t *pos = room_for(p, len);

	if (pos && len)
		memcpy(pos, src, len);
}

void pack_name(struct packer *p, const char *name)
{
	size_t len = strlen(name);

	if (len > UINT16_MAX) {
		p->full = true;
		return;
	}
	pack_num(p, len, 2);
	pack_raw(p, name, len);
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

void pack_text(struct packer *p, const char *text)
{
	size_t len = strnlen(text, UINT16_MAX);
	uint8_t *pos;
	size_t i;

	pack_num(p, len, 2);
	pos = room_for(p, len);
	for (i = 0; pos && i < len; i++)
		pos[i] = is_printable(text[i]) ? text[i] : '?';
}

void unpack_refuse(struct unpacker *u, const char *fmt, ...)
{
	va_list ap;

	if (u->bad)
		return;
	u->bad = true;
	va_start(ap, fmt);
	vsnprintf(u->why, sizeof(u->why), fmt, ap);
	va_end(ap);
}

static const uint8_t *take(struct unpacker *u, size_t len)
{
	const uint8_t *pos = u->pos;

	if (u->left < len)
		unpack_refuse(u, "a message that ends too early");
	if (u->bad)
		return NULL;
	u->pos += len;
	u->left -= len;
	return pos;
}

uint64_t unpack_num(struct unpacker *u, int bytes)
{
	const uint8_t *pos = take(u, bytes);
	uint64_t val = 0;

	while (pos && bytes--)
		val = val << 8 | *pos++;
	return val;
}

uint64_t unpack_range(struct unpacker *u, int bytes, uint64_t min,
		      uint64_t max, const char *what)
{
	uint64_t val = unpack_num(u, bytes);

	if (val < min || val > max)
		unpack_refuse(u, "%s = %llu, outside %llu to %llu", what,
			      (unsigned long long)val, (unsigned long long)min,
			      (unsigned long long)max);
	return u->bad ? 0 : val;
}

void unpack_raw(struct unpacker *u, void *dst, size_t len)
{
	const uint8_t *pos = take(u, len);

	if (pos)
		memcpy(dst, pos, len);
	else
		memset(dst, 0, len);
}

void unpack_name(struct unpacker *u, char *name, size_t size,
		 const char *what)
{
	size_t len = unpack_num(u, 2);
	const uint8_t *pos;

	name[0] = '\0';
	if (len >= size)
		unpack_refuse(u, "%s of %zu bytes", what, len);
	pos = take(u, len);
	if (!pos)
		return;
	if (memchr(pos, 0, len)) {
		unpack_refuse(u, "%s with a zero in it", what);
		return;
	}
	memcpy(name, pos, len);
	name[len] = '\0';
}

void unpack_text(struct unpacker *u, char *text, size_t size,
		 const char *what)
{
	size_t i;

	unpack_name(u, text, size, what);
	for (i = 0; text[i]; i++) {
		if (is_printable(text[i]))
			continue;
		unpack_refuse(u, "%s with an unprintable byte", what);
		text[0] = '\0';
	}
}

size_t pack_header(const struct pack_protocol *proto, unsigned int type,
		   size_t payload_bytes, uint8_t buf[PACK_HEADER_BYTES])
{
	struct packer p = { .pos = buf, .left = PACK_HEADER_BYTES };

	pack_num(&p, proto->magic, 4);
	pack_num(&p, proto->version, 2);
	pack_num(&p, type, 2);
	pack_num(&p, payload_bytes, 4);
	return PACK_HEADER_BYTES + payload_bytes;
}

static int verdict_on(const struct unpacker *u, char why[PACK_WHY_MAX])
{
	if (!u->bad)
		return 0;
	memcpy(why, u->why, PACK_WHY_MAX);
	return -EPROTO;
}

int unpack_header(const struct pack_protocol *proto,
		  const uint8_t buf[PACK_HEADER_BYTES], size_t *payload_bytes,
		  char why[PACK_WHY_MAX])
{
	struct unpacker u = { .pos = buf, .left = PACK_HEADER_BYTES };
	unsigned int version;
	int type;

	if (unpack_num(&u, 4) != proto->magic)
		unpack_refuse(&u, "bytes that are no message of %s",
			      proto->name);
	version = unpack_num(&u, 2);
	if (version != proto->version)
		unpack_refuse(&u, "version %u of the protocol, where this program speaks version %u",
			      version, proto->version);
	type = unpack_range(&u, 2, 1, proto->type_max, "type of message");
	*payload_bytes = unpack_range(&u, 4, 0, proto->payload_max, "length");
	return verdict_on(&u, why) ? -EPROTO : type;
}

int unpack_end(struct unpacker *u, const char *type, char why[PACK_WHY_MAX])
{
	if (u->left)
		unpack_refuse(u, "a %s message with %zu bytes too many", type,
			      u->left);
	return verdict_on(u, why);
}
