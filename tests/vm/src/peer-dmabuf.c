// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a provider as a dma-buf, by the device node and plain verbs:
 *
 *   peer-dmabuf TEST ARG...
 *
 * NODE is /dev/p2pmem/ADDRESS. Exit status 0: as it should be; 1: not, with what
 * was found instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/dma-buf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer-tests.h"

/* include/uapi/linux/p2pmem.h of a kernel with the series */
struct p2pmem_alloc {
	uint32_t size;
	uint32_t flags;
	uint64_t length;
};

#define P2PMEM_IOC_ALLOC _IO(0xBD, 0x00)

#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_READ)
#define SIZE (4 * PAGE)

/* ---- dma-bufs ------------------------------------------------------------- */

static int open_node(const char *node)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", node, strerror(errno));
	return fd;
}

/* A dma-buf, or -1 with errno */
static int try_alloc(int node, uint32_t size, uint32_t flags, uint64_t length)
{
	struct p2pmem_alloc alloc = { size, flags, length };

	return ioctl(node, P2PMEM_IOC_ALLOC, &alloc);
}

static int must_alloc(const char *node, size_t len)
{
	int fd = open_node(node), dmabuf;

	dmabuf = try_alloc(fd, sizeof(struct p2pmem_alloc), 0, len);
	if (dmabuf < 0)
		die("%zu bytes of %s: %s", len, node, strerror(errno));
	close(fd);
	return dmabuf;
}

static void *must_map(int dmabuf, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (p == MAP_FAILED)
		die("mmap of the dma-buf: %s", strerror(errno));
	return p;
}

static struct ibv_mr *try_import(struct loopback *lb, int dmabuf, void *addr, size_t len)
{
	struct ibv_mr *mr;

	mr = ibv_reg_dmabuf_mr(lb->pd, 0, len, (uintptr_t)addr, dmabuf, ACCESS);
	/* libibverbs has the offset there */
	if (mr)
		mr->addr = addr;
	return mr;
}

/* Map it and register it; addresses of the region are those of the mapping */
static struct ibv_mr *must_import(struct loopback *lb, int dmabuf, size_t len)
{
	struct ibv_mr *mr = try_import(lb, dmabuf, must_map(dmabuf, len), len);

	if (!mr)
		die("ibv_reg_dmabuf_mr: %s", strerror(errno));
	return mr;
}

static void expect_no_import(struct loopback *lb, int dmabuf, int want)
{
	if (try_import(lb, dmabuf, NULL, SIZE))
		die("registered, though it should not have been");
	if (errno != want)
		die("ibv_reg_dmabuf_mr: %s, not %s", strerror(errno), strerror(want));
}

static int sync_cpu(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? errno : 0;
}

static void open_device_here(struct loopback *lb)
{
	loopback_open_with(lb, device_name(), ACCESS);
}

/* ---- what the node does --------------------------------------------------- */

static void expect_no_alloc(int node, uint32_t size, uint32_t flags, uint64_t length,
			    int want)
{
	if (try_alloc(node, size, flags, length) >= 0)
		die("size %u, flags %#x, length %#lx: succeeded", size, flags, length);
	if (errno != want)
		die("size %u, flags %#x, length %#lx: %s, not %s", size, flags, length,
		    strerror(errno), strerror(want));
}

/* A struct of a later version, and one that asks for what that version knows */
static void check_versions(int node)
{
	struct {
		struct p2pmem_alloc alloc;
		uint64_t more;
	} later = { .alloc = { sizeof(later), 0, PAGE } };
	int dmabuf;

	dmabuf = ioctl(node, P2PMEM_IOC_ALLOC, &later);
	if (dmabuf < 0)
		die("a later version that wants nothing new: %s", strerror(errno));
	close(dmabuf);
	later.more = 1;
	if (ioctl(node, P2PMEM_IOC_ALLOC, &later) >= 0 || errno != E2BIG)
		die("a later version that wants something new: %s", strerror(errno));
}

/* bad-calls NODE POOL-BYTES */
static void try_bad_calls(char **argv)
{
	uint64_t pool = strtoull(argv[1], NULL, 0);
	const uint32_t size = sizeof(struct p2pmem_alloc);
	int node = open_node(argv[0]);

	expect_no_alloc(node, size, 0, 0, EINVAL);
	expect_no_alloc(node, size, 0, PAGE + 1, EINVAL);
	expect_no_alloc(node, size, 1, PAGE, EINVAL);
	expect_no_alloc(node, size - 1, 0, PAGE, EINVAL);
	expect_no_alloc(node, 0, 0, PAGE, EINVAL);
	expect_no_alloc(node, 1 << 20, 0, PAGE, E2BIG);
	expect_no_alloc(node, size, 0, pool + PAGE, ENOMEM);
	expect_no_alloc(node, size, 0, -(uint64_t)PAGE, ENOMEM);
	check_versions(node);
	if (ioctl(node, P2PMEM_IOC_ALLOC, NULL) >= 0 || errno != EFAULT)
		die("a NULL pointer: %s", strerror(errno));
	if (ioctl(node, P2PMEM_IOC_ALLOC + 1, NULL) >= 0 || errno != ENOTTY)
		die("an unknown call: %s", strerror(errno));
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, node, 0) != MAP_FAILED)
		die("the node itself can be mapped");
	close(node);
}

static void check_descriptor(int dmabuf, size_t len)
{
	if (!(fcntl(dmabuf, F_GETFD) & FD_CLOEXEC))
		die("the dma-buf stays open on exec");
	if (lseek(dmabuf, 0, SEEK_END) != (off_t)len)
		die("the dma-buf's size is %ld", (long)lseek(dmabuf, 0, SEEK_END));
	if (mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dmabuf, 0) != MAP_FAILED ||
	    errno != EINVAL)
		die("a private mapping is possible");
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dmabuf, len) != MAP_FAILED)
		die("a mapping past the end is possible");
	if (sync_cpu(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW) ||
	    sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW))
		die("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
}

/* cpu NODE: cleared, all of it mapped, the same by each mapping */
static void try_cpu(char **argv)
{
	/* across what one page table has */
	const size_t len = 1025 * PAGE;
	int dmabuf = must_alloc(argv[0], len);
	uint8_t *p, *q, *seen = malloc(len);
	size_t i;

	if (!seen)
		die("out of memory");
	check_descriptor(dmabuf, len);
	p = must_map(dmabuf, len);
	peer_read(seen, p, len);
	for (i = 0; i < len; i++) {
		if (seen[i])
			die("byte %zu holds what the last owner left", i);
	}
	peer_fill(p, len, 5);
	/* from the middle on, and without what is in the middle of that */
	q = mmap(NULL, len - PAGE, PROT_READ, MAP_SHARED, dmabuf, PAGE);
	if (q == MAP_FAILED)
		die("mmap at an offset: %s", strerror(errno));
	munmap(q + 4 * PAGE, PAGE);
	peer_read(seen, q, 4 * PAGE);
	check_bytes(seen, 4 * PAGE, 5, PAGE, "the second mapping");
	peer_read(seen, q + 5 * PAGE, len - 6 * PAGE);
	check_bytes(seen, len - 6 * PAGE, 5, 6 * PAGE, "the rest of it");

	/* the mappings have it when the descriptor is gone */
	close(dmabuf);
	peer_read(seen, p, len);
	check_bytes(seen, len, 5, 0, "the first mapping");
}

static void send_fd(int socket, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = u.buf, .msg_controllen = sizeof(u.buf) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	if (sendmsg(socket, &msg, 0) != 1)
		die("sendmsg: %s", strerror(errno));
}

static int receive_fd(int socket)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = u.buf, .msg_controllen = sizeof(u.buf) };
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		die("recvmsg: %s", strerror(errno));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* The one that gets it: it may not open the node, and needs no right to */
static void use_passed(int socket, const char *node)
{
	struct ibv_mr *mr, *host;
	struct loopback lb;
	uint8_t seen[PAGE];
	int dmabuf;

	dmabuf = receive_fd(socket);
	open_device_here(&lb);
	mr = must_import(&lb, dmabuf, SIZE);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	peer_read(seen, mr->addr, PAGE);
	check_bytes(seen, PAGE, 9, 0, "what the first process wrote");
	round_trip(&lb, mr, host, PAGE + 16, 0, 64, 0);
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534) ||
	    open(node, O_RDWR) >= 0 || errno != EACCES)
		die("anybody may open the node: %s", strerror(errno));
	must_dereg(mr);
	must_dereg(host);
	loopback_close(&lb);
}

/* passed NODE: to a process that goes on when the first one has let go */
static void try_passed(char **argv)
{
	int sockets[2], status, dmabuf;
	pid_t child;
	uint8_t *p;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		die("socketpair: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		use_passed(sockets[1], argv[0]);
		exit(0);
	}
	dmabuf = must_alloc(argv[0], SIZE);
	p = must_map(dmabuf, SIZE);
	peer_fill(p, PAGE, 9);
	sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(p, SIZE);
	send_fd(sockets[0], dmabuf);
	close(dmabuf);
	if (waitpid(child, &status, 0) != child || status)
		die("the other process's status is %#x", status);
}

/* ---- importers ------------------------------------------------------------ */

/* A dma-buf of NODE, or "host" */
static int alloc_any(const char *node, size_t len)
{
	return strcmp(node, "host") ? must_alloc(node, len) : udmabuf(len);
}

/* move NODE|host: by write, read and send, within a page and across pages */
static void try_move(char **argv)
{
	struct ibv_mr *host, *mr;
	struct loopback lb;
	int dmabuf;

	open_device_here(&lb);
	dmabuf = alloc_any(argv[0], SIZE);
	mr = must_import(&lb, dmabuf, SIZE);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	/* the region has the memory when the descriptor is gone */
	close(dmabuf);
	round_trip(&lb, mr, host, 16, 0, 1, 0);
	round_trip(&lb, mr, host, 17, 3, 64, 1);
	round_trip(&lb, mr, host, 40, 8, 9000, 0);
	must_dereg(mr);
	must_dereg(host);
	loopback_close(&lb);
}

/* part NODE: a region of the middle of the dma-buf, from within a page on */
static void try_part(char **argv)
{
	const size_t at = PAGE + 24, len = PAGE;
	struct ibv_mr *host, *mr;
	struct loopback lb;
	uint8_t *p;
	int dmabuf;

	open_device_here(&lb);
	dmabuf = must_alloc(argv[0], SIZE);
	p = must_map(dmabuf, SIZE);
	mr = ibv_reg_dmabuf_mr(lb.pd, at, len, (uintptr_t)p + at, dmabuf, ACCESS);
	if (!mr)
		die("ibv_reg_dmabuf_mr: %s", strerror(errno));
	mr->addr = p + at;
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	round_trip(&lb, mr, host, 16, 0, len - 40, 0);

	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = host,
			       .remote = mr, .remote_offset = len - 8, .len = 9 };
	if (loopback_run(&lb, &req) != IBV_WC_REM_ACCESS_ERR)
		die("a write past the region does not end in REM_ACCESS_ERR");
	must_dereg(mr);
	must_dereg(host);
	loopback_close(&lb);
}

/* refused NODE|host ERRNO-NUMBER: the device does not get it */
static void try_refused(char **argv)
{
	struct loopback lb;
	int dmabuf;

	open_device_here(&lb);
	dmabuf = alloc_any(argv[0], SIZE);
	expect_no_import(&lb, dmabuf, atoi(argv[1]));
	loopback_close(&lb);
}

/* pinned NODE: a mapping of the dma-buf is peer memory to ibv_reg_mr() as well */
static void try_pinned(char **argv)
{
	struct ibv_mr *host, *mr;
	struct loopback lb;
	int dmabuf;
	void *p;

	open_device_here(&lb);
	dmabuf = must_alloc(argv[0], SIZE);
	p = must_map(dmabuf, SIZE);
	mr = must_reg(&lb, p, SIZE, ACCESS);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	/* the region has the memory when nobody else has it */
	close(dmabuf);
	round_trip(&lb, mr, host, 17, 3, 9000, 0);
	must_dereg(mr);
	must_dereg(host);
	loopback_close(&lb);
}

/* direct NODE DRIVE: the drive's own DMA into a mapping of the dma-buf, and back */
static void try_direct(char **argv)
{
	int drive = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
	uint8_t *host = host_map(PAGE, NULL), seen[PAGE];
	int dmabuf = must_alloc(argv[0], SIZE);
	uint8_t *p = must_map(dmabuf, SIZE);

	if (drive < 0)
		die("%s: %s", argv[1], strerror(errno));
	/* the I/O finds the page, or has it brought in */
	close(dmabuf);
	peer_fill(host, PAGE, 31);
	if (pwrite(drive, host, PAGE, 0) != PAGE ||
	    pread(drive, p + PAGE, PAGE, 0) != PAGE)
		die("into the dma-buf: %s", strerror(errno));
	peer_read(seen, p + PAGE, PAGE);
	check_bytes(seen, PAGE, 31, 0, "what the drive put there");
	peer_fill(p, PAGE, 32);
	if (pwrite(drive, p, PAGE, PAGE) != PAGE ||
	    pread(drive, host, PAGE, PAGE) != PAGE)
		die("out of the dma-buf: %s", strerror(errno));
	check_bytes(host, PAGE, 32, 0, "what the drive took from there");
	close(drive);
}

/* ---- leaving -------------------------------------------------------------- */

static void check_no_region(struct loopback *lb, struct ibv_mr *gone, struct ibv_mr *host)
{
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .len = 64,
			       .local = host, .remote = gone };

	if (loopback_run(lb, &req) != IBV_WC_REM_ACCESS_ERR)
		die("a write there does not end in REM_ACCESS_ERR");
	loopback_reset(lb);
	req.local = gone;
	req.remote = host;
	if (loopback_run(lb, &req) != IBV_WC_LOC_PROT_ERR)
		die("a write from there does not end in LOC_PROT_ERR");
	loopback_reset(lb);
}

/*
 * revoked NODE ADDRESS: the drive is unbound, with two dma-bufs, one of them in
 * two regions, the other one mapped only
 */
static void try_revoked(char **argv)
{
	struct ibv_mr *mr[2], *host, *other;
	int node, dmabuf, idle;
	struct loopback lb;
	uint8_t *p;

	open_device_here(&lb);
	node = open_node(argv[0]);
	dmabuf = must_alloc(argv[0], SIZE);
	idle = must_alloc(argv[0], SIZE);
	mr[0] = must_import(&lb, dmabuf, SIZE);
	mr[1] = must_import(&lb, dmabuf, SIZE);
	p = must_map(idle, SIZE);
	peer_fill(p, PAGE, 1);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	other = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	round_trip(&lb, mr[0], host, 16, 0, 64, 0);

	unbind_drive(argv[1]);

	check_no_region(&lb, mr[0], host);
	check_no_region(&lb, mr[1], host);
	check_sigbus(mr[0]->addr);
	/* never touched */
	check_sigbus((void *)(p + 2 * PAGE));
	check_sigbus((void *)p);
	expect_no_import(&lb, dmabuf, ENODEV);
	expect_no_import(&lb, idle, ENODEV);
	if (sync_cpu(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ) != ENODEV ||
	    sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE) != ENODEV)
		die("DMA_BUF_IOCTL_SYNC does not say ENODEV");
	expect_no_alloc(node, sizeof(struct p2pmem_alloc), 0, PAGE, ENODEV);
	if (open(argv[0], O_RDWR) >= 0)
		die("the node is still there");
	/* a mapping that is made now is none either */
	check_sigbus(must_map(dmabuf, SIZE));

	round_trip(&lb, other, host, 16, 0, 64, 0);
	must_dereg(mr[0]);
	must_dereg(mr[1]);
	must_dereg(host);
	must_dereg(other);
	loopback_close(&lb);
}

/* While the function is reset there is nothing that the kernel could read */
static void check_sync_during_reset(int dmabuf, const char *reset)
{
	bool refused = false;
	int status, err;
	pid_t child;

	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		write_file(reset, "1");
		_exit(0);
	}
	do {
		err = sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
		if (err && err != ENODEV)
			die("DMA_BUF_IOCTL_SYNC: %s", strerror(err));
		refused |= err == ENODEV;
	} while (!waitpid(child, &status, WNOHANG));
	if (status)
		die("the reset failed");
	if (!refused)
		die("DMA_BUF_IOCTL_SYNC reads from a drive that is being reset");
	if (sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE))
		die("DMA_BUF_IOCTL_SYNC fails when the reset is over");
}

/*
 * revoked-reset NODE RESET: the regions are lost, but not the memory: it can be
 * registered anew
 */
static void try_revoked_reset(char **argv)
{
	struct ibv_mr *gone, *again, *host;
	struct loopback lb;
	int dmabuf;

	open_device_here(&lb);
	dmabuf = must_alloc(argv[0], SIZE);
	gone = must_import(&lb, dmabuf, SIZE);
	host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);

	write_file(argv[1], "1");

	check_no_region(&lb, gone, host);
	again = must_import(&lb, dmabuf, SIZE);
	round_trip(&lb, again, host, 16, 0, 64, 0);
	check_no_region(&lb, gone, host);

	/* also a second time */
	check_sync_during_reset(dmabuf, argv[1]);

	check_no_region(&lb, again, host);
	must_dereg(gone);
	must_dereg(again);
	must_dereg(host);
	loopback_close(&lb);
}

/* hold NODE COUNT: that many dma-bufs, each in a region, until a signal */
static void try_hold(char **argv)
{
	size_t count = strtoul(argv[1], NULL, 0), i;
	struct loopback lb;

	open_device_here(&lb);
	for (i = 0; i < count; i++)
		must_import(&lb, must_alloc(argv[0], PAGE), PAGE);
	announce("holding");
	pause();
}

/* What a drive that comes and goes may be answered with */
static int may_be_away(const char *what)
{
	if (errno != ENODEV && errno != ENOENT && errno != ENXIO)
		die("%s: %s", what, strerror(errno));
	return 0;
}

struct churn {
	struct loopback lb;
	const char *node;
};

/* Allocate, map, register, and give back; 1: all of it worked */
static int churn_once(void *arg)
{
	struct churn *c = arg;
	int node = open(c->node, O_RDWR | O_CLOEXEC), dmabuf, worked = 0;
	struct ibv_mr *mr;
	void *p;

	if (node < 0)
		return may_be_away("open");
	dmabuf = try_alloc(node, sizeof(struct p2pmem_alloc), 0, SIZE);
	close(node);
	if (dmabuf < 0)
		return may_be_away("allocate");
	p = must_map(dmabuf, SIZE);
	mr = try_import(&c->lb, dmabuf, p, SIZE);
	if (mr) {
		worked = 1;
		must_dereg(mr);
	} else {
		may_be_away("ibv_reg_dmabuf_mr");
	}
	munmap(p, SIZE);
	close(dmabuf);
	return worked;
}

/* churn NODE: until SIGTERM, while the drive comes and goes */
static void try_churn(char **argv)
{
	struct churn c = { .node = argv[0] };

	catch_term();
	open_device_here(&c.lb);
	churn(churn_once, &c);
	loopback_close(&c.lb);
}

static const struct test tests[] = {
	{ "bad-calls", 2, try_bad_calls }, { "cpu", 1, try_cpu },
	{ "passed", 1, try_passed }, { "move", 1, try_move },
	{ "part", 1, try_part }, { "refused", 2, try_refused },
	{ "pinned", 1, try_pinned }, { "direct", 2, try_direct },
	{ "revoked", 2, try_revoked }, { "revoked-reset", 2, try_revoked_reset },
	{ "hold", 2, try_hold }, { "churn", 1, try_churn },
};

int main(int argc, char **argv)
{
	const struct test *test = argc > 1 ?
		find_test(tests, sizeof(tests) / sizeof(tests[0]), argv[1], argc - 2) : NULL;

	if (!test)
		die("usage: peer-dmabuf TEST ARG...; the tests are at the end of peer-dmabuf.c");
	test->run(argv + 2);
	return 0;
}
