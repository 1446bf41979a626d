// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "perf.h"
#include "fail.h"

/* Slower than any device memory that was met, emulated ones included */
#define MEMORY_MIN_BYTES_PER_MS 256
#define MEMORY_BASE_MS 60000

int perf_memory_timeout_ms(const struct perf_layout *lay)
{
	return MEMORY_BASE_MS + lay->area_bytes / MEMORY_MIN_BYTES_PER_MS;
}

uint32_t perf_cq_mod(const struct perf_opts *opts, const struct wire_params *p)
{
	uint32_t mod = opts->cq_mod;

	/* Large messages are rare enough for a completion each */
	if (!mod)
		mod = p->size > PERF_CQ_MOD_SIZE ? 1 : PERF_CQ_MOD;
	/* A full send queue without a completion to come would never drain */
	return mod < p->depth ? mod : p->depth;
}

int perf_check_size(const struct perf_dev *dev, uint64_t size)
{
	if (size <= dev->port_attr.max_msg_sz)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EMSGSIZE,
		    "Choose a smaller -s.",
		    "Messages of %llu bytes are too large for %s: it takes at most %u bytes.",
		    (unsigned long long)size, dev->name,
		    dev->port_attr.max_msg_sz);
}

/* No more rights than the operation needs */
static int access_flags(enum perf_op op, enum perf_role role)
{
	if (op == PERF_WRITE)
		return role == PERF_CLIENT ? 0 : IBV_ACCESS_LOCAL_WRITE |
					       IBV_ACCESS_REMOTE_WRITE;
	return role == PERF_CLIENT ? IBV_ACCESS_LOCAL_WRITE :
				   IBV_ACCESS_REMOTE_READ;
}

static bool is_sender(enum perf_op op, enum perf_role role)
{
	return (op == PERF_WRITE) == (role == PERF_CLIENT);
}

int perf_probe_memory(struct perf_dev *dev, struct p2pmr_provider *provider)
{
	struct perf_mem mem = { 0 };

	if (perf_mem_get(&mem, dev, provider, 1, IBV_ACCESS_LOCAL_WRITE))
		return -1;
	perf_mem_put(&mem);
	return 0;
}

static enum wire_gid_kind gid_kind(uint32_t type)
{
	switch (type) {
	case IBV_GID_TYPE_IB:
		return WIRE_GID_IB;
	case IBV_GID_TYPE_ROCE_V1:
		return WIRE_GID_ROCE_V1;
	default:
		return WIRE_GID_ROCE_V2;
	}
}

static int choose_mtu(struct wire_endpoint *ep, const struct perf_dev *dev,
		      const struct perf_opts *opts)
{
	ep->mtu = opts->mtu ? opts->mtu : dev->port_attr.active_mtu;
	if (ep->mtu <= dev->port_attr.active_mtu)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EMSGSIZE,
		    "Choose a smaller -m, or raise the MTU of its network interface.",
		    "An MTU of %u bytes is too large for %s port %u, whose active MTU is %u bytes.",
		    128U << ep->mtu, dev->name, dev->port,
		    128U << dev->port_attr.active_mtu);
}

static uint8_t at_most_255(int val)
{
	return val < 0 ? 0 : val > 255 ? 255 : val;
}

static int choose_outs(struct wire_endpoint *ep, const struct perf_dev *dev,
		       const struct perf_opts *opts)
{
	ep->rd_init = at_most_255(dev->attr.max_qp_init_rd_atom);
	ep->rd_resp = at_most_255(dev->attr.max_qp_rd_atom);
	if (!opts->outs)
		return 0;
	if (opts->outs > ep->rd_init)
		return fail(CMD_FAILED, REASON_RDMA_DEVICE, EINVAL,
			    "Choose a smaller -o.",
			    "%u outstanding reads are too many for %s: it issues at most %u.",
			    opts->outs, dev->name, ep->rd_init);
	ep->rd_init = opts->outs;
	return 0;
}

static void describe(struct perf_pass *pass, const struct perf_dev *dev)
{
	struct wire_endpoint *ep = &pass->local;
	uint32_t i;

	memcpy(ep->gid, dev->gid.gid.raw, sizeof(ep->gid));
	ep->gid_kind = gid_kind(dev->gid.gid_type);
	ep->lid = dev->port_attr.lid;
	ep->rkey = pass->mem.mr->rkey;
	ep->addr = (uintptr_t)p2pmr_buf_addr(pass->mem.buf);
	ep->area_bytes = pass->lay.area_bytes;
	snprintf(ep->memory, sizeof(ep->memory), "%s", pass->mem.name);
	snprintf(ep->route, sizeof(ep->route), "%s",
		 p2pmr_route_name(pass->mem.route));
	ep->qps = pass->conn.qps;
	for (i = 0; i < ep->qps; i++) {
		ep->qp[i].num = pass->conn.qp[i]->qp_num;
		ep->qp[i].psn = pass->conn.psn[i];
	}
}

int perf_pass_open(struct perf_pass *pass, struct perf_dev *dev,
		 const struct perf_opts *opts, const struct wire_params *params,
		 struct p2pmr_provider *provider, enum perf_role role,
		 uint64_t key)
{
	uint32_t per_qp = params->depth / perf_cq_mod(opts, params) + 1;
	enum perf_fill fill;

	memset(pass, 0, sizeof(*pass));
	pass->params = params;
	pass->key = key;
	/* The options' limits and the wire's make sure that it fits */
	perf_layout_init(&pass->lay, params->size, params->depth, params->qps,
		       params->iterations);
	if (choose_mtu(&pass->local, dev, opts) ||
	    choose_outs(&pass->local, dev, opts))
		return -1;
	if (perf_mem_get(&pass->mem, dev, provider, pass->lay.area_bytes,
		       access_flags(params->op, role)))
		return -1;

	fill = is_sender(params->op, role) ? PERF_FILL_DATA : PERF_FILL_GUARD;
	if (params->verify &&
	    perf_area_fill(pass->mem.buf, &pass->lay, key, fill))
		goto err;
	if (perf_conn_create(&pass->conn, dev, params->qps, params->depth,
			   params->qps * per_qp))
		goto err;
	describe(pass, dev);
	return 0;
err:
	perf_pass_close(pass);
	return -1;
}

static const char *family(const uint8_t gid[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(gid, mapped, sizeof(mapped)) ? "an IPv6 address" :
						     "an IPv4 address";
}

/* RoCE v2 packets are IP packets, and the two ends of one are of one kind */
static int check_family(const struct perf_pass *pass, const struct perf_dev *dev,
			const struct wire_endpoint *remote)
{
	const char *mine = family(pass->local.gid);
	const char *theirs = family(remote->gid);

	if (pass->local.gid_kind != WIRE_GID_ROCE_V2 || !strcmp(mine, theirs))
		return 0;
	return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
		    "Choose GIDs of one kind with -x on both sides.",
		    "GID %u of %s is %s, that of the other side is %s.",
		    dev->gid.gid_index, dev->name, mine, theirs);
}

/* The two sides were set up by different people: do they fit together? */
static int check_remote(const struct perf_pass *pass, const struct perf_dev *dev,
			const struct wire_endpoint *remote)
{
	static const char * const kinds[] = { "IB", "RoCE v1", "RoCE v2" };

	if (remote->qps != pass->conn.qps)
		return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO, "",
			    "The other side set up %u queue pairs where %u were agreed.",
			    remote->qps, pass->conn.qps);
	if (remote->area_bytes != pass->lay.area_bytes)
		return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO, "",
			    "The other side set up %llu bytes where %llu were agreed.",
			    (unsigned long long)remote->area_bytes,
			    (unsigned long long)pass->lay.area_bytes);
	if (remote->gid_kind != pass->local.gid_kind)
		return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
			    "Choose GIDs of one kind with -x on both sides.",
			    "GID %u of %s is %s, that of the other side is %s.",
			    dev->gid.gid_index, dev->name,
			    kinds[pass->local.gid_kind],
			    kinds[remote->gid_kind]);
	if (pass->params->op == PERF_READ && (!remote->rd_init || !remote->rd_resp))
		return fail(CMD_FAILED, REASON_RDMA_DEVICE, EOPNOTSUPP,
			    "Use --op write.",
			    "The device of the other side does not do RDMA reads.");
	return check_family(pass, dev, remote);
}

int perf_pass_connect(struct perf_pass *pass, struct perf_dev *dev,
		    const struct wire_endpoint *remote)
{
	if (check_remote(pass, dev, remote))
		return -1;
	pass->remote = *remote;
	pass->mtu = remote->mtu < pass->local.mtu ? remote->mtu :
						    pass->local.mtu;
	return perf_conn_connect(&pass->conn, dev, &pass->local, &pass->remote);
}

int perf_pass_check(struct perf_pass *pass, struct perf_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	if (!pass->params->verify)
		return 0;
	return perf_area_check(pass->mem.buf, &pass->lay, pass->key, verdict);
}

/* Queue pairs first: nothing may arrive in memory that is given back */
void perf_pass_close(struct perf_pass *pass)
{
	perf_conn_destroy(&pass->conn);
	perf_mem_put(&pass->mem);
}

int perf_fail_verdict(const struct perf_verdict *v, const char *where)
{
	return fail(CMD_FAILED, REASON_DATA_MISMATCH, EBADMSG,
		    "Run `dmesg` on both sides and check the path between the devices; do not trust this memory.",
		    "Wrong data in %s: %llu of %llu bytes, the first at offset %llu, where 0x%02x was expected and 0x%02x found.",
		    where, (unsigned long long)v->wrong_bytes,
		    (unsigned long long)v->checked_bytes,
		    (unsigned long long)v->first_offset, v->expected, v->got);
}
