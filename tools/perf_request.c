// SPDX-License-Identifier: GPL-2.0-only
/* The work requests of what one side posts. */
#include "perf.h"

static enum ibv_wr_opcode opcode_of(const struct perf_params *p)
{
	switch (p->op) {
	case PERF_WRITE:
		return IBV_WR_RDMA_WRITE;
	case PERF_READ:
		return IBV_WR_RDMA_READ;
	case PERF_SEND:
		return IBV_WR_SEND;
	default:
		return p->atomic == PERF_FETCH_ADD ?
		       IBV_WR_ATOMIC_FETCH_AND_ADD : IBV_WR_ATOMIC_CMP_AND_SWP;
	}
}

void perf_request_init(const struct perf_pass *pass, struct ibv_send_wr *wr,
		       struct ibv_sge *sge)
{
	sge->lkey = pass->mem.mr->lkey;
	sge->length = pass->params.size;
	wr->sg_list = sge;
	wr->num_sge = 1;
	wr->opcode = opcode_of(&pass->params);
}

/* Each compare-and-swap succeeds: what the others before it did is known */
static void fill_atomic(const struct perf_pass *pass, struct ibv_send_wr *wr,
			uint64_t offset, uint64_t message)
{
	wr->wr.atomic.remote_addr = pass->remote.addr + offset;
	wr->wr.atomic.rkey = pass->remote.rkey;
	wr->wr.atomic.compare_add = 1;
	if (pass->params.atomic == PERF_FETCH_ADD)
		return;
	wr->wr.atomic.compare_add = perf_pattern_word(pass->key, offset) +
				    message / pass->lay.slots;
	wr->wr.atomic.swap = wr->wr.atomic.compare_add + 1;
}

void perf_request_fill(const struct perf_pass *pass, uint32_t qp,
		       uint64_t message, struct ibv_send_wr *wr)
{
	uint64_t offset = pass->role * pass->lay.lane_bytes +
			  perf_layout_offset(&pass->lay, qp, message);

	wr->sg_list->addr = pass->local.addr + offset;
	wr->wr_id = PERF_WR_ID(qp, message + 1);
	wr->send_flags = pass->params.size <= pass->conn.inline_bytes ?
			 IBV_SEND_INLINE : 0;
	wr->next = NULL;
	switch (pass->params.op) {
	case PERF_ATOMIC:
		fill_atomic(pass, wr, offset, message);
		break;
	case PERF_SEND:
		if (pass->conn.transport == PERF_RC)
			break;
		wr->wr.ud.ah = pass->conn.ah;
		wr->wr.ud.remote_qpn = pass->conn.remote_qpn[qp];
		wr->wr.ud.remote_qkey = pass->conn.remote_qkey;
		break;
	default:
		wr->wr.rdma.remote_addr = pass->remote.addr + offset;
		wr->wr.rdma.rkey = pass->remote.rkey;
		break;
	}
}
