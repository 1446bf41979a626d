// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "perf_wire.h"

/*
 * A field is no longer on the wire than in memory, but for texts: two bytes of
 * length replace one of end. The largest messages fit, whatever they say.
 */
#define TEXTS_MAX 4
_Static_assert(sizeof(struct wire_msg) + TEXTS_MAX <= WIRE_PAYLOAD_MAX,
	       "the largest message fits");

static const struct pack_protocol protocol = {
	.name = "p2pmr",
	.magic = WIRE_MAGIC,
	.version = WIRE_VERSION,
	.type_max = WIRE_BYE,
	.payload_max = WIRE_PAYLOAD_MAX,
};

static const char *const type_names[] = {
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

static void pack_ident(struct packer *p, const struct wire_ident *id)
{
	pack_text(p, id->version);
	pack_text(p, id->kernel);
	pack_text(p, id->device);
	pack_text(p, id->memory);
}

static void unpack_ident(struct unpacker *u, struct wire_ident *id)
{
	unpack_text(u, id->version, sizeof(id->version), "the tool's version");
	unpack_text(u, id->kernel, sizeof(id->kernel), "the kernel release");
	unpack_text(u, id->device, sizeof(id->device), "the device's name");
	unpack_text(u, id->memory, sizeof(id->memory), "the memory's name");
}

static void pack_params(struct packer *p, const struct perf_params *par)
{
	pack_num(p, par->tool, 1);
	pack_num(p, par->op, 1);
	pack_num(p, par->atomic, 1);
	pack_num(p, par->transport, 1);
	pack_num(p, par->size, 8);
	pack_num(p, par->iterations, 8);
	pack_num(p, par->duration_s, 4);
	pack_num(p, par->depth, 4);
	pack_num(p, par->rx_depth, 4);
	pack_num(p, par->qps, 4);
	pack_num(p, par->sl, 1);
	pack_num(p, par->tos, 1);
	pack_num(p, par->sweep, 1);
	pack_num(p, par->both, 1);
	pack_num(p, par->cm, 1);
	pack_num(p, par->verify, 1);
}

static void unpack_params(struct unpacker *u, struct perf_params *p)
{
	const char *why;

	p->tool = unpack_range(u, 1, PERF_BW, PERF_LAT, "command");
	p->op = unpack_range(u, 1, PERF_WRITE, PERF_ATOMIC, "operation");
	p->atomic = unpack_range(u, 1, PERF_FETCH_ADD, PERF_CMP_SWAP,
				 "kind of atomic");
	p->transport = unpack_range(u, 1, PERF_RC, PERF_UD, "transport");
	p->size = unpack_range(u, 8, 1, PERF_SIZE_MAX, "size");
	p->iterations = unpack_range(u, 8, 0, PERF_ITERATIONS_MAX, "iterations");
	p->duration_s = unpack_range(u, 4, 0, PERF_DURATION_MAX, "duration");
	p->depth = unpack_range(u, 4, 1, PERF_DEPTH_MAX, "depth");
	p->rx_depth = unpack_range(u, 4, 1, PERF_DEPTH_MAX, "receive depth");
	p->qps = unpack_range(u, 4, 1, PERF_QPS_MAX, "queue pairs");
	p->sl = unpack_range(u, 1, 0, 15, "service level");
	p->tos = unpack_num(u, 1);
	p->sweep = unpack_range(u, 1, 0, 1, "sweep");
	p->both = unpack_range(u, 1, 0, 1, "bidirectional");
	p->cm = unpack_range(u, 1, 0, 1, "rdma_cm");
	p->verify = unpack_range(u, 1, 0, 1, "verify");
	if (u->bad)
		return;
	why = perf_params_wrong(p);
	if (why)
		unpack_refuse(u, "parameters that do not go together: %s", why);
}

static void pack_endpoint(struct packer *p, const struct wire_endpoint *ep)
{
	uint32_t i;

	pack_raw(p, ep->gid, sizeof(ep->gid));
	pack_num(p, ep->gid_kind, 1);
	pack_num(p, ep->lid, 2);
	pack_num(p, ep->mtu, 1);
	pack_num(p, ep->rd_init, 1);
	pack_num(p, ep->rd_resp, 1);
	pack_num(p, ep->cm_port, 2);
	pack_num(p, ep->rkey, 4);
	pack_num(p, ep->addr, 8);
	pack_num(p, ep->area_bytes, 8);
	pack_text(p, ep->memory);
	pack_text(p, ep->route);
	pack_num(p, ep->qps, 4);
	for (i = 0; i < ep->qps; i++) {
		pack_num(p, ep->qp[i].num, 4);
		pack_num(p, ep->qp[i].psn, 4);
	}
}

static void unpack_endpoint(struct unpacker *u, struct wire_endpoint *ep)
{
	uint32_t i;

	unpack_raw(u, ep->gid, sizeof(ep->gid));
	ep->gid_kind = unpack_range(u, 1, WIRE_GID_IB, WIRE_GID_ROCE_V2,
				    "kind of GID");
	ep->lid = unpack_num(u, 2);
	ep->mtu = unpack_range(u, 1, 1, 5, "MTU");
	ep->rd_init = unpack_num(u, 1);
	ep->rd_resp = unpack_num(u, 1);
	ep->cm_port = unpack_num(u, 2);
	ep->rkey = unpack_num(u, 4);
	ep->addr = unpack_num(u, 8);
	ep->area_bytes = unpack_range(u, 8, 1, PERF_AREA_MAX, "area");
	if (ep->addr > UINT64_MAX - ep->area_bytes)
		unpack_refuse(u, "memory that wraps around the address space");
	unpack_text(u, ep->memory, sizeof(ep->memory), "the memory's name");
	unpack_text(u, ep->route, sizeof(ep->route), "the route");
	ep->qps = unpack_range(u, 4, 1, PERF_QPS_MAX, "queue pairs");
	for (i = 0; i < ep->qps; i++) {
		ep->qp[i].num = unpack_range(u, 4, 0, 0xffffff, "QP number");
		ep->qp[i].psn = unpack_range(u, 4, 0, 0xffffff, "PSN");
	}
}

static void pack_begin(struct packer *p, const struct wire_begin *b)
{
	pack_num(p, b->seed, 8);
	pack_num(p, b->pass, 4);
	pack_num(p, b->size, 8);
	pack_num(p, b->server_memory, 1);
	pack_endpoint(p, &b->client);
}

static void unpack_begin(struct unpacker *u, struct wire_begin *b)
{
	b->seed = unpack_num(u, 8);
	b->pass = unpack_num(u, 4);
	b->size = unpack_range(u, 8, 1, PERF_SIZE_MAX, "size");
	b->server_memory = unpack_range(u, 1, PERF_MEMORY_OWN, PERF_MEMORY_HOST,
					"server memory");
	unpack_endpoint(u, &b->client);
}

static void pack_times(struct packer *p, const struct perf_times *t)
{
	int i;

	pack_num(p, t->samples, 8);
	pack_num(p, t->min_ps, 8);
	pack_num(p, t->max_ps, 8);
	pack_num(p, t->avg_ps, 8);
	pack_num(p, t->stdev_ps, 8);
	for (i = 0; i < PERF_PERCENTILES; i++)
		pack_num(p, t->percentile_ps[i], 8);
}

static void unpack_times(struct unpacker *u, struct perf_times *t)
{
	int i;

	t->samples = unpack_num(u, 8);
	t->min_ps = unpack_num(u, 8);
	t->max_ps = unpack_num(u, 8);
	t->avg_ps = unpack_num(u, 8);
	t->stdev_ps = unpack_num(u, 8);
	for (i = 0; i < PERF_PERCENTILES; i++)
		t->percentile_ps[i] = unpack_num(u, 8);
}

static void pack_done(struct packer *p, const struct wire_done *d)
{
	uint32_t i;

	pack_num(p, d->messages, 8);
	pack_num(p, d->elapsed_ns, 8);
	pack_num(p, d->peak_bytes_per_s, 8);
	pack_times(p, &d->times);
	pack_num(p, d->qps, 4);
	for (i = 0; i < d->qps; i++)
		pack_num(p, d->qp_messages[i], 8);
}

static void unpack_done(struct unpacker *u, struct wire_done *d)
{
	uint32_t i;

	d->messages = unpack_num(u, 8);
	d->elapsed_ns = unpack_num(u, 8);
	d->peak_bytes_per_s = unpack_num(u, 8);
	unpack_times(u, &d->times);
	d->qps = unpack_range(u, 4, 0, PERF_QPS_MAX, "queue pairs");
	for (i = 0; i < d->qps; i++)
		d->qp_messages[i] = unpack_num(u, 8);
}

static void pack_verdict(struct packer *p, const struct wire_verdict *v)
{
	pack_num(p, v->received, 8);
	pack_num(p, v->data.checked_bytes, 8);
	pack_num(p, v->data.wrong_bytes, 8);
	pack_num(p, v->data.first_offset, 8);
	pack_num(p, v->data.expected, 1);
	pack_num(p, v->data.got, 1);
}

static void unpack_verdict(struct unpacker *u, struct wire_verdict *v)
{
	struct perf_verdict *data = &v->data;

	v->received = unpack_num(u, 8);
	data->checked_bytes = unpack_range(u, 8, 0, PERF_AREA_MAX,
					   "checked bytes");
	data->wrong_bytes = unpack_range(u, 8, 0, data->checked_bytes,
					 "wrong bytes");
	data->first_offset = unpack_range(u, 8, 0, PERF_AREA_MAX,
					  "first wrong offset");
	data->expected = unpack_num(u, 1);
	data->got = unpack_num(u, 1);
}

static void pack_error(struct packer *p, const struct failure *f)
{
	pack_num(p, f->errnum, 4);
	pack_text(p, f->reason);
	pack_text(p, f->text);
	pack_text(p, f->remedy);
}

static void unpack_error(struct unpacker *u, struct failure *f)
{
	f->status = CMD_FAILED;
	f->errnum = unpack_range(u, 4, 0, 4095, "errno");
	unpack_text(u, f->reason, sizeof(f->reason), "the reason");
	unpack_text(u, f->text, sizeof(f->text), "the error's text");
	unpack_text(u, f->remedy, sizeof(f->remedy), "the error's remedy");
	if (!f->reason[0])
		unpack_refuse(u, "an error without a reason");
}

static void pack_payload(struct packer *p, const struct wire_msg *msg)
{
	switch (msg->type) {
	case WIRE_HELLO:
		pack_ident(p, &msg->u.hello.ident);
		pack_params(p, &msg->u.hello.params);
		pack_num(p, msg->u.hello.passes, 4);
		break;
	case WIRE_WELCOME:
		pack_ident(p, &msg->u.welcome);
		break;
	case WIRE_ERROR:
		pack_error(p, &msg->u.error);
		break;
	case WIRE_BEGIN:
		pack_begin(p, &msg->u.begin);
		break;
	case WIRE_READY:
		pack_endpoint(p, &msg->u.ready);
		break;
	case WIRE_DONE:
		pack_done(p, &msg->u.done);
		break;
	case WIRE_VERDICT:
		pack_verdict(p, &msg->u.verdict);
		break;
	case WIRE_GO:
	case WIRE_BYE:
		break;
	}
}

static void unpack_payload(struct unpacker *u, struct wire_msg *msg)
{
	switch (msg->type) {
	case WIRE_HELLO:
		unpack_ident(u, &msg->u.hello.ident);
		unpack_params(u, &msg->u.hello.params);
		msg->u.hello.passes = unpack_range(u, 4, 1, WIRE_PASSES_MAX,
						   "passes");
		break;
	case WIRE_WELCOME:
		unpack_ident(u, &msg->u.welcome);
		break;
	case WIRE_ERROR:
		unpack_error(u, &msg->u.error);
		break;
	case WIRE_BEGIN:
		unpack_begin(u, &msg->u.begin);
		break;
	case WIRE_READY:
		unpack_endpoint(u, &msg->u.ready);
		break;
	case WIRE_DONE:
		unpack_done(u, &msg->u.done);
		break;
	case WIRE_VERDICT:
		unpack_verdict(u, &msg->u.verdict);
		break;
	case WIRE_GO:
	case WIRE_BYE:
		break;
	default:
		unpack_refuse(u, "a message of an unknown type");
	}
}

size_t wire_encode(const struct wire_msg *msg,
		   uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX])
{
	struct packer p = { .pos = buf + WIRE_HEADER_BYTES,
			    .left = WIRE_PAYLOAD_MAX };

	pack_payload(&p, msg);
	return pack_header(&protocol, msg->type, WIRE_PAYLOAD_MAX - p.left,
			   buf);
}

int wire_decode_header(const uint8_t buf[WIRE_HEADER_BYTES],
		       enum wire_type *type, size_t *payload_bytes,
		       char why[PACK_WHY_MAX])
{
	int ret = unpack_header(&protocol, buf, payload_bytes, why);

	if (ret < 0)
		return ret;
	*type = ret;
	return 0;
}

int wire_decode_payload(enum wire_type type, const uint8_t *payload,
			size_t len, struct wire_msg *msg,
			char why[PACK_WHY_MAX])
{
	struct unpacker u = { .pos = payload, .left = len };

	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	unpack_payload(&u, msg);
	return unpack_end(&u, wire_type_name(type), why);
}
