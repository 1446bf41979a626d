// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's registration cache on a drive's memory, and what a region is
 * charged for:
 *
 *   lib-cache TEST PROVIDER [DRIVE]
 *
 * Tests with a DRIVE, a PCI address, unbind it and bind it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

#include "loopback.h"
#include "peer.h"

#define PAGE 4096u
#define PAGES 8u
#define BYTES (PAGES * PAGE)

struct setup {
	struct loopback lb;
	struct p2pmr_context *ctx;
	struct p2pmr_provider *provider;
	struct p2pmr_cache *cache;
	struct ibv_mr *host;
	const char *drive;
};

static void open_all(struct setup *s, const char *provider)
{
	const char *device = getenv("RDMA_DEVICE");

	loopback_open(&s->lb, device ? device : "rxe0");
	s->host = must_reg(&s->lb, host_map(BYTES, NULL), BYTES, ACCESS_ALL);
	s->ctx = p2pmr_open(NULL);
	s->provider = s->ctx ? p2pmr_provider_find(s->ctx, provider) : NULL;
	s->cache = p2pmr_cache_create(NULL);
	if (!s->provider || !s->cache)
		die("%s: %s", provider, p2pmr_reason_text());
}

static void close_all(struct setup *s)
{
	if (p2pmr_cache_forget_pd(s->cache, s->lb.pd))
		die("p2pmr_cache_forget_pd: %s", p2pmr_reason_text());
	p2pmr_cache_destroy(s->cache);
	p2pmr_close(s->ctx);
	must_dereg(s->host);
	loopback_close(&s->lb);
}

static struct p2pmr_buf *must_alloc(struct setup *s, size_t size)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc(s->provider, size);

	if (!buf)
		die("p2pmr_buf_alloc of %zu bytes: %s", size, p2pmr_reason_text());
	return buf;
}

static struct ibv_mr *must_get(struct setup *s, struct p2pmr_buf *buf,
			       size_t offset, size_t len)
{
	enum p2pmr_route route;
	struct ibv_mr *mr = p2pmr_cache_get(s->cache, s->lb.pd, buf, offset, len,
					    ACCESS_ALL, &route);

	if (!mr)
		die("p2pmr_cache_get: %s", p2pmr_reason_text());
	if (route != P2PMR_ROUTE_UMEM)
		die("the route is %s", p2pmr_route_name(route));
	return mr;
}

static void must_put(struct setup *s, struct ibv_mr *mr)
{
	if (p2pmr_cache_put(s->cache, mr))
		die("p2pmr_cache_put: %s", p2pmr_reason_text());
}

static void expect_stats(struct setup *s, uint64_t hits, uint64_t misses,
			 const char *when)
{
	struct p2pmr_cache_stats now;

	if (p2pmr_cache_stats(s->cache, &now))
		die("p2pmr_cache_stats: %s", p2pmr_reason_text());
	if (now.hits != hits || now.misses != misses)
		die("%s: %lu hits and %lu misses, not %lu and %lu", when,
		    now.hits, now.misses, hits, misses);
}

static enum ibv_wc_status write_to(struct setup *s, struct ibv_mr *mr, uint64_t seed)
{
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = s->host,
			       .remote = mr, .len = BYTES };
	enum ibv_wc_status status;
	size_t i;

	for (i = 0; i < BYTES; i++)
		((uint8_t *)s->host->addr)[i] = pattern(seed, i);
	status = loopback_run(&s->lb, &req);
	if (status != IBV_WC_SUCCESS)
		loopback_reset(&s->lb);
	return status;
}

/* A write through the region ends up in the buffer */
static void must_reach(struct setup *s, struct ibv_mr *mr, struct p2pmr_buf *buf,
		       uint64_t seed)
{
	enum ibv_wc_status status = write_to(s, mr, seed);
	static uint8_t got[BYTES];

	if (status != IBV_WC_SUCCESS)
		die("write: %s", ibv_wc_status_str(status));
	if (p2pmr_buf_read(buf, 0, got, BYTES))
		die("p2pmr_buf_read: %s", p2pmr_reason_text());
	if (memcmp(got, s->host->addr, BYTES))
		die("what was written did not arrive");
}

static void must_not_reach(struct setup *s, struct ibv_mr *mr, const char *what)
{
	enum ibv_wc_status status = write_to(s, mr, 99);

	if (status != IBV_WC_REM_ACCESS_ERR)
		die("write to %s: %s", what, ibv_wc_status_str(status));
}

/* hit PROVIDER: a region that is put back is handed out again, and good */
static void test_hit(struct setup *s)
{
	struct p2pmr_buf *buf = must_alloc(s, BYTES);
	struct ibv_mr *mr = must_get(s, buf, 0, BYTES);
	uint32_t rkey = mr->rkey;

	must_reach(s, mr, buf, 1);
	must_put(s, mr);
	mr = must_get(s, buf, 0, BYTES);
	if (mr->rkey != rkey)
		die("it was registered again");
	must_reach(s, mr, buf, 2);
	must_put(s, mr);
	expect_stats(s, 1, 1, "one buffer, twice");
	p2pmr_buf_free(buf);
}

/* stale PROVIDER: another buffer comes to lie where a freed one was */
static void test_stale(struct setup *s)
{
	struct p2pmr_buf *buf = must_alloc(s, BYTES);
	void *addr = p2pmr_buf_addr(buf);
	struct ibv_mr *mr, old;

	mr = must_get(s, buf, 0, BYTES);
	must_reach(s, mr, buf, 1);
	must_put(s, mr);
	old = *mr;
	p2pmr_buf_free(buf);
	must_not_reach(s, &old, "a freed buffer's region");

	buf = must_alloc(s, BYTES);
	if (p2pmr_buf_addr(buf) != addr)
		die("the new buffer is elsewhere: this shows nothing");
	mr = must_get(s, buf, 0, BYTES);
	expect_stats(s, 0, 2, "two buffers at one address");
	must_reach(s, mr, buf, 2);
	must_not_reach(s, &old, "a freed buffer's region, with a new one there");
	must_put(s, mr);
	p2pmr_buf_free(buf);
}

static void in_child(struct setup *s, struct p2pmr_buf *buf, struct ibv_mr *mr)
{
	if (p2pmr_cache_get(s->cache, s->lb.pd, buf, 0, BYTES, ACCESS_ALL, NULL) ||
	    errno != ECHILD || p2pmr_reason_code() != P2PMR_REASON_FORKED)
		die("p2pmr_cache_get in a child: %s", p2pmr_reason_text());
	if (p2pmr_cache_put(s->cache, mr) != -ECHILD)
		die("p2pmr_cache_put in a child does not fail with ECHILD");
	p2pmr_buf_free(buf);
	p2pmr_cache_destroy(s->cache);
	_exit(0);
}

/* fork PROVIDER: the child gets nothing, and takes nothing from the parent */
static void test_fork(struct setup *s)
{
	struct p2pmr_buf *buf = must_alloc(s, BYTES);
	struct ibv_mr *mr = must_get(s, buf, 0, BYTES);
	int status;
	pid_t pid;

	must_put(s, must_get(s, buf, PAGE, PAGE));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid)
		in_child(s, buf, mr);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the child's status is %#x", status);
	must_reach(s, mr, buf, 3);
	must_put(s, must_get(s, buf, PAGE, PAGE));
	must_put(s, mr);
	expect_stats(s, 1, 2, "after a child");
	p2pmr_buf_free(buf);
}

static void drive(const struct setup *s, const char *file)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/nvme/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, s->drive, strlen(s->drive)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static struct p2pmr_buf *alloc_when_back(struct setup *s)
{
	struct p2pmr_buf *buf;

	for (int i = 0; i < 200; i++) {
		buf = p2pmr_buf_alloc(s->provider, BYTES);
		if (buf || p2pmr_reason_code() != P2PMR_REASON_PROVIDER_GONE)
			break;
		usleep(100000);
	}
	if (!buf)
		die("p2pmr_buf_alloc: %s", p2pmr_reason_text());
	return buf;
}

/* revoked PROVIDER DRIVE: one region is in use meanwhile, another one idle */
static void test_revoked(struct setup *s)
{
	struct p2pmr_buf *buf = must_alloc(s, BYTES);
	struct ibv_mr *mr = must_get(s, buf, 0, BYTES);

	must_put(s, must_get(s, buf, PAGE, PAGE));
	must_reach(s, mr, buf, 4);
	drive(s, "unbind");
	must_not_reach(s, mr, "memory that has left");
	if (p2pmr_cache_invalidate(s->cache, mr))
		die("p2pmr_cache_invalidate: %s", p2pmr_reason_text());
	if (p2pmr_cache_get(s->cache, s->lb.pd, buf, 0, BYTES, ACCESS_ALL, NULL) ||
	    errno != ENODEV || p2pmr_reason_code() != P2PMR_REASON_PROVIDER_GONE)
		die("p2pmr_cache_get of it: %s", p2pmr_reason_text());
	must_put(s, mr);
	p2pmr_buf_free(buf);

	drive(s, "bind");
	buf = alloc_when_back(s);
	mr = must_get(s, buf, 0, BYTES);
	expect_stats(s, 0, 3, "after the drive came back");
	must_reach(s, mr, buf, 5);
	must_put(s, mr);
	p2pmr_buf_free(buf);
}

/* ---- RLIMIT_MEMLOCK ----------------------------------------------------- */

static unsigned long pinned_pages(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long kilobytes = 0;
	char line[256];
	int found = 0;

	while (f && fgets(line, sizeof(line), f))
		found += sscanf(line, "VmPin: %lu kB", &kilobytes) == 1;
	if (!found)
		die("no VmPin in /proc/self/status");
	fclose(f);
	return kilobytes * 1024 / PAGE;
}

static void expect_pinned(unsigned long base, unsigned long more, const char *when)
{
	unsigned long now = pinned_pages();

	if (now != base + more)
		die("%s: %lu pages are charged, and should be %lu + %lu", when,
		    now, base, more);
	printf("%s: %lu pages\n", when, more);
}

static void check_child_has_none(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid)
		_exit(pinned_pages() != 0);
	if (waitpid(pid, &status, 0) != pid || status)
		die("a child is charged for its parent's regions");
}

static void charge_host(struct setup *s, unsigned long base)
{
	struct p2pmr_provider *host = p2pmr_provider_find(s->ctx, "host");
	struct p2pmr_buf *buf = p2pmr_buf_alloc(host, BYTES);
	struct ibv_mr *mr = p2pmr_reg_mr(s->lb.pd, buf, ACCESS_ALL, NULL);

	if (!mr)
		die("host memory: %s", p2pmr_reason_text());
	expect_pinned(base, PAGES, "host memory");
	must_dereg(mr);
	p2pmr_buf_free(buf);
}

/* accounting PROVIDER DRIVE: what p2pmr_reg_mr(3) says */
static void test_accounting(struct setup *s)
{
	unsigned long base = pinned_pages();
	struct p2pmr_buf *buf = must_alloc(s, BYTES);
	struct ibv_mr *mr, *second;

	expect_pinned(base, 0, "mapped");
	mr = must_get(s, buf, 0, BYTES);
	expect_pinned(base, PAGES, "registered");
	second = p2pmr_reg_addr(s->lb.pd, (char *)p2pmr_buf_addr(buf) + PAGE - 1,
				2, ACCESS_ALL, NULL);
	if (!second)
		die("p2pmr_reg_addr: %s", p2pmr_reason_text());
	expect_pinned(base, PAGES + 2, "two bytes of two pages of it again");
	check_child_has_none();
	must_dereg(second);
	expect_pinned(base, PAGES, "deregistered");
	must_put(s, mr);
	expect_pinned(base, PAGES, "idle in the cache");
	p2pmr_buf_free(buf);
	expect_pinned(base, 0, "freed");
	charge_host(s, base);

	buf = must_alloc(s, BYTES);
	mr = must_get(s, buf, 0, BYTES);
	p2pmr_buf_free(buf);
	expect_pinned(base, PAGES, "unmapped, in use");
	must_put(s, mr);
	expect_pinned(base, 0, "put back");

	buf = must_alloc(s, BYTES);
	mr = must_get(s, buf, 0, BYTES);
	drive(s, "unbind");
	expect_pinned(base, PAGES, "revoked");
	must_put(s, mr);
	p2pmr_buf_free(buf);
	expect_pinned(base, 0, "revoked, and deregistered");
	drive(s, "bind");
	p2pmr_buf_free(alloc_when_back(s));
}

static const struct {
	const char *name;
	int args;
	void (*run)(struct setup *s);
} tests[] = {
	{ "hit", 0, test_hit }, { "stale", 0, test_stale },
	{ "fork", 0, test_fork }, { "revoked", 1, test_revoked },
	{ "accounting", 1, test_accounting },
};

int main(int argc, char **argv)
{
	struct setup s;
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(argv[1], tests[i].name) || argc - 3 != tests[i].args)
			continue;
		open_all(&s, argv[2]);
		s.drive = argv[3];
		tests[i].run(&s);
		close_all(&s);
		return 0;
	}
	die("usage: lib-cache TEST PROVIDER [DRIVE]; the tests are at the end of lib-cache.c");
}
