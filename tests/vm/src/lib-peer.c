// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library on a drive's memory, and the reason it gives for each thing that
 * can go wrong with it:
 *
 *   lib-peer TEST PROVIDER [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

#include "loopback.h"
#include "peer.h"

#define PAGE 4096u

struct setup {
	struct p2pmr_context *ctx;
	struct p2pmr_provider *provider;
	struct ibv_context *verbs;
	struct ibv_pd *pd;
};

static void open_all(struct setup *s, const char *provider)
{
	const char *device = getenv("RDMA_DEVICE");

	s->ctx = p2pmr_open(NULL);
	s->provider = s->ctx ? p2pmr_provider_find(s->ctx, provider) : NULL;
	if (!s->provider)
		die("%s: %s", provider, p2pmr_reason_text());
	s->verbs = open_device(device ? device : "rxe0");
	s->pd = ibv_alloc_pd(s->verbs);
	if (!s->pd)
		die("ibv_alloc_pd: %s", strerror(errno));
}

static void close_all(struct setup *s)
{
	ibv_dealloc_pd(s->pd);
	ibv_close_device(s->verbs);
	p2pmr_close(s->ctx);
}

static struct p2pmr_buf *must_alloc(struct setup *s, size_t size)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc(s->provider, size);

	if (!buf)
		die("p2pmr_buf_alloc of %zu bytes: %s", size, p2pmr_reason_text());
	return buf;
}

/* The last call failed with this errno and reason, and said what to do */
static void expect_reason(const char *what, const void *result, int err,
			  enum p2pmr_reason reason)
{
	int got = errno;

	if (result)
		die("%s: succeeded", what);
	if (got != err || p2pmr_reason_errno() != err)
		die("%s: errno is %s, in the reason %s, and should be %s (%s)", what,
		    strerror(got), strerror(p2pmr_reason_errno()), strerror(err),
		    p2pmr_reason_text());
	if (p2pmr_reason_code() != reason)
		die("%s: reason is %s, not %s (%s)", what,
		    p2pmr_reason_name(p2pmr_reason_code()),
		    p2pmr_reason_name(reason), p2pmr_reason_text());
	if (!*p2pmr_reason_text() || !*p2pmr_reason_remedy())
		die("%s: no text, or no remedy", what);
	printf("%s: %s %s\n", what, p2pmr_reason_text(), p2pmr_reason_remedy());
}

/* use PROVIDER: allocate, register, CPU access, all rounded up to pages */
static void test_use(struct setup *s, char **argv)
{
	struct p2pmr_buf *buf = must_alloc(s, 5 * PAGE + 1);
	enum p2pmr_route route = P2PMR_ROUTE_NONE;
	uint8_t out[100], in[100];
	struct ibv_mr *mr;
	size_t i;

	(void)argv;
	if (p2pmr_buf_size(buf) != 6 * PAGE)
		die("the size is %zu", p2pmr_buf_size(buf));
	mr = p2pmr_reg_mr(s->pd, buf, ACCESS_ALL, &route);
	if (!mr)
		die("p2pmr_reg_mr: %s", p2pmr_reason_text());
	if (route != P2PMR_ROUTE_UMEM)
		die("the route is %s", p2pmr_route_name(route));

	for (i = 0; i < sizeof(out); i++)
		out[i] = pattern(9, i);
	if (p2pmr_buf_write(buf, PAGE - 33, out, sizeof(out)) ||
	    p2pmr_buf_read(buf, PAGE - 33, in, sizeof(in)))
		die("CPU access: %s", p2pmr_reason_text());
	if (memcmp(in, out, sizeof(in)))
		die("the CPU reads other than it wrote");

	ibv_dereg_mr(mr);
	p2pmr_buf_free(buf);
}

/* sizes PROVIDER: nothing, too much, and more than is left */
static void test_sizes(struct setup *s, char **argv)
{
	struct p2pmr_provider_space space;
	struct p2pmr_buf *half;

	(void)argv;
	if (p2pmr_provider_space(s->provider, &space))
		die("p2pmr_provider_space: %s", p2pmr_reason_text());
	expect_reason("nothing", p2pmr_buf_alloc(s->provider, 0), EINVAL,
		      P2PMR_REASON_BAD_ARGUMENT);
	expect_reason("too much", p2pmr_buf_alloc(s->provider, space.size_bytes + 1),
		      ENOMEM, P2PMR_REASON_TOO_LARGE);
	expect_reason("all there is", p2pmr_buf_alloc(s->provider, SIZE_MAX),
		      ENOMEM, P2PMR_REASON_TOO_LARGE);
	half = must_alloc(s, PAGE);
	expect_reason("more than is left",
		      p2pmr_buf_alloc(s->provider, space.size_bytes), ENOMEM,
		      P2PMR_REASON_POOL_EXHAUSTED);
	p2pmr_buf_free(half);
}

/* ranges PROVIDER: past the mapping, not mapped, not writable, bad access */
static void test_ranges(struct setup *s, char **argv)
{
	uint8_t *start = reserve(3 * PAGE), *p;
	struct p2pmr_buf *buf = must_alloc(s, PAGE);
	enum p2pmr_route route;
	struct ibv_mr *mr;

	(void)argv;
	/* the buffer, between two pages that nobody may touch */
	p = mremap(p2pmr_buf_addr(buf), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   start + PAGE);
	if (p == MAP_FAILED)
		die("mremap: %s", strerror(errno));
	munmap(start + 2 * PAGE, PAGE);
	expect_reason("past the mapping",
		      p2pmr_reg_addr(s->pd, p, 2 * PAGE, ACCESS_ALL, &route),
		      EFAULT, P2PMR_REASON_NOT_MAPPED);
	expect_reason("no length", p2pmr_reg_addr(s->pd, p, 0, ACCESS_ALL, NULL),
		      EINVAL, P2PMR_REASON_BAD_ARGUMENT);
	expect_reason("remote write without local write",
		      p2pmr_reg_addr(s->pd, p, PAGE, IBV_ACCESS_REMOTE_WRITE, NULL),
		      EINVAL, P2PMR_REASON_BAD_ACCESS);
	if (mprotect(p, PAGE, PROT_READ))
		die("mprotect: %s", strerror(errno));
	expect_reason("a mapping that may not be written to",
		      p2pmr_reg_addr(s->pd, p, PAGE, ACCESS_ALL, &route),
		      EINVAL, P2PMR_REASON_BAD_ACCESS);
	mr = p2pmr_reg_addr(s->pd, p, PAGE, IBV_ACCESS_REMOTE_READ, &route);
	if (!mr || route != P2PMR_ROUTE_UMEM)
		die("a read-only region of it: %s", p2pmr_reason_text());
	ibv_dereg_mr(mr);
}

/* gone PROVIDER BDF: the drive leaves between open and allocation */
static void test_gone(struct setup *s, char **argv)
{
	struct p2pmr_provider_space space;
	struct p2pmr_buf *buf = must_alloc(s, PAGE);
	int fd = open("/sys/bus/pci/drivers/nvme/unbind", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, argv[0], strlen(argv[0])) < 0)
		die("unbind: %s", strerror(errno));
	close(fd);
	expect_reason("allocation", p2pmr_buf_alloc(s->provider, PAGE), ENODEV,
		      P2PMR_REASON_PROVIDER_GONE);
	if (p2pmr_provider_space(s->provider, &space) != -ENODEV)
		die("p2pmr_provider_space did not fail with -ENODEV");
	expect_reason("registration", p2pmr_reg_mr(s->pd, buf, ACCESS_ALL, NULL),
		      ENODEV, P2PMR_REASON_PROVIDER_GONE);
	p2pmr_buf_free(buf);
}

/* memlock PROVIDER: run without CAP_IPC_LOCK */
static void test_memlock(struct setup *s, char **argv)
{
	struct rlimit limit = { .rlim_cur = 2 * PAGE, .rlim_max = 2 * PAGE };
	struct p2pmr_buf *buf = must_alloc(s, 16 * PAGE);

	(void)argv;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		die("setrlimit: %s", strerror(errno));
	expect_reason("registration", p2pmr_reg_mr(s->pd, buf, ACCESS_ALL, NULL),
		      ENOMEM, P2PMR_REASON_MEMLOCK);
	p2pmr_buf_free(buf);
}

/* permission PROVIDER: run as a user who may not open the file */
static void test_permission(struct setup *s, char **argv)
{
	(void)argv;
	expect_reason("allocation", p2pmr_buf_alloc(s->provider, PAGE), EACCES,
		      P2PMR_REASON_NO_PERMISSION);
}

/* opt-in PROVIDER: on a device whose driver did not */
static void test_opt_in(struct setup *s, char **argv)
{
	struct p2pmr_buf *buf = must_alloc(s, PAGE);

	(void)argv;
	expect_reason("registration", p2pmr_reg_mr(s->pd, buf, ACCESS_ALL, NULL),
		      EOPNOTSUPP, P2PMR_REASON_DEVICE_NO_OPTIN);
	p2pmr_buf_free(buf);
}

/* caps PROVIDER CAPS: what the device says, as a number, and the path with it */
static void test_caps(struct setup *s, char **argv)
{
	unsigned int caps, want = strtoul(argv[0], NULL, 0);
	struct p2pmr_path *path;

	if (p2pmr_device_caps(s->verbs, &caps))
		die("p2pmr_device_caps: %s", p2pmr_reason_text());
	if (caps != want)
		die("it says %#x, not %#x", caps, want);

	path = p2pmr_path_query(s->provider, s->verbs->device);
	if (!path)
		die("p2pmr_path_query: %s", p2pmr_reason_text());
	if (p2pmr_path_peer_mr(path) != !!(want & P2PMR_CAP_PEER_MR) ||
	    p2pmr_path_peer_atomic(path) != !!(want & P2PMR_CAP_PEER_ATOMIC))
		die("the path says something else");
	p2pmr_path_free(path);
}

/* no-pin PROVIDER: on a kernel without the series */
static void test_no_pin(struct setup *s, char **argv)
{
	struct p2pmr_buf *buf = must_alloc(s, PAGE);

	(void)argv;
	expect_reason("writable", p2pmr_reg_mr(s->pd, buf, ACCESS_ALL, NULL),
		      EFAULT, P2PMR_REASON_KERNEL_NO_PIN);
	expect_reason("read-only",
		      p2pmr_reg_mr(s->pd, buf, IBV_ACCESS_REMOTE_READ, NULL),
		      EREMOTEIO, P2PMR_REASON_KERNEL_NO_PIN);
	p2pmr_buf_free(buf);
}

/* no-cdev PROVIDER: a kernel that does not map through the drive's device */
static void test_no_cdev(struct setup *s, char **argv)
{
	(void)argv;
	expect_reason("allocation", p2pmr_buf_alloc(s->provider, PAGE),
		      EOPNOTSUPP, P2PMR_REASON_KERNEL_NO_CDEV);
}

static const struct {
	const char *name;
	int args;
	void (*run)(struct setup *s, char **argv);
} tests[] = {
	{ "use", 0, test_use }, { "sizes", 0, test_sizes },
	{ "ranges", 0, test_ranges }, { "gone", 1, test_gone },
	{ "memlock", 0, test_memlock }, { "permission", 0, test_permission },
	{ "opt-in", 0, test_opt_in }, { "no-pin", 0, test_no_pin },
	{ "caps", 1, test_caps }, { "no-cdev", 0, test_no_cdev },
};

int main(int argc, char **argv)
{
	struct setup s;
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(argv[1], tests[i].name) || argc - 3 != tests[i].args)
			continue;
		open_all(&s, argv[2]);
		tests[i].run(&s, argv + 3);
		close_all(&s);
		return 0;
	}
	die("usage: lib-peer TEST PROVIDER [ARG...]; the tests are at the end of lib-peer.c");
}
