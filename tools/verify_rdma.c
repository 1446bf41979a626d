// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two queue pairs that are connected with each other, of one device or of two,
 * in one process. One batch of requests at a time.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stop.h"
#include "verify.h"

/* Messages, and the read that flushes them */
#define DEPTH (VERIFY_BATCH_MAX + 1)
/* How often to poll in vain before going to sleep, and how long that is */
#define SPIN_TURNS 100
#define LOOK_MS 100

static enum verify_end requester(enum verify_way way)
{
	return way == VERIFY_LOCAL_WRITE || way == VERIFY_LOCAL_READ ?
	       VERIFY_NEAR : VERIFY_FAR;
}

/* By RDMA writes? */
static bool writes(enum verify_way way)
{
	return way == VERIFY_REMOTE_WRITE || way == VERIFY_LOCAL_READ;
}

static int open_end(struct verify_rdma *rdma, enum verify_end end,
		    const struct verify_opts *opts)
{
	const struct perf_opts dev_opts = {
		.device = end == VERIFY_FAR && opts->to ? opts->to :
							  opts->device,
		.ib_port = opts->ib_port,
		.gid_index = opts->gid_index,
	};

	return perf_dev_open(&rdma->dev[end], &dev_opts);
}

int verify_rdma_open(struct verify_rdma *rdma, const struct verify_opts *opts)
{
	uint32_t near_max, far_max;

	if (open_end(rdma, VERIFY_NEAR, opts) ||
	    open_end(rdma, VERIFY_FAR, opts))
		return -1;
	near_max = rdma->dev[VERIFY_NEAR].port_attr.max_msg_sz;
	far_max = rdma->dev[VERIFY_FAR].port_attr.max_msg_sz;
	rdma->max_bytes = near_max < far_max ? near_max : far_max;
	return 0;
}

static bool no_atomics(struct failure *why, const char *device,
		       const char *text)
{
	why->errnum = EOPNOTSUPP;
	snprintf(why->reason, sizeof(why->reason), REASON_RDMA_DEVICE);
	snprintf(why->text, sizeof(why->text), "%s %s.", device, text);
	return false;
}

bool verify_rdma_does_atomics(const struct verify_rdma *rdma,
			      const struct p2pmr_provider *provider,
			      struct failure *why)
{
	const struct perf_dev *near = &rdma->dev[VERIFY_NEAR];
	const struct perf_dev *far = &rdma->dev[VERIFY_FAR];
	unsigned int caps = 0;

	memset(why, 0, sizeof(*why));
	if (near->attr.atomic_cap == IBV_ATOMIC_NONE)
		return no_atomics(why, near->name, "does no atomic operations");
	if (far->attr.atomic_cap == IBV_ATOMIC_NONE)
		return no_atomics(why, far->name, "does no atomic operations");
	if (!p2pmr_provider_is_peer(provider))
		return true;
	if (p2pmr_device_caps(near->ctx, &caps)) {
		failure_from_lib(why, near->name);
		return false;
	}
	if (!(caps & P2PMR_CAP_PEER_ATOMIC))
		return no_atomics(why, near->name,
				  "does not say that atomic operations work on peer memory");
	return true;
}

static struct ibv_mr *register_side(struct verify_rdma *rdma,
				    enum verify_end end, struct p2pmr_buf *buf,
				    int more_access, enum p2pmr_route *route)
{
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
		     IBV_ACCESS_REMOTE_READ | more_access;
	struct ibv_mr *mr = p2pmr_reg_mr(rdma->dev[end].pd, buf, access, route);

	if (!mr)
		fail_lib("");
	return mr;
}

static int register_all(struct verify_rdma *rdma, struct verify_run *run,
			struct p2pmr_provider *host)
{
	enum p2pmr_route route;
	int end;

	rdma->mr[VERIFY_NEAR] = register_side(rdma, VERIFY_NEAR, run->near.buf,
					      run->atomics ?
					      IBV_ACCESS_REMOTE_ATOMIC : 0,
					      &rdma->route);
	if (!rdma->mr[VERIFY_NEAR])
		return -1;
	rdma->mr[VERIFY_FAR] = register_side(rdma, VERIFY_FAR, run->far.buf, 0,
					     &route);
	if (!rdma->mr[VERIFY_FAR])
		return -1;
	rdma->addr[VERIFY_NEAR] = (uintptr_t)p2pmr_buf_addr(run->near.buf);
	rdma->addr[VERIFY_FAR] = (uintptr_t)p2pmr_buf_addr(run->far.buf);

	rdma->scratch = p2pmr_buf_alloc(host, sizeof(uint64_t));
	if (!rdma->scratch)
		return fail_lib("");
	for (end = 0; end < VERIFY_ENDS; end++) {
		rdma->scratch_mr[end] = register_side(rdma, end, rdma->scratch,
						      0, &route);
		if (!rdma->scratch_mr[end])
			return -1;
	}
	return 0;
}

static uint8_t at_most_255(int val)
{
	return val < 0 ? 0 : val > 255 ? 255 : val;
}

static void describe(const struct verify_rdma *rdma, enum verify_end end,
		     struct wire_endpoint *ep)
{
	const struct perf_dev *dev = &rdma->dev[end];

	memset(ep, 0, sizeof(*ep));
	memcpy(ep->gid, dev->gid.gid.raw, sizeof(ep->gid));
	ep->lid = dev->port_attr.lid;
	ep->mtu = dev->port_attr.active_mtu;
	ep->rd_init = at_most_255(dev->attr.max_qp_init_rd_atom);
	ep->rd_resp = at_most_255(dev->attr.max_qp_rd_atom);
	ep->qps = 1;
	ep->qp[0].num = rdma->conn[end].qp[0]->qp_num;
	ep->qp[0].psn = rdma->conn[end].psn[0];
}

static int connect_ends(struct verify_rdma *rdma)
{
	struct wire_endpoint *ep = calloc(VERIFY_ENDS, sizeof(*ep));
	int ret = -1;

	if (!ep)
		return fail_nomem();
	describe(rdma, VERIFY_NEAR, &ep[VERIFY_NEAR]);
	describe(rdma, VERIFY_FAR, &ep[VERIFY_FAR]);
	if (!perf_conn_connect(&rdma->conn[VERIFY_NEAR], &rdma->dev[VERIFY_NEAR],
			       &ep[VERIFY_NEAR], &ep[VERIFY_FAR]) &&
	    !perf_conn_connect(&rdma->conn[VERIFY_FAR], &rdma->dev[VERIFY_FAR],
			       &ep[VERIFY_FAR], &ep[VERIFY_NEAR]))
		ret = 0;
	free(ep);
	return ret;
}

static int fail_post(const char *what, int err)
{
	return fail(CMD_FAILED, REASON_RDMA, err, "",
		    "Cannot post a work request (%s): %s.", what,
		    strerror(err));
}

/* Sleep until there is a completion, or somebody presses Ctrl-C */
static int sleep_for(struct perf_conn *conn)
{
	struct pollfd pfd = { .fd = conn->channel->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *cookie;

	if (poll(&pfd, 1, LOOK_MS) <= 0)
		return stop_check();
	if (ibv_get_cq_event(conn->channel, &cq, &cookie))
		return fail(CMD_FAILED, REASON_RDMA, errno, "",
			    "Cannot read a completion event: %s.",
			    strerror(errno));
	ibv_ack_cq_events(cq, 1);
	if (ibv_req_notify_cq(conn->cq, 0))
		return fail(CMD_FAILED, REASON_RDMA, errno, "",
			    "Cannot ask for a completion event.");
	return 0;
}

/*
 * The next completion of what @end posted. A device of hardware has it in a
 * moment; a software one needs this CPU to get there.
 */
static int wait_for(struct verify_rdma *rdma, enum verify_end end,
		    const char *what)
{
	struct perf_conn *conn = &rdma->conn[end];
	unsigned int turns = 0;
	struct ibv_wc wc;
	int n;

	while (!(n = ibv_poll_cq(conn->cq, 1, &wc))) {
		if (++turns > SPIN_TURNS && sleep_for(conn))
			return -1;
	}
	if (n < 0)
		return fail(CMD_FAILED, REASON_RDMA, EIO, "",
			    "Cannot poll the completion queue.");
	if (wc.status == IBV_WC_SUCCESS)
		return 0;
	return fail(CMD_FAILED, REASON_COMPLETION, EIO,
		    "Run `dmesg`, and check that the GIDs reach each other and that no device was removed.",
		    "A request (%s) ended with \"%s\" (vendor code %u).", what,
		    ibv_wc_status_str(wc.status), wc.vendor_err);
}

/* @flags: IBV_SEND_SIGNALED to wait for it, 0 when a flush follows */
static int post(struct verify_rdma *rdma, enum verify_end end,
		struct ibv_send_wr *wr, int flags, const char *what)
{
	struct ibv_send_wr *bad;
	int ret;

	wr->send_flags = flags;
	wr->num_sge = 1;
	ret = ibv_post_send(rdma->conn[end].qp[0], wr, &bad);
	if (ret)
		return fail_post(what, ret);
	return flags ? wait_for(rdma, end, what) : 0;
}

/*
 * Have what @end wrote to the other end's memory be there, which a completion
 * does not say, and wait for that. What failed before it completes first.
 */
static int flush(struct verify_rdma *rdma, enum verify_end end, uint64_t addr,
		 uint64_t len, const char *what)
{
	const enum verify_end other = !end;
	const struct ibv_sge scratch = {
		.addr = (uintptr_t)p2pmr_buf_addr(rdma->scratch),
		.length = 1,
		.lkey = rdma->scratch_mr[end]->lkey,
	};
	int ret = p2pmr_flush_post(rdma->conn[end].qp[0], 0, &scratch, addr,
				   len, rdma->mr[other]->rkey);

	return ret ? fail_post(what, -ret) : wait_for(rdma, end, what);
}

/* A message that may be split */
static int post_message(struct verify_rdma *rdma, enum verify_way way,
			const struct verify_case *c, uint64_t skip,
			uint64_t len, int flags)
{
	const enum verify_end end = requester(way);
	const enum verify_end other = !end;
	const uint64_t at[] = {
		[VERIFY_NEAR] = rdma->addr[VERIFY_NEAR] + c->offset + skip,
		[VERIFY_FAR] = rdma->addr[VERIFY_FAR] + c->far_offset + skip,
	};
	struct ibv_sge sge = {
		.addr = at[end],
		.length = len,
		.lkey = rdma->mr[end]->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.opcode = writes(way) ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ,
		.wr.rdma = {
			.remote_addr = at[other],
			.rkey = rdma->mr[other]->rkey,
		},
	};

	return post(rdma, end, &wr, flags, verify_way_name(way));
}

/* Whatever @c brought: the near device reads it last, or the far one does */
static int flush_case(struct verify_rdma *rdma, enum verify_way way,
		      const struct verify_case *c)
{
	const char *what = verify_way_name(way);

	if (way == VERIFY_LOCAL_READ)
		return flush(rdma, VERIFY_NEAR, rdma->addr[VERIFY_FAR] +
			     c->far_offset, c->len_bytes, what);
	/* Only the far end can have the near device read its own memory */
	return flush(rdma, VERIFY_FAR, rdma->addr[VERIFY_NEAR] + c->offset,
		     c->len_bytes, what);
}

/* One that is too large for a message goes as several, one at a time */
static int move_split(struct verify_rdma *rdma, enum verify_way way,
		      const struct verify_case *c)
{
	uint64_t skip, len;

	for (skip = 0; skip < c->len_bytes; skip += len) {
		len = c->len_bytes - skip;
		if (len > rdma->max_bytes)
			len = rdma->max_bytes;
		if (post_message(rdma, way, c, skip, len, IBV_SEND_SIGNALED))
			return -1;
	}
	return 0;
}

static int move(void *arg, enum verify_way way, const struct verify_case *c,
		size_t n)
{
	struct verify_rdma *rdma = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		/* The last one of reads, and the flush after writes, is waited for */
		int flags = i + 1 == n && !writes(way) ? IBV_SEND_SIGNALED : 0;

		if (c[i].len_bytes > rdma->max_bytes ?
		    move_split(rdma, way, &c[i]) :
		    post_message(rdma, way, &c[i], 0, c[i].len_bytes, flags))
			return -1;
	}
	/* What was read has arrived with its completion, but in peer memory */
	return way == VERIFY_REMOTE_READ ? 0 :
					   flush_case(rdma, way, &c[n - 1]);
}

static int atomic(void *arg, enum verify_atomic op, uint64_t offset,
		  uint64_t val, uint64_t compare, uint64_t *old)
{
	const char *what = verify_way_name(VERIFY_REMOTE_ATOMIC);
	struct verify_rdma *rdma = arg;
	uint64_t addr = rdma->addr[VERIFY_NEAR] + offset;
	struct ibv_sge sge = {
		.addr = (uintptr_t)p2pmr_buf_addr(rdma->scratch),
		.length = sizeof(*old),
		.lkey = rdma->scratch_mr[VERIFY_FAR]->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.opcode = op == VERIFY_FETCH_ADD ?
			  IBV_WR_ATOMIC_FETCH_AND_ADD :
			  IBV_WR_ATOMIC_CMP_AND_SWP,
		.wr.atomic = {
			.remote_addr = addr,
			.rkey = rdma->mr[VERIFY_NEAR]->rkey,
			.compare_add = op == VERIFY_FETCH_ADD ? val : compare,
			.swap = val,
		},
	};

	if (post(rdma, VERIFY_FAR, &wr, IBV_SEND_SIGNALED, what))
		return -1;
	if (p2pmr_buf_read(rdma->scratch, 0, old, sizeof(*old)))
		return fail_lib("");
	return flush(rdma, VERIFY_FAR, addr, sizeof(*old), what);
}

int verify_rdma_start(struct verify_rdma *rdma, struct verify_run *run,
		      struct p2pmr_provider *host)
{
	const struct perf_conn_size size = {
		.qps = 1, .send_wr = DEPTH, .recv_wr = 1, .cqe = DEPTH,
	};
	int end;

	if (register_all(rdma, run, host))
		return -1;
	for (end = 0; end < VERIFY_ENDS; end++) {
		rdma->conn[end].access = IBV_ACCESS_REMOTE_WRITE |
					 IBV_ACCESS_REMOTE_READ;
		if (run->atomics && end == VERIFY_NEAR)
			rdma->conn[end].access |= IBV_ACCESS_REMOTE_ATOMIC;
		if (perf_conn_create(&rdma->conn[end], &rdma->dev[end], &size))
			return -1;
		if (ibv_req_notify_cq(rdma->conn[end].cq, 0))
			return fail(CMD_FAILED, REASON_RDMA, errno, "",
				    "Cannot ask for a completion event.");
	}
	if (connect_ends(rdma))
		return -1;
	run->mover = (struct verify_mover){
		.arg = rdma,
		.move = move,
		.atomic = atomic,
	};
	return 0;
}

/* Queue pairs first: nothing may arrive in memory that is given back */
void verify_rdma_close(struct verify_rdma *rdma)
{
	int end;

	for (end = 0; end < VERIFY_ENDS; end++)
		perf_conn_destroy(&rdma->conn[end]);
	for (end = 0; end < VERIFY_ENDS; end++) {
		if (rdma->mr[end])
			ibv_dereg_mr(rdma->mr[end]);
		if (rdma->scratch_mr[end])
			ibv_dereg_mr(rdma->scratch_mr[end]);
		perf_dev_close(&rdma->dev[end]);
	}
	p2pmr_buf_free(rdma->scratch);
	memset(rdma, 0, sizeof(*rdma));
}
