// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * No memory: each allocation of the library fails in turn, the first one
 * first, until none is left to fail. (Leaks are for the sanitizer's and
 * valgrind's runs of these tests to find.)
 */
#include "tree.h"
#include "verbs.h"

#include <stdlib.h>

#include "fake/fake.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/* How many allocations go well before one fails; negative: all do */
static int until_failure = -1;
static unsigned int allocations;
static size_t allocated_bytes;

static bool fails(void)
{
	allocations++;
	if (until_failure < 0 || until_failure-- > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocated_bytes += count * size;
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static struct tree tree;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 65536);
	tree_nvme(&tree, "0000:05:00.0", "nvme1", 65536);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	until_failure = -1;
	tree_destroy(&tree);
	return 0;
}

/*
 * Have each allocation of @call fail, one at a time: the call fails for that
 * reason, or does without. Returns how many there are when none fails.
 */
static unsigned int fail_each(bool (*call)(void *arg), void *arg)
{
	for (int n = 0; n < 100; n++) {
		bool good, failed;

		allocations = 0;
		until_failure = n;
		good = call(arg);
		failed = until_failure < 0;
		until_failure = -1;
		if (!good)
			assert_reason(P2PMR_REASON_OUT_OF_MEMORY, ENOMEM);
		if (!failed) {
			assert_true(good);
			return allocations;
		}
	}
	fail_msg("still failing after 100 allocations");
	return 0;
}

static bool open_close(void *arg)
{
	struct p2pmr_context *ctx;

	(void)arg;
	ctx = p2pmr_open(P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = tree.root));
	p2pmr_close(ctx);
	return ctx;
}

static void test_open(void **state)
{
	(void)state;
	/* The context, its root, two drives, each by its device, too, and the host */
	assert_int_equal(fail_each(open_close, NULL), 7);
}

static bool find(void *arg)
{
	return p2pmr_provider_find(arg, "nvme1");
}

static bool do_not_find(void *arg)
{
	return !p2pmr_provider_find(arg, "nvme7") &&
	       p2pmr_reason_code() == P2PMR_REASON_NO_PROVIDER;
}

/* Finding works without memory, and so does saying that there is nothing. */
static void test_find(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);

	(void)state;
	assert_int_equal(fail_each(find, ctx), 0);
	assert_int_equal(fail_each(do_not_find, ctx), 0);
	p2pmr_close(ctx);
}

static bool namespaces(void *arg)
{
	char **names = p2pmr_provider_nvme_namespaces(arg);

	free(names);
	return names;
}

static void test_namespaces(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);
	struct p2pmr_provider *nvme = p2pmr_provider_find(ctx, "nvme0");

	(void)state;
	tree_folder(&tree, "class/block/nvme0n1");
	tree_folder(&tree, "class/block/nvme0n2");
	assert_int_equal(fail_each(namespaces, nvme), 1);
	tree_folder(&tree, "bus/pci/devices/0000:04:00.0/nvme/nvme0/nvme0n1");
	tree_folder(&tree, "bus/pci/devices/0000:04:00.0/nvme/nvme0/nvme0n2");
	/* A list of one, a list of two, and the names */
	assert_int_equal(fail_each(namespaces, nvme), 3);
	p2pmr_close(ctx);
}

static bool alloc_free(void *arg)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc(arg, 4096);

	p2pmr_buf_free(buf);
	return buf;
}

static void test_alloc(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);

	(void)state;
	assert_int_equal(fail_each(alloc_free,
				   p2pmr_provider_find(ctx, "nvme0")), 1);
	assert_int_equal(fail_each(alloc_free,
				   p2pmr_provider_find(ctx, "host")), 1);
	p2pmr_close(ctx);
}

static bool query_path(void *arg)
{
	struct p2pmr_path *path = p2pmr_path_query_name(arg, "rxe0");

	p2pmr_path_free(path);
	return path;
}

static void test_path(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);

	(void)state;
	tree_folder(&tree, "class/infiniband/rxe0");
	/*
	 * The path, what is read of its two ends, and of one function, which
	 * alone it can do without
	 */
	assert_int_equal(fail_each(query_path,
				   p2pmr_provider_find(ctx, "nvme0")), 4);
	p2pmr_close(ctx);
}

static struct ibv_device device = { .name = "rxe0" };

static bool choose(void *arg)
{
	struct p2pmr_choice *choice = p2pmr_choice_make(arg, &device, 4096, NULL);

	p2pmr_choice_free(choice);
	return choice;
}

static bool alloc_for(void *arg)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc_for(arg, &device, 4096, NULL);

	p2pmr_buf_free(buf);
	return buf;
}

/* A drive whose path cannot be found out about is no choice, but a failure */
static void test_choice(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);
	unsigned int count;

	(void)state;
	tree_folder(&tree, "class/infiniband/rxe0");
	tree_file(&tree, "class/infiniband/rxe0/parent", "eth0\n");
	/*
	 * The choice; and for each drive a path, two ends, and what is kept of
	 * the one bridge, without which it is read again
	 */
	count = fail_each(choose, ctx);
	assert_int_equal(count, 1 + 2 * 4);
	/* and a buffer */
	assert_int_equal(fail_each(alloc_for, ctx), count + 1);
	/* of the runner-up, if need be */
	allocations = 0;
	until_failure = count;
	assert_true(alloc_for(ctx));
	assert_int_equal(allocations, count + 2);
	p2pmr_close(ctx);
}

static bool listen_to_events(void *arg)
{
	struct p2pmr_events *events = p2pmr_events_open(arg);

	p2pmr_events_close(events);
	return events;
}

static void test_events(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);

	(void)state;
	assert_int_equal(fail_each(listen_to_events, ctx), 1);
	p2pmr_close(ctx);
}

/* A failed allocation must leave nothing allocated from the pool. */
static void test_alloc_leaves_pool(void **state)
{
	struct p2pmr_fake fake = { .size = 8192, .available = 8192 };
	struct p2pmr_context *ctx = tree_open(&tree);
	struct p2pmr_provider *provider;

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	provider = p2pmr_provider_find(ctx, "01:00.0");
	until_failure = 0;
	assert_null(p2pmr_buf_alloc(provider, 4096));
	assert_int_equal(fake.available, 8192);
	p2pmr_close(ctx);
}

static bool cache_create(void *arg)
{
	struct p2pmr_cache *cache = p2pmr_cache_create(NULL);

	(void)arg;
	p2pmr_cache_destroy(cache);
	return cache;
}

static void test_cache_create(void **state)
{
	(void)state;
	/* The cache and its two tables */
	assert_int_equal(fail_each(cache_create, NULL), 3);
}

struct get {
	struct p2pmr_cache *cache;
	struct p2pmr_buf *buf;
	size_t offset;
};

static bool cache_get(void *arg)
{
	struct get *get = arg;
	struct ibv_mr *mr;

	mr = p2pmr_cache_get(get->cache, &verbs_pd[0], get->buf, get->offset,
			     1, ACCESS, NULL);
	return mr && !p2pmr_cache_put(get->cache, mr);
}

static void test_cache_get(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);
	struct get get = {
		.cache = p2pmr_cache_create(NULL),
		.buf = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "nvme0"),
				       65536),
	};

	(void)state;
	verbs_reset();
	/* An entry, and the region itself */
	assert_int_equal(fail_each(cache_get, &get), 2);
	assert_int_equal(verbs_live, 1);
	/* What is there needs nothing, */
	assert_int_equal(fail_each(cache_get, &get), 0);
	/* and makes way for a region that fails for want of memory. */
	get.offset = 32768;
	until_failure = 1;
	assert_true(cache_get(&get));
	assert_int_equal(verbs_live, 1);
	until_failure = -1;
	p2pmr_buf_free(get.buf);
	p2pmr_cache_destroy(get.cache);
	assert_int_equal(verbs_live, 0);
	p2pmr_close(ctx);
}

/* Without a cache, which is what fails last, it works all the same. */
static bool make_arena(void *arg)
{
	struct p2pmr_arena *arena = p2pmr_arena_create(arg, NULL);
	void *ptr;

	if (!arena)
		return false;
	ptr = p2pmr_arena_alloc(arena, 64, 0);
	assert_non_null(ptr);
	assert_int_equal(p2pmr_arena_free(arena, ptr), 0);
	ptr = p2pmr_arena_alloc(arena, 65536, 0);
	assert_non_null(ptr);
	assert_int_equal(p2pmr_arena_free(arena, ptr), 0);
	p2pmr_arena_destroy(arena);
	return true;
}

static void test_arena(void **state)
{
	struct p2pmr_context *ctx = tree_open(&tree);
	struct p2pmr_buf *buf =
		p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), 65536);

	(void)state;
	/* Arena, states, pages, lengths, two levels; a cache, or without */
	assert_int_equal(fail_each(make_arena, buf), 6 + 1);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
}

/* What arena.h says: 3.6 % of the buffer, and 11 KiB for a thread */
static void test_arena_overhead(void **state)
{
	const size_t size = 64 << 20;
	struct p2pmr_context *ctx = tree_open(&tree);
	struct p2pmr_buf *buf =
		p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), size);
	struct p2pmr_arena *arena;

	(void)state;
	allocated_bytes = 0;
	arena = p2pmr_arena_create(buf, NULL);
	assert_in_range(allocated_bytes, 1, size / 1000 * 36);
	allocated_bytes = 0;
	assert_non_null(p2pmr_arena_alloc(arena, 64, 0));
	assert_in_range(allocated_bytes, 1, 11 * 1024);
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_find),
		TEST(test_namespaces),
		TEST(test_alloc),
		TEST(test_alloc_leaves_pool),
		TEST(test_cache_create),
		TEST(test_cache_get),
		TEST(test_path),
		TEST(test_choice),
		TEST(test_events),
		TEST(test_arena),
		TEST(test_arena_overhead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
