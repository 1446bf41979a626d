// SPDX-License-Identifier: GPL-2.0-only
/* What a memory region is good for when its drive has left */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer-tests.h"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void expect(struct loopback *lb, enum ibv_wc_status got,
		   enum ibv_wc_status want, const char *what)
{
	if (got != want)
		die("%s: %s, not %s", what, ibv_wc_status_str(got),
		    ibv_wc_status_str(want));
	if (got != IBV_WC_SUCCESS)
		loopback_reset(lb);
}

/* The key in a request of a remote peer */
static void check_remote(struct loopback *lb, struct ibv_mr *gone, struct ibv_mr *host)
{
	struct request req = { .local = host, .remote = gone, .len = PAGE };

	req.opcode = IBV_WR_RDMA_WRITE;
	expect(lb, loopback_run(lb, &req), IBV_WC_REM_ACCESS_ERR, "write to it");
	req.opcode = IBV_WR_RDMA_READ;
	expect(lb, loopback_run(lb, &req), IBV_WC_REM_ACCESS_ERR, "read of it");
	req.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
	req.len = 8;
	expect(lb, loopback_run(lb, &req), IBV_WC_REM_ACCESS_ERR, "atomic on it");
}

/* The key in the owner's own requests */
static void check_local(struct loopback *lb, struct ibv_mr *gone, struct ibv_mr *host)
{
	struct request req = { .local = gone, .remote = host, .len = PAGE };

	req.opcode = IBV_WR_RDMA_WRITE;
	expect(lb, loopback_run(lb, &req), IBV_WC_LOC_PROT_ERR, "write from it");
	req.opcode = IBV_WR_RDMA_READ;
	expect(lb, loopback_run(lb, &req), IBV_WC_LOC_PROT_ERR, "read into it");
	expect(lb, loopback_send(lb, &req), IBV_WC_LOC_PROT_ERR, "send from it");

	req.local = host;
	req.remote = gone;
	expect(lb, loopback_recv_status(lb, &req), IBV_WC_LOC_PROT_ERR,
	       "receive into it");
}

static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	siglongjmp(bus_error, sig);
}

static void check_sigbus(volatile uint64_t *p)
{
	signal(SIGBUS, on_bus_error);
	if (!sigsetjmp(bus_error, 1))
		die("the mapping can still be read: %#lx", *p);
	signal(SIGBUS, SIG_DFL);
}

/* revoked ALLOCATE DRIVE: unbinds the drive, looks, and binds it again */
void test_revoked(char **argv)
{
	struct ibv_mr *gone, *mixed, *host, *again;
	struct loopback lb;
	uint8_t *start;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	gone = must_reg(&lb, peer_map(argv[0], PAGE, NULL), PAGE, ACCESS_ALL);
	start = reserve(2 * PAGE);
	host_map(PAGE, start);
	peer_map(argv[0], PAGE, start + PAGE);
	mixed = must_reg(&lb, start, 2 * PAGE, ACCESS_ALL);

	write_file("/sys/bus/pci/drivers/nvme/unbind", argv[1]);

	check_remote(&lb, gone, host);
	check_local(&lb, gone, host);
	/* its page of ordinary memory is still there, but the region is gone */
	check_remote(&lb, mixed, host);
	check_local(&lb, mixed, host);
	check_sigbus(gone->addr);

	/* the key is not given to a new region as long as the old one is there */
	again = must_reg(&lb, host->addr, PAGE, ACCESS_ALL);
	if (again->rkey == gone->rkey)
		die("rkey %#x is in use twice", gone->rkey);
	if (ibv_dereg_mr(again) || ibv_dereg_mr(mixed) || ibv_dereg_mr(gone))
		die("ibv_dereg_mr: %s", strerror(errno));

	write_file("/sys/bus/pci/drivers/nvme/bind", argv[1]);
	while (access(argv[0], F_OK))
		usleep(10000);
	again = must_reg(&lb, peer_map(argv[0], 8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	round_trip(&lb, again, host, 20, 0, 6 * PAGE, 0);
	ibv_dereg_mr(again);
	ibv_dereg_mr(host);
	loopback_close(&lb);
}
