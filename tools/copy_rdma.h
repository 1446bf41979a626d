/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue pair to the other end. Functions that return int return 0, or -1
 * with the failure recorded (fail.h).
 */
#ifndef P2PMR_TOOLS_COPY_RDMA_H
#define P2PMR_TOOLS_COPY_RDMA_H

#include <infiniband/verbs.h>

#include "perf.h"
#include "copy_wire.h"

/**
 * struct copy_rdma - one reliable connection
 * @dev: the RDMA device
 * @channel: what to poll for completions
 * @cq: of sends and receives
 * @qp: the queue pair
 * @psn: its first packet's number
 * @unacked_events: completion events that ibv_ack_cq_events() was not told
 */
struct copy_rdma {
	struct perf_dev dev;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	uint32_t psn;
	unsigned int unacked_events;
};

/* "" and 0: choose */
int copy_rdma_open(struct copy_rdma *rdma, const char *device,
		   uint32_t ib_port, uint32_t gid_index);
/* Once it is known how many chunks are under way at most */
int copy_rdma_make_qp(struct copy_rdma *rdma, uint32_t slots);
/* The queue pair goes: nobody writes to memory of this end any more */
void copy_rdma_end(struct copy_rdma *rdma);
/* And the device, when its regions are gone */
void copy_rdma_close(struct copy_rdma *rdma);

/* This end of the connection; the rest of @ep stays as it is */
void copy_rdma_describe(const struct copy_rdma *rdma,
			struct copy_endpoint *ep);
/*
 * @role: of this end. Connected, it has a receive request for each of @slots
 * and one for the token.
 */
int copy_rdma_connect(struct copy_rdma *rdma, enum copy_role role,
		      uint32_t slots, const struct copy_endpoint *remote);

/* A receive request without memory: for immediate data */
int copy_rdma_post_recv(struct copy_rdma *rdma);
/* RDMA write with immediate data */
int copy_rdma_write(struct copy_rdma *rdma, uint64_t wr_id,
		    const struct ibv_sge *sge, uint64_t remote_addr,
		    uint32_t rkey, uint32_t imm);
/* Immediate data alone */
int copy_rdma_tell(struct copy_rdma *rdma, uint64_t wr_id, uint32_t imm);

/*
 * Up to @n completions; 0: there are none, and the channel becomes readable
 * with the next one. -1 after fail().
 */
int copy_rdma_poll(struct copy_rdma *rdma, struct ibv_wc *wc, int n);
/* Take what made the channel readable */
int copy_rdma_take_event(struct copy_rdma *rdma);

#endif
