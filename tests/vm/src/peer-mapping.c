// SPDX-License-Identifier: GPL-2.0-only
/*
 * A region holds the memory of a mapping, not the mapping: what becomes of that
 * is nothing to the region, and its memory goes to nobody else as long as it
 * lives.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer-tests.h"

#define LEN	(64 * PAGE)
#define QUARTER	(LEN / 4)
#define CHUNK	(16 * PAGE)
#define CHUNKS	1024

/* What the pool of the file's provider has left */
static size_t available(const char *allocate)
{
	char path[256], line[32] = "";
	const char *end = strrchr(allocate, '/');
	FILE *f;

	snprintf(path, sizeof(path), "%.*s/available", (int)(end - allocate), allocate);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return strtoul(line, NULL, 10);
}

static void expect_available(const char *allocate, size_t want, const char *when)
{
	size_t got = available(allocate);

	if (got != want)
		die("%s: %zu bytes are available, not %zu", when, got, want);
}

/* A region, and host memory of the same length to fill and to compare it with */
struct subject {
	const char *allocate;
	struct loopback lb;
	struct ibv_mr *peer;
	struct ibv_mr *host;
	uint8_t *p;
};

static void remote_writes(struct subject *s, uint64_t seed)
{
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = s->host,
			       .remote = s->peer, .len = s->peer->length };

	peer_fill(s->host->addr, s->peer->length, seed);
	must_succeed(loopback_run(&s->lb, &req), "write");
}

static void remote_reads(struct subject *s, uint64_t seed, const char *when)
{
	struct request req = { .opcode = IBV_WR_RDMA_READ, .local = s->host,
			       .remote = s->peer, .len = s->peer->length };

	memset(s->host->addr, 0, s->peer->length);
	must_succeed(loopback_run(&s->lb, &req), "read");
	check_bytes(s->host->addr, s->peer->length, seed, 0, when);
}

/* Take all the pool that is left, in pieces: none of it may be the region's */
static void rest_is_elsewhere(struct subject *s)
{
	static uint8_t *chunks[CHUNKS];
	uint8_t seen[PAGE];
	unsigned int n, i;

	remote_writes(s, 3);
	for (n = 0; n < CHUNKS && available(s->allocate) >= CHUNK; n++) {
		chunks[n] = peer_map(s->allocate, CHUNK, NULL);
		peer_read(seen, chunks[n], PAGE);
		for (i = 0; i < PAGE; i++) {
			if (seen[i])
				die("new memory is not clear");
		}
		peer_fill(chunks[n], PAGE, 100 + n);
		peer_fill(chunks[n] + CHUNK - PAGE, PAGE, 100 + n);
	}
	if (available(s->allocate) >= CHUNK)
		die("the pool is too large for this test");
	remote_reads(s, 3, "after the rest of the pool was written to");

	remote_writes(s, 4);
	for (i = 0; i < n; i++) {
		peer_read(seen, chunks[i], PAGE);
		check_bytes(seen, PAGE, 100 + i, 0, "memory of others");
		peer_read(seen, chunks[i] + CHUNK - PAGE, PAGE);
		check_bytes(seen, PAGE, 100 + i, 0, "memory of others");
		munmap(chunks[i], CHUNK);
	}
	remote_reads(s, 4, "after all");
}

/* The region is on so many mappings, side by side */
static void open_subject(struct subject *s, const char *allocate, size_t pieces)
{
	size_t i;

	s->allocate = allocate;
	loopback_open(&s->lb, device_name());
	s->p = reserve(LEN);
	for (i = 0; i < pieces; i++)
		peer_map(allocate, LEN / pieces, s->p + i * (LEN / pieces));
	s->peer = must_reg(&s->lb, s->p, LEN, ACCESS_ALL);
	s->host = must_reg(&s->lb, host_map(LEN, NULL), LEN, ACCESS_ALL);
	remote_writes(s, 2);
}

static void must_move(uint8_t *from, size_t len)
{
	void *to = reserve(len);

	if (mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		die("mremap: %s", strerror(errno));
}

/*
 * What can become of the mapping at s->p. Each returns how much memory of the
 * pool it took for that, which is at s->p + QUARTER then.
 */
static size_t unmap_all(struct subject *s)
{
	munmap(s->p, LEN);
	return 0;
}

static size_t unmap_middle(struct subject *s)
{
	munmap(s->p + QUARTER, 2 * QUARTER);
	return 0;
}

static size_t unmap_ends(struct subject *s)
{
	munmap(s->p, QUARTER);
	munmap(s->p + 3 * QUARTER, QUARTER);
	return 0;
}

static size_t move_all(struct subject *s)
{
	must_move(s->p, LEN);
	return 0;
}

static size_t move_middle(struct subject *s)
{
	must_move(s->p + QUARTER, 2 * QUARTER);
	return 0;
}

static size_t host_over_middle(struct subject *s)
{
	uint8_t *h = host_map(2 * QUARTER, s->p + QUARTER);

	peer_fill(h, 2 * QUARTER, 9);
	remote_reads(s, 2, "beneath host memory");
	remote_writes(s, 2);
	check_bytes(h, 2 * QUARTER, 9, 0, "host memory over the region's");
	return 0;
}

static size_t peer_over_middle(struct subject *s)
{
	peer_map(s->allocate, 2 * QUARTER, s->p + QUARTER);
	return 2 * QUARTER;
}

static size_t peer_over_all(struct subject *s)
{
	munmap(s->p, LEN);
	peer_map(s->allocate, 2 * QUARTER, s->p + QUARTER);
	return 2 * QUARTER;
}

static size_t drop_pages(struct subject *s)
{
	if (madvise(s->p + QUARTER, 2 * QUARTER, MADV_DONTNEED))
		die("madvise: %s", strerror(errno));
	return 0;
}

static const struct {
	const char *name;
	size_t (*happen)(struct subject *s);
} ways[] = {
	{ "unmap", unmap_all }, { "unmap-middle", unmap_middle },
	{ "unmap-ends", unmap_ends }, { "move", move_all },
	{ "move-middle", move_middle }, { "host-over-middle", host_over_middle },
	{ "peer-over-middle", peer_over_middle }, { "peer-over-all", peer_over_all },
	{ "dontneed", drop_pages },
};

/*
 * outlives ALLOCATE WAY MAPPINGS: the region is as it was, and its memory still
 * its own. One mapping is held as a whole, of several each page is pinned.
 */
void test_outlives(char **argv)
{
	size_t before = available(argv[0]), taken, i;
	struct subject s;

	for (i = 0; strcmp(ways[i].name, argv[1]); i++) {
		if (i + 1 == sizeof(ways) / sizeof(ways[0]))
			die("unknown way %s", argv[1]);
	}

	open_subject(&s, argv[0], strtoul(argv[2], NULL, 0));
	taken = ways[i].happen(&s);
	remote_reads(&s, 2, argv[1]);
	expect_available(argv[0], before - LEN - taken, "while the region lives");
	rest_is_elsewhere(&s);
	expect_available(argv[0], before - LEN - taken, "after others had the rest");

	must_dereg(s.peer);
	if (taken)
		munmap(s.p + QUARTER, taken);
	if (ways[i].happen == unmap_all || ways[i].happen == peer_over_all)
		expect_available(argv[0], before, "without the region");
	else
		expect_available(argv[0], before - LEN, "with the mapping left");
	must_dereg(s.host);
	loopback_close(&s.lb);
}

/*
 * outlives-fork ALLOCATE: the child keeps what the parent unmaps, unregisters,
 * or both, and the memory goes when the child does
 */
void test_outlives_fork(char **argv)
{
	size_t before = available(argv[0]);
	int go[2], done[2], status = -1;
	struct subject s;
	uint8_t seen[PAGE];
	pid_t pid;
	char c = 0;

	open_subject(&s, argv[0], 1);
	if (pipe(go) || pipe(done))
		die("no pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("no child: %s", strerror(errno));
	if (!pid) {
		close(go[1]);
		munmap(s.p, QUARTER);
		if (write(done[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(2);
		peer_read(seen, s.p + QUARTER, PAGE);
		check_bytes(seen, PAGE, 4, QUARTER, "what the child sees");
		peer_fill(s.p + QUARTER, PAGE, 8);
		if (write(done[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(3);
		_exit(0);
	}

	if (read(done[0], &c, 1) != 1)
		die("the child failed");
	munmap(s.p, LEN);
	rest_is_elsewhere(&s);
	if (write(go[1], &c, 1) != 1 || read(done[0], &c, 1) != 1)
		die("the child failed");
	struct request req = { .opcode = IBV_WR_RDMA_READ, .local = s.host,
			       .remote = s.peer, .remote_offset = QUARTER, .len = PAGE };
	must_succeed(loopback_run(&s.lb, &req), "read");
	check_bytes(s.host->addr, PAGE, 8, 0, "what the child wrote");

	must_dereg(s.peer);
	expect_available(argv[0], before - LEN, "with the child's mapping left");
	if (write(go[1], &c, 1) != 1 || waitpid(pid, &status, 0) != pid || status)
		die("the child ended with status %#x", status);
	expect_available(argv[0], before, "without the child");
	must_dereg(s.host);
	loopback_close(&s.lb);
}

/* part ALLOCATE: regions on parts of a mapping, and of a mapping's parts */
void test_part(char **argv)
{
	static const size_t starts[] = { 0, PAGE, 3 * PAGE + 104, LEN - 4 * PAGE };
	struct ibv_mr *host, *mr;
	struct loopback lb;
	uint8_t *p;
	size_t i;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(LEN, NULL), LEN, ACCESS_ALL);
	p = peer_map(argv[0], LEN, NULL);
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		mr = must_reg(&lb, p + starts[i], 3 * PAGE + 128, ACCESS_ALL);
		round_trip(&lb, mr, host, 16, 0, 3 * PAGE, 0);
		must_dereg(mr);
	}

	/* what moves takes its memory along; it can be found there */
	must_move(p, QUARTER);
	mr = must_reg(&lb, p + QUARTER + PAGE, PAGE * 4, ACCESS_ALL);
	round_trip(&lb, mr, host, 16, 0, 3 * PAGE, 0);
	must_dereg(mr);

	/* a range of two mappings, host memory between them */
	peer_map(argv[0], QUARTER, p);
	host_map(PAGE, p + 2 * QUARTER);
	mr = must_reg(&lb, p, LEN, ACCESS_ALL);
	round_trip(&lb, mr, host, 16, 0, LEN - 32, 0);
	must_dereg(mr);

	/* memory that is not to be written to */
	if (mprotect(p + QUARTER, PAGE, PROT_READ))
		die("mprotect: %s", strerror(errno));
	if (ibv_reg_mr(lb.pd, p + QUARTER, PAGE, ACCESS_ALL) || errno != EFAULT)
		die("read-only memory for writing: %s", strerror(errno));
	if (ibv_reg_mr(lb.pd, p + QUARTER, 2 * PAGE, ACCESS_ALL) || errno != EFAULT)
		die("partly read-only memory for writing: %s", strerror(errno));
	must_dereg(must_reg(&lb, p + QUARTER, 2 * PAGE, IBV_ACCESS_REMOTE_READ));
	if (mprotect(p + QUARTER, PAGE, PROT_READ | PROT_WRITE))
		die("mprotect: %s", strerror(errno));
	must_dereg(must_reg(&lb, p + QUARTER, 2 * PAGE, ACCESS_ALL));

	/* a mapping does not grow over memory that nobody allocated */
	p = peer_map(argv[0], 2 * PAGE, NULL);
	if (mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED || errno != EFAULT)
		die("the mapping grew: %s", strerror(errno));
	must_dereg(host);
	loopback_close(&lb);
}

static atomic_int stop;

struct racer {
	const char *allocate;
	uint8_t *slot;
};

/* Other memory, or none, at the address that is being registered */
static void *replace_mapping(void *arg)
{
	struct racer *r = arg;
	unsigned int i;

	for (i = 0; !stop; i++) {
		/* no hole, in which something of the C library's may end up */
		if (i % 3)
			peer_map(r->allocate, LEN, r->slot);
		else if (mprotect(r->slot + (i & 1) * QUARTER, QUARTER, PROT_NONE))
			die("mprotect: %s", strerror(errno));
		sched_yield();
	}
	return NULL;
}

/* Memory that nobody registers keeps what is written to it */
static void *look_after_own(void *arg)
{
	struct racer *r = arg;
	uint8_t seen[PAGE];
	uint64_t seed;
	uint8_t *p;

	for (seed = 1000; !stop; seed++) {
		p = peer_map(r->allocate, CHUNK, NULL);
		peer_fill(p + CHUNK - PAGE, PAGE, seed);
		sched_yield();
		peer_read(seen, p + CHUNK - PAGE, PAGE);
		check_bytes(seen, PAGE, seed, 0, "memory of others");
		munmap(p, CHUNK);
	}
	return NULL;
}

/*
 * race ALLOCATE SECONDS: register what another thread unmaps and replaces at the
 * same time. It fails or it works, and then the memory is the region's alone.
 */
void test_race(char **argv)
{
	time_t end = time(NULL) + strtol(argv[1], NULL, 0);
	struct subject s = { .allocate = argv[0] };
	unsigned int good = 0, bad = 0;
	pthread_t threads[2];
	struct racer r;

	loopback_open(&s.lb, device_name());
	s.host = must_reg(&s.lb, host_map(LEN, NULL), LEN, ACCESS_ALL);
	r.allocate = argv[0];
	r.slot = reserve(LEN);
	if (pthread_create(&threads[0], NULL, replace_mapping, &r) ||
	    pthread_create(&threads[1], NULL, look_after_own, &r))
		die("no thread");

	while (time(NULL) < end || !good || !bad) {
		s.peer = ibv_reg_mr(s.lb.pd, r.slot, LEN, ACCESS_ALL);
		if (!s.peer) {
			if (errno != EFAULT)
				die("ibv_reg_mr: %s", strerror(errno));
			bad++;
			continue;
		}
		remote_writes(&s, good);
		remote_reads(&s, good, "a region whose mapping is replaced");
		must_dereg(s.peer);
		good++;
	}
	stop = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	printf("%u registered, %u not\n", good, bad);
	must_dereg(s.host);
	loopback_close(&s.lb);
}

/* hold-unmapped ALLOCATE BYTES: a region without a mapping, until a signal */
void test_hold_unmapped(char **argv)
{
	size_t len = strtoul(argv[1], NULL, 0);
	struct loopback lb;
	void *p;

	loopback_open(&lb, device_name());
	p = peer_map(argv[0], len, NULL);
	must_reg(&lb, p, len, ACCESS_ALL);
	munmap(p, len);
	announce("holding");
	pause();
}
