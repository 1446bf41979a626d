// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The registration cache, one thread: what is handed out, kept and dropped. */
#include "cache-table.h"
#include "tree.h"
#include "verbs.h"

#include <unistd.h>

#define PAGES 4

static struct tree tree;
static struct p2pmr_context *ctx;
static struct p2pmr_provider *nvme, *host;
static struct p2pmr_cache *cache;
static struct p2pmr_buf *buf;
static size_t page;

static int setup(void **state)
{
	(void)state;
	page = sysconf(_SC_PAGESIZE);
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 64 * page);
	ctx = tree_open(&tree);
	nvme = p2pmr_provider_find(ctx, "nvme0");
	host = p2pmr_provider_find(ctx, "host");
	buf = p2pmr_buf_alloc(nvme, PAGES * page);
	assert_non_null(buf);
	verbs_reset();
	cache = p2pmr_cache_create(NULL);
	assert_non_null(cache);
	return 0;
}

/* Whatever a test did, nothing is left registered. */
static int teardown(void **state)
{
	(void)state;
	p2pmr_cache_destroy(cache);
	assert_int_equal(verbs_live, 0);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static void new_cache(size_t max_entries, uint64_t max_bytes)
{
	p2pmr_cache_destroy(cache);
	cache = p2pmr_cache_create(P2PMR_OPTS(p2pmr_cache_opts,
					      .max_entries = max_entries,
					      .max_bytes = max_bytes));
	assert_non_null(cache);
}

/* The page of that number */
static struct ibv_mr *get(size_t number)
{
	struct ibv_mr *mr;

	assert_leaves_errno(mr = p2pmr_cache_get(cache, &verbs_pd[0], buf,
						 number * page, page, ACCESS,
						 NULL));
	assert_non_null(mr);
	return mr;
}

static void put(struct ibv_mr *mr)
{
	int ret;

	assert_leaves_errno(ret = p2pmr_cache_put(cache, mr));
	assert_int_equal(ret, 0);
}

static struct p2pmr_cache_stats stats(void)
{
	struct p2pmr_cache_stats now;

	assert_int_equal(p2pmr_cache_stats(cache, &now), 0);
	return now;
}

static void test_hit(void **state)
{
	enum p2pmr_route route = P2PMR_ROUTE_NONE;
	struct p2pmr_cache_stats now;
	struct ibv_mr *mr, *again;

	(void)state;
	mr = p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, PAGES * page, ACCESS,
			     &route);
	assert_non_null(mr);
	assert_int_equal(route, P2PMR_ROUTE_UMEM);
	assert_ptr_equal(mr->addr, p2pmr_buf_addr(buf));
	assert_int_equal(mr->length, PAGES * page);
	put(mr);
	assert_int_equal(verbs_live, 1);

	route = P2PMR_ROUTE_NONE;
	again = p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, PAGES * page,
				ACCESS, &route);
	assert_ptr_equal(again, mr);
	assert_int_equal(route, P2PMR_ROUTE_UMEM);
	assert_int_equal(verbs_registered, 1);
	/* Two users at once, and the region outlives the first. */
	assert_ptr_equal(p2pmr_cache_get(cache, &verbs_pd[0], buf, 0,
					 PAGES * page, ACCESS, NULL), mr);
	put(mr);
	put(mr);
	now = stats();
	assert_int_equal(now.hits, 2);
	assert_int_equal(now.misses, 1);
	assert_int_equal(now.entries, 1);
	assert_int_equal(now.bytes, PAGES * page);
}

/* The region covers the pages that the range lies in. */
static void test_whole_pages(void **state)
{
	struct ibv_mr *mr, *last;

	(void)state;
	mr = p2pmr_cache_get(cache, &verbs_pd[0], buf, page + 10, page, ACCESS,
			     NULL);
	assert_non_null(mr);
	assert_ptr_equal(mr->addr, (char *)p2pmr_buf_addr(buf) + page);
	assert_int_equal(mr->length, 2 * page);
	last = p2pmr_cache_get(cache, &verbs_pd[0], buf, 3 * page - 1, 1,
			       ACCESS, NULL);
	assert_ptr_equal(get(2), last);
	assert_int_equal(verbs_registered, 2);
	put(mr);
	put(last);
	put(last);
}

static void test_keys(void **state)
{
	struct p2pmr_buf *other = p2pmr_buf_alloc(host, PAGES * page);
	enum p2pmr_route route;
	struct ibv_mr *mrs[5];

	(void)state;
	mrs[0] = get(0);
	mrs[1] = get(1);
	mrs[2] = p2pmr_cache_get(cache, &verbs_pd[1], buf, 0, page, ACCESS,
				 NULL);
	mrs[3] = p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, page,
				 IBV_ACCESS_LOCAL_WRITE, NULL);
	mrs[4] = p2pmr_cache_get(cache, &verbs_pd[0], other, 0, page, ACCESS,
				 &route);
	assert_int_equal(route, P2PMR_ROUTE_HOST);
	assert_int_equal(verbs_registered, 5);
	for (int i = 0; i < 5; i++)
		put(mrs[i]);
	p2pmr_buf_free(other);
	assert_int_equal(verbs_live, 4);
}

/* Sixteen keys of one kind in a small table are told apart. */
static void test_small_table(void **state)
{
	struct p2pmr_buf *large = p2pmr_buf_alloc(host, 16 * page);
	struct ibv_pd pds[16];
	struct ibv_mr *mrs[16];

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		new_cache(16, 0);
		verbs_registered = 0;
		for (int i = 0; i < 16; i++) {
			pds[i] = verbs_pd[0];
			mrs[i] = p2pmr_cache_get(cache, &pds[kind ? 0 : i],
						 large, kind == 1 ? i * page : 0,
						 kind == 2 ? (i + 1) * page : 1,
						 kind == 3 ? i : ACCESS, NULL);
			assert_non_null(mrs[i]);
		}
		assert_int_equal(verbs_registered, 16);
		assert_int_equal(stats().entries, 16);
		for (int i = 0; i < 16; i++)
			put(mrs[i]);
	}
	p2pmr_buf_free(large);
}

static void assert_empty(const struct p2pmr_cache_bucket *table)
{
	for (size_t i = 0; i < (size_t)1 << cache->bits; i++) {
		assert_true(LIST_EMPTY(&table[i].entries));
		assert_int_equal(table[i].tag, 0);
		assert_int_equal(table[i].joined, 0);
	}
}

/* Many more entries than buckets, which no cache of this size would let in */
static void test_shared_buckets(void **state)
{
	struct p2pmr_buf *large = p2pmr_buf_alloc(host, 64 * page);
	struct ibv_mr *mrs[64];
	size_t joined = 0;

	(void)state;
	new_cache(1, 0);
	cache->max_entries = 64;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 64; i++) {
			struct ibv_mr *mr =
				p2pmr_cache_get(cache, &verbs_pd[0], large,
						i * page, page, ACCESS, NULL);

			assert_non_null(mr);
			assert_true(!round || mr == mrs[i]);
			mrs[i] = mr;
		}
	}
	assert_int_equal(verbs_live, 64);
	assert_int_equal(stats().hits, 64);
	for (size_t i = 0; i < (size_t)1 << cache->bits; i++)
		joined += cache->by_key[i].joined;
	assert_int_equal(joined, 64 - (1 << cache->bits));
	for (size_t i = 0; i < 2 * 64; i++)
		put(mrs[i * 5 % 64]);
	assert_int_equal(p2pmr_cache_put(cache, mrs[9]), -EINVAL);
	/* Some are idle and leave, some when they are put back. */
	for (size_t i = 0; i < 64; i += 2)
		mrs[i] = p2pmr_cache_get(cache, &verbs_pd[0], large, i * page,
					 page, ACCESS, NULL);
	p2pmr_buf_free(large);
	assert_int_equal(verbs_live, 32);
	assert_empty(cache->by_key);
	for (size_t i = 0; i < 64; i += 2)
		put(mrs[i]);
	assert_int_equal(verbs_live, 0);
	assert_empty(cache->by_mr);
}

static void test_bad_arguments(void **state)
{
	enum p2pmr_route route = P2PMR_ROUTE_UMEM;
	struct p2pmr_cache_stats now;

	(void)state;
	assert_null(p2pmr_cache_get(NULL, &verbs_pd[0], buf, 0, 1, ACCESS,
				    &route));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(route, P2PMR_ROUTE_NONE);
	assert_null(p2pmr_cache_get(cache, NULL, buf, 0, 1, ACCESS, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], NULL, 0, 1, ACCESS,
				    NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, 0, ACCESS,
				    NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], buf, PAGES * page, 1,
				    ACCESS, NULL));
	assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], buf, 1, PAGES * page,
				    ACCESS, NULL));
	assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], buf, 1, SIZE_MAX,
				    ACCESS, NULL));
	assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
	assert_int_equal(p2pmr_cache_put(NULL, NULL), -EINVAL);
	assert_int_equal(p2pmr_cache_put(cache, NULL), -EINVAL);
	assert_int_equal(p2pmr_cache_invalidate(NULL, NULL), -EINVAL);
	assert_int_equal(p2pmr_cache_invalidate(cache, NULL), -EINVAL);
	assert_int_equal(p2pmr_cache_forget_pd(NULL, &verbs_pd[0]), -EINVAL);
	assert_int_equal(p2pmr_cache_forget_pd(cache, NULL), -EINVAL);
	assert_int_equal(p2pmr_cache_stats(NULL, &now), -EINVAL);
	assert_int_equal(p2pmr_cache_stats(cache, NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	p2pmr_cache_destroy(NULL);
	assert_int_equal(stats().failures, 0);
}

static void test_bad_options(void **state)
{
	struct {
		struct p2pmr_cache_opts opts;
		uint64_t unknown;
	} longer = { .opts.sz = sizeof(longer), .unknown = 1 };

	(void)state;
	assert_null(p2pmr_cache_create(&longer.opts));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	longer.opts.sz = 8;
	assert_null(p2pmr_cache_create(&longer.opts));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	longer.opts.sz = sizeof(longer);
	longer.unknown = 0;
	p2pmr_cache_destroy(cache);
	assert_leaves_errno(cache = p2pmr_cache_create(&longer.opts));
	assert_non_null(cache);
	new_cache(SIZE_MAX, UINT64_MAX);
	put(get(0));
	assert_int_equal(stats().entries, 1);
}

/* A region on a freed buffer is not taken for one on what lies there next. */
static void test_stale(void **state)
{
	void *addr = p2pmr_buf_addr(buf);
	struct ibv_mr *mr;

	(void)state;
	put(get(0));
	put(get(1));
	assert_leaves_errno(p2pmr_buf_free(buf));
	assert_int_equal(verbs_live, 0);
	buf = p2pmr_buf_alloc(nvme, PAGES * page);
	assert_non_null(buf);
	assert_ptr_equal(p2pmr_buf_addr(buf), addr);
	mr = get(0);
	assert_int_equal(verbs_registered, 3);
	assert_int_equal(stats().hits, 0);
	assert_int_equal(stats().invalidated, 2);
	put(mr);
}

static void test_freed_in_use(void **state)
{
	void *addr = p2pmr_buf_addr(buf);
	struct ibv_mr *mr = get(0), *fresh;

	(void)state;
	p2pmr_buf_free(buf);
	assert_int_equal(verbs_live, 1);
	buf = p2pmr_buf_alloc(nvme, PAGES * page);
	assert_ptr_equal(p2pmr_buf_addr(buf), addr);
	fresh = get(0);
	assert_ptr_not_equal(fresh, mr);
	assert_int_equal(verbs_live, 2);
	put(mr);
	assert_int_equal(verbs_live, 1);
	put(fresh);
}

/* A buffer may be in several caches, and these may go first. */
static void test_two_caches(void **state)
{
	struct p2pmr_cache *other = p2pmr_cache_create(NULL);
	struct ibv_mr *mr;

	(void)state;
	put(get(0));
	mr = p2pmr_cache_get(other, &verbs_pd[0], buf, 0, page, ACCESS, NULL);
	assert_int_equal(p2pmr_cache_put(other, mr), 0);
	assert_int_equal(verbs_live, 2);
	/* Not of this cache */
	assert_int_equal(p2pmr_cache_put(cache, mr), -EINVAL);
	p2pmr_cache_destroy(other);
	assert_int_equal(verbs_live, 1);
	p2pmr_buf_free(buf);
	assert_int_equal(verbs_live, 0);
	buf = NULL;
}

static void test_put_twice(void **state)
{
	struct ibv_mr *mr = get(0);

	(void)state;
	put(mr);
	assert_int_equal(p2pmr_cache_put(cache, mr), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	/* Also when it is gone altogether: the pointer is but looked up */
	assert_int_equal(p2pmr_cache_invalidate(cache, mr), 0);
	assert_int_equal(verbs_live, 0);
	assert_int_equal(p2pmr_cache_put(cache, mr), -EINVAL);
	assert_int_equal(p2pmr_cache_invalidate(cache, mr), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
}

static void test_eviction(void **state)
{
	struct ibv_mr *first;

	(void)state;
	new_cache(2, 0);
	first = get(0);
	put(first);
	put(get(1));
	/* Used since, and not merely the newest */
	put(get(0));
	put(get(2));
	assert_int_equal(stats().evictions, 1);
	assert_int_equal(stats().entries, 2);
	assert_ptr_equal(get(0), first);
	put(first);
	assert_int_equal(verbs_registered, 3);
	put(get(1));
	assert_int_equal(verbs_registered, 4);
	assert_int_equal(verbs_live, 2);
}

static void test_in_use_is_not_evicted(void **state)
{
	struct ibv_mr *mrs[3], *left;

	(void)state;
	new_cache(2, 0);
	for (int i = 0; i < 3; i++)
		mrs[i] = get(i);
	assert_int_equal(verbs_live, 3);
	assert_int_equal(stats().entries, 2);
	assert_int_equal(stats().evictions, 0);
	/* The third is for its user alone. */
	left = get(2);
	assert_ptr_not_equal(left, mrs[2]);
	assert_int_equal(verbs_live, 4);
	put(mrs[2]);
	assert_int_equal(verbs_live, 3);
	assert_ptr_equal(get(0), mrs[0]);
	put(mrs[0]);
	put(mrs[0]);
	put(mrs[1]);
	p2pmr_cache_destroy(cache);
	cache = NULL;
	/* The one that was not put back is the caller's now. */
	assert_int_equal(verbs_live, 1);
	assert_int_equal(ibv_dereg_mr(left), 0);
}

static void test_bytes(void **state)
{
	struct ibv_mr *mr;

	(void)state;
	new_cache(0, 3 * page);
	mr = p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, 2 * page, ACCESS,
			     NULL);
	put(mr);
	put(get(2));
	assert_int_equal(stats().bytes, 3 * page);
	put(get(3));
	assert_int_equal(stats().bytes, 2 * page);
	assert_int_equal(stats().evictions, 1);
	/* Larger than the limit: nothing makes way for it, and it is not kept. */
	mr = p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, 4 * page, ACCESS,
			     NULL);
	assert_int_equal(stats().bytes, 2 * page);
	assert_int_equal(stats().evictions, 1);
	put(mr);
	assert_int_equal(verbs_live, 2);
}

static void test_no_memory_to_pin(void **state)
{
	struct ibv_mr *mr;

	(void)state;
	mr = get(0);
	put(get(1));
	put(get(2));
	verbs_limit = 3;
	/* Those that are idle make way, */
	put(get(3));
	assert_int_equal(verbs_live, 2);
	assert_int_equal(stats().evictions, 2);
	/* and if that does not help, it fails. */
	verbs_limit = 1;
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], buf, page, page,
				    ACCESS, NULL));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(p2pmr_reason_errno(), ENOMEM);
	assert_int_equal(stats().failures, 1);
	assert_int_equal(stats().entries, 1);
	put(mr);
}

static void test_failure(void **state)
{
	enum p2pmr_route route = P2PMR_ROUTE_UMEM;

	(void)state;
	verbs_errno = EFAULT;
	assert_null(p2pmr_cache_get(cache, &verbs_pd[0], buf, 0, 1, ACCESS,
				    &route));
	assert_reason(P2PMR_REASON_KERNEL_NO_PIN, EFAULT);
	assert_int_equal(route, P2PMR_ROUTE_NONE);
	assert_int_equal(stats().failures, 1);
	assert_int_equal(stats().entries, 0);
	assert_int_equal(stats().bytes, 0);
	verbs_errno = 0;
	put(get(0));
	assert_int_equal(stats().misses, 1);
}

static void test_provider_left(void **state)
{
	struct ibv_mr *held, *mr;

	(void)state;
	held = get(0);
	put(get(1));
	p2pmr_provider_left(nvme);
	mr = get(1);
	assert_int_equal(verbs_registered, 3);
	assert_int_equal(stats().invalidated, 1);
	assert_int_equal(verbs_live, 2);
	put(mr);
	mr = get(0);
	assert_ptr_not_equal(mr, held);
	put(held);
	assert_int_equal(verbs_live, 2);
	/* Now they are good again. */
	assert_ptr_equal(get(0), mr);
	put(mr);
	put(mr);
	/* Another provider's are none the worse. */
	p2pmr_provider_left(host);
	assert_ptr_equal(get(0), mr);
	put(mr);
}

static void test_invalidate(void **state)
{
	struct ibv_mr *mr, *fresh;

	(void)state;
	mr = get(0);
	assert_ptr_equal(get(0), mr);
	assert_int_equal(p2pmr_cache_invalidate(cache, mr), 0);
	assert_int_equal(p2pmr_cache_invalidate(cache, mr), 0);
	assert_int_equal(stats().invalidated, 1);
	fresh = get(0);
	assert_ptr_not_equal(fresh, mr);
	put(mr);
	assert_int_equal(verbs_live, 2);
	put(mr);
	assert_int_equal(verbs_live, 1);
	put(fresh);
	assert_ptr_equal(get(0), fresh);
	put(fresh);
}

static void test_forget_pd(void **state)
{
	struct ibv_mr *mr, *other;

	(void)state;
	mr = get(0);
	put(get(1));
	other = p2pmr_cache_get(cache, &verbs_pd[1], buf, 0, page, ACCESS,
				NULL);
	assert_int_equal(p2pmr_cache_forget_pd(cache, &verbs_pd[0]), -EBUSY);
	assert_reason(P2PMR_REASON_IN_USE, EBUSY);
	assert_contains(p2pmr_reason_text(), "in use: 1.");
	assert_int_equal(verbs_live, 2);
	put(mr);
	assert_leaves_errno(p2pmr_cache_forget_pd(cache, &verbs_pd[0]));
	assert_int_equal(p2pmr_cache_forget_pd(cache, &verbs_pd[0]), 0);
	assert_int_equal(verbs_live, 1);
	put(other);
	put(get(1));
	assert_int_equal(stats().hits, 0);
}

/* Buffers that are allocated one after another share no lock. */
static void test_buckets(void **state)
{
	struct p2pmr_buf *bufs[64];
	size_t filled = 0;

	(void)state;
	for (int i = 0; i < 64; i++) {
		bufs[i] = p2pmr_buf_alloc(host, page);
		put(p2pmr_cache_get(cache, &verbs_pd[0], bufs[i], 0, page,
				    ACCESS, NULL));
	}
	for (size_t i = 0; i < (size_t)1 << cache->bits; i++)
		filled += !LIST_EMPTY(&cache->by_key[i].entries);
	assert_int_equal(filled, 64);
	for (int i = 0; i < 64; i++)
		p2pmr_buf_free(bufs[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hit),
		TEST(test_whole_pages),
		TEST(test_keys),
		TEST(test_small_table),
		TEST(test_shared_buckets),
		TEST(test_bad_arguments),
		TEST(test_bad_options),
		TEST(test_stale),
		TEST(test_freed_in_use),
		TEST(test_two_caches),
		TEST(test_put_twice),
		TEST(test_eviction),
		TEST(test_in_use_is_not_evicted),
		TEST(test_bytes),
		TEST(test_no_memory_to_pin),
		TEST(test_failure),
		TEST(test_provider_left),
		TEST(test_invalidate),
		TEST(test_forget_pd),
		TEST(test_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
