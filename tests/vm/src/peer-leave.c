// SPDX-License-Identifier: GPL-2.0-only
/* What goes on while a drive leaves: traffic, registrations, processes that end */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peer-tests.h"

/* hold-many ALLOCATE COUNT: that many regions of one page, until a signal */
void test_hold_many(char **argv)
{
	size_t count = strtoul(argv[1], NULL, 0), i;
	struct loopback lb;
	uint8_t *p;

	loopback_open(&lb, device_name());
	p = peer_map(argv[0], count * PAGE, NULL);
	for (i = 0; i < count; i++)
		must_reg(&lb, p + i * PAGE, PAGE, ACCESS_ALL);
	announce("holding");
	pause();
}

/* What fails, and how, when the memory of one side of a request goes */
static const struct traffic {
	const char *op;
	const char *side;
	enum ibv_wr_opcode opcode;
	size_t len;
	enum ibv_wc_status status;
	enum ibv_wc_status recv_status;
} traffic[] = {
	{ "write", "remote", IBV_WR_RDMA_WRITE, 64 * PAGE, IBV_WC_REM_ACCESS_ERR, 0 },
	{ "write", "local", IBV_WR_RDMA_WRITE, 64 * PAGE, IBV_WC_LOC_PROT_ERR, 0 },
	{ "read", "remote", IBV_WR_RDMA_READ, 64 * PAGE, IBV_WC_REM_ACCESS_ERR, 0 },
	{ "read", "local", IBV_WR_RDMA_READ, 64 * PAGE, IBV_WC_LOC_PROT_ERR, 0 },
	{ "send", "remote", IBV_WR_SEND, 16 * PAGE, IBV_WC_REM_OP_ERR,
	  IBV_WC_LOC_PROT_ERR },
	{ "send", "local", IBV_WR_SEND, 16 * PAGE, IBV_WC_LOC_PROT_ERR, 0 },
	{ "atomic", "remote", IBV_WR_ATOMIC_FETCH_AND_ADD, 8, IBV_WC_REM_ACCESS_ERR, 0 },
	{ "atomic", "local", IBV_WR_ATOMIC_FETCH_AND_ADD, 8, IBV_WC_LOC_PROT_ERR, 0 },
};

static const struct traffic *find_traffic(const char *op, const char *side)
{
	size_t i;

	for (i = 0; i < sizeof(traffic) / sizeof(traffic[0]); i++) {
		if (!strcmp(traffic[i].op, op) && !strcmp(traffic[i].side, side))
			return &traffic[i];
	}
	die("unknown traffic: %s %s", op, side);
}

static enum ibv_wc_status run_one(struct loopback *lb, const struct request *req)
{
	return req->opcode == IBV_WR_SEND ? loopback_send(lb, req) :
					    loopback_run(lb, req);
}

static void expect_failure(struct loopback *lb, const struct traffic *t,
			   enum ibv_wc_status status, const char *when)
{
	enum ibv_wc_status recv_status;

	if (status != t->status)
		die("%s, %s, %s: %s, not %s", t->op, t->side, when,
		    ibv_wc_status_str(status), ibv_wc_status_str(t->status));
	if (!t->recv_status)
		return;
	recv_status = loopback_wait_recv(lb);
	if (recv_status != t->recv_status)
		die("%s, %s, %s: the receiver has %s, not %s", t->op, t->side, when,
		    ibv_wc_status_str(recv_status), ibv_wc_status_str(t->recv_status));
}

/*
 * traffic OP local|remote ALLOCATE: one request after the other, until one
 * fails; it must fail for the right reason, and so must the next, while
 * requests between other regions of the same process go on
 */
void test_traffic(char **argv)
{
	const struct traffic *t = find_traffic(argv[0], argv[1]);
	struct ibv_mr *peer, *host[2];
	enum ibv_wc_status status;
	struct loopback lb;
	unsigned long n = 0;

	loopback_open(&lb, device_name());
	peer = must_reg(&lb, peer_map(argv[2], t->len + PAGE, NULL), t->len + PAGE,
			ACCESS_ALL);
	host[0] = must_reg(&lb, host_map(t->len + PAGE, NULL), t->len + PAGE, ACCESS_ALL);
	host[1] = must_reg(&lb, host_map(t->len + PAGE, NULL), t->len + PAGE, ACCESS_ALL);

	struct request req = { .opcode = t->opcode, .len = t->len,
			       .local = host[0], .remote = host[1] };
	struct request to_peer = req;

	if (strcmp(t->side, "local"))
		to_peer.remote = peer;
	else
		to_peer.local = peer;

	while ((status = run_one(&lb, &to_peer)) == IBV_WC_SUCCESS) {
		if (!n++)
			announce("running");
	}
	if (!n)
		die("%s, %s: the first one failed: %s", t->op, t->side,
		    ibv_wc_status_str(status));
	expect_failure(&lb, t, status, "when it left");
	loopback_reset(&lb);
	must_succeed(run_one(&lb, &req), "request between other regions");
	expect_failure(&lb, t, run_one(&lb, &to_peer), "afterwards");
	printf("%s %s: %lu before it left\n", t->op, t->side, n);
}

/* ---- a registration that user space stalls -------------------------------- */

struct stalled {
	struct loopback lb;
	uint8_t *start;
	int err;
};

static void *register_stalled(void *arg)
{
	struct stalled *s = arg;

	s->err = ibv_reg_mr(s->lb.pd, s->start, 3 * PAGE, ACCESS_ALL) ? 0 : errno;
	return NULL;
}

/* A page that waits for this program when it is touched first */
static int stall_page(void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)page, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		die("userfaultfd: %s", strerror(errno));
	return fd;
}

/*
 * stalled ALLOCATE DRIVE: a range of drive memory, a page that user space does
 * not provide, and drive memory again. The registration has the first page when
 * it stalls; the drive leaves regardless, and the registration fails.
 */
void test_stalled(char **argv)
{
	struct uffdio_zeropage zero = { .range.len = PAGE };
	struct uffd_msg msg;
	struct stalled s;
	pthread_t thread;
	int fd;

	loopback_open(&s.lb, device_name());
	s.start = reserve(3 * PAGE);
	peer_map(argv[0], PAGE, s.start);
	host_map(PAGE, s.start + PAGE);
	peer_map(argv[0], PAGE, s.start + 2 * PAGE);
	fd = stall_page(s.start + PAGE);

	if (pthread_create(&thread, NULL, register_stalled, &s))
		die("no thread");
	if (read(fd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		die("no fault came: %s", strerror(errno));

	unbind_drive(argv[1]);

	zero.range.start = (uintptr_t)s.start + PAGE;
	if (ioctl(fd, UFFDIO_ZEROPAGE, &zero))
		die("UFFDIO_ZEROPAGE: %s", strerror(errno));
	pthread_join(thread, NULL);
	if (s.err != ENODEV)
		die("the registration ended with %s, not ENODEV",
		    s.err ? strerror(s.err) : "success");
	close(fd);
	loopback_close(&s.lb);
}

/* ---- come and go ---------------------------------------------------------- */

/* What a drive that comes and goes may be answered with, step by step */
static int is_away(const char *step, int err, const int *allowed)
{
	for (; *allowed; allowed++) {
		if (err == *allowed)
			return 1;
	}
	die("%s: %s", step, strerror(err));
}

struct churn {
	struct loopback lb;
	const char *allocate;
	struct ibv_mr *host;
};

/* Map, register, use once, and give back; 1: all of it worked */
static int churn_once(void *arg)
{
	struct churn *c = arg;
	static const int no_open[] = { ENOENT, ENODEV, 0 };
	static const int no_map[] = { ENODEV, ENOENT, ENOMEM, 0 };
	/* EFAULT: the mapping had been taken away already */
	static const int no_reg[] = { ENODEV, EFAULT, 0 };
	int fd = open(c->allocate, O_RDWR | O_CLOEXEC), worked = 0;
	enum ibv_wc_status status;
	struct ibv_mr *peer;
	void *p;

	if (fd < 0)
		return !is_away("open", errno, no_open);
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		close(fd);
		return !is_away("mmap", errno, no_map);
	}
	peer = ibv_reg_mr(c->lb.pd, p, 16 * PAGE, ACCESS_ALL);
	if (peer) {
		struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = c->host,
				       .remote = peer, .len = 16 * PAGE };

		status = loopback_run(&c->lb, &req);
		if (status == IBV_WC_REM_ACCESS_ERR)
			loopback_reset(&c->lb);
		else
			must_succeed(status, "write");
		worked = status == IBV_WC_SUCCESS;
		if (ibv_dereg_mr(peer))
			die("ibv_dereg_mr: %s", strerror(errno));
	} else {
		is_away("ibv_reg_mr", errno, no_reg);
	}
	munmap(p, 16 * PAGE);
	close(fd);
	return worked;
}

/* churn ALLOCATE: until SIGTERM, while the drive comes and goes */
void test_churn(char **argv)
{
	struct churn c = { .allocate = argv[0] };

	catch_term();
	loopback_open(&c.lb, device_name());
	c.host = must_reg(&c.lb, host_map(16 * PAGE, NULL), 16 * PAGE, ACCESS_ALL);
	churn(churn_once, &c);
	ibv_dereg_mr(c.host);
	loopback_close(&c.lb);
}
