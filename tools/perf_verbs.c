// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "perf.h"
#include "fail.h"

/*
 * 4.096 us << 14 = 67 ms, and devices may take up to four times that. With
 * seven more attempts a vanished peer is noticed within 0.5 to 2.2 s.
 */
#define QP_TIMEOUT 14
#define QP_RETRY_COUNT 7
/* Writes and reads meet no receiver that is not ready: any value does */
#define QP_RNR_RETRY 7
#define QP_HOP_LIMIT 64

int perf_mem_get(struct perf_mem *mem, struct perf_dev *dev,
	       struct p2pmr_provider *provider, uint64_t len_bytes, int access)
{
	mem->name = p2pmr_provider_name(provider);
	mem->buf = p2pmr_buf_alloc(provider, len_bytes);
	if (!mem->buf)
		return fail_lib("");
	mem->mr = p2pmr_reg_mr(dev->pd, mem->buf, access, &mem->route);
	if (mem->mr)
		return 0;
	fail_lib("");
	perf_mem_put(mem);
	return -1;
}

void perf_mem_put(struct perf_mem *mem)
{
	if (mem->mr)
		ibv_dereg_mr(mem->mr);
	p2pmr_buf_free(mem->buf);
	mem->mr = NULL;
	mem->buf = NULL;
}

static int create_qp(struct perf_conn *conn, struct perf_dev *dev, uint32_t i,
		     uint32_t depth)
{
	struct ibv_qp_init_attr init = {
		.send_cq = conn->cq,
		.recv_cq = conn->cq,
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = depth,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};

	/* A starting number that no packet of an earlier run may have */
	if (getrandom(&conn->psn[i], sizeof(conn->psn[i]), 0) < 0)
		conn->psn[i] = i;
	conn->psn[i] &= 0xffffff;

	conn->qp[i] = ibv_create_qp(dev->pd, &init);
	if (conn->qp[i])
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, errno,
		    "Try a smaller -t or -q.",
		    "Cannot create queue pair %u of %u with %u work requests on %s (at most %d queue pairs of %d): %s.",
		    i + 1, conn->qps, depth, dev->name, dev->attr.max_qp,
		    dev->attr.max_qp_wr, strerror(errno));
}

int perf_conn_create(struct perf_conn *conn, struct perf_dev *dev, uint32_t qps,
		   uint32_t depth, uint32_t cqe)
{
	uint32_t i;

	conn->qps = qps;
	conn->qp = calloc(qps, sizeof(*conn->qp));
	conn->psn = calloc(qps, sizeof(*conn->psn));
	if (!conn->qp || !conn->psn) {
		fail_nomem();
		goto err;
	}
	conn->channel = ibv_create_comp_channel(dev->ctx);
	if (!conn->channel) {
		fail(CMD_FAILED, REASON_RDMA, errno, "",
		     "Cannot create a completion channel on %s: %s.",
		     dev->name, strerror(errno));
		goto err;
	}
	conn->cq = ibv_create_cq(dev->ctx, cqe, NULL, conn->channel, 0);
	if (!conn->cq) {
		fail(CMD_FAILED, REASON_RDMA, errno,
		     "Try a smaller -t or -q, or a larger -Q.",
		     "Cannot create a completion queue of %u entries on %s (at most %d): %s.",
		     cqe, dev->name, dev->attr.max_cqe, strerror(errno));
		goto err;
	}
	for (i = 0; i < qps; i++) {
		if (create_qp(conn, dev, i, depth))
			goto err;
	}
	return 0;
err:
	perf_conn_destroy(conn);
	return -1;
}

void perf_conn_destroy(struct perf_conn *conn)
{
	uint32_t i;

	for (i = 0; conn->qp && i < conn->qps; i++) {
		if (conn->qp[i])
			ibv_destroy_qp(conn->qp[i]);
	}
	if (conn->cq)
		ibv_destroy_cq(conn->cq);
	if (conn->channel)
		ibv_destroy_comp_channel(conn->channel);
	free(conn->qp);
	free(conn->psn);
	memset(conn, 0, sizeof(*conn));
}

static int modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		  struct perf_dev *dev, const char *state)
{
	int ret = ibv_modify_qp(qp, attr, mask);

	if (!ret)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, ret,
		    "Check that the two GIDs can reach each other (-x chooses another one).",
		    "Cannot bring queue pair 0x%06x of %s to %s: %s.",
		    qp->qp_num, dev->name, state, strerror(ret));
}

static int to_init(struct ibv_qp *qp, struct perf_dev *dev)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = dev->port,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ,
	};

	return modify(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
		      IBV_QP_PORT | IBV_QP_ACCESS_FLAGS, dev, "INIT");
}

static uint8_t least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static int to_rtr(struct ibv_qp *qp, struct perf_dev *dev, uint32_t i,
		  const struct wire_endpoint *local,
		  const struct wire_endpoint *remote)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = least(local->mtu, remote->mtu),
		.dest_qp_num = remote->qp[i].num,
		.rq_psn = remote->qp[i].psn,
		.max_dest_rd_atomic = least(local->rd_resp, remote->rd_init),
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.dlid = remote->lid,
			.port_num = dev->port,
			.grh = {
				.sgid_index = dev->gid.gid_index,
				.hop_limit = QP_HOP_LIMIT,
			},
		},
	};

	memcpy(&attr.ah_attr.grh.dgid, remote->gid, sizeof(remote->gid));
	return modify(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
		      IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
		      IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER, dev,
		      "RTR");
}

static int to_rts(struct ibv_qp *qp, struct perf_dev *dev, uint32_t psn,
		  const struct wire_endpoint *local,
		  const struct wire_endpoint *remote)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = psn,
		.timeout = QP_TIMEOUT,
		.retry_cnt = QP_RETRY_COUNT,
		.rnr_retry = QP_RNR_RETRY,
		.max_rd_atomic = least(local->rd_init, remote->rd_resp),
	};

	return modify(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT |
		      IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
		      IBV_QP_MAX_QP_RD_ATOMIC, dev, "RTS");
}

int perf_conn_connect(struct perf_conn *conn, struct perf_dev *dev,
		    const struct wire_endpoint *local,
		    const struct wire_endpoint *remote)
{
	uint32_t i;

	for (i = 0; i < conn->qps; i++) {
		if (to_init(conn->qp[i], dev) ||
		    to_rtr(conn->qp[i], dev, i, local, remote) ||
		    to_rts(conn->qp[i], dev, conn->psn[i], local, remote))
			return -1;
	}
	return 0;
}
