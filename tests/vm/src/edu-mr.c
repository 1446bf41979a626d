// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device's own DMA makes of memory regions, by plain verbs on edu0:
 *
 *   edu-mr TEST ARG...
 *
 * MEMORY is "host", or a p2pmem/allocate file. Exit status 0: as it should be;
 * 1: not, with what was found instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer-tests.h"

/* No atomics: they are refused */
#define ACCESS_EDU (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		    IBV_ACCESS_REMOTE_READ)
#define SIZE (4 * PAGE)

static void *map_memory(const char *memory, size_t len, void *at)
{
	return strcmp(memory, "host") ? peer_map(memory, len, at) : host_map(len, at);
}

static void open_edu(struct loopback *lb)
{
	loopback_open_with(lb, device_name(), ACCESS_EDU);
}

/* The region's lines in the driver's debugfs, without the key */
static void print_extents(uint32_t key)
{
	char path[128], line[256];
	unsigned int found;
	int at;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/edu_rdma/%s/regions", device_name());
	f = fopen(path, "re");
	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%x %n", &found, &at) == 1 && found == key)
			fputs(line + at, stdout);
	}
	fclose(f);
}

/* where MEMORY...: register a region over pieces of each; how is it mapped? */
static void try_where(int n, char **argv)
{
	uint8_t *start = reserve(n * SIZE);
	struct loopback lb;
	struct ibv_mr *mr;
	int i;

	open_edu(&lb);
	for (i = 0; i < n; i++) {
		/* for its memory to be there, and to be in pieces */
		*(char *)map_memory(argv[i], SIZE, start + i * SIZE) = 0;
	}
	mr = must_reg(&lb, start, n * SIZE, ACCESS_EDU);
	print_extents(mr->lkey);
	must_dereg(mr);
	loopback_close(&lb);
}

/* move FROM TO: by write, read and send, within a page and across pages */
static void try_move(int n, char **argv)
{
	struct ibv_mr *from, *to;
	struct loopback lb;

	(void)n;
	open_edu(&lb);
	from = must_reg(&lb, map_memory(argv[0], SIZE, NULL), SIZE, ACCESS_EDU);
	to = must_reg(&lb, map_memory(argv[1], SIZE, NULL), SIZE, ACCESS_EDU);
	round_trip(&lb, to, from, 16, 0, 1, 0);
	round_trip(&lb, to, from, 17, 3, 64, 1);
	round_trip(&lb, to, from, 40, 8, 9000, 0);
	must_dereg(from);
	must_dereg(to);
	loopback_close(&lb);
}

/* seams MEMORY...: one region over pieces of each; data goes over every seam */
static void try_seams(int n, char **argv)
{
	uint8_t *start = reserve(n * SIZE);
	struct ibv_mr *host, *mr;
	struct loopback lb;
	int i;

	open_edu(&lb);
	for (i = 0; i < n; i++)
		map_memory(argv[i], SIZE, start + i * SIZE);
	mr = must_reg(&lb, start, n * SIZE, ACCESS_EDU);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS_EDU);
	for (i = 1; i < n; i++)
		round_trip(&lb, mr, host, i * SIZE - 100, 3, 201, 0);
	must_dereg(mr);
	must_dereg(host);
	loopback_close(&lb);
}

/* refused MEMORY ERRNO-NUMBER */
static void try_refused(int n, char **argv)
{
	void *p = map_memory(argv[0], SIZE, NULL);
	int want = atoi(argv[1]);
	struct loopback lb;

	(void)n;
	open_edu(&lb);
	if (ibv_reg_mr(lb.pd, p, SIZE, ACCESS_EDU))
		die("registered, though it should not have been");
	if (errno != want)
		die("errno %d (%s), not %d", errno, strerror(errno), want);
	loopback_close(&lb);
}

/*
 * no-atomics MEMORY: a region that is to be good for atomic operations is
 * refused where none would arrive, and any other is not
 */
static void try_no_atomics(int n, char **argv)
{
	void *p = map_memory(argv[0], SIZE, NULL);
	struct loopback lb;

	(void)n;
	open_edu(&lb);
	if (ibv_reg_mr(lb.pd, p, SIZE, ACCESS_ALL))
		die("registered for atomics");
	if (errno != EOPNOTSUPP)
		die("errno is %s, not EOPNOTSUPP", strerror(errno));
	must_dereg(must_reg(&lb, p, SIZE, ACCESS_EDU));
	loopback_close(&lb);
}

/* blind MEMORY: data is sent there, but does not arrive */
static void try_blind(int n, char **argv)
{
	struct ibv_mr *host, *peer;
	struct loopback lb;
	uint8_t *p;

	(void)n;
	open_edu(&lb);
	p = map_memory(argv[0], SIZE, NULL);
	peer = must_reg(&lb, p, SIZE, ACCESS_EDU);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS_EDU);
	memset(host->addr, 0x5a, 64);
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = host,
			       .remote = peer, .len = 64 };

	must_succeed(loopback_run(&lb, &req), "write");
	if (p[0] == 0x5a)
		die("the data has arrived");
	must_dereg(peer);
	must_dereg(host);
	loopback_close(&lb);
}

/* At that place of the drive, past the page cache */
static void drive_io(const char *drive, int writes, void *buf, size_t len, off_t at)
{
	int fd = open(drive, O_RDWR | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die("%s: %s", drive, strerror(errno));
	n = writes ? pwrite(fd, buf, len, at) : pread(fd, buf, len, at);
	if (n != (ssize_t)len)
		die("%s of %zu bytes at %ld of %s: %s", writes ? "write" : "read", len,
		    (long)at, drive, n < 0 ? strerror(errno) : "ended early");
	close(fd);
}

/*
 * direct DRIVE MEMORY: from host memory to the drive, from there into the memory,
 * from the memory to another place of the drive, and back to the host
 */
static void try_direct(int n, char **argv)
{
	uint8_t *host = host_map(PAGE, NULL), *peer = map_memory(argv[1], PAGE, NULL);
	uint8_t seen[PAGE];

	(void)n;
	peer_fill(host, PAGE, 21);
	drive_io(argv[0], 1, host, PAGE, 0);
	drive_io(argv[0], 0, peer, PAGE, 0);
	peer_read(seen, peer, PAGE);
	check_bytes(seen, PAGE, 21, 0, "what the drive put there");

	peer_fill(peer, PAGE, 22);
	drive_io(argv[0], 1, peer, PAGE, PAGE);
	drive_io(argv[0], 0, host, PAGE, PAGE);
	check_bytes(host, PAGE, 22, 0, "what the drive took from there");
}

/* direct-refused DRIVE MEMORY: the kernel does not let it */
static void try_direct_refused(int n, char **argv)
{
	void *peer = map_memory(argv[1], PAGE, NULL);
	int fd = open(argv[0], O_RDONLY | O_DIRECT | O_CLOEXEC);

	(void)n;
	if (fd < 0)
		die("%s: %s", argv[0], strerror(errno));
	if (pread(fd, peer, PAGE, 0) >= 0)
		die("read, though it should have been refused");
	if (errno != EREMOTEIO)
		die("errno is %s, not EREMOTEIO", strerror(errno));
	close(fd);
}

/* revoked MEMORY ADDRESS: the drive is unbound; no DMA goes there any more */
static void try_revoked(int n, char **argv)
{
	struct ibv_mr *host, *peer, *other;
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .len = 64 };
	struct loopback lb;

	(void)n;
	open_edu(&lb);
	peer = must_reg(&lb, map_memory(argv[0], SIZE, NULL), SIZE, ACCESS_EDU);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS_EDU);
	other = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS_EDU);
	round_trip(&lb, peer, host, 16, 0, 64, 0);

	unbind_drive(argv[1]);

	req.local = host;
	req.remote = peer;
	if (loopback_run(&lb, &req) != IBV_WC_REM_ACCESS_ERR)
		die("a write there does not end in REM_ACCESS_ERR");
	loopback_reset(&lb);
	req.local = peer;
	req.remote = other;
	if (loopback_run(&lb, &req) != IBV_WC_LOC_PROT_ERR)
		die("a write from there does not end in LOC_PROT_ERR");
	loopback_reset(&lb);
	req.remote = peer;
	req.local = host;
	if (loopback_recv_status(&lb, &req) != IBV_WC_LOC_PROT_ERR)
		die("a receive there does not end in LOC_PROT_ERR");
	loopback_reset(&lb);
	print_extents(peer->lkey);
	round_trip(&lb, other, host, 16, 0, 64, 0);
	must_dereg(peer);
	must_dereg(host);
	must_dereg(other);
	loopback_close(&lb);
}

static const struct {
	const char *name;
	int min, max;
	void (*run)(int n, char **argv);
} tests[] = {
	{ "where", 1, 8, try_where }, { "move", 2, 2, try_move },
	{ "seams", 2, 8, try_seams }, { "refused", 2, 2, try_refused },
	{ "blind", 1, 1, try_blind }, { "revoked", 2, 2, try_revoked },
	{ "direct", 2, 2, try_direct }, { "no-atomics", 1, 1, try_no_atomics },
	{ "direct-refused", 2, 2, try_direct_refused },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(argv[1], tests[i].name) || argc - 2 < tests[i].min ||
		    argc - 2 > tests[i].max)
			continue;
		tests[i].run(argc - 2, argv + 2);
		return 0;
	}
	die("usage: edu-mr TEST ARG...; the tests are at the end of edu-mr.c");
}
