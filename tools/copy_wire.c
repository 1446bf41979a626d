// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "copy_wire.h"

#define NS_PER_S 1000000000U

static const struct pack_protocol protocol = {
	.name = "p2pmr copy",
	.magic = COPY_WIRE_MAGIC,
	.version = COPY_WIRE_VERSION,
	.type_max = COPY_MSG_TYPES - 1,
	.payload_max = COPY_WIRE_PAYLOAD_MAX,
};

static const char *const names[COPY_MSG_TYPES] = {
	[COPY_HELLO] = "HELLO",
	[COPY_SOURCE] = "SOURCE",
	[COPY_WELCOME] = "WELCOME",
	[COPY_ENDPOINT] = "ENDPOINT",
	[COPY_READY] = "READY",
	[COPY_FILE] = "FILE",
	[COPY_EXTENT] = "EXTENT",
	[COPY_REFUSE] = "REFUSE",
	[COPY_END] = "END",
	[COPY_DONE] = "DONE",
	[COPY_NOTE] = "NOTE",
	[COPY_FINISH] = "FINISH",
	[COPY_ERROR] = "ERROR",
	[COPY_PING] = "PING",
	[COPY_HAVE] = "HAVE",
};

const char *copy_msg_name(enum copy_msg_type type)
{
	if ((size_t)type >= ARRAY_SIZE(names) || !names[type])
		return "unknown";
	return names[type];
}

static void pack_hello(struct packer *p, const struct copy_hello *h)
{
	pack_num(p, h->role, 1);
	pack_num(p, h->flags, 4);
	pack_num(p, h->chunk_bytes, 4);
	pack_num(p, h->slots, 4);
	pack_num(p, h->sources, 4);
	pack_num(p, h->gid_index, 4);
	pack_num(p, h->ib_port, 4);
	pack_text(p, h->device);
	pack_text(p, h->memory);
	pack_name(p, h->dest);
}

/* A ring that both ends can make: blocks, and neither too many nor too large */
static void unpack_ring(struct unpacker *u, uint32_t *chunk_bytes,
			uint32_t *slots)
{
	*chunk_bytes = unpack_range(u, 4, COPY_CHUNK_MIN, COPY_CHUNK_MAX,
				    "chunk");
	if (*chunk_bytes % COPY_BLOCK)
		unpack_refuse(u, "a chunk of %u bytes", *chunk_bytes);
	*slots = unpack_range(u, 4, COPY_SLOTS_MIN, COPY_SLOTS_MAX, "slots");
}

static void unpack_hello(struct unpacker *u, struct copy_hello *h)
{
	h->role = unpack_range(u, 1, COPY_SENDER, COPY_RECEIVER, "role");
	h->flags = unpack_range(u, 4, 0, COPY_FLAGS, "flags");
	unpack_ring(u, &h->chunk_bytes, &h->slots);
	h->sources = unpack_range(u, 4, 1, COPY_SOURCES_MAX, "sources");
	h->gid_index = unpack_range(u, 4, 0, 65536, "GID index");
	h->ib_port = unpack_range(u, 4, 1, 255, "port");
	unpack_text(u, h->device, sizeof(h->device), "a device's name");
	unpack_text(u, h->memory, sizeof(h->memory), "a memory's name");
	unpack_name(u, h->dest, sizeof(h->dest), "a destination");
	if (!h->dest[0] == (h->role == COPY_RECEIVER))
		unpack_refuse(u, "a destination for the wrong end, or none");
}

static void pack_endpoint(struct packer *p, const struct copy_endpoint *ep)
{
	pack_num(p, ep->qp_num, 4);
	pack_num(p, ep->psn, 4);
	pack_raw(p, ep->gid, sizeof(ep->gid));
	pack_num(p, ep->gid_kind, 1);
	pack_num(p, ep->lid, 2);
	pack_num(p, ep->mtu, 1);
	pack_num(p, ep->chunk_bytes, 4);
	pack_num(p, ep->slots, 4);
	pack_num(p, ep->total_bytes, 8);
	pack_num(p, ep->rkey, 4);
	pack_num(p, ep->addr, 8);
	pack_num(p, ep->dense, 1);
	pack_num(p, ep->folder, 8);
	pack_raw(p, ep->token, sizeof(ep->token));
}

static void unpack_endpoint(struct unpacker *u, struct copy_endpoint *ep)
{
	ep->qp_num = unpack_range(u, 4, 0, 0xffffff, "queue pair");
	ep->psn = unpack_range(u, 4, 0, 0xffffff, "PSN");
	unpack_raw(u, ep->gid, sizeof(ep->gid));
	ep->gid_kind = unpack_range(u, 1, 0, 2, "kind of GID");
	ep->lid = unpack_num(u, 2);
	ep->mtu = unpack_range(u, 1, 1, 5, "MTU");
	unpack_ring(u, &ep->chunk_bytes, &ep->slots);
	ep->total_bytes = unpack_num(u, 8);
	ep->rkey = unpack_num(u, 4);
	ep->addr = unpack_num(u, 8);
	if (ep->addr > UINT64_MAX - (uint64_t)ep->chunk_bytes * ep->slots)
		unpack_refuse(u, "memory beyond the end of the address space");
	ep->dense = unpack_range(u, 1, 0, 1, "dense");
	ep->folder = unpack_num(u, 8);
	unpack_raw(u, ep->token, sizeof(ep->token));
}

static void pack_file(struct packer *p, const struct copy_file *f)
{
	pack_num(p, f->id, 4);
	pack_num(p, f->source, 4);
	pack_num(p, f->kind, 1);
	pack_num(p, f->mode, 2);
	pack_num(p, f->size, 8);
	pack_num(p, f->atime_s, 8);
	pack_num(p, f->atime_ns, 4);
	pack_num(p, f->mtime_s, 8);
	pack_num(p, f->mtime_ns, 4);
	pack_name(p, f->path);
	pack_name(p, f->target);
}

static void unpack_file(struct unpacker *u, struct copy_file *f)
{
	f->id = unpack_num(u, 4);
	f->source = unpack_range(u, 4, 0, COPY_SOURCES_MAX - 1, "source");
	f->kind = unpack_range(u, 1, 0, COPY_KINDS - 1, "kind of file");
	f->mode = unpack_range(u, 2, 0, 07777, "mode");
	f->size = unpack_range(u, 8, 0, COPY_SIZE_MAX, "size");
	f->atime_s = unpack_num(u, 8);
	f->atime_ns = unpack_range(u, 4, 0, NS_PER_S - 1, "nanoseconds");
	f->mtime_s = unpack_num(u, 8);
	f->mtime_ns = unpack_range(u, 4, 0, NS_PER_S - 1, "nanoseconds");
	unpack_name(u, f->path, sizeof(f->path), "a path");
	unpack_name(u, f->target, sizeof(f->target), "a link's target");
	if (!f->target[0] == (f->kind == COPY_KIND_LINK))
		unpack_refuse(u, "a link without a target, or the reverse");
	if (f->size && f->kind != COPY_KIND_FILE)
		unpack_refuse(u, "a size of what is no file");
}

static void pack_have(struct packer *p, const struct copy_have *h)
{
	pack_num(p, h->id, 4);
	pack_num(p, h->offset, 8);
}

static void unpack_have(struct unpacker *u, struct copy_have *h)
{
	h->id = unpack_num(u, 4);
	h->offset = unpack_range(u, 8, 0, COPY_SIZE_MAX, "offset");
	if (h->offset % COPY_BLOCK)
		unpack_refuse(u, "a part that ends within a block");
}

static void pack_extent(struct packer *p, const struct copy_extent *e)
{
	pack_num(p, e->id, 4);
	pack_num(p, e->offset, 8);
	pack_num(p, e->len, 8);
}

static void unpack_extent(struct unpacker *u, struct copy_extent *e)
{
	e->id = unpack_num(u, 4);
	e->offset = unpack_range(u, 8, 0, COPY_SIZE_MAX, "offset");
	e->len = unpack_range(u, 8, 1, COPY_SIZE_MAX - e->offset, "length");
	if (e->offset % COPY_BLOCK)
		unpack_refuse(u, "an extent that begins within a block");
}

static void pack_failure(struct packer *p, const struct failure *f)
{
	pack_num(p, f->errnum, 4);
	pack_num(p, f->status == CMD_IMPOSSIBLE, 1);
	pack_text(p, f->reason);
	pack_text(p, f->text);
	pack_text(p, f->remedy);
}

static void unpack_failure(struct unpacker *u, struct failure *f)
{
	f->errnum = unpack_range(u, 4, 0, 4095, "errno");
	f->status = unpack_range(u, 1, 0, 1, "status") ? CMD_IMPOSSIBLE :
							 CMD_FAILED;
	unpack_text(u, f->reason, sizeof(f->reason), "a reason");
	unpack_text(u, f->text, sizeof(f->text), "a failure's text");
	unpack_text(u, f->remedy, sizeof(f->remedy), "a remedy");
}

static void unpack_named_failure(struct unpacker *u, struct failure *f)
{
	unpack_failure(u, f);
	if (!f->reason[0])
		unpack_refuse(u, "a failure without a reason");
}

static void pack_verdict(struct packer *p, const struct copy_verdict *v)
{
	pack_num(p, v->id, 4);
	pack_num(p, v->good, 1);
	pack_num(p, v->sum, 8);
	pack_failure(p, &v->why);
}

static void unpack_verdict(struct unpacker *u, struct copy_verdict *v)
{
	v->id = unpack_num(u, 4);
	v->good = unpack_range(u, 1, 0, 1, "verdict");
	v->sum = unpack_num(u, 8);
	unpack_failure(u, &v->why);
}

static void pack_stats(struct packer *p, const struct copy_stats *s)
{
	pack_text(p, s->memory);
	pack_text(p, s->why);
	pack_text(p, s->host_why);
	pack_num(p, s->peer_bytes, 8);
	pack_num(p, s->host_bytes, 8);
	pack_num(p, s->flushes, 8);
	pack_num(p, s->cpu_us, 8);
	pack_num(p, s->sum_us, 8);
}

static void unpack_stats(struct unpacker *u, struct copy_stats *s)
{
	unpack_text(u, s->memory, sizeof(s->memory), "a memory's name");
	unpack_text(u, s->why, sizeof(s->why), "a sentence");
	unpack_text(u, s->host_why, sizeof(s->host_why), "a sentence");
	s->peer_bytes = unpack_num(u, 8);
	s->host_bytes = unpack_num(u, 8);
	s->flushes = unpack_num(u, 8);
	s->cpu_us = unpack_num(u, 8);
	s->sum_us = unpack_num(u, 8);
}

static void pack_payload(struct packer *p, const struct copy_msg *msg)
{
	switch (msg->type) {
	case COPY_HELLO:
		pack_hello(p, &msg->u.hello);
		break;
	case COPY_SOURCE:
		pack_name(p, msg->u.source);
		break;
	case COPY_WELCOME:
		pack_text(p, msg->u.version);
		break;
	case COPY_ENDPOINT:
		pack_endpoint(p, &msg->u.endpoint);
		break;
	case COPY_FILE:
		pack_file(p, &msg->u.file);
		break;
	case COPY_HAVE:
		pack_have(p, &msg->u.have);
		break;
	case COPY_EXTENT:
		pack_extent(p, &msg->u.extent);
		break;
	case COPY_REFUSE:
	case COPY_END:
	case COPY_DONE:
		pack_verdict(p, &msg->u.verdict);
		break;
	case COPY_NOTE:
	case COPY_ERROR:
		pack_failure(p, &msg->u.failure);
		break;
	case COPY_FINISH:
		pack_stats(p, &msg->u.stats);
		break;
	case COPY_READY:
	case COPY_PING:
	case COPY_MSG_TYPES:
		break;
	}
}

static void unpack_payload(struct unpacker *u, struct copy_msg *msg)
{
	switch (msg->type) {
	case COPY_HELLO:
		unpack_hello(u, &msg->u.hello);
		break;
	case COPY_SOURCE:
		unpack_name(u, msg->u.source, sizeof(msg->u.source),
			    "a source");
		if (!msg->u.source[0])
			unpack_refuse(u, "a source without a name");
		break;
	case COPY_WELCOME:
		unpack_text(u, msg->u.version, sizeof(msg->u.version),
			    "a version");
		break;
	case COPY_ENDPOINT:
		unpack_endpoint(u, &msg->u.endpoint);
		break;
	case COPY_FILE:
		unpack_file(u, &msg->u.file);
		break;
	case COPY_HAVE:
		unpack_have(u, &msg->u.have);
		break;
	case COPY_EXTENT:
		unpack_extent(u, &msg->u.extent);
		break;
	case COPY_REFUSE:
	case COPY_END:
	case COPY_DONE:
		unpack_verdict(u, &msg->u.verdict);
		break;
	case COPY_NOTE:
	case COPY_ERROR:
		unpack_named_failure(u, &msg->u.failure);
		break;
	case COPY_FINISH:
		unpack_stats(u, &msg->u.stats);
		break;
	case COPY_READY:
	case COPY_PING:
		break;
	default:
		unpack_refuse(u, "a message of an unknown type");
	}
}

size_t copy_wire_encode(const struct copy_msg *msg,
			uint8_t buf[COPY_WIRE_HEADER_BYTES +
				    COPY_WIRE_PAYLOAD_MAX])
{
	struct packer p = { .pos = buf + COPY_WIRE_HEADER_BYTES,
			    .left = COPY_WIRE_PAYLOAD_MAX };

	/* The largest message fits: two paths, or three sentences */
	pack_payload(&p, msg);
	return pack_header(&protocol, msg->type, COPY_WIRE_PAYLOAD_MAX - p.left,
			   buf);
}

bool copy_wire_can_begin(const uint8_t *buf, size_t len)
{
	uint8_t magic[4];
	struct packer p = { .pos = magic, .left = sizeof(magic) };

	pack_num(&p, COPY_WIRE_MAGIC, sizeof(magic));
	return !memcmp(buf, magic, len < sizeof(magic) ? len : sizeof(magic));
}

int copy_wire_decode_header(const uint8_t buf[COPY_WIRE_HEADER_BYTES],
			    enum copy_msg_type *type, size_t *payload_bytes,
			    char why[PACK_WHY_MAX])
{
	int ret = unpack_header(&protocol, buf, payload_bytes, why);

	if (ret < 0)
		return ret;
	*type = ret;
	return 0;
}

int copy_wire_decode(enum copy_msg_type type, const uint8_t *payload,
		     size_t len, struct copy_msg *msg,
		     char why[PACK_WHY_MAX])
{
	struct unpacker u = { .pos = payload, .left = len };

	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	unpack_payload(&u, msg);
	return unpack_end(&u, copy_msg_name(type), why);
}
