// SPDX-License-Identifier: GPL-2.0-only
/* Atomics, atomic writes and flushes */
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <rdma/rdma_user_rxe.h>

#include "peer-tests.h"

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

/*
 * Debian 12's libibverbs knows neither flush nor, for rxe, atomic write. So put
 * the request into rxe's send queue as the kernel expects it
 * (include/uapi/rdma/rdma_user_rxe.h), and let an ordinary request behind it
 * ring the doorbell.
 */
enum { WR_FLUSH = 14, WR_ATOMIC_WRITE = 15 };
enum { FLUSH_GLOBAL = 1, FLUSH_PERSISTENT = 2, FLUSH_RANGE = 0, FLUSH_MR = 1 };
#define ACCESS_FLUSH_GLOBAL (1 << 8)
#define ACCESS_FLUSH_PERSISTENT (1 << 9)
#define ACCESS_FLUSH (ACCESS_ALL | ACCESS_FLUSH_GLOBAL)

struct flush_wr {
	uint64_t remote_addr;
	uint32_t length;
	uint32_t rkey;
	uint8_t type;
	uint8_t level;
};

/*
 * The queue in which a request was posted last that has this wr_id. It is the
 * first word of a completion, too, but those are smaller.
 */
static struct rxe_queue_buf *find_queue(uint64_t wr_id)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct rxe_queue_buf *q, *found = NULL;
	unsigned long start, end;
	char line[512];
	uint32_t last;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/uverbs") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		q = (struct rxe_queue_buf *)start;
		last = (q->producer_index - 1) & q->index_mask;
		if (((uint64_t)last + 1) << q->log2_elem_size > end - start ||
		    1ul << q->log2_elem_size < sizeof(struct rxe_send_wqe))
			continue;
		if (!memcmp(q->data + ((size_t)last << q->log2_elem_size),
			    &wr_id, sizeof(wr_id)))
			found = q;
	}
	if (maps)
		fclose(maps);
	if (!found)
		die("cannot find rxe's send queue in this process");
	return found;
}

static enum ibv_wc_status post_raw(struct loopback *lb, struct rxe_queue_buf *q,
				   const struct rxe_send_wqe *wqe, size_t len,
				   const struct request *doorbell)
{
	uint32_t index = q->producer_index & q->index_mask;
	enum ibv_wc_status status;

	memcpy(q->data + ((size_t)index << q->log2_elem_size), wqe, len);
	__atomic_store_n(&q->producer_index, (index + 1) & q->index_mask,
			 __ATOMIC_RELEASE);
	/* the first completion is that of the request before the doorbell */
	status = loopback_run(lb, doorbell);
	loopback_wait(lb);
	return status;
}

static enum ibv_wc_status flush_by_key(struct loopback *lb, struct rxe_queue_buf *q,
				       const struct request *req, uint32_t rkey,
				       uint64_t at, uint32_t len, int type, int level)
{
	struct rxe_send_wqe wqe = { .wr = { .opcode = WR_FLUSH,
					    .send_flags = IBV_SEND_SIGNALED } };
	struct flush_wr wr = {
		.remote_addr = (uintptr_t)req->remote->addr + at, .length = len,
		.rkey = rkey, .type = type, .level = level,
	};

	memcpy(&wqe.wr.wr, &wr, sizeof(wr));
	wqe.iova = wr.remote_addr;
	/* what rxe puts on the wire is this length, not the request's */
	wqe.dma.length = wqe.dma.resid = len;
	return post_raw(lb, q, &wqe, sizeof(wqe), req);
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
	union {
		struct rxe_send_wqe wqe;
		uint8_t bytes[sizeof(struct rxe_send_wqe) + 8];
	} u = { .wqe.wr = { .opcode = WR_ATOMIC_WRITE,
			    .send_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE } };
	uint64_t *where = (uint64_t *)((uint8_t *)req->remote->addr + at);

	u.wqe.wr.wr.rdma.remote_addr = (uintptr_t)where;
	u.wqe.wr.wr.rdma.rkey = req->remote->rkey;
	u.wqe.iova = (uintptr_t)where;
	u.wqe.dma.length = u.wqe.dma.resid = sizeof(value);
	memcpy(u.bytes + offsetof(struct rxe_send_wqe, dma.inline_data), &value,
	       sizeof(value));
	must_succeed(post_raw(lb, q, &u.wqe, sizeof(u), req), "atomic write");
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
	req.id = 0x2ff0a1b7c3d4e5f6ull;
	must_succeed(loopback_run(&lb, &req), "write");
	q = find_queue(req.id);

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
	must_be_refused(flush(&lb, find_queue(req.id), &req, 1, 4 * PAGE,
			      FLUSH_GLOBAL, FLUSH_RANGE), "a flush past the region");
	ibv_dereg_mr(req.remote);
	ibv_dereg_mr(req.local);
	loopback_close(&lb);
}
