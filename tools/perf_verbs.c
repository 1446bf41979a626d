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
/* A receiver that is not ready for a send will be in a moment: without end */
#define QP_RNR_RETRY 7
#define QP_HOP_LIMIT 64
/* rdma_cm's own, so that its queue pairs and ours are alike */
#define UD_QKEY 0x01234567

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

static struct ibv_qp *try_create_qp(struct perf_conn *conn,
				    struct perf_dev *dev,
				    const struct perf_conn_size *size,
				    uint32_t inline_bytes)
{
	struct ibv_qp_init_attr init = {
		.send_cq = conn->cq,
		.recv_cq = conn->cq,
		.qp_type = conn->transport == PERF_RC ? IBV_QPT_RC :
							IBV_QPT_UD,
		.cap = {
			.max_send_wr = size->send_wr,
			.max_recv_wr = size->recv_wr,
			.max_send_sge = 1,
			.max_recv_sge = 2,
			.max_inline_data = inline_bytes,
		},
	};

	return ibv_create_qp(dev->pd, &init);
}

static int create_qp(struct perf_conn *conn, struct perf_dev *dev, uint32_t i,
		     const struct perf_conn_size *size)
{
	int err;

	/* A starting number that no packet of an earlier run may have */
	if (getrandom(&conn->psn[i], sizeof(conn->psn[i]), 0) < 0)
		conn->psn[i] = i;
	conn->psn[i] &= 0xffffff;

	conn->qp[i] = try_create_qp(conn, dev, size, conn->inline_bytes);
	err = errno;
	if (!conn->qp[i] && conn->inline_bytes && !size->inline_must) {
		conn->inline_bytes = 0;
		conn->qp[i] = try_create_qp(conn, dev, size, 0);
		err = errno;
	}
	if (conn->qp[i])
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, err,
		    conn->inline_bytes ? "Try a smaller -I." :
					 "Try a smaller -t, -r or -q.",
		    "Cannot create queue pair %u of %u with %u work requests, %u receives and %u inline bytes on %s (at most %d queue pairs of %d): %s.",
		    i + 1, conn->qps, size->send_wr, size->recv_wr,
		    conn->inline_bytes, dev->name, dev->attr.max_qp,
		    dev->attr.max_qp_wr, strerror(err));
}

static int create_queues(struct perf_conn *conn, struct perf_dev *dev,
			 const struct perf_conn_size *size)
{
	conn->channel = ibv_create_comp_channel(dev->ctx);
	if (!conn->channel)
		return fail(CMD_FAILED, REASON_RDMA, errno, "",
			    "Cannot create a completion channel on %s: %s.",
			    dev->name, strerror(errno));
	conn->cq = ibv_create_cq(dev->ctx, size->cqe, NULL, conn->channel, 0);
	if (!conn->cq)
		return fail(CMD_FAILED, REASON_RDMA, errno,
			    "Try a smaller -t, -r or -q, or a larger -Q.",
			    "Cannot create a completion queue of %u entries on %s (at most %d): %s.",
			    size->cqe, dev->name, dev->attr.max_cqe,
			    strerror(errno));
	if (conn->transport == PERF_RC)
		return 0;
	conn->grh_mr = ibv_reg_mr(dev->pd, conn->grh, sizeof(conn->grh),
				  IBV_ACCESS_LOCAL_WRITE);
	if (conn->grh_mr)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, errno, "",
		    "Cannot register %zu bytes of host memory on %s: %s.",
		    sizeof(conn->grh), dev->name, strerror(errno));
}

int perf_conn_create(struct perf_conn *conn, struct perf_dev *dev,
		     const struct perf_conn_size *size)
{
	uint32_t i;

	conn->qps = size->qps;
	conn->inline_bytes = size->inline_bytes;
	conn->qp = calloc(size->qps, sizeof(*conn->qp));
	conn->psn = calloc(size->qps, sizeof(*conn->psn));
	conn->remote_qpn = calloc(size->qps, sizeof(*conn->remote_qpn));
	if (!conn->qp || !conn->psn || !conn->remote_qpn) {
		fail_nomem();
		goto err;
	}
	if (create_queues(conn, dev, size))
		goto err;
	for (i = 0; i < size->qps; i++) {
		if (create_qp(conn, dev, i, size))
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
	if (conn->ah)
		ibv_destroy_ah(conn->ah);
	if (conn->grh_mr)
		ibv_dereg_mr(conn->grh_mr);
	if (conn->cq)
		ibv_destroy_cq(conn->cq);
	if (conn->channel)
		ibv_destroy_comp_channel(conn->channel);
	free(conn->qp);
	free(conn->psn);
	free(conn->remote_qpn);
	memset(conn, 0, sizeof(*conn));
}

int perf_qp_modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		   const struct perf_dev *dev, const char *state)
{
	int ret = ibv_modify_qp(qp, attr, mask);

	if (!ret)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, ret,
		    "Check that the two GIDs can reach each other (-x chooses another one).",
		    "Cannot bring queue pair 0x%06x of %s to %s: %s.",
		    qp->qp_num, dev->name, state, strerror(ret));
}

static int rc_to_init(struct perf_conn *conn, struct perf_dev *dev, uint32_t i)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = dev->port,
		.qp_access_flags = conn->access,
	};

	return perf_qp_modify(conn->qp[i], &attr, IBV_QP_STATE |
			      IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			      IBV_QP_ACCESS_FLAGS, dev, "INIT");
}

static uint8_t least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

void perf_rc_limits(struct ibv_qp_attr *attr,
		    const struct wire_endpoint *local,
		    const struct wire_endpoint *remote)
{
	attr->path_mtu = least(local->mtu, remote->mtu);
	attr->max_dest_rd_atomic = least(local->rd_resp, remote->rd_init);
	attr->max_rd_atomic = least(local->rd_init, remote->rd_resp);
}

void perf_rc_patience(struct ibv_qp_attr *attr)
{
	attr->timeout = QP_TIMEOUT;
	attr->retry_cnt = QP_RETRY_COUNT;
	attr->rnr_retry = QP_RNR_RETRY;
}

void perf_ah_attr(struct ibv_ah_attr *attr, const struct perf_conn *conn,
		  const struct perf_dev *dev,
		  const struct wire_endpoint *remote)
{
	*attr = (struct ibv_ah_attr){
		.is_global = 1,
		.dlid = remote->lid,
		.sl = conn->sl,
		.port_num = dev->port,
		.grh = {
			.sgid_index = dev->gid.gid_index,
			.hop_limit = QP_HOP_LIMIT,
		},
	};
	memcpy(&attr->grh.dgid, remote->gid, sizeof(remote->gid));
}

static int rc_to_rtr(struct perf_conn *conn, struct perf_dev *dev, uint32_t i,
		     const struct wire_endpoint *local,
		     const struct wire_endpoint *remote)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.dest_qp_num = remote->qp[i].num,
		.rq_psn = remote->qp[i].psn,
		.min_rnr_timer = 12,
	};

	perf_rc_limits(&attr, local, remote);
	perf_ah_attr(&attr.ah_attr, conn, dev, remote);
	return perf_qp_modify(conn->qp[i], &attr, IBV_QP_STATE | IBV_QP_AV |
			      IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
			      IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
			      IBV_QP_MIN_RNR_TIMER, dev, "RTR");
}

static int rc_to_rts(struct perf_conn *conn, struct perf_dev *dev, uint32_t i,
		     const struct wire_endpoint *local,
		     const struct wire_endpoint *remote)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = conn->psn[i],
	};

	perf_rc_limits(&attr, local, remote);
	perf_rc_patience(&attr);
	return perf_qp_modify(conn->qp[i], &attr, IBV_QP_STATE |
			      IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			      IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
			      IBV_QP_MAX_QP_RD_ATOMIC, dev, "RTS");
}

int perf_ud_start(struct ibv_qp *qp, const struct perf_dev *dev, uint32_t psn)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = dev->port,
		.qkey = UD_QKEY,
	};

	if (perf_qp_modify(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			   IBV_QP_PORT | IBV_QP_QKEY, dev, "INIT"))
		return -1;
	attr.qp_state = IBV_QPS_RTR;
	if (perf_qp_modify(qp, &attr, IBV_QP_STATE, dev, "RTR"))
		return -1;
	attr.qp_state = IBV_QPS_RTS;
	attr.sq_psn = psn;
	return perf_qp_modify(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN, dev,
			      "RTS");
}

int perf_ud_address(struct perf_conn *conn, struct perf_dev *dev,
		    struct ibv_ah_attr *attr)
{
	if (conn->ah)
		ibv_destroy_ah(conn->ah);
	conn->remote_qkey = UD_QKEY;
	conn->ah = ibv_create_ah(dev->pd, attr);
	if (conn->ah)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA, errno,
		    "Check that the two GIDs can reach each other (-x chooses another one).",
		    "Cannot make an address of the other side's GID on %s: %s.",
		    dev->name, strerror(errno));
}

static int ud_connect(struct perf_conn *conn, struct perf_dev *dev,
		      const struct wire_endpoint *remote)
{
	struct ibv_ah_attr attr;
	uint32_t i;

	for (i = 0; i < conn->qps; i++) {
		if (perf_ud_start(conn->qp[i], dev, conn->psn[i]))
			return -1;
		conn->remote_qpn[i] = remote->qp[i].num;
	}
	perf_ah_attr(&attr, conn, dev, remote);
	return perf_ud_address(conn, dev, &attr);
}

int perf_conn_connect(struct perf_conn *conn, struct perf_dev *dev,
		      const struct wire_endpoint *local,
		      const struct wire_endpoint *remote)
{
	uint32_t i;

	if (conn->transport == PERF_UD)
		return ud_connect(conn, dev, remote);
	for (i = 0; i < conn->qps; i++) {
		if (rc_to_init(conn, dev, i) ||
		    rc_to_rtr(conn, dev, i, local, remote) ||
		    rc_to_rts(conn, dev, i, local, remote))
			return -1;
	}
	return 0;
}
