// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library on dma-bufs: the routes it takes, and the reasons it gives:
 *
 *   lib-dmabuf TEST PROVIDER [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

#include "peer-tests.h"

#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_READ)
#define SIZE (4 * PAGE)

static struct p2pmr_context *ctx;
static struct p2pmr_provider *provider;
static struct loopback lb;

static struct p2pmr_buf *must_alloc(uint64_t flags)
{
	struct p2pmr_buf *buf;

	buf = p2pmr_buf_alloc_opts(provider, SIZE,
				   P2PMR_OPTS(p2pmr_buf_opts, .flags = flags));
	if (!buf)
		die("p2pmr_buf_alloc: %s", p2pmr_reason_text());
	return buf;
}

/* Without a route: by the function without options */
static struct ibv_mr *try_reg(struct p2pmr_buf *buf, enum p2pmr_route route,
			      enum p2pmr_route *taken)
{
	if (route == P2PMR_ROUTE_NONE)
		return p2pmr_reg_mr(lb.pd, buf, ACCESS, taken);
	return p2pmr_reg_mr_opts(lb.pd, buf, ACCESS,
				 P2PMR_OPTS(p2pmr_reg_opts, .route = route), taken);
}

static void expect_route(enum p2pmr_route got, enum p2pmr_route want)
{
	if (got != want)
		die("the route is %s, not %s", p2pmr_route_name(got),
		    p2pmr_route_name(want));
}

/* The last call failed with this errno and reason, and said what to do */
static void expect_reason(const void *result, int err, enum p2pmr_reason reason)
{
	int got = errno;

	if (result)
		die("succeeded");
	if (got != err || p2pmr_reason_errno() != err ||
	    p2pmr_reason_code() != reason)
		die("%s, %s, not %s, %s: %s", strerror(got),
		    p2pmr_reason_name(p2pmr_reason_code()), strerror(err),
		    p2pmr_reason_name(reason), p2pmr_reason_text());
	printf("%s %s\n", p2pmr_reason_text(), p2pmr_reason_remedy());
}

/* Data by the engine, and by the CPU */
static void check_data(struct p2pmr_buf *buf, struct ibv_mr *mr)
{
	struct ibv_mr *host = must_reg(&lb, host_map(SIZE, NULL), SIZE, ACCESS);
	uint8_t out[100], in[100];
	size_t i, same;

	if (mr->addr != p2pmr_buf_addr(buf) || mr->length != p2pmr_buf_size(buf))
		die("the region is %zu bytes at %p", mr->length, mr->addr);
	round_trip(&lb, mr, host, PAGE - 30, 3, 64, 0);
	must_dereg(host);

	for (i = 0; i < sizeof(out); i++)
		out[i] = pattern(9, i);
	if (p2pmr_buf_write(buf, PAGE - 33, out, sizeof(out)) ||
	    p2pmr_buf_read(buf, PAGE - 33, in, sizeof(in)) ||
	    p2pmr_buf_compare(buf, PAGE - 33, out, sizeof(out), &same))
		die("CPU access: %s", p2pmr_reason_text());
	if (memcmp(in, out, sizeof(in)) || same != sizeof(out))
		die("the CPU reads other than it wrote");
}

static void use(struct p2pmr_buf *buf, enum p2pmr_route route, enum p2pmr_route want)
{
	enum p2pmr_route taken;
	struct ibv_mr *mr = try_reg(buf, route, &taken);

	if (!mr)
		die("%s: %s", p2pmr_route_name(route), p2pmr_reason_text());
	expect_route(taken, want);
	check_data(buf, mr);
	must_dereg(mr);
}

/* A cache says the route as well, also when it finds the region */
static void use_cache(struct p2pmr_buf *buf, enum p2pmr_route want)
{
	struct p2pmr_cache *cache = p2pmr_cache_create(NULL);
	enum p2pmr_route taken;
	struct ibv_mr *mr[2];
	int i;

	for (i = 0; i < 2; i++) {
		mr[i] = cache ? p2pmr_cache_get(cache, lb.pd, buf, PAGE, PAGE,
						ACCESS, &taken) : NULL;
		if (!mr[i])
			die("cache: %s", p2pmr_reason_text());
		expect_route(taken, want);
		if (mr[i]->addr != (uint8_t *)p2pmr_buf_addr(buf) + PAGE)
			die("the cache's region is at %p", mr[i]->addr);
	}
	if (mr[0] != mr[1])
		die("the cache registered it twice");
	p2pmr_cache_put(cache, mr[0]);
	p2pmr_cache_put(cache, mr[1]);
	p2pmr_cache_destroy(cache);
}

/* As a range of memory, it is peer memory that is pinned */
static void use_addr(struct p2pmr_buf *buf)
{
	uint8_t *addr = p2pmr_buf_addr(buf);
	enum p2pmr_route taken;
	struct ibv_mr *mr = p2pmr_reg_addr(lb.pd, addr + PAGE, PAGE, ACCESS, &taken);

	if (!mr)
		die("p2pmr_reg_addr: %s", p2pmr_reason_text());
	expect_route(taken, P2PMR_ROUTE_UMEM);
	must_dereg(mr);
}

/* by-name PROVIDER */
static void try_by_name(char **argv)
{
	struct p2pmr_buf *plain = must_alloc(0);
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);

	(void)argv;
	if (p2pmr_buf_dmabuf(plain) >= 0 || p2pmr_buf_dmabuf(buf) < 0)
		die("which of them is a dma-buf?");
	use(buf, P2PMR_ROUTE_DMABUF, P2PMR_ROUTE_DMABUF);
	use(buf, P2PMR_ROUTE_UMEM, P2PMR_ROUTE_UMEM);
	use(buf, P2PMR_ROUTE_NONE, P2PMR_ROUTE_UMEM);
	use_addr(buf);
	use(plain, P2PMR_ROUTE_NONE, P2PMR_ROUTE_UMEM);
	expect_reason(try_reg(plain, P2PMR_ROUTE_DMABUF, NULL), EINVAL,
		      P2PMR_REASON_NOT_DMABUF);
	expect_reason(try_reg(plain, P2PMR_ROUTE_HOST, NULL), EINVAL,
		      P2PMR_REASON_BAD_ARGUMENT);
	p2pmr_buf_free(plain);
	p2pmr_buf_free(buf);
}

/* by-itself PROVIDER: no RDMA device pins peer memory, or sysfs is not for us */
static void try_by_itself(char **argv)
{
	struct p2pmr_buf *buf = must_alloc(0);

	(void)argv;
	if (p2pmr_buf_dmabuf(buf) < 0)
		die("the buffer is no dma-buf");
	use(buf, P2PMR_ROUTE_NONE, P2PMR_ROUTE_DMABUF);
	use_cache(buf, P2PMR_ROUTE_DMABUF);
	p2pmr_buf_free(buf);
}

/* node PROVIDER: only the device node may be opened */
static void try_node(char **argv)
{
	struct p2pmr_buf *buf = must_alloc(0);

	(void)argv;
	if (p2pmr_buf_dmabuf(buf) < 0)
		die("the buffer is no dma-buf");
	use(buf, P2PMR_ROUTE_DMABUF, P2PMR_ROUTE_DMABUF);
	p2pmr_buf_free(buf);
}

static struct p2pmr_buf *must_import(int fd)
{
	struct p2pmr_buf *buf = p2pmr_buf_import(provider, fd);

	if (!buf)
		die("p2pmr_buf_import: %s", p2pmr_reason_text());
	close(fd);
	return buf;
}

/*
 * udmabuf of 6.12 maps its pages for itself at the first access, in the direction of
 * that one, and syncs them in those of later ones. DMA debugging reports that, but
 * not for pages that are mapped for both.
 */
static int udmabuf_both_ways(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	int fd = udmabuf(SIZE);

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		die("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		die("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
	return fd;
}

/* foreign host: the dma-buf of somebody else, as that provider's memory */
static void try_foreign(char **argv)
{
	struct p2pmr_buf *buf = must_import(udmabuf_both_ways());

	(void)argv;
	if (p2pmr_buf_provider(buf) != provider || p2pmr_buf_size(buf) != SIZE)
		die("%zu bytes of %s", p2pmr_buf_size(buf),
		    p2pmr_provider_name(p2pmr_buf_provider(buf)));
	use(buf, P2PMR_ROUTE_NONE, P2PMR_ROUTE_DMABUF);
	use(buf, P2PMR_ROUTE_DMABUF, P2PMR_ROUTE_DMABUF);
	use_cache(buf, P2PMR_ROUTE_DMABUF);
	expect_reason(try_reg(buf, P2PMR_ROUTE_UMEM, NULL), EINVAL,
		      P2PMR_REASON_NOT_DMABUF);
	p2pmr_buf_free(buf);
	expect_reason(p2pmr_buf_import(provider, open("/dev/null", O_RDWR)), EINVAL,
		      P2PMR_REASON_NOT_DMABUF);
}

/* shared PROVIDER: the child has what the parent wrote, as a buffer of its own */
static void try_shared(char **argv)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);
	int status, fd = dup(p2pmr_buf_dmabuf(buf));
	uint64_t value = 0x1122334455667788;
	pid_t child;

	(void)argv;
	if (p2pmr_buf_write(buf, 8, &value, 8))
		die("write: %s", p2pmr_reason_text());
	p2pmr_buf_free(buf);
	child = fork();
	if (!child) {
		buf = must_import(fd);
		value = 0;
		if (p2pmr_buf_read(buf, 8, &value, 8) || value != 0x1122334455667788)
			die("the child reads %#lx", value);
		/* what the parent has is the parent's */
		loopback_open_with(&lb, device_name(), ACCESS);
		use(buf, P2PMR_ROUTE_NONE, P2PMR_ROUTE_DMABUF);
		p2pmr_buf_free(buf);
		exit(0);
	}
	close(fd);
	if (waitpid(child, &status, 0) != child || status)
		die("the child's status is %#x", status);
}

/* gone PROVIDER ADDRESS: the drive is unbound */
static void try_gone(char **argv)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);
	uint64_t value = 1;

	unbind_drive(argv[0]);
	expect_reason(try_reg(buf, P2PMR_ROUTE_DMABUF, NULL), ENODEV,
		      P2PMR_REASON_PROVIDER_GONE);
	/* no SIGBUS */
	if (p2pmr_buf_write(buf, 0, &value, 8) != -ENODEV ||
	    p2pmr_buf_read(buf, 0, &value, 8) != -ENODEV)
		die("an access by the CPU does not fail with ENODEV");
	expect_reason(NULL, ENODEV, P2PMR_REASON_PROVIDER_GONE);
	expect_reason(p2pmr_buf_alloc_opts(provider, PAGE,
					   P2PMR_OPTS(p2pmr_buf_opts,
						      .flags = P2PMR_BUF_DMABUF)),
		      ENODEV, P2PMR_REASON_PROVIDER_GONE);
	p2pmr_buf_free(buf);
}

static enum p2pmr_reason reason_by_name(const char *name)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (!strcmp(p2pmr_reason_name(i), name))
			return i;
	}
	die("unknown reason %s", name);
}

/* refused PROVIDER ERRNO-NUMBER REASON: when the buffer is registered */
static void try_refused(char **argv)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);

	expect_reason(try_reg(buf, P2PMR_ROUTE_DMABUF, NULL), atoi(argv[0]),
		      reason_by_name(argv[1]));
	p2pmr_buf_free(buf);
}

/* no-alloc PROVIDER ERRNO-NUMBER REASON: when it is allocated */
static void try_no_alloc(char **argv)
{
	expect_reason(p2pmr_buf_alloc_opts(provider, PAGE,
					   P2PMR_OPTS(p2pmr_buf_opts,
						      .flags = P2PMR_BUF_DMABUF)),
		      atoi(argv[0]), reason_by_name(argv[1]));
}

/* no-atomics PROVIDER: a region for them is refused, and any other is not */
static void try_no_atomics(char **argv)
{
	struct p2pmr_buf *buf = must_alloc(0);

	(void)argv;
	expect_reason(p2pmr_reg_mr(lb.pd, buf, ACCESS_ALL, NULL), EOPNOTSUPP,
		      P2PMR_REASON_NO_PEER_ATOMICS);
	use(buf, P2PMR_ROUTE_NONE, P2PMR_ROUTE_UMEM);
	p2pmr_buf_free(buf);
}

static const struct test tests[] = {
	{ "by-name", 0, try_by_name }, { "by-itself", 0, try_by_itself },
	{ "node", 0, try_node }, { "foreign", 0, try_foreign },
	{ "shared", 0, try_shared }, { "gone", 1, try_gone },
	{ "refused", 2, try_refused }, { "no-alloc", 2, try_no_alloc },
	{ "no-atomics", 0, try_no_atomics },
};

int main(int argc, char **argv)
{
	const struct test *test = argc > 2 ?
		find_test(tests, sizeof(tests) / sizeof(tests[0]), argv[1], argc - 3) : NULL;

	if (!test)
		die("usage: lib-dmabuf TEST PROVIDER [ARG...]; the tests are at the end of lib-dmabuf.c");
	ctx = p2pmr_open(NULL);
	provider = ctx ? p2pmr_provider_find(ctx, argv[2]) : NULL;
	if (!provider)
		die("%s: %s", argv[2], p2pmr_reason_text());
	loopback_open_with(&lb, device_name(), ACCESS);
	test->run(argv + 3);
	loopback_close(&lb);
	p2pmr_close(ctx);
	return 0;
}
