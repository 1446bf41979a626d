// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdlib.h>

#include "clock.h"
#include "reg.h"
#include "stop.h"

/* What a receiver of data needs */
#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_READ)

size_t reg_sizes(uint64_t sizes[REG_SIZES_MAX], uint64_t largest)
{
	uint64_t size;
	size_t n = 0;

	for (size = REG_SIZE_MIN; size < largest; size *= 4) {
		sizes[n++] = size;
		if (size > largest / 4)
			break;
	}
	sizes[n++] = largest;
	return n;
}

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct reg_times reg_times_of(uint64_t *ns, uint64_t n)
{
	qsort(ns, n, sizeof(*ns), compare_ns);
	return (struct reg_times){
		.min = ns[0],
		.median = ns[(n - 1) / 2],
		/* The least value that 99 % of all do not exceed */
		.p99 = ns[(n * 99 + 99) / 100 - 1],
	};
}

/* One way to register and to deregister */
struct way {
	struct ibv_pd *pd;
	struct p2pmr_buf *buf;
	struct p2pmr_cache *cache;	/* NULL: without one */
	uint64_t size;
	enum p2pmr_route route;
};

static struct ibv_mr *get(struct way *way)
{
	if (way->cache)
		return p2pmr_cache_get(way->cache, way->pd, way->buf, 0,
				       way->size, ACCESS, &way->route);
	return p2pmr_reg_mr(way->pd, way->buf, ACCESS, &way->route);
}

static void put(struct way *way, struct ibv_mr *mr)
{
	if (way->cache)
		p2pmr_cache_put(way->cache, mr);
	else
		ibv_dereg_mr(mr);
}

/* The first time pages are touched, or the cache is filled: not measured */
static int warm_up(struct way *way)
{
	struct ibv_mr *mr;

	if (p2pmr_buf_fill(way->buf, 0, 0, 1))
		return fail_lib("");
	mr = get(way);
	if (!mr)
		return fail_lib("");
	put(way, mr);
	return 0;
}

static void show_progress(struct reg_run *run, uint64_t i)
{
	if (progress_is_due(&run->progress))
		progress_show(&run->progress, "%s, %" PRIu64 " of %" PRIu64,
			      run->doing, i, run->opts->iterations);
}

static int measure(struct reg_run *run, struct way *way)
{
	uint64_t start, middle, i;
	struct ibv_mr *mr;

	if (warm_up(way))
		return -1;
	for (i = 0; i < run->opts->iterations; i++) {
		if (stop_check())
			return -1;
		show_progress(run, i);
		start = clock_ns();
		mr = get(way);
		middle = clock_ns();
		if (!mr)
			return fail_lib("");
		run->ns[0][i] = middle - start;
		middle = clock_ns();
		put(way, mr);
		run->ns[1][i] = clock_ns() - middle;
	}
	return 0;
}

static struct p2pmr_buf *allocate(const struct reg_run *run,
				  enum reg_kind kind, uint64_t size)
{
	const struct p2pmr_buf_opts huge = {
		.sz = sizeof(huge),
		.huge_page_bytes = run->opts->huge_page,
	};

	switch (kind) {
	case REG_HOST:
		return p2pmr_buf_alloc(run->host, size);
	case REG_HUGE:
		return p2pmr_buf_alloc_opts(run->host, size, &huge);
	default:
		return p2pmr_buf_alloc(run->provider, size);
	}
}

static const char *memory_of(const struct reg_run *run, enum reg_kind kind)
{
	return p2pmr_provider_name(kind == REG_HOST || kind == REG_HUGE ?
				   run->host : run->provider);
}

int reg_measure(struct reg_run *run, enum reg_kind kind, uint64_t size)
{
	struct way way = { .pd = run->dev.pd };
	struct reg_row *row = &run->rows[run->n_rows];
	int ret = -1;

	way.buf = allocate(run, kind, size);
	if (!way.buf && kind == REG_HUGE &&
	    p2pmr_reason_code() == P2PMR_REASON_NO_HUGE_PAGES) {
		/* One kind less is no failure */
		failure_from_lib(&run->no_huge, "");
		return 0;
	}
	if (!way.buf)
		return fail_lib("");
	/* Whole pages, whatever was asked for */
	way.size = p2pmr_buf_size(way.buf);
	if (kind == REG_CACHED) {
		way.cache = p2pmr_cache_create(NULL);
		if (!way.cache) {
			fail_lib("");
			goto out;
		}
	}
	ret = measure(run, &way);
	if (ret)
		goto out;
	*row = (struct reg_row){
		.kind = kind,
		.memory = memory_of(run, kind),
		.route = way.route,
		.size = way.size,
		.reg = reg_times_of(run->ns[0], run->opts->iterations),
		.dereg = reg_times_of(run->ns[1], run->opts->iterations),
	};
	run->n_rows++;
out:
	p2pmr_cache_destroy(way.cache);
	p2pmr_buf_free(way.buf);
	return ret;
}
