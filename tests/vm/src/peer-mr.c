// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel does with memory regions on peer memory, by plain verbs:
 *
 *   peer-mr TEST ARG...
 *
 * Exit status 0: as it should be; 1: not, with what was found instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer-tests.h"

static int errno_by_name(const char *name)
{
	static const struct { const char *name; int value; } table[] = {
		{ "EFAULT", EFAULT }, { "EREMOTEIO", EREMOTEIO },
		{ "EOPNOTSUPP", EOPNOTSUPP }, { "EINVAL", EINVAL },
		{ "ENOMEM", ENOMEM }, { "ENODEV", ENODEV },
		{ "EACCES", EACCES },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(table[i].name, name))
			return table[i].value;
	}
	die("unknown errno %s", name);
}

/* register ALLOCATE: every access that there is, from one page to 4 MiB */
static void test_register(char **argv)
{
	static const int access[] = { 0, IBV_ACCESS_REMOTE_READ,
				      IBV_ACCESS_LOCAL_WRITE, ACCESS_ALL };
	static const size_t lens[] = { PAGE, 16 * PAGE, 513 * PAGE, 1024 * PAGE };
	struct loopback lb;
	struct ibv_mr *mr;
	size_t i, j;
	void *p;

	loopback_open(&lb, device_name());
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		p = peer_map(argv[0], lens[i], NULL);
		for (j = 0; j < sizeof(access) / sizeof(access[0]); j++) {
			mr = must_reg(&lb, p, lens[i], access[j]);
			if (ibv_dereg_mr(mr))
				die("ibv_dereg_mr: %s", strerror(errno));
		}
		munmap(p, lens[i]);
	}
	loopback_close(&lb);
}

/* refused ALLOCATE ERRNO rw|ro: ibv_reg_mr fails, and just like that */
static void test_refused(char **argv)
{
	int access = strcmp(argv[2], "ro") ? ACCESS_ALL : IBV_ACCESS_REMOTE_READ;
	void *p = peer_map(argv[0], 4 * PAGE, NULL);
	int want = errno_by_name(argv[1]);
	struct ibv_context *ctx = open_device(device_name());
	struct ibv_pd *pd = ibv_alloc_pd(ctx);

	if (!pd)
		die("ibv_alloc_pd: %s", strerror(errno));
	if (ibv_reg_mr(pd, p, 4 * PAGE, access))
		die("registered, though it should not have been");
	if (errno != want)
		die("errno %d (%s), not %s", errno, strerror(errno), argv[1]);
}

/* past-end ALLOCATE: a range that runs past the mapping */
static void test_past_end(char **argv)
{
	struct loopback lb;
	uint8_t *start;

	loopback_open(&lb, device_name());
	start = reserve(4 * PAGE);
	peer_map(argv[0], 2 * PAGE, start);
	if (ibv_reg_mr(lb.pd, start, 4 * PAGE, ACCESS_ALL))
		die("registered a range with a hole");
	if (errno != EFAULT)
		die("errno is %s, not EFAULT", strerror(errno));
	/* nothing is lost: what is mapped can still be registered */
	ibv_dereg_mr(must_reg(&lb, start, 2 * PAGE, ACCESS_ALL));
	loopback_close(&lb);
}

/* read-only ALLOCATE: a region nobody may write to serves reads, and only them */
static void test_read_only(char **argv)
{
	struct ibv_mr *peer, *host;
	struct loopback lb;
	uint8_t *p, *h;

	loopback_open(&lb, device_name());
	p = peer_map(argv[0], PAGE, NULL);
	peer_fill(p, PAGE, 7);
	peer = must_reg(&lb, p, PAGE, IBV_ACCESS_REMOTE_READ);
	h = host_map(PAGE, NULL);
	host = must_reg(&lb, h, PAGE, ACCESS_ALL);

	struct request req = { .opcode = IBV_WR_RDMA_READ, .local = host,
			       .remote = peer, .len = PAGE };
	must_succeed(loopback_run(&lb, &req), "read");
	check_bytes(h, PAGE, 7, 0, "read");

	req.opcode = IBV_WR_RDMA_WRITE;
	if (loopback_run(&lb, &req) != IBV_WC_REM_ACCESS_ERR)
		die("a write to a read-only region did not end in REM_ACCESS_ERR");
	ibv_dereg_mr(peer);
	ibv_dereg_mr(host);
	loopback_close(&lb);
}

/* fill ALLOCATE BYTES; zero ALLOCATE BYTES: what does the next owner see? */
static void test_fill(char **argv)
{
	size_t len = strtoul(argv[1], NULL, 0);

	peer_fill(peer_map(argv[0], len, NULL), len, 1);
}

static void test_zero(char **argv)
{
	size_t len = strtoul(argv[1], NULL, 0), i;
	volatile uint64_t *p = peer_map(argv[0], len, NULL);

	for (i = 0; i < len / 8; i++) {
		if (p[i])
			die("byte %zu holds what the last owner left", i * 8);
	}
}

/* map ALLOCATE BYTES: and wait for a signal to end it */
static void test_map(char **argv)
{
	peer_map(argv[0], strtoul(argv[1], NULL, 0), NULL);
	pause();
}

/* bad-maps ALLOCATE POOL-BYTES: mmap says no, and why */
static void expect_no_map(int fd, size_t len, int flags, int want)
{
	if (mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0) != MAP_FAILED)
		die("mmap of %zu bytes, flags %#x, succeeded", len, flags);
	if (errno != want)
		die("mmap of %zu bytes, flags %#x: %s, not %s", len, flags,
		    strerror(errno), strerror(want));
}

static void test_bad_maps(char **argv)
{
	size_t pool = strtoul(argv[1], NULL, 0);
	int fd = open(argv[0], O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		die("%s: %s", argv[0], strerror(errno));
	expect_no_map(fd, PAGE, MAP_PRIVATE, EINVAL);
	expect_no_map(fd, 0, MAP_SHARED, EINVAL);
	expect_no_map(fd, pool + PAGE, MAP_SHARED, ENOMEM);
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE) != MAP_FAILED)
		die("mmap at an offset succeeded");
	/* a length that is no multiple of the page size is rounded up */
	p = mmap(NULL, PAGE + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap of a page and a byte: %s", strerror(errno));
	peer_fill((uint8_t *)p + 2 * PAGE - 8, 8, 3);
	close(fd);
}

/* no-map FILE ro|rw ERRNO: a file that is opened so maps nothing, not even to read */
static void test_no_map(char **argv)
{
	int flags = strcmp(argv[1], "ro") ? O_RDWR : O_RDONLY;
	int fd = open(argv[0], flags | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", argv[0], strerror(errno));
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED)
		die("mmap succeeded");
	if (errno != errno_by_name(argv[2]))
		die("mmap: %s, not %s", strerror(errno), argv[2]);
	close(fd);
}

/* late-map FILE DRIVE: a file that was opened before the drive left maps nothing */
static void test_late_map(char **argv)
{
	int fd = open(argv[0], O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", argv[0], strerror(errno));
	write_file("/sys/bus/pci/drivers/nvme/unbind", argv[1]);
	expect_no_map(fd, PAGE, MAP_SHARED, ENODEV);
	/* the drive has another controller, of which this file is none */
	write_file("/sys/bus/pci/drivers/nvme/bind", argv[1]);
	expect_no_map(fd, PAGE, MAP_SHARED, ENODEV);
	close(fd);
}

/* What a call of the RDMA core makes of a page; needs the module umem_probe */
static void probe(const char *call, const char *memory, const char *err_name)
{
	int want = strcmp(err_name, "0") ? errno_by_name(err_name) : 0;
	char path[64], text[128];
	int fd, len, err;
	void *p;

	snprintf(path, sizeof(path), "/sys/kernel/debug/umem_probe/%s", call);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	p = strcmp(memory, "host") ? peer_map(memory, PAGE, NULL) : host_map(PAGE, NULL);
	len = snprintf(text, sizeof(text), "%s %lx %x %x", device_name(),
		       (unsigned long)p, PAGE, IBV_ACCESS_LOCAL_WRITE);
	err = write(fd, text, len) < 0 ? errno : 0;
	if (err != want)
		die("the RDMA core says %s, not %s", strerror(err), strerror(want));
	close(fd);
}

/* queue ALLOCATE|host ERRNO: the call by which drivers take queues from user memory */
static void test_queue(char **argv)
{
	probe("get", argv[0], argv[1]);
}

/* on-demand ALLOCATE|host ERRNO: a fault of a device on an on-demand region */
static void test_on_demand(char **argv)
{
	probe("on_demand", argv[0], argv[1]);
}

/* hold ALLOCATE BYTES: register, say so, and wait for a signal to end it */
static void test_hold(char **argv)
{
	size_t len = strtoul(argv[1], NULL, 0);
	struct loopback lb;

	loopback_open(&lb, device_name());
	must_reg(&lb, peer_map(argv[0], len, NULL), len, ACCESS_ALL);
	announce("holding");
	pause();
}

static const struct test tests[] = {
	{ "register", 1, test_register }, { "refused", 3, test_refused },
	{ "data", 1, test_data }, { "mixed", 1, test_mixed },
	{ "two", 2, test_two }, { "past-end", 1, test_past_end },
	{ "read-only", 1, test_read_only }, { "atomic", 1, test_atomic },
	{ "map", 2, test_map }, { "fill", 2, test_fill }, { "zero", 2, test_zero },
	{ "bad-maps", 2, test_bad_maps }, { "hold", 2, test_hold },
	{ "queue", 2, test_queue }, { "on-demand", 2, test_on_demand },
	{ "flush", 1, test_flush }, { "atomic-many", 1, test_atomic_many },
	{ "late-duplicate", 0, test_late_duplicate },
	{ "revoked", 2, test_revoked }, { "revoked-window", 2, test_revoked_window },
	{ "revoked-two", 3, test_revoked_two },
	{ "revoked-rereg", 2, test_revoked_rereg },
	{ "revoked-reset", 2, test_revoked_reset },
	{ "hold-many", 2, test_hold_many }, { "traffic", 3, test_traffic },
	{ "stalled", 2, test_stalled }, { "churn", 1, test_churn },
	{ "soak", 1, test_soak }, { "fork", 1, test_fork },
	{ "outlives", 3, test_outlives }, { "outlives-fork", 1, test_outlives_fork },
	{ "no-map", 3, test_no_map }, { "late-map", 2, test_late_map },
	{ "part", 1, test_part }, { "race", 2, test_race },
	{ "hold-unmapped", 2, test_hold_unmapped }, { "wild", 3, test_wild },
};

int main(int argc, char **argv)
{
	const struct test *test = argc > 1 ?
		find_test(tests, sizeof(tests) / sizeof(tests[0]), argv[1], argc - 2) : NULL;

	if (!test)
		die("usage: peer-mr TEST ARG...; the tests are at the end of peer-mr.c");
	test->run(argv + 2);
	return 0;
}
