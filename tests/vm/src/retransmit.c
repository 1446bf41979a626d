// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that are sent again.
 *
 *   retransmit all-kinds ROUNDS	behind each other, on a queue pair with a timeout
 *	of one tick: between the writes, which take their time, an atomic, whose answer
 *	has a value, the binding of a memory window, which sends nothing, and a flush.
 *	For a machine so busy that the device sends again what had arrived.
 *   retransmit fence|flush|atomic-write	behind a send that has to wait for a
 *	receive, so that all of it is sent twice
 *   retransmit flush-twice|atomic-twice|read-of-flush|other-kind|no-resources|credit
 *	with a psn that the receiver has had before, as if an answer had been lost
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loopback.h"
#include "peer.h"
#include "rxe-raw.h"

#define LEN 65536u
/* How many requests are in front of the flush */
#define REQUESTS 5
/* An address that is a length, too */
#define LOW 0x40000000u

struct work {
	struct loopback lb;
	struct rxe_queue_buf *queue;
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
		wr[i].send_flags |= IBV_SEND_SIGNALED;
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
	/* so that the window can be bound again; it waits for all that is before it */
	struct ibv_send_wr unbind = { .opcode = IBV_WR_LOCAL_INV };

	memset(w->local->addr, (int)round, LEN);
	*old = UINT64_MAX;
	unbind.invalidate_rkey = ibv_inc_rkey(w->mw->rkey);
	post(w, wr, REQUESTS);
	raw_flush(w->queue, w->remote->rkey, w->remote->addr, LEN, FLUSH_GLOBAL, FLUSH_RANGE);
	post(w, &unbind, 1);
	wait_for(w, REQUESTS + 2, round);
	w->mw->rkey = unbind.invalidate_rkey;
	if (memcmp(w->local->addr, w->remote->addr, LEN))
		die("round %lu: other bytes have arrived", round);
	if (*old != round)
		die("round %lu: the atomic's old value is %#llx", round,
		    (unsigned long long)*old);
}

/* The queue is found by it; what comes behind it has another psn than 0 */
static void post_first(struct work *w)
{
	struct request first = { .id = RAW_QUEUE_ID, .opcode = IBV_WR_RDMA_WRITE, .len = 8,
				 .local = w->local, .remote = w->remote };

	if (loopback_run(&w->lb, &first) != IBV_WC_SUCCESS)
		die("the first write failed");
	w->queue = raw_find_queue();
}

static void open_work(struct work *w, int timeout, int rnr_timer)
{
	loopback_open_with(&w->lb, "rxe0", ACCESS_FLUSH);
	w->lb.timeout = timeout;
	w->lb.rnr_timer = rnr_timer;
	loopback_reset(&w->lb);
	w->local = must_reg(&w->lb, host_map(2 * LEN, NULL), 2 * LEN, ACCESS_ALL);
	w->remote = must_reg(&w->lb, host_map(2 * LEN, NULL), 2 * LEN,
			     ACCESS_FLUSH | IBV_ACCESS_MW_BIND);
	post_first(w);
}

static void close_work(struct work *w)
{
	must_dereg(w->local);
	must_dereg(w->remote);
	loopback_close(&w->lb);
}

static void all_kinds(char **argv)
{
	unsigned long round, rounds = strtoul(argv[0], NULL, 0);
	struct work w = { 0 };

	open_work(&w, 1, 12);
	w.mw = ibv_alloc_mw(w.lb.pd, IBV_MW_TYPE_2);
	if (!w.mw)
		die("no memory window");
	memset((char *)w.remote->addr + LEN, 0, sizeof(uint64_t));
	for (round = 0; round < rounds; round++)
		run_requests(&w, round);
	ibv_dealloc_mw(w.mw);
	close_work(&w);
}

/*
 * The send waits for half a second, unless something else has it sent earlier, and
 * what is behind it goes out meanwhile, for the first time.
 */
static void post_early_send(struct work *w)
{
	struct ibv_send_wr send = { .opcode = IBV_WR_SEND, .num_sge = 1 };
	struct ibv_sge sge = { .length = 8 };

	open_work(w, 21, 31);
	sge.addr = (uintptr_t)w->local->addr;
	sge.lkey = w->local->lkey;
	send.sg_list = &sge;
	post(w, &send, 1);
}

/* Of the send and n requests behind it */
static void post_late_receive(struct work *w, int n)
{
	struct ibv_sge sge = { .addr = (uintptr_t)w->remote->addr, .length = 8,
			       .lkey = w->remote->lkey };
	struct ibv_recv_wr *bad, recv = { .sg_list = &sge, .num_sge = 1 };

	usleep(100000);
	if (ibv_post_recv(w->lb.qp[1], &recv, &bad))
		die("no receive can be posted");
	wait_for(w, 1 + n, 0);
	if (loopback_wait_recv(&w->lb) != IBV_WC_SUCCESS)
		die("the send was not received");
}

/* A request behind the fence has its turn after it, also the second time */
static void fence(char **argv)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr[2];
	struct work w = { 0 };

	(void)argv;
	post_early_send(&w);
	sge = (struct ibv_sge){ .addr = (uintptr_t)w.local->addr, .length = LEN,
				.lkey = w.local->lkey };
	wr[0] = write_request(&w, &sge);
	wr[0].send_flags = IBV_SEND_FENCE;
	wr[1] = write_request(&w, &sge);
	wr[1].opcode = IBV_WR_RDMA_READ;
	post(&w, wr, 2);
	post_late_receive(&w, 2);
	close_work(&w);
}

/* What libibverbs has no call for, and a write that rings the doorbell */
static void ring(struct work *w)
{
	struct ibv_sge sge = { .addr = (uintptr_t)w->local->addr, .length = 8,
			       .lkey = w->local->lkey };
	struct ibv_send_wr wr = write_request(w, &sge);

	post(w, &wr, 1);
	post_late_receive(w, 2);
}

static void flush(char **argv)
{
	struct work w = { 0 };

	(void)argv;
	post_early_send(&w);
	raw_flush(w.queue, w.remote->rkey, w.remote->addr, LEN, FLUSH_GLOBAL, FLUSH_RANGE);
	ring(&w);
	close_work(&w);
}

static void atomic_write(char **argv)
{
	const uint64_t value = 0x0123456789abcdefull;
	struct work w = { 0 };
	uint64_t *where;

	(void)argv;
	post_early_send(&w);
	where = (uint64_t *)((char *)w.remote->addr + LEN);
	raw_atomic_write(w.queue, w.remote->rkey, where, value);
	ring(&w);
	if (*where != value)
		die("the memory holds %#llx", (unsigned long long)*where);
	close_work(&w);
}

/* A flush alone: the doorbell is a binding, which sends nothing. An answer to a
 * request behind the flush would do for it.
 */
static void run_flush_of(struct work *w, uintptr_t addr, uint32_t len, int level)
{
	struct ibv_mw_bind doorbell = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = { .mr = w->remote, .addr = (uintptr_t)w->remote->addr,
			       .length = LEN, .mw_access_flags = IBV_ACCESS_REMOTE_WRITE },
	};

	raw_flush(w->queue, w->remote->rkey, (void *)addr, len, FLUSH_GLOBAL, level);
	if (ibv_bind_mw(w->lb.qp[0], w->mw, &doorbell))
		die("ibv_bind_mw failed");
	wait_for(w, 2, 0);
}

static void run_flush(struct work *w)
{
	run_flush_of(w, (uintptr_t)w->remote->addr, LEN, FLUSH_RANGE);
}

/* Eight bytes behind the data; where they are put, or taken from, is there, too */
static enum ibv_wc_status run_word(struct work *w, enum ibv_wr_opcode opcode)
{
	struct request req = { .opcode = opcode, .local = w->local, .local_offset = LEN,
			       .remote = w->remote, .remote_offset = LEN,
			       .len = sizeof(uint64_t), .compare_add = 1 };

	return loopback_run(&w->lb, &req);
}

static void must_run_word(struct work *w, enum ibv_wr_opcode opcode, const char *what)
{
	enum ibv_wc_status status = run_word(w, opcode);

	if (status != IBV_WC_SUCCESS)
		die("%s ended with \"%s\"", what, ibv_wc_status_str(status));
}

static void open_twice(struct work *w)
{
	open_work(w, 14, 12);
	w->mw = ibv_alloc_mw(w->lb.pd, IBV_MW_TYPE_1);
	if (!w->mw)
		die("no memory window");
	memset((char *)w->remote->addr + LEN, 0, sizeof(uint64_t));
}

static void close_twice(struct work *w)
{
	ibv_dealloc_mw(w->mw);
	close_work(w);
}

/* A flush that has been answered, for whom the answer did not come, asks once more */
static void flush_twice(char **argv)
{
	struct work w = { 0 };
	uint32_t psn;

	(void)argv;
	open_twice(&w);
	psn = loopback_psn(&w.lb);
	run_flush(&w);
	loopback_rewind(&w.lb, psn);
	run_flush(&w);
	close_twice(&w);
}

/* An atomic's old value is kept for it, also when a flush came behind it */
static void atomic_twice(char **argv)
{
	const uint64_t *old, *word;
	struct work w = { 0 };
	uint32_t psn;

	(void)argv;
	open_twice(&w);
	old = (uint64_t *)((char *)w.local->addr + LEN);
	word = (uint64_t *)((char *)w.remote->addr + LEN);
	psn = loopback_psn(&w.lb);
	must_run_word(&w, IBV_WR_ATOMIC_FETCH_AND_ADD, "the atomic");
	run_flush(&w);
	memset(w.local->addr, 0xff, 2 * LEN);
	loopback_rewind(&w.lb, psn);
	must_run_word(&w, IBV_WR_ATOMIC_FETCH_AND_ADD, "the atomic, the second time,");
	if (*old != 0 || *word != 1)
		die("the atomic's old value is %#llx, and the memory holds %#llx",
		    (unsigned long long)*old, (unsigned long long)*word);
	close_twice(&w);
}

/*
 * A read that comes with a flush's psn is not answered from what is kept for that. A
 * flush of a whole region may have any address, and any length up to 2 GiB: these would
 * be taken for the key and length, and the address, of a read that had been checked,
 * here of a region that is in another domain.
 */
static void read_of_flush(char **argv)
{
	enum ibv_wc_status status;
	struct ibv_mr *own, *foreign;
	struct ibv_pd *domain;
	struct work w = { 0 };
	uintptr_t key_and_len;
	uint32_t psn;

	(void)argv;
	open_twice(&w);
	own = w.remote;
	domain = ibv_alloc_pd(w.lb.ctx);
	foreign = domain ? ibv_reg_mr(domain, host_map(2 * LEN, (void *)LOW), 2 * LEN,
				      ACCESS_ALL) : NULL;
	if (!foreign)
		die("no region in another domain");
	key_and_len = sizeof(uint64_t) << 32 | foreign->rkey;
	psn = loopback_psn(&w.lb);
	run_flush_of(&w, key_and_len, LOW + LEN, FLUSH_MR);
	w.lb.retry_cnt = 1;
	loopback_rewind(&w.lb, psn);
	w.remote = foreign;
	status = run_word(&w, IBV_WR_RDMA_READ);
	if (status != IBV_WC_RETRY_EXC_ERR)
		die("the read of another domain's region ended with \"%s\"",
		    ibv_wc_status_str(status));
	w.remote = own;
	must_dereg(foreign);
	ibv_dealloc_pd(domain);
	close_twice(&w);
}

/* A read that comes with an atomic's psn is not answered from what is kept for that:
 * its old value would be taken for an address that had been checked
 */
static void other_kind(char **argv)
{
	enum ibv_wc_status status;
	struct work w = { 0 };
	uint64_t *word;
	uint32_t psn;

	(void)argv;
	open_twice(&w);
	word = (uint64_t *)((char *)w.remote->addr + LEN);
	must_run_word(&w, IBV_WR_RDMA_READ, "the read");
	*word = (uintptr_t)word;
	psn = loopback_psn(&w.lb);
	must_run_word(&w, IBV_WR_ATOMIC_FETCH_AND_ADD, "the atomic");
	w.lb.retry_cnt = 1;
	loopback_rewind(&w.lb, psn);
	status = run_word(&w, IBV_WR_RDMA_READ);
	if (status != IBV_WC_RETRY_EXC_ERR)
		die("the read ended with \"%s\"", ibv_wc_status_str(status));
	close_twice(&w);
}

/* The receiver keeps no answers, which a flush does without */
static void no_resources(char **argv)
{
	struct work w = { 0 };

	(void)argv;
	open_twice(&w);
	w.lb.rd_atomic = 0;
	loopback_reset(&w.lb);
	post_first(&w);
	run_flush(&w);
	close_twice(&w);
}

/*
 * An atomic write whose answer is lost is complete when the write behind it is
 * acknowledged, and the next read may go out then. To lose it: the second time the
 * receiver has no answer any more, as it keeps one, which is the atomic's.
 */
static void credit(char **argv)
{
	struct ibv_send_wr wr;
	struct ibv_sge sge;
	struct work w = { 0 };
	uint32_t psn;
	void *where;

	(void)argv;
	open_twice(&w);
	where = (char *)w.remote->addr + LEN;
	sge = (struct ibv_sge){ .addr = (uintptr_t)w.local->addr, .length = 8,
				.lkey = w.local->lkey };
	wr = write_request(&w, &sge);
	psn = loopback_psn(&w.lb);
	raw_atomic_write(w.queue, w.remote->rkey, where, 1);
	must_run_word(&w, IBV_WR_ATOMIC_FETCH_AND_ADD, "the first atomic write");
	wait_for(&w, 1, 0);
	loopback_rewind(&w.lb, psn);
	raw_atomic_write(w.queue, w.remote->rkey, where, 1);
	post(&w, &wr, 1);
	wait_for(&w, 2, 1);
	must_run_word(&w, IBV_WR_RDMA_READ, "the read");
	close_twice(&w);
}

static const struct test tests[] = {
	{ "all-kinds", 1, all_kinds }, { "fence", 0, fence }, { "flush", 0, flush },
	{ "atomic-write", 0, atomic_write }, { "flush-twice", 0, flush_twice },
	{ "atomic-twice", 0, atomic_twice }, { "read-of-flush", 0, read_of_flush },
	{ "other-kind", 0, other_kind }, { "no-resources", 0, no_resources },
	{ "credit", 0, credit },
};

int main(int argc, char **argv)
{
	const struct test *test = argc > 1 ?
		find_test(tests, sizeof(tests) / sizeof(tests[0]), argv[1], argc - 2) : NULL;

	if (!test)
		die("usage: retransmit all-kinds ROUNDS|fence|flush|atomic-write|flush-twice|"
		    "atomic-twice|read-of-flush|other-kind|no-resources|credit");
	test->run(argv + 2);
	return 0;
}
