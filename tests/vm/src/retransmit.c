// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of all kinds behind each other, on a queue pair with a timeout of one
 * tick: between the writes, which take their time, an atomic, whose answer has a
 * value, and the binding of a memory window, which sends nothing. For a machine so
 * busy that the device sends again what had arrived.
 *
 *   retransmit ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback.h"
#include "peer.h"

#define LEN 65536u
#define REQUESTS 5

struct work {
	struct loopback lb;
	struct ibv_mr *local, *remote; /* an atomic's place is behind the data */
	struct ibv_mw *mw;
};

static void wait_for(struct work *w, int n, unsigned long round)
{
	int i;

	for (i = 0; i < n; i++) {
		enum ibv_wc_status status = loopback_wait(&w->lb);

		if (status != IBV_WC_SUCCESS)
			die("round %lu: request %d of %d ended with \"%s\"", round,
			    i + 1, n, ibv_wc_status_str(status));
	}
}

static void post(struct work *w, struct ibv_send_wr *wr, int n)
{
	struct ibv_send_wr *bad;
	int i, err;

	for (i = 0; i < n; i++) {
		wr[i].wr_id = i;
		wr[i].send_flags = IBV_SEND_SIGNALED;
		wr[i].next = i + 1 < n ? &wr[i + 1] : NULL;
	}
	err = ibv_post_send(w->lb.qp[0], wr, &bad);
	if (err)
		die("ibv_post_send: %s", strerror(err));
}

static struct ibv_send_wr write_request(const struct work *w, struct ibv_sge *sge)
{
	return (struct ibv_send_wr){
		.opcode = IBV_WR_RDMA_WRITE, .sg_list = sge, .num_sge = 1,
		.wr.rdma = { .remote_addr = (uintptr_t)w->remote->addr,
			     .rkey = w->remote->rkey },
	};
}

static void run_requests(struct work *w, unsigned long round)
{
	uint64_t *old = (uint64_t *)((char *)w->local->addr + LEN);
	struct ibv_sge data = { .addr = (uintptr_t)w->local->addr, .length = LEN,
				.lkey = w->local->lkey };
	struct ibv_sge value = { .addr = (uintptr_t)old, .length = sizeof(*old),
				 .lkey = w->local->lkey };
	struct ibv_send_wr wr[REQUESTS] = {
		write_request(w, &data),
		{ .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .sg_list = &value, .num_sge = 1,
		  .wr.atomic = { .remote_addr = (uintptr_t)w->remote->addr + LEN,
				 .rkey = w->remote->rkey, .compare_add = 1 } },
		write_request(w, &data),
		{ .opcode = IBV_WR_BIND_MW,
		  .bind_mw = { .mw = w->mw, .rkey = ibv_inc_rkey(w->mw->rkey),
			       .bind_info = { .mr = w->remote, .length = LEN,
					      .addr = (uintptr_t)w->remote->addr,
					      .mw_access_flags = IBV_ACCESS_REMOTE_WRITE } } },
		write_request(w, &data),
	};

	memset(w->local->addr, (int)round, LEN);
	*old = UINT64_MAX;
	post(w, wr, REQUESTS);
	wait_for(w, REQUESTS, round);
	w->mw->rkey = ibv_inc_rkey(w->mw->rkey);
	if (memcmp(w->local->addr, w->remote->addr, LEN))
		die("round %lu: other bytes have arrived", round);
	if (*old != round)
		die("round %lu: the atomic's old value is %#llx", round,
		    (unsigned long long)*old);
}

/* So that it can be bound again */
static void unbind(struct work *w, unsigned long round)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_LOCAL_INV,
				  .invalidate_rkey = w->mw->rkey };

	post(w, &wr, 1);
	wait_for(w, 1, round);
}

int main(int argc, char **argv)
{
	unsigned long round, rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	struct work w = { 0 };

	loopback_open(&w.lb, "rxe0");
	w.lb.timeout = 1;
	loopback_reset(&w.lb);
	w.local = must_reg(&w.lb, host_map(2 * LEN, NULL), 2 * LEN, ACCESS_ALL);
	w.remote = must_reg(&w.lb, host_map(2 * LEN, NULL), 2 * LEN,
			    ACCESS_ALL | IBV_ACCESS_MW_BIND);
	w.mw = ibv_alloc_mw(w.lb.pd, IBV_MW_TYPE_2);
	if (!w.mw)
		die("no memory window");
	memset((char *)w.remote->addr + LEN, 0, sizeof(uint64_t));
	for (round = 0; round < rounds; round++) {
		run_requests(&w, round);
		unbind(&w, round);
	}
	ibv_dealloc_mw(w.mw);
	must_dereg(w.local);
	must_dereg(w.remote);
	loopback_close(&w.lb);
	return 0;
}
