// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does it take to register memory, and to deregister it?
 *
 *   reg-cost ALLOCATE BYTES...
 *
 * Prints for each length the median of some rounds, in nanoseconds, on a
 * drive's memory and on host memory in pages of 4 KiB: BYTES CMB HOST. For
 * tests/bench/reg-cost, which has a clock that counts instructions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "loopback.h"
#include "peer.h"

#define ROUNDS 15

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t reg_and_dereg(struct ibv_pd *pd, void *p, size_t len)
{
	uint64_t times[ROUNDS], start;
	struct ibv_mr *mr;
	int i;

	/* the first ones warm caches */
	for (i = -3; i < ROUNDS; i++) {
		start = now();
		mr = ibv_reg_mr(pd, p, len, ACCESS_ALL);
		if (!mr)
			die("ibv_reg_mr of %zu bytes: %s", len, strerror(errno));
		must_dereg(mr);
		if (i >= 0)
			times[i] = now() - start;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	return times[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	struct ibv_context *ctx = open_device("rxe0");
	struct ibv_pd *pd = ibv_alloc_pd(ctx);
	uint64_t cmb, host;
	size_t len;
	void *p;
	int i;

	if (!pd)
		die("ibv_alloc_pd: %s", strerror(errno));
	for (i = 2; i < argc; i++) {
		len = strtoul(argv[i], NULL, 0);
		p = peer_map(argv[1], len, NULL);
		cmb = reg_and_dereg(pd, p, len);
		munmap(p, len);

		p = host_map(len, NULL);
		if (madvise(p, len, MADV_NOHUGEPAGE) && errno != EINVAL)
			die("madvise: %s", strerror(errno));
		memset(p, 1, len);
		host = reg_and_dereg(pd, p, len);
		munmap(p, len);
		printf("%zu %llu %llu\n", len, (unsigned long long)cmb,
		       (unsigned long long)host);
	}
	ibv_dealloc_pd(pd);
	ibv_close_device(ctx);
	return 0;
}
