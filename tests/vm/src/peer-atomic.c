// SPDX-License-Identifier: GPL-2.0-only
/* Atomics, atomic writes and flushes */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "peer-tests.h"
#include "rxe-raw.h"

static uint64_t peer_word(void *addr)
{
	return *(volatile uint64_t *)addr;
}

static void atomic_step(struct loopback *lb, struct request *req, uint64_t want_old,
			uint64_t want_new)
{
	uint64_t old;

	must_succeed(loopback_run(lb, req), "atomic");
	memcpy(&old, req->local->addr, 8);
	if (old != want_old)
		die("returned %#lx, not %#lx", old, want_old);
	if (peer_word((uint8_t *)req->remote->addr + req->remote_offset) != want_new)
		die("the memory holds %#lx, not %#lx",
		    peer_word((uint8_t *)req->remote->addr + req->remote_offset),
		    want_new);
}

/* atomic ALLOCATE: fetch-and-add, compare-and-swap, at the edges of a page */
void test_atomic(char **argv)
{
	struct request req = { .len = 8 };
	struct loopback lb;

	loopback_open(&lb, device_name());
	req.remote = must_reg(&lb, peer_map(argv[0], 2 * PAGE, NULL), 2 * PAGE,
			      ACCESS_ALL);
	req.local = must_reg(&lb, host_map(PAGE, NULL), PAGE, ACCESS_ALL);

	for (req.remote_offset = PAGE - 8; req.remote_offset <= PAGE;
	     req.remote_offset += 8) {
		req.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
		req.compare_add = 0xfffffffffull;
		atomic_step(&lb, &req, 0, 0xfffffffffull);
		req.compare_add = 1;
		atomic_step(&lb, &req, 0xfffffffffull, 0x1000000000ull);
		req.opcode = IBV_WR_ATOMIC_CMP_AND_SWP;
		req.compare_add = 0x1000000000ull;
		req.swap = 42;
		atomic_step(&lb, &req, 0x1000000000ull, 42);
		req.compare_add = 41;
		req.swap = 99;
		atomic_step(&lb, &req, 42, 42);
	}

	ibv_dereg_mr(req.remote);
	ibv_dereg_mr(req.local);
	loopback_close(&lb);
}

/* ---- atomic among the queue pairs of one device ---------------------------- */

enum { HAMMERS = 4, ADDS = 200, SWAPS = 50 };

/* A process of its own would do as well: each opens the device for itself */
struct hammer {
	pthread_t thread;
	void *shared; /* [0] is added to, [1] is swapped */
	uint64_t seen[ADDS];
};

/* Other bits than those of the count would show a word that was torn */
#define STEP 0x100000001ull

static uint64_t fetch_and_op(struct loopback *lb, struct request *req)
{
	uint64_t old;

	must_succeed(loopback_run(lb, req), "atomic");
	memcpy(&old, req->local->addr, 8);
	return old;
}

static void swap_once(struct loopback *lb, struct request *req)
{
	uint64_t old;

	req->swap = req->compare_add + STEP;
	while ((old = fetch_and_op(lb, req)) != req->compare_add) {
		req->compare_add = old;
		req->swap = old + STEP;
	}
}

static void *hammer(void *arg)
{
	struct hammer *h = arg;
	struct request req = { .len = 8, .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD,
			       .compare_add = STEP };
	struct loopback lb;
	int i;

	loopback_open(&lb, device_name());
	req.remote = must_reg(&lb, h->shared, PAGE, ACCESS_ALL);
	req.local = must_reg(&lb, host_map(PAGE, NULL), PAGE, ACCESS_ALL);
	for (i = 0; i < ADDS; i++)
		h->seen[i] = fetch_and_op(&lb, &req);

	req.opcode = IBV_WR_ATOMIC_CMP_AND_SWP;
	req.remote_offset = 8;
	req.compare_add = 0;
	for (i = 0; i < SWAPS; i++)
		swap_once(&lb, &req);

	must_dereg(req.remote);
	must_dereg(req.local);
	loopback_close(&lb);
	return NULL;
}

/*
 * atomic-many ALLOCATE: several queue pairs, of several protection domains, on
 * the same words of peer memory. Nothing is lost, and no two see the same value:
 * atomic among the queue pairs of the device, which is what IBV_ATOMIC_HCA says.
 * Not against the drive's own accesses, nor against those of the CPU.
 */
void test_atomic_many(char **argv)
{
	static struct hammer hammers[HAMMERS];
	static uint8_t seen[HAMMERS * ADDS];
	struct ibv_device_attr attr;
	struct ibv_context *ctx;
	uint64_t *shared, n;
	int i, j;

	ctx = open_device(device_name());
	if (ibv_query_device(ctx, &attr) || attr.atomic_cap != IBV_ATOMIC_HCA)
		die("atomic_cap is %d, not IBV_ATOMIC_HCA", attr.atomic_cap);
	ibv_close_device(ctx);

	shared = peer_map(argv[0], PAGE, NULL);
	for (i = 0; i < HAMMERS; i++) {
		hammers[i].shared = shared;
		if (pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]))
			die("no thread");
	}
	for (i = 0; i < HAMMERS; i++)
		pthread_join(hammers[i].thread, NULL);

	if (peer_word(&shared[0]) != HAMMERS * ADDS * STEP)
		die("added up to %#lx, not %#llx", peer_word(&shared[0]),
		    HAMMERS * ADDS * STEP);
	if (peer_word(&shared[1]) != HAMMERS * SWAPS * STEP)
		die("swapped up to %#lx, not %#llx", peer_word(&shared[1]),
		    HAMMERS * SWAPS * STEP);
	for (i = 0; i < HAMMERS; i++) {
		for (j = 0; j < ADDS; j++) {
			n = hammers[i].seen[j] / STEP;
			if (hammers[i].seen[j] % STEP || n >= sizeof(seen) || seen[n]++)
				die("%#lx was seen twice, or never there",
				    hammers[i].seen[j]);
		}
	}
}

/* What was posted raw, with an ordinary request behind it: the first one's status */
static enum ibv_wc_status run_raw(struct loopback *lb, const struct request *doorbell)
{
	enum ibv_wc_status status = loopback_run(lb, doorbell);

	loopback_wait(lb);
	return status;
}

static enum ibv_wc_status flush_by_key(struct loopback *lb, struct rxe_queue_buf *q,
				       const struct request *req, uint32_t rkey,
				       uint64_t at, uint32_t len, int type, int level)
{
	raw_flush(q, rkey, (uint8_t *)req->remote->addr + at, len, type, level);
	return run_raw(lb, req);
}

static enum ibv_wc_status flush(struct loopback *lb, struct rxe_queue_buf *q,
				const struct request *req, uint64_t at,
				uint32_t len, int type, int level)
{
	return flush_by_key(lb, q, req, req->remote->rkey, at, len, type, level);
}

static void atomic_write(struct loopback *lb, struct rxe_queue_buf *q,
			 const struct request *req, uint64_t at, uint64_t value)
{
	uint64_t *where = (uint64_t *)((uint8_t *)req->remote->addr + at);

	raw_atomic_write(q, req->remote->rkey, where, value);
	must_succeed(run_raw(lb, req), "atomic write");
	if (peer_word(where) != value)
		die("the memory holds %#lx, not %#lx", peer_word(where), value);
}

static void must_be_refused(enum ibv_wc_status status, const char *what)
{
	if (status != IBV_WC_REM_ACCESS_ERR)
		die("%s: %s", what, ibv_wc_status_str(status));
}

/*
 * A BAR is not persistent: registration for it is refused. A memory window may
 * claim a right that its region does not have: such a flush is refused, too.
 */
static void check_persistent(struct loopback *lb, struct rxe_queue_buf *q,
			     struct request *req)
{
	int access = ACCESS_FLUSH | ACCESS_FLUSH_PERSISTENT;
	struct ibv_mw *mw;

	if (ibv_reg_mr(lb->pd, req->remote->addr, PAGE, access))
		die("registered a BAR for flushes to persistence");

	mw = must_bind(lb, req->remote, access);
	must_succeed(flush_by_key(lb, q, req, mw->rkey, 0, PAGE, FLUSH_GLOBAL,
				  FLUSH_RANGE), "flush through a memory window");
	must_be_refused(flush_by_key(lb, q, req, mw->rkey, 0, PAGE,
				     FLUSH_PERSISTENT, FLUSH_RANGE),
			"a flush to persistence of a BAR");
	loopback_reset(lb);
	ibv_dealloc_mw(mw);
}

/* flush ALLOCATE: atomic writes, and flushes of a range and of the region */
void test_flush(char **argv)
{
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .len = 8 };
	struct rxe_queue_buf *q;
	struct loopback lb;

	loopback_open_with(&lb, device_name(), ACCESS_FLUSH | ACCESS_FLUSH_PERSISTENT);
	req.remote = must_reg(&lb, peer_map(argv[0], 4 * PAGE, NULL), 4 * PAGE,
			      ACCESS_FLUSH | IBV_ACCESS_MW_BIND);
	req.local = must_reg(&lb, host_map(PAGE, NULL), PAGE, ACCESS_ALL);
	req.id = RAW_QUEUE_ID;
	must_succeed(loopback_run(&lb, &req), "write");
	q = raw_find_queue();

	req.remote_offset = 3 * PAGE;
	atomic_write(&lb, q, &req, 0, 0x0123456789abcdefull);
	atomic_write(&lb, q, &req, PAGE - 8, ~0ull);
	atomic_write(&lb, q, &req, PAGE, 1);

	must_succeed(flush(&lb, q, &req, 100, 2 * PAGE, FLUSH_GLOBAL, FLUSH_RANGE),
		     "flush of a range");
	must_succeed(flush(&lb, q, &req, 0, 0, FLUSH_GLOBAL, FLUSH_MR),
		     "flush of the region");
	check_persistent(&lb, q, &req);

	must_succeed(loopback_run(&lb, &req), "write on new queue pairs");
	must_be_refused(flush(&lb, raw_find_queue(), &req, 1, 4 * PAGE,
			      FLUSH_GLOBAL, FLUSH_RANGE), "a flush past the region");
	ibv_dereg_mr(req.remote);
	ibv_dereg_mr(req.local);
	loopback_close(&lb);
}
