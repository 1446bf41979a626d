/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages as bytes, in network order. What is unpacked comes from somebody
 * else: nothing is read behind its end, and the first thing that is wrong stays
 * in @why; from then on every call returns 0, so that callers need not test
 * after each field.
 */
#ifndef P2PMR_TOOLS_PACK_H
#define P2PMR_TOOLS_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_WHY_MAX 160

/**
 * struct packer - a writing position
 * @pos: where the next byte goes
 * @left: room behind it
 * @full: something did not fit and was left out
 */
struct packer {
	uint8_t *pos;
	size_t left;
	bool full;
};

void pack_num(struct packer *p, uint64_t val, int bytes);
void pack_raw(struct packer *p, const void *src, size_t len);
/* Any bytes but zero, as file names are; at most 65535 */
void pack_name(struct packer *p, const char *name);
/* For people: what is no printable ASCII becomes "?" */
void pack_text(struct packer *p, const char *text);

/**
 * struct unpacker - a reading position
 * @pos: the next byte
 * @left: how many there are
 * @why: what was wrong
 * @bad: something was
 */
struct unpacker {
	const uint8_t *pos;
	size_t left;
	char why[PACK_WHY_MAX];
	bool bad;
};

__attribute__((format(printf, 2, 3)))
void unpack_refuse(struct unpacker *u, const char *fmt, ...);
uint64_t unpack_num(struct unpacker *u, int bytes);
/* A number within [min, max], or it is refused under the name of @what */
uint64_t unpack_range(struct unpacker *u, int bytes, uint64_t min,
		      uint64_t max, const char *what);
void unpack_raw(struct unpacker *u, void *dst, size_t len);
/* A string of less than @size bytes; "" when it is refused */
void unpack_name(struct unpacker *u, char *name, size_t size,
		 const char *what);
void unpack_text(struct unpacker *u, char *text, size_t size,
		 const char *what);

/**
 * struct pack_protocol - what its messages begin with
 * @name: who speaks it, for people
 * @magic: the same in all versions
 * @version: both ends must be of the same one
 * @type_max: types of messages are 1 to this
 * @payload_max: bytes of the longest message, without the header
 *
 * A message is a header (magic, version, type, length of the payload) and a
 * payload.
 */
struct pack_protocol {
	const char *name;
	uint32_t magic;
	uint16_t version;
	uint16_t type_max;
	uint32_t payload_max;
};

#define PACK_HEADER_BYTES 12

/* Returns the length of the message, header included */
size_t pack_header(const struct pack_protocol *proto, unsigned int type,
		   size_t payload_bytes, uint8_t buf[PACK_HEADER_BYTES]);

/* Returns the type, or -EPROTO with one sentence in @why */
int unpack_header(const struct pack_protocol *proto,
		  const uint8_t buf[PACK_HEADER_BYTES], size_t *payload_bytes,
		  char why[PACK_WHY_MAX]);

/*
 * Nothing may be left of a payload of that type. Returns 0, or -EPROTO with what
 * was wrong first in @why.
 */
int unpack_end(struct unpacker *u, const char *type, char why[PACK_WHY_MAX]);

#endif
