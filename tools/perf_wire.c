// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "perf_wire.h"

static const char * const type_names[] = {
	[WIRE_HELLO] = "HELLO",
	[WIRE_WELCOME] = "WELCOME",
	[WIRE_ERROR] = "ERROR",
	[WIRE_BEGIN] = "BEGIN",
	[WIRE_READY] = "READY",
	[WIRE_GO] = "GO",
	[WIRE_DONE] = "DONE",
	[WIRE_VERDICT] = "VERDICT",
	[WIRE_BYE] = "BYE",
};

const char *wire_type_name(enum wire_type type)
{
	if ((size_t)type >= ARRAY_SIZE(type_names) || !type_names[type])
		return "unknown";
	return type_names[type];
}

/*
 * A writing position. The largest message fits its buffer by construction;
 * the bound is kept all the same.
 */
struct out {
	uint8_t *pos;
	size_t left;
};

static void put(struct out *o, uint64_t val, int bytes)
{
	if (o->left < (size_t)bytes)
		return;
	o->left -= bytes;
	while (bytes--)
		*o->pos++ = val >> 8 * bytes;
}

static void put_raw(struct out *o, const void *src, size_t len)
{
	if (o->left < len)
		return;
	memcpy(o->pos, src, len);
	o->pos += len;
	o->left -= len;
}

/* Texts have fixed length on the wire: printable ASCII, then only zeroes */
static void put_text(struct out *o, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len && text[i]; i++)
		put(o, isprint((unsigned char)text[i]) ? text[i] : '?', 1);
	for (; i < len; i++)
		put(o, 0, 1);
}

/*
 * A reading position. The first thing wrong stays in @why; from then on every
 * get returns 0, so that decoders need not test after each field.
 */
struct in {
	const uint8_t *pos;
	size_t left;
	char *why;
	bool bad;
};

__attribute__((format(printf, 2, 3)))
static void refuse(struct in *in, const char *fmt, ...)
{
	va_list ap;

	if (in->bad)
		return;
	in->bad = true;
	va_start(ap, fmt);
	vsnprintf(in->why, WIRE_WHY_MAX, fmt, ap);
	va_end(ap);
}

static const uint8_t *take(struct in *in, size_t len)
{
	const uint8_t *pos = in->pos;

	if (!in->bad && in->left < len)
		refuse(in, "a message that ends too early");
	if (in->bad)
		return NULL;
	in->pos += len;
	in->left -= len;
	return pos;
}

static uint64_t get(struct in *in, int bytes)
{
	const uint8_t *pos = take(in, bytes);
	uint64_t val = 0;

	if (!pos)
		return 0;
	while (bytes--)
		val = val << 8 | *pos++;
	return val;
}

static uint64_t get_range(struct in *in, int bytes, uint64_t min,
			  uint64_t max, const char *what)
{
	uint64_t val = get(in, bytes);

	if (!in->bad && (val < min || val > max))
		refuse(in, "%s = %llu, outside %llu to %llu", what,
		       (unsigned long long)val, (unsigned long long)min,
		       (unsigned long long)max);
	return in->bad ? 0 : val;
}

static bool is_printable(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isascii(text[i]) || !isprint((unsigned char)text[i]))
			return false;
	}
	return true;
}

static bool is_zero(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i])
			return false;
	}
	return true;
}

static void get_text(struct in *in, char *text, size_t len, const char *what)
{
	const char *pos = (const char *)take(in, len);
	size_t used;

	memset(text, 0, len);
	if (!pos)
		return;
	used = strnlen(pos, len);
	if (used == len)
		refuse(in, "%s has no end", what);
	else if (!is_printable(pos, used))
		refuse(in, "%s holds an unprintable byte", what);
	else if (!is_zero(pos + used, len - used))
		refuse(in, "%s goes on after its end", what);
	else
		memcpy(text, pos, used);
}

static void put_ident(struct out *o, const struct wire_ident *id)
{
	put_text(o, id->version, sizeof(id->version));
	put_text(o, id->kernel, sizeof(id->kernel));
	put_text(o, id->device, sizeof(id->device));
	put_text(o, id->memory, sizeof(id->memory));
}

static void get_ident(struct in *in, struct wire_ident *id)
{
	get_text(in, id->version, sizeof(id->version), "the tool's version");
	get_text(in, id->kernel, sizeof(id->kernel), "the kernel release");
	get_text(in, id->device, sizeof(id->device), "the device's name");
	get_text(in, id->memory, sizeof(id->memory), "the memory's name");
}

static void put_params(struct out *o, const struct perf_params *p)
{
	put(o, p->tool, 1);
	put(o, p->op, 1);
	put(o, p->atomic, 1);
	put(o, p->transport, 1);
	put(o, p->size, 8);
	put(o, p->iterations, 8);
	put(o, p->duration_s, 4);
	put(o, p->depth, 4);
	put(o, p->rx_depth, 4);
	put(o, p->qps, 4);
	put(o, p->sl, 1);
	put(o, p->tos, 1);
	put(o, p->sweep, 1);
	put(o, p->both, 1);
	put(o, p->cm, 1);
	put(o, p->verify, 1);
}

static void get_params(struct in *in, struct perf_params *p)
{
	const char *why;

	p->tool = get_range(in, 1, PERF_BW, PERF_LAT, "command");
	p->op = get_range(in, 1, PERF_WRITE, PERF_ATOMIC, "operation");
	p->atomic = get_range(in, 1, PERF_FETCH_ADD, PERF_CMP_SWAP,
			      "kind of atomic");
	p->transport = get_range(in, 1, PERF_RC, PERF_UD, "transport");
	p->size = get_range(in, 8, 1, PERF_SIZE_MAX, "size");
	p->iterations = get_range(in, 8, 0, PERF_ITERATIONS_MAX, "iterations");
	p->duration_s = get_range(in, 4, 0, PERF_DURATION_MAX, "duration");
	p->depth = get_range(in, 4, 1, PERF_DEPTH_MAX, "depth");
	p->rx_depth = get_range(in, 4, 1, PERF_DEPTH_MAX, "receive depth");
	p->qps = get_range(in, 4, 1, PERF_QPS_MAX, "queue pairs");
	p->sl = get_range(in, 1, 0, 15, "service level");
	p->tos = get(in, 1);
	p->sweep = get_range(in, 1, 0, 1, "sweep");
	p->both = get_range(in, 1, 0, 1, "bidirectional");
	p->cm = get_range(in, 1, 0, 1, "rdma_cm");
	p->verify = get_range(in, 1, 0, 1, "verify");
	if (in->bad)
		return;
	why = perf_params_wrong(p);
	if (why)
		refuse(in, "parameters that do not go together: %s", why);
}

static void put_endpoint(struct out *o, const struct wire_endpoint *ep)
{
	uint32_t i;

	put_raw(o, ep->gid, sizeof(ep->gid));
	put(o, ep->gid_kind, 1);
	put(o, ep->lid, 2);
	put(o, ep->mtu, 1);
	put(o, ep->rd_init, 1);
	put(o, ep->rd_resp, 1);
	put(o, ep->cm_port, 2);
	put(o, ep->rkey, 4);
	put(o, ep->addr, 8);
	put(o, ep->area_bytes, 8);
	put_text(o, ep->memory, sizeof(ep->memory));
	put_text(o, ep->route, sizeof(ep->route));
	put(o, ep->qps, 4);
	for (i = 0; i < ep->qps; i++) {
		put(o, ep->qp[i].num, 4);
		put(o, ep->qp[i].psn, 4);
	}
}

static void get_endpoint(struct in *in, struct wire_endpoint *ep)
{
	const uint8_t *gid = take(in, sizeof(ep->gid));
	uint32_t i;

	if (gid)
		memcpy(ep->gid, gid, sizeof(ep->gid));
	ep->gid_kind = get_range(in, 1, WIRE_GID_IB, WIRE_GID_ROCE_V2,
				 "kind of GID");
	ep->lid = get(in, 2);
	ep->mtu = get_range(in, 1, 1, 5, "MTU");
	ep->rd_init = get(in, 1);
	ep->rd_resp = get(in, 1);
	ep->cm_port = get(in, 2);
	ep->rkey = get(in, 4);
	ep->addr = get(in, 8);
	ep->area_bytes = get_range(in, 8, 1, PERF_AREA_MAX, "area");
	if (!in->bad && ep->addr > UINT64_MAX - ep->area_bytes)
		refuse(in, "memory that wraps around the address space");
	get_text(in, ep->memory, sizeof(ep->memory), "the memory's name");
	get_text(in, ep->route, sizeof(ep->route), "the route");
	ep->qps = get_range(in, 4, 1, PERF_QPS_MAX, "queue pairs");
	for (i = 0; i < ep->qps && !in->bad; i++) {
		ep->qp[i].num = get_range(in, 4, 0, 0xffffff, "QP number");
		ep->qp[i].psn = get_range(in, 4, 0, 0xffffff, "PSN");
	}
}

static void put_begin(struct out *o, const struct wire_begin *b)
{
	put(o, b->seed, 8);
	put(o, b->pass, 4);
	put(o, b->size, 8);
	put(o, b->server_memory, 1);
	put_endpoint(o, &b->client);
}

static void get_begin(struct in *in, struct wire_begin *b)
{
	b->seed = get(in, 8);
	b->pass = get(in, 4);
	b->size = get_range(in, 8, 1, PERF_SIZE_MAX, "size");
	b->server_memory = get_range(in, 1, PERF_MEMORY_OWN, PERF_MEMORY_HOST,
				     "server memory");
	get_endpoint(in, &b->client);
}

static void put_times(struct out *o, const struct perf_times *t)
{
	int i;

	put(o, t->samples, 8);
	put(o, t->min_ps, 8);
	put(o, t->max_ps, 8);
	put(o, t->avg_ps, 8);
	put(o, t->stdev_ps, 8);
	for (i = 0; i < PERF_PERCENTILES; i++)
		put(o, t->percentile_ps[i], 8);
}

static void get_times(struct in *in, struct perf_times *t)
{
	int i;

	t->samples = get(in, 8);
	t->min_ps = get(in, 8);
	t->max_ps = get(in, 8);
	t->avg_ps = get(in, 8);
	t->stdev_ps = get(in, 8);
	for (i = 0; i < PERF_PERCENTILES; i++)
		t->percentile_ps[i] = get(in, 8);
}

static void put_done(struct out *o, const struct wire_done *d)
{
	uint32_t i;

	put(o, d->messages, 8);
	put(o, d->elapsed_ns, 8);
	put(o, d->peak_bytes_per_s, 8);
	put_times(o, &d->times);
	put(o, d->qps, 4);
	for (i = 0; i < d->qps; i++)
		put(o, d->qp_messages[i], 8);
}

static void get_done(struct in *in, struct wire_done *d)
{
	uint32_t i;

	d->messages = get(in, 8);
	d->elapsed_ns = get(in, 8);
	d->peak_bytes_per_s = get(in, 8);
	get_times(in, &d->times);
	d->qps = get_range(in, 4, 0, PERF_QPS_MAX, "queue pairs");
	for (i = 0; i < d->qps && !in->bad; i++)
		d->qp_messages[i] = get(in, 8);
}

static void put_verdict(struct out *o, const struct wire_verdict *v)
{
	put(o, v->received, 8);
	put(o, v->data.checked_bytes, 8);
	put(o, v->data.wrong_bytes, 8);
	put(o, v->data.first_offset, 8);
	put(o, v->data.expected, 1);
	put(o, v->data.got, 1);
}

static void get_verdict(struct in *in, struct wire_verdict *v)
{
	struct perf_verdict *data = &v->data;

	v->received = get(in, 8);
	data->checked_bytes = get_range(in, 8, 0, PERF_AREA_MAX,
					"checked bytes");
	data->wrong_bytes = get_range(in, 8, 0, data->checked_bytes,
				      "wrong bytes");
	data->first_offset = get_range(in, 8, 0, PERF_AREA_MAX,
				       "first wrong offset");
	data->expected = get(in, 1);
	data->got = get(in, 1);
}

static void put_error(struct out *o, const struct failure *f)
{
	put(o, f->errnum, 4);
	put_text(o, f->reason, sizeof(f->reason));
	put_text(o, f->text, sizeof(f->text));
	put_text(o, f->remedy, sizeof(f->remedy));
}

static void get_error(struct in *in, struct failure *f)
{
	f->status = CMD_FAILED;
	f->errnum = get_range(in, 4, 0, 4095, "errno");
	get_text(in, f->reason, sizeof(f->reason), "the reason");
	get_text(in, f->text, sizeof(f->text), "the error's text");
	get_text(in, f->remedy, sizeof(f->remedy), "the error's remedy");
	if (!in->bad && !f->reason[0])
		refuse(in, "an error without a reason");
}

static void put_payload(struct out *o, const struct wire_msg *msg)
{
	switch (msg->type) {
	case WIRE_HELLO:
		put_ident(o, &msg->u.hello.ident);
		put_params(o, &msg->u.hello.params);
		put(o, msg->u.hello.passes, 4);
		break;
	case WIRE_WELCOME:
		put_ident(o, &msg->u.welcome);
		break;
	case WIRE_ERROR:
		put_error(o, &msg->u.error);
		break;
	case WIRE_BEGIN:
		put_begin(o, &msg->u.begin);
		break;
	case WIRE_READY:
		put_endpoint(o, &msg->u.ready);
		break;
	case WIRE_DONE:
		put_done(o, &msg->u.done);
		break;
	case WIRE_VERDICT:
		put_verdict(o, &msg->u.verdict);
		break;
	case WIRE_GO:
	case WIRE_BYE:
		break;
	}
}

size_t wire_encode(const struct wire_msg *msg,
		   uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX])
{
	struct out body = { buf + WIRE_HEADER_BYTES, WIRE_PAYLOAD_MAX };
	struct out head = { buf, WIRE_HEADER_BYTES };
	size_t len;

	put_payload(&body, msg);
	len = WIRE_PAYLOAD_MAX - body.left;
	put(&head, WIRE_MAGIC, 4);
	put(&head, WIRE_VERSION, 2);
	put(&head, msg->type, 2);
	put(&head, len, 4);
	return WIRE_HEADER_BYTES + len;
}

int wire_decode_header(const uint8_t buf[WIRE_HEADER_BYTES],
		       enum wire_type *type, size_t *payload_bytes,
		       char why[WIRE_WHY_MAX])
{
	struct in in = { buf, WIRE_HEADER_BYTES, why, false };
	uint64_t version;

	if (get(&in, 4) != WIRE_MAGIC)
		refuse(&in, "bytes that are no message of p2pmr");
	version = get(&in, 2);
	if (version != WIRE_VERSION)
		refuse(&in, "version %u of the protocol, where this program speaks version %u",
		       (unsigned int)version, WIRE_VERSION);
	*type = get_range(&in, 2, WIRE_HELLO, WIRE_BYE, "type of message");
	*payload_bytes = get_range(&in, 4, 0, WIRE_PAYLOAD_MAX, "length");
	return in.bad ? -EPROTO : 0;
}

int wire_decode_payload(enum wire_type type, const uint8_t *payload,
			size_t len, struct wire_msg *msg,
			char why[WIRE_WHY_MAX])
{
	struct in in = { payload, len, why, false };

	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	switch (type) {
	case WIRE_HELLO:
		get_ident(&in, &msg->u.hello.ident);
		get_params(&in, &msg->u.hello.params);
		msg->u.hello.passes = get_range(&in, 4, 1, WIRE_PASSES_MAX,
						"passes");
		break;
	case WIRE_WELCOME:
		get_ident(&in, &msg->u.welcome);
		break;
	case WIRE_ERROR:
		get_error(&in, &msg->u.error);
		break;
	case WIRE_BEGIN:
		get_begin(&in, &msg->u.begin);
		break;
	case WIRE_READY:
		get_endpoint(&in, &msg->u.ready);
		break;
	case WIRE_DONE:
		get_done(&in, &msg->u.done);
		break;
	case WIRE_VERDICT:
		get_verdict(&in, &msg->u.verdict);
		break;
	case WIRE_GO:
	case WIRE_BYE:
		break;
	default:
		refuse(&in, "a message of an unknown type");
	}
	if (!in.bad && in.left)
		refuse(&in, "a %s message with %zu bytes too many",
		       wire_type_name(type), in.left);
	return in.bad ? -EPROTO : 0;
}
