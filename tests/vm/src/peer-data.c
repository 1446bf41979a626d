// SPDX-License-Identifier: GPL-2.0-only
/* Data goes where it should, and nowhere else */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer-tests.h"

const char *device_name(void)
{
	const char *name = getenv("RDMA_DEVICE");

	return name ? name : "rxe0";
}

void must_succeed(enum ibv_wc_status status, const char *what)
{
	if (status != IBV_WC_SUCCESS)
		die("%s: %s", what, ibv_wc_status_str(status));
}

void check_bytes(const uint8_t *got, size_t len, uint64_t seed,
			size_t first, const char *what)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (got[i] != pattern(seed, first + i))
			die("%s: byte %zu of %zu is %#x, not %#x", what, i, len,
			    got[i], pattern(seed, first + i));
	}
}

static void fill_host(uint8_t *p, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = pattern(seed, i);
}

/* Write into the region at an offset, look with the CPU, read it back */
void round_trip(struct loopback *lb, struct ibv_mr *peer,
		       struct ibv_mr *host, size_t at, size_t from, size_t len,
		       int by_send)
{
	/* around the bytes written, there must be none; whole words for the CPU */
	size_t first = (at & ~7ul) - 8, last = (at + len + 15) & ~7ul;
	uint8_t *h = host->addr, *p = peer->addr, *seen, *before;
	uint64_t seed = at * 31 + len;
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = host,
			       .local_offset = from, .remote = peer,
			       .remote_offset = at, .len = len };

	before = malloc(last - first);
	seen = malloc(last - first);
	if (!before || !seen)
		die("out of memory");
	peer_read(before, p + first, last - first);

	fill_host(h + from, len, seed);
	must_succeed(by_send ? loopback_send(lb, &req) : loopback_run(lb, &req),
		     by_send ? "send" : "write");
	peer_read(seen, p + first, last - first);
	check_bytes(seen + (at - first), len, seed, 0, "seen by the CPU");
	if (memcmp(seen, before, at - first) ||
	    memcmp(seen + (at - first) + len, before + (at - first) + len,
		   last - at - len))
		die("bytes around %zu+%zu changed", at, len);

	memset(h + from, 0, len);
	req.opcode = IBV_WR_RDMA_READ;
	must_succeed(loopback_run(lb, &req), "read");
	check_bytes(h + from, len, seed, 0, "read back");
	free(before);
	free(seen);
}

/* data ALLOCATE: all alignments, across pages and packets */
void test_data(char **argv)
{
	static const size_t lens[] = { 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 63, 64,
				       1023, 1024, 1025, 4095, 4096, 4097, 9000 };
	size_t size = 8 * PAGE, i, at;
	struct ibv_mr *peer, *host;
	struct loopback lb;

	loopback_open(&lb, device_name());
	peer = must_reg(&lb, peer_map(argv[0], size, NULL), size, ACCESS_ALL);
	host = must_reg(&lb, host_map(size, NULL), size, ACCESS_ALL);

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (at = 0; at < 9; at++) {
			round_trip(&lb, peer, host, 16 + at, at % 5, lens[i], at & 1);
			/* the first byte of the next page is at the end of it */
			round_trip(&lb, peer, host, PAGE - 4 + at, 8 - at,
				   lens[i], !(at & 1));
		}
	}
	ibv_dereg_mr(peer);
	ibv_dereg_mr(host);
	loopback_close(&lb);
}

/* One region over pieces of memory side by side; data goes over every seam */
static void check_seams(struct loopback *lb, void *start, size_t piece, int n)
{
	struct ibv_mr *host, *mr = must_reg(lb, start, n * piece, ACCESS_ALL);
	int i;

	host = must_reg(lb, host_map(n * piece, NULL), n * piece, ACCESS_ALL);
	for (i = 1; i < n; i++) {
		round_trip(lb, mr, host, i * piece - 1, 3, 2, 0);
		round_trip(lb, mr, host, i * piece - PAGE + 17, 1, 2 * PAGE - 40, 1);
	}
	round_trip(lb, mr, host, 16, 0, n * piece - 32, 0);
	ibv_dereg_mr(mr);
	ibv_dereg_mr(host);
}

/* mixed ALLOCATE: peer and host memory in one region, in both orders */
void test_mixed(char **argv)
{
	size_t piece = 4 * PAGE;
	struct loopback lb;
	uint8_t *start;
	int first, i;

	loopback_open(&lb, device_name());
	for (first = 0; first < 2; first++) {
		start = reserve(4 * piece);
		for (i = 0; i < 4; i++) {
			/* host memory that was never touched: not present */
			if ((i + first) & 1)
				host_map(piece, start + i * piece);
			else
				peer_map(argv[0], piece, start + i * piece);
		}
		check_seams(&lb, start, piece, 4);
		munmap(start, 4 * piece);
	}
	loopback_close(&lb);
}

/* two ALLOCATE0 ALLOCATE1: two drives' memory in one region */
void test_two(char **argv)
{
	size_t piece = 4 * PAGE;
	struct loopback lb;
	uint8_t *start;

	loopback_open(&lb, device_name());
	start = reserve(2 * piece);
	peer_map(argv[0], piece, start);
	peer_map(argv[1], piece, start + piece);
	check_seams(&lb, start, piece, 2);
	munmap(start, 2 * piece);
	loopback_close(&lb);
}

/* soak ALLOCATE: write and read and compare, until SIGTERM */
void test_soak(char **argv)
{
	struct ibv_mr *peer, *host;
	struct loopback lb;

	catch_term();
	loopback_open(&lb, device_name());
	peer = must_reg(&lb, peer_map(argv[0], 8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	host = must_reg(&lb, host_map(8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	round_trip(&lb, peer, host, 100, 3, 7 * PAGE, 0);
	announce("running");
	while (!term_came()) {
		round_trip(&lb, peer, host, 100, 3, 7 * PAGE, 0);
		/* others want the processors, too, while one waits for a packet */
		usleep(20000);
	}
	ibv_dereg_mr(peer);
	ibv_dereg_mr(host);
	loopback_close(&lb);
}

/*
 * fork ALLOCATE: the child has the mapping, too; it ends, and the parent's
 * region goes on
 */
void test_fork(char **argv)
{
	struct ibv_mr *peer, *host;
	struct loopback lb;
	int status;
	pid_t pid;
	void *p;

	loopback_open(&lb, device_name());
	p = peer_map(argv[0], 4 * PAGE, NULL);
	peer = must_reg(&lb, p, 4 * PAGE, ACCESS_ALL);
	host = must_reg(&lb, host_map(4 * PAGE, NULL), 4 * PAGE, ACCESS_ALL);

	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		peer_fill(p, PAGE, 5);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("the child ended with status %#x", status);

	struct request req = { .opcode = IBV_WR_RDMA_READ, .local = host,
			       .remote = peer, .len = PAGE };
	must_succeed(loopback_run(&lb, &req), "read");
	check_bytes(host->addr, PAGE, 5, 0, "what the child wrote");
	round_trip(&lb, peer, host, 16, 0, 2 * PAGE, 0);
	ibv_dereg_mr(peer);
	ibv_dereg_mr(host);
	loopback_close(&lb);
}

static unsigned long count_duplicates(void)
{
	char path[128], line[32] = "";
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/class/infiniband/%s/ports/1/hw_counters/duplicate_request",
		 device_name());
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return strtoul(line, NULL, 10);
}

/*
 * late-duplicate: a requester with no patience asks twice. By the time that
 * the second is looked at, it has its answer, and the memory is no region any
 * more. The next request must not suffer.
 */
void test_late_duplicate(char **argv)
{
	const size_t len = 128 * PAGE;
	struct ibv_mr *local, *remote;
	unsigned long enough;
	struct loopback lb;
	void *p;
	int i;

	(void)argv;
	loopback_open(&lb, device_name());
	lb.timeout = 1;
	loopback_reset(&lb);
	local = must_reg(&lb, host_map(len, NULL), len, ACCESS_ALL);
	p = host_map(len, NULL);
	enough = count_duplicates() + 5;
	for (i = 0; count_duplicates() < enough; i++) {
		if (i == 10000)
			die("hardly anything is asked twice, so that this shows nothing");
		remote = must_reg(&lb, p, len, ACCESS_ALL);
		struct request req = { .opcode = IBV_WR_RDMA_READ, .local = local,
				       .remote = remote, .len = len };

		must_succeed(loopback_run(&lb, &req), "read");
		must_dereg(remote);
	}
	announce("asked twice often enough");
	must_dereg(local);
	loopback_close(&lb);
}
