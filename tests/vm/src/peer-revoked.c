// SPDX-License-Identifier: GPL-2.0-only
/* What a memory region is good for when its drive has left */
#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer-tests.h"

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

/* A child that has the mapping as well; it looks when it is told to */
static pid_t fork_looker(volatile uint64_t *p, int *tell)
{
	int fds[2];
	pid_t pid;
	char c;

	if (pipe(fds))
		die("no pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("no child: %s", strerror(errno));
	*tell = fds[1];
	if (pid)
		return pid;
	close(fds[1]);
	if (read(fds[0], &c, 1))
		die("the pipe holds something");
	check_sigbus(p);
	_exit(0);
}

static void bind_drive(const char *drive, const char *allocate)
{
	write_file("/sys/bus/pci/drivers/nvme/bind", drive);
	while (access(allocate, F_OK))
		usleep(10000);
}

/* revoked ALLOCATE DRIVE: unbinds the drive, looks, and binds it again */
void test_revoked(char **argv)
{
	struct ibv_mr *gone, *mixed, *host, *again;
	int tell_child, status;
	struct loopback lb;
	uint8_t *start;
	pid_t child;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	gone = must_reg(&lb, peer_map(argv[0], PAGE, NULL), PAGE, ACCESS_ALL);
	start = reserve(2 * PAGE);
	host_map(PAGE, start);
	peer_map(argv[0], PAGE, start + PAGE);
	mixed = must_reg(&lb, start, 2 * PAGE, ACCESS_ALL);
	child = fork_looker(gone->addr, &tell_child);

	unbind_drive(argv[1]);

	check_remote(&lb, gone, host);
	check_local(&lb, gone, host);
	/* its page of ordinary memory is still there, but the region is gone */
	check_remote(&lb, mixed, host);
	check_local(&lb, mixed, host);
	check_sigbus(gone->addr);
	close(tell_child);
	if (waitpid(child, &status, 0) != child || status)
		die("the child's status is %#x", status);

	/* the key is not given to a new region as long as the old one is there */
	again = must_reg(&lb, host->addr, PAGE, ACCESS_ALL);
	if (again->rkey == gone->rkey)
		die("rkey %#x is in use twice", gone->rkey);
	must_dereg(again);
	must_dereg(mixed);
	must_dereg(gone);

	bind_drive(argv[1], argv[0]);
	again = must_reg(&lb, peer_map(argv[0], 8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	round_trip(&lb, again, host, 20, 0, 6 * PAGE, 0);
	must_dereg(again);
	must_dereg(host);
	loopback_close(&lb);
}

/*
 * revoked-window ALLOCATE DRIVE: a memory window leads to the region without a
 * look at the region's own key. It ends with the region, and lets itself be
 * taken away from it as ever.
 */
void test_revoked_window(char **argv)
{
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .len = PAGE };
	struct ibv_mr *gone, *host, window;
	struct loopback lb;
	struct ibv_mw *mw;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(PAGE, NULL), PAGE, ACCESS_ALL);
	gone = must_reg(&lb, peer_map(argv[0], PAGE, NULL), PAGE,
			ACCESS_ALL | IBV_ACCESS_MW_BIND);
	mw = must_bind(&lb, gone, ACCESS_ALL & ~IBV_ACCESS_LOCAL_WRITE);
	window = *gone;
	window.rkey = mw->rkey;
	req.local = host;
	req.remote = &window;
	must_succeed(loopback_run(&lb, &req), "write through the window");

	unbind_drive(argv[1]);

	check_remote(&lb, &window, host);
	if (ibv_dereg_mr(gone) != EINVAL)
		die("a region with a window on it was deregistered");
	ibv_dealloc_mw(mw);
	must_dereg(gone);
	must_dereg(host);
	loopback_close(&lb);
	bind_drive(argv[1], argv[0]);
}

/*
 * revoked-two ALLOCATE DRIVE OTHER-ALLOCATE: a region over two drives is gone
 * as a whole when the first one leaves, and the other's memory goes on
 */
void test_revoked_two(char **argv)
{
	struct ibv_mr *gone, *other, *host;
	struct loopback lb;
	uint8_t *start;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	start = reserve(16 * PAGE);
	peer_map(argv[2], 8 * PAGE, start);
	peer_map(argv[0], 8 * PAGE, start + 8 * PAGE);
	gone = must_reg(&lb, start, 16 * PAGE, ACCESS_ALL);
	other = must_reg(&lb, start, 8 * PAGE, ACCESS_ALL);

	unbind_drive(argv[1]);

	check_remote(&lb, gone, host);
	check_local(&lb, gone, host);
	round_trip(&lb, other, host, 20, 0, 6 * PAGE, 0);
	must_dereg(gone);
	round_trip(&lb, other, host, 20, 0, 6 * PAGE, 0);
	must_dereg(other);
	must_dereg(host);
	loopback_close(&lb);
	bind_drive(argv[1], argv[0]);
}

/* ibv_rereg_mr(), which rxe's user library lacks though its kernel part has it */
static int rereg_access(struct ibv_mr *mr, int access)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_rereg_mr rereg;
	} cmd = {
		.hdr = {
			.command = IB_USER_VERBS_CMD_REREG_MR,
			.in_words = sizeof(cmd) / 4,
			.out_words = sizeof(resp) / 4,
		},
		.rereg = {
			.response = (uintptr_t)&resp,
			.mr_handle = mr->handle,
			.flags = IBV_REREG_MR_CHANGE_ACCESS,
			.access_flags = access,
		},
	};

	return write(mr->context->cmd_fd, &cmd, sizeof(cmd)) == sizeof(cmd) ? 0 : errno;
}

/* revoked-rereg ALLOCATE DRIVE: re-registering brings nothing back */
void test_revoked_rereg(char **argv)
{
	struct ibv_mr *gone, *host;
	struct loopback lb;
	int err;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(PAGE, NULL), PAGE, ACCESS_ALL);
	gone = must_reg(&lb, peer_map(argv[0], PAGE, NULL), PAGE, ACCESS_ALL);
	err = rereg_access(gone, ACCESS_ALL);
	if (err)
		die("rereg of a live region: %s", strerror(err));

	unbind_drive(argv[1]);

	err = rereg_access(gone, ACCESS_ALL);
	if (err != ENODEV)
		die("rereg of a region that is gone: %s, not ENODEV", strerror(err));
	check_remote(&lb, gone, host);
	must_dereg(gone);
	must_dereg(host);
	loopback_close(&lb);
	bind_drive(argv[1], argv[0]);
}

/*
 * revoked-reset ALLOCATE RESET: a reset takes the memory from the region, but
 * not from the process: what is mapped can be registered again
 */
void test_revoked_reset(char **argv)
{
	struct ibv_mr *gone, *again, *host;
	struct loopback lb;

	loopback_open(&lb, device_name());
	host = must_reg(&lb, host_map(8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);
	gone = must_reg(&lb, peer_map(argv[0], 8 * PAGE, NULL), 8 * PAGE, ACCESS_ALL);

	write_file(argv[1], "1");

	check_remote(&lb, gone, host);
	check_local(&lb, gone, host);
	again = must_reg(&lb, gone->addr, 8 * PAGE, ACCESS_ALL);
	round_trip(&lb, again, host, 20, 0, 6 * PAGE, 0);
	check_remote(&lb, gone, host);
	must_dereg(gone);
	round_trip(&lb, again, host, 20, 0, 6 * PAGE, 0);
	must_dereg(again);
	must_dereg(host);
	loopback_close(&lb);
}
