// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation that the kernel makes for a system call fails once, and so does
 * each copy from and to user space:
 *
 *   peer-fault OPERATION MOST ALLOCATE DRIVER ADDRESS
 *
 * The n-th of them fails, for n from 1 on, until there is no n-th, or MOST were
 * tried
 * (Documentation/fault-injection/fault-injection.rst of Linux, fail-nth). An
 * operation that fails must say why and leave nothing behind; one that succeeds all
 * the same must have done its work. Needs the debug kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer-tests.h"

#define LEN (16 * PAGE)

static const char *allocate;
static struct loopback lb;
static int fail_nth;

/* ---- the n-th that fails -------------------------------------------------- */

static void arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	/* The copy that this takes may be the n-th of before */
	if (pwrite(fail_nth, text, len, 0) != len && pwrite(fail_nth, text, len, 0) != len)
		die("fail-nth: %s", strerror(errno));
}

/* Was there an n-th? It is what reports that, too, that may fail. */
static int injected(void)
{
	char text[16] = "";
	int err = 0;

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		err = errno;
	arm(0);
	return !err && !atoi(text);
}

/* ---- what is left --------------------------------------------------------- */

/* Bytes that nobody has, by the attribute beside "allocate" */
static unsigned long available(void)
{
	char path[256], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%.*s/available",
		 (int)(strrchr(allocate, '/') - allocate), allocate);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
	return strtoul(text, NULL, 0);
}

/* Pages may be given back a moment after the call that gave them up */
static void expect_available(unsigned long want, const char *when)
{
	int i;

	for (i = 0; i < 100 && available() != want; i++)
		usleep(10000);
	if (available() != want)
		die("%s: %lu bytes are available, not %lu", when, available(), want);
}

/* ---- operations: 0, or an errno ------------------------------------------- */

static uint8_t *area;
static struct ibv_mr *mr;

static void map_area(void)
{
	area = peer_map(allocate, LEN, NULL);
}

/* Half of it is peer memory */
static void map_mixed(void)
{
	area = reserve(LEN);
	peer_map(allocate, LEN / 2, area);
	host_map(LEN / 2, area + LEN / 2);
}

static void unmap_area(void)
{
	if (area && munmap(area, LEN))
		die("munmap: %s", strerror(errno));
	area = NULL;
}

static void map_and_register(void)
{
	map_area();
	mr = must_reg(&lb, area, LEN, ACCESS_ALL);
}

static void end_region(void)
{
	if (mr)
		must_dereg(mr);
	mr = NULL;
}

static void end_both(void)
{
	end_region();
	unmap_area();
}

static int run_map(void)
{
	int fd = open(allocate, O_RDWR | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	area = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED) {
		err = errno;
		area = NULL;
	}
	close(fd);
	return err;
}

static int run_unmap(void)
{
	if (munmap(area, LEN))
		return errno;
	area = NULL;
	return 0;
}

/* The mapping is split, which needs memory */
static int run_unmap_part(void)
{
	return munmap(area + 4 * PAGE, PAGE) ? errno : 0;
}

static int run_register(void)
{
	mr = ibv_reg_mr(lb.pd, area, LEN, ACCESS_ALL);
	return mr ? 0 : errno;
}

static int run_deregister(void)
{
	int err = ibv_dereg_mr(mr);

	if (!err)
		mr = NULL;
	return err;
}

static pid_t child;

static int run_fork(void)
{
	child = fork();
	if (child < 0)
		return errno;
	if (!child)
		_exit(0);
	return 0;
}

static void end_child(void)
{
	if (child > 0 && waitpid(child, NULL, 0) != child)
		die("waitpid: %s", strerror(errno));
	end_both();
}

static const char *driver;
static const char *address;

static int driver_file(const char *name)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", driver, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, address, strlen(address)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int run_unbind(void)
{
	return driver_file("unbind");
}

static int run_bind(void)
{
	return driver_file("bind");
}

static void wait_for_drive(void)
{
	int i;

	for (i = 0; i < 600 && access(allocate, F_OK); i++)
		usleep(100000);
	if (i == 600)
		die("the drive did not come back");
}

/* It has left, or it could not be asked to */
static void bring_back(void)
{
	end_both();
	if (access(allocate, F_OK) && driver_file("bind"))
		die("bind: %s", strerror(errno));
	wait_for_drive();
}

static void send_away(void)
{
	wait_for_drive();
	if (driver_file("unbind"))
		die("unbind: %s", strerror(errno));
}

/* Its driver may have it without its memory */
static void bring_back_whole(void)
{
	if (access(allocate, F_OK)) {
		driver_file("unbind");
		driver_file("bind");
	}
	wait_for_drive();
}

static const struct operation {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	void (*clean)(void);
	/* another error than a lack of memory may be what comes out */
	int any_error;
} operations[] = {
	{ "map", NULL, run_map, unmap_area, 0 },
	{ "unmap", map_area, run_unmap, unmap_area, 0 },
	{ "unmap-part", map_area, run_unmap_part, unmap_area, 0 },
	{ "register", map_area, run_register, end_both, 0 },
	{ "register-mixed", map_mixed, run_register, end_both, 0 },
	{ "deregister", map_and_register, run_deregister, end_both, 0 },
	{ "fork", map_and_register, run_fork, end_child, 0 },
	{ "unbind", map_and_register, run_unbind, bring_back, 1 },
	{ "bind", send_away, run_bind, bring_back_whole, 1 },
};

/* Errors by which a lack of memory, or a copy that failed, may be told */
static int may_be(int err)
{
	return err == ENOMEM || err == EFAULT || err == EAGAIN || err == EINTR ||
	       err == ENOBUFS || err == ENOSPC;
}

static void run(const struct operation *op, int most)
{
	unsigned long before = available();
	int n, failed = 0, err, hit = 1;

	for (n = 0; hit && n < most; n++) {
		if (op->prepare)
			op->prepare();
		arm(n + 1);
		err = op->run();
		hit = injected();
		op->clean();
		if (err && !hit)
			die("%s, %d: %s, although nothing was made to fail", op->name,
			    n + 1, strerror(err));
		if (err && !op->any_error && !may_be(err))
			die("%s, %d: %s", op->name, n + 1, strerror(err));
		expect_available(before, op->name);
		failed += !!err;
	}
	if (hit)
		printf("%s: the first %d places, %d of them made it fail\n", op->name, n,
		       failed);
	else
		printf("%s: %d places, %d of them made it fail\n", op->name, n - 1, failed);
	if (n == 1)
		die("%s: nothing was made to fail", op->name);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 6)
		die("usage: peer-fault OPERATION MOST ALLOCATE DRIVER ADDRESS");
	allocate = argv[3];
	driver = argv[4];
	address = argv[5];
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die("fail-nth: %s: is this the debug kernel?", strerror(errno));
	loopback_open(&lb, device_name());
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].name, argv[1]))
			continue;
		run(&operations[i], atoi(argv[2]));
		return 0;
	}
	die("unknown operation: %s", argv[1]);
}
