// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "copy_rdma.h"
#include "fail.h"

/*
 * A packet that gets no answer ends the connection after seven attempts of
 * 0.27 s (4.096 us << 16), of up to four times that by the specification. rxe
 * takes a retry count of 7 for no end.
 */
#define QP_TIMEOUT 16
#define QP_RETRIES 6
#define QP_HOP_LIMIT 64
/* One more than there are chunks, for the token */
#define EXTRA_REQUESTS 1

int copy_rdma_open(struct copy_rdma *rdma, const char *device,
		   uint32_t ib_port, uint32_t gid_index)
{
	struct perf_opts opts = {
		.device = device[0] ? device : NULL,
		.ib_port = ib_port,
		.gid_index = (int)gid_index - 1,
	};

	memset(rdma, 0, sizeof(*rdma));
	return perf_dev_open(&rdma->dev, &opts);
}

static int fail_verb(const struct copy_rdma *rdma, const char *what, int err)
{
	return fail(CMD_FAILED, REASON_RDMA, err, "See the kernel log.",
		    "%s on %s failed: %s.", what, rdma->dev.name,
		    strerror(err));
}

static int make_cq(struct copy_rdma *rdma, uint32_t slots)
{
	int fd;

	rdma->channel = ibv_create_comp_channel(rdma->dev.ctx);
	if (!rdma->channel)
		return fail_verb(rdma, "ibv_create_comp_channel()", errno);
	fd = rdma->channel->fd;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return fail_verb(rdma, "fcntl()", errno);
	/* Each chunk has a request of each kind, at either end */
	rdma->cq = ibv_create_cq(rdma->dev.ctx, 2 * (slots + EXTRA_REQUESTS),
				 NULL, rdma->channel, 0);
	if (!rdma->cq)
		return fail_verb(rdma, "ibv_create_cq()", errno);
	return 0;
}

int copy_rdma_make_qp(struct copy_rdma *rdma, uint32_t slots)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = slots + EXTRA_REQUESTS,
			.max_recv_wr = slots + EXTRA_REQUESTS,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};

	if (make_cq(rdma, slots))
		return -1;
	/* A first number that no packet of an earlier run may have */
	if (getrandom(&rdma->psn, sizeof(rdma->psn), 0) < 0)
		return fail_verb(rdma, "getrandom()", errno);
	rdma->psn &= 0xffffff;
	init.send_cq = rdma->cq;
	init.recv_cq = rdma->cq;
	rdma->qp = ibv_create_qp(rdma->dev.pd, &init);
	return rdma->qp ? 0 : fail_verb(rdma, "ibv_create_qp()", errno);
}

void copy_rdma_end(struct copy_rdma *rdma)
{
	if (rdma->qp)
		ibv_destroy_qp(rdma->qp);
	if (rdma->unacked_events)
		ibv_ack_cq_events(rdma->cq, rdma->unacked_events);
	if (rdma->cq)
		ibv_destroy_cq(rdma->cq);
	if (rdma->channel)
		ibv_destroy_comp_channel(rdma->channel);
	rdma->qp = NULL;
	rdma->unacked_events = 0;
	rdma->cq = NULL;
	rdma->channel = NULL;
}

void copy_rdma_close(struct copy_rdma *rdma)
{
	copy_rdma_end(rdma);
	perf_dev_close(&rdma->dev);
}

void copy_rdma_describe(const struct copy_rdma *rdma,
			struct copy_endpoint *ep)
{
	ep->qp_num = rdma->qp->qp_num;
	ep->psn = rdma->psn;
	memcpy(ep->gid, &rdma->dev.gid.gid, sizeof(ep->gid));
	ep->gid_kind = rdma->dev.gid.gid_type;
	ep->lid = rdma->dev.port_attr.lid;
	ep->mtu = rdma->dev.port_attr.active_mtu;
}

/* The sender lets nobody write to it; the receiver's memory is for that alone */
static int to_init(struct copy_rdma *rdma, enum copy_role role)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = rdma->dev.port,
		.qp_access_flags = role == COPY_RECEIVER ?
				   IBV_ACCESS_REMOTE_WRITE : 0,
	};

	return ibv_modify_qp(rdma->qp, &attr, IBV_QP_STATE |
			     IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			     IBV_QP_ACCESS_FLAGS);
}

static int to_rtr(struct copy_rdma *rdma, const struct copy_endpoint *remote)
{
	uint8_t mtu = rdma->dev.port_attr.active_mtu;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = remote->mtu < mtu ? remote->mtu : mtu,
		.dest_qp_num = remote->qp_num,
		.rq_psn = remote->psn,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.dlid = remote->lid,
			.port_num = rdma->dev.port,
			.grh = {
				.sgid_index = rdma->dev.gid.gid_index,
				.hop_limit = QP_HOP_LIMIT,
			},
		},
	};

	memcpy(&attr.ah_attr.grh.dgid, remote->gid, sizeof(remote->gid));
	return ibv_modify_qp(rdma->qp, &attr, IBV_QP_STATE | IBV_QP_AV |
			     IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
			     IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
			     IBV_QP_MIN_RNR_TIMER);
}

static int to_rts(struct copy_rdma *rdma)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = rdma->psn,
		.timeout = QP_TIMEOUT,
		.retry_cnt = QP_RETRIES,
		.rnr_retry = QP_RETRIES,
	};

	return ibv_modify_qp(rdma->qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT |
			     IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			     IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

int copy_rdma_connect(struct copy_rdma *rdma, enum copy_role role,
		      uint32_t slots, const struct copy_endpoint *remote)
{
	uint32_t i;
	int err;

	if (remote->gid_kind != rdma->dev.gid.gid_type)
		return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
			    "Choose GIDs of one kind with -x and --remote-gid-index.",
			    "One end has a GID of kind %s, the other one of kind %s.",
			    perf_gid_type_name(rdma->dev.gid.gid_type),
			    perf_gid_type_name(remote->gid_kind));
	err = to_init(rdma, role);
	for (i = 0; !err && i < slots + EXTRA_REQUESTS; i++) {
		if (copy_rdma_post_recv(rdma))
			return -1;
	}
	if (!err)
		err = to_rtr(rdma, remote);
	if (!err)
		err = to_rts(rdma);
	if (!err)
		err = ibv_req_notify_cq(rdma->cq, 0);
	if (!err)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, err,
		    "Check that the two ends' RDMA devices are on one network (-d, -x, --remote-ib-dev, --remote-gid-index choose others).",
		    "Cannot connect the queue pair of %s: %s.", rdma->dev.name,
		    strerror(err));
}

int copy_rdma_post_recv(struct copy_rdma *rdma)
{
	struct ibv_recv_wr *bad, wr = { .num_sge = 0 };
	int err = ibv_post_recv(rdma->qp, &wr, &bad);

	return err ? fail_verb(rdma, "ibv_post_recv()", err) : 0;
}

static int post(struct copy_rdma *rdma, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	int err = ibv_post_send(rdma->qp, wr, &bad);

	return err ? fail_verb(rdma, "ibv_post_send()", err) : 0;
}

int copy_rdma_write(struct copy_rdma *rdma, uint64_t wr_id,
		    const struct ibv_sge *sge, uint64_t remote_addr,
		    uint32_t rkey, uint32_t imm)
{
	struct ibv_sge copy = *sge;
	struct ibv_send_wr wr = {
		.wr_id = wr_id,
		.sg_list = &copy,
		.num_sge = copy.length ? 1 : 0,
		.opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
		.imm_data = htobe32(imm),
		.wr.rdma = { .remote_addr = remote_addr, .rkey = rkey },
	};

	return post(rdma, &wr);
}

int copy_rdma_tell(struct copy_rdma *rdma, uint64_t wr_id, uint32_t imm)
{
	struct ibv_send_wr wr = {
		.wr_id = wr_id,
		.opcode = IBV_WR_SEND_WITH_IMM,
		.imm_data = htobe32(imm),
	};

	return post(rdma, &wr);
}

int copy_rdma_poll(struct copy_rdma *rdma, struct ibv_wc *wc, int n)
{
	int got = ibv_poll_cq(rdma->cq, n, wc);
	int err;

	if (got > 0)
		return got;
	if (got < 0)
		return fail_verb(rdma, "ibv_poll_cq()", EIO);
	/* Ask for an event, and look again at what came in between */
	err = ibv_req_notify_cq(rdma->cq, 0);
	if (err)
		return fail_verb(rdma, "ibv_req_notify_cq()", err);
	got = ibv_poll_cq(rdma->cq, n, wc);
	return got < 0 ? fail_verb(rdma, "ibv_poll_cq()", EIO) : got;
}

int copy_rdma_take_event(struct copy_rdma *rdma)
{
	struct ibv_cq *cq;
	void *context;

	while (!ibv_get_cq_event(rdma->channel, &cq, &context))
		rdma->unacked_events++;
	return errno == EAGAIN ? 0 :
	       fail_verb(rdma, "ibv_get_cq_event()", errno);
}
