// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "perf.h"

bool perf_pass_posts(const struct perf_pass *pass)
{
	return pass->role == PERF_CLIENT || pass->lay.lanes == 2;
}

/* Is it the target of the other side's messages? */
static bool is_target(const struct perf_pass *pass)
{
	return pass->role == PERF_SERVER || pass->lay.lanes == 2;
}

bool perf_pass_receives(const struct perf_pass *pass)
{
	return pass->params.op == PERF_SEND && is_target(pass);
}

/* No more rights than the operation needs */
static int access_flags(const struct perf_pass *pass)
{
	enum perf_op op = pass->params.op;
	int flags = 0;

	if (perf_pass_posts(pass) && (op == PERF_READ || op == PERF_ATOMIC))
		flags |= IBV_ACCESS_LOCAL_WRITE;
	if (!is_target(pass))
		return flags;
	switch (op) {
	case PERF_WRITE:
		return flags | IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE;
	case PERF_READ:
		return flags | IBV_ACCESS_REMOTE_READ;
	case PERF_ATOMIC:
		return flags | IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_ATOMIC;
	default:
		return flags | IBV_ACCESS_LOCAL_WRITE;
	}
}

/* Does this side's memory change in the lane that @poster posts? */
static bool is_changed(const struct perf_pass *pass, enum perf_role poster)
{
	if (pass->params.op == PERF_ATOMIC)
		return true;
	return (pass->params.op == PERF_READ) == (poster == pass->role);
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

/* The last byte of a write that is waited for counts; none has come yet */
static int clear_mark(struct perf_pass *pass)
{
	static const uint8_t none;
	uint64_t offset = perf_other(pass->role) * pass->lay.lane_bytes +
			  pass->lay.size - 1;

	if (!perf_is_ping_pong(&pass->params) ||
	    pass->params.op != PERF_WRITE ||
	    !p2pmr_buf_write(pass->mem.buf, offset, &none, 1))
		return 0;
	return fail_lib("filling the memory with test data");
}

static int fill(struct perf_pass *pass)
{
	uint32_t lane;

	for (lane = 0; pass->params.verify && lane < pass->lay.lanes; lane++) {
		bool atomic_target = pass->params.op == PERF_ATOMIC &&
				     lane != pass->role;
		bool data = atomic_target || !is_changed(pass, lane);

		if (perf_area_fill(pass->mem.buf, &pass->lay, lane, pass->key,
				   data ? PERF_FILL_DATA : PERF_FILL_GUARD))
			return -1;
	}
	return clear_mark(pass);
}

static int create_conn(struct perf_pass *pass, struct perf_dev *dev,
		       const struct perf_opts *opts,
		       struct p2pmr_provider *provider)
{
	const struct perf_params *p = &pass->params;
	uint32_t cqe = perf_pass_posts(pass) ?
		       p->depth / perf_cq_mod(opts, p) + 1 + PERF_LIST_MAX : 1;
	struct perf_conn_size size = {
		.qps = p->qps,
		.send_wr = perf_pass_posts(pass) ? p->depth : 1,
		.recv_wr = perf_pass_receives(pass) ? p->rx_depth : 1,
		.inline_bytes = perf_inline_bytes(opts, p,
						  p2pmr_provider_is_peer(provider)),
		.inline_must = opts->inline_bytes > 0,
	};

	/* With -l, each list has a completion of its own on top */
	if (cqe > size.send_wr + 1)
		cqe = size.send_wr + 1;
	size.cqe = p->qps * (cqe + size.recv_wr);
	pass->conn.transport = p->transport;
	pass->conn.sl = p->sl;
	pass->conn.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ;
	if (p->op == PERF_ATOMIC)
		pass->conn.access |= IBV_ACCESS_REMOTE_ATOMIC;
	return perf_conn_create(&pass->conn, dev, &size);
}

int perf_pass_open(struct perf_pass *pass, struct perf_dev *dev,
		   const struct perf_opts *opts,
		   const struct perf_pass_plan *plan)
{
	memset(pass, 0, sizeof(*pass));
	pass->params = *plan->params;
	pass->params.size = plan->size;
	pass->role = plan->role;
	pass->seed = plan->seed;
	pass->key = perf_pattern_key(plan->seed, plan->number);
	/* The options' limits and the wire's make sure that it fits */
	perf_params_layout(&pass->params, &pass->lay);
	if (perf_choose_limits(&pass->local, dev, opts))
		return -1;
	if (perf_mem_get(&pass->mem, dev, plan->provider, pass->lay.area_bytes,
			 access_flags(pass)))
		return -1;
	if (fill(pass) || create_conn(pass, dev, opts, plan->provider))
		goto err;
	describe(pass, dev);
	if (pass->params.cm && pass->role == PERF_SERVER &&
	    perf_cm_listen(pass, dev))
		goto err;
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
	static const char *const kinds[] = { "IB", "RoCE v1", "RoCE v2" };

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
	if ((pass->params.op == PERF_READ || pass->params.op == PERF_ATOMIC) &&
	    (!remote->rd_init || !remote->rd_resp))
		return fail(CMD_FAILED, REASON_RDMA_DEVICE, EOPNOTSUPP,
			    "Use --op write.",
			    "The device of the other side does not do RDMA reads or atomics.");
	return check_family(pass, dev, remote);
}

int perf_pass_meet(struct perf_pass *pass, const struct perf_dev *dev,
		   const struct wire_endpoint *remote)
{
	unsigned int mtu_bytes;

	if (check_remote(pass, dev, remote))
		return -1;
	pass->remote = *remote;
	pass->mtu = remote->mtu < pass->local.mtu ? remote->mtu :
						    pass->local.mtu;
	mtu_bytes = 128U << pass->mtu;
	if (pass->params.transport == PERF_RC ||
	    pass->params.size <= mtu_bytes)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EMSGSIZE,
		    "Choose a smaller -s, or a smaller -m for a sweep.",
		    "A datagram of %llu bytes does not fit in the path MTU of %u bytes.",
		    (unsigned long long)pass->params.size, mtu_bytes);
}

int perf_pass_connect(struct perf_pass *pass, struct perf_dev *dev,
		      struct chan *ch)
{
	uint32_t i;

	if (pass->params.cm)
		return perf_cm_connect(pass, dev, ch);
	if (perf_conn_connect(&pass->conn, dev, &pass->local, &pass->remote))
		return -1;
	for (i = 0; i < pass->conn.qps; i++) {
		if (perf_post_receives(pass, i))
			return -1;
	}
	return 0;
}

int perf_post_receive(struct perf_pass *pass, uint32_t qp, uint64_t number)
{
	bool datagram = pass->conn.transport == PERF_UD;
	uint64_t lane = perf_other(pass->role) * pass->lay.lane_bytes;
	struct ibv_sge sge[2] = {
		{
			.addr = (uintptr_t)pass->conn.grh,
			.length = PERF_GRH_BYTES,
			.lkey = datagram ? pass->conn.grh_mr->lkey : 0,
		},
		{
			.addr = pass->local.addr + lane +
				perf_layout_offset(&pass->lay, qp, number),
			.length = pass->params.size,
			.lkey = pass->mem.mr->lkey,
		},
	};
	struct ibv_recv_wr wr = {
		.wr_id = PERF_RECEIVE | PERF_WR_ID(qp, number + 1),
		.sg_list = datagram ? sge : sge + 1,
		.num_sge = datagram ? 2 : 1,
	};
	struct ibv_recv_wr *bad;
	int ret = ibv_post_recv(pass->conn.qp[qp], &wr, &bad);

	if (!ret)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, ret, "",
		    "Cannot post receive %llu of queue pair %u: %s.",
		    (unsigned long long)number, qp, strerror(ret));
}

int perf_post_receives(struct perf_pass *pass, uint32_t qp)
{
	uint64_t i;

	if (!perf_pass_receives(pass))
		return 0;
	for (i = 0; i < pass->params.rx_depth; i++) {
		if (perf_post_receive(pass, qp, i))
			return -1;
	}
	return 0;
}

/* What is to be in one lane of this side's memory */
static void expect(const struct perf_pass *pass, uint32_t lane,
		   const struct wire_done *poster, struct perf_expect *ex)
{
	memset(ex, 0, sizeof(*ex));
	if (pass->params.op == PERF_ATOMIC) {
		ex->qp_messages = poster->qp_messages;
		ex->fetched = lane == pass->role;
	}
	if (perf_is_ping_pong(&pass->params) && pass->params.op == PERF_WRITE) {
		ex->marked = true;
		ex->mark = poster->messages;
	}
}

int perf_pass_check(struct perf_pass *pass, const struct wire_done done[2],
		    struct perf_verdict *verdict)
{
	struct perf_expect ex;
	uint32_t lane;

	memset(verdict, 0, sizeof(*verdict));
	for (lane = 0; pass->params.verify && lane < pass->lay.lanes; lane++) {
		if (!is_changed(pass, lane))
			continue;
		expect(pass, lane, &done[lane], &ex);
		if (perf_area_check(pass->mem.buf, &pass->lay, lane, pass->key,
				    &ex, verdict))
			return -1;
	}
	return 0;
}

/* Queue pairs first: nothing may arrive in memory that is given back */
void perf_pass_close(struct perf_pass *pass)
{
	perf_conn_destroy(&pass->conn);
	perf_cm_close(pass);
	perf_mem_put(&pass->mem);
}
