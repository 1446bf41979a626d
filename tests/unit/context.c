// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opening and closing; option structs. */
#include "tree.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake/fake.h"

static struct tree tree;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_destroy(&tree);
	return 0;
}

static struct p2pmr_context *open_root(const char *root)
{
	return p2pmr_open(P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = root));
}

static void test_empty_machine(void **state)
{
	struct p2pmr_context *ctx;
	struct p2pmr_provider *host;

	(void)state;
	assert_leaves_errno(ctx = open_root(tree.root));
	assert_non_null(ctx);
	host = p2pmr_provider_next(ctx, NULL);
	assert_non_null(host);
	assert_string_equal(p2pmr_provider_name(host), "host");
	assert_leaves_errno(assert_null(p2pmr_provider_next(ctx, host)));
	p2pmr_close(ctx);
}

static void test_root_from_environment(void **state)
{
	struct p2pmr_context *ctx;

	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4096);
	setenv("P2PMR_SYSFS_ROOT", tree.root, 1);
	ctx = p2pmr_open(NULL);
	assert_non_null(ctx);
	assert_non_null(p2pmr_provider_find(ctx, "nvme0"));
	p2pmr_close(ctx);
	/* The option wins. */
	setenv("P2PMR_SYSFS_ROOT", "/nonexistent", 1);
	ctx = open_root(tree.root);
	assert_non_null(ctx);
	p2pmr_close(ctx);
	assert_null(p2pmr_open(NULL));
	assert_reason(P2PMR_REASON_SYSTEM, ENOENT);
	assert_contains(p2pmr_reason_text(), "/nonexistent");
	unsetenv("P2PMR_SYSFS_ROOT");
}

static void test_bad_root(void **state)
{
	char file[128];

	(void)state;
	assert_null(open_root(""));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(open_root("/nonexistent/folder"));
	assert_reason(P2PMR_REASON_SYSTEM, ENOENT);
	tree_file(&tree, "file", "");
	tree_path(&tree, "file", file, sizeof(file));
	assert_null(open_root(file));
	assert_reason(P2PMR_REASON_SYSTEM, ENOTDIR);
}

static void test_unreadable_devices(void **state)
{
	struct p2pmr_context *ctx;
	char path[128];
	bool switched;

	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4096);
	tree_path(&tree, "bus/pci/devices", path, sizeof(path));
	assert_int_equal(chmod(path, 0), 0);
	switched = !geteuid() && !seteuid(65534);
	ctx = open_root(tree.root);
	if (switched)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(path, 0755), 0);
	assert_null(ctx);
	assert_int_equal(p2pmr_reason_code(), P2PMR_REASON_SYSTEM);
	assert_int_equal(p2pmr_reason_errno(), EACCES);
}

static void test_options(void **state)
{
	struct {
		struct p2pmr_open_opts known;
		unsigned char tail[8];
	} longer = { .known = { sizeof(longer), tree.root } };
	struct p2pmr_open_opts opts = { sizeof(opts), tree.root };
	struct p2pmr_context *ctx;

	(void)state;
	for (opts.sz = 0; opts.sz < sizeof(opts); opts.sz++) {
		assert_null(p2pmr_open(&opts));
		assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	}
	/* A program made for a later release, which sets nothing new */
	ctx = p2pmr_open(&longer.known);
	assert_non_null(ctx);
	assert_string_equal(ctx->sysfs_root, tree.root);
	p2pmr_close(ctx);
	/* ... and one that does, in the first or the last byte */
	for (size_t i = 0; i < sizeof(longer.tail); i++) {
		longer.tail[i] = 1;
		assert_null(p2pmr_open(&longer.known));
		assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
		longer.tail[i] = 0;
	}
}

/* A program made for an earlier release than the library */
static void test_options_grow(void **state)
{
	struct { size_t sz; long a; long b; } later = { .b = 7 };
	struct { size_t sz; long a; } first = { sizeof(first), 5 };

	(void)state;
	assert_int_equal(p2pmr_opts_read(&first, "test", sizeof(first), &later,
					 sizeof(later)), 0);
	assert_int_equal(later.a, 5);
	assert_int_equal(later.b, 0);
	assert_int_equal(p2pmr_opts_read(NULL, "test", sizeof(first), &later,
					 sizeof(later)), 0);
	assert_int_equal(later.a, 0);
}

static void test_close(void **state)
{
	struct p2pmr_fake fake = { .size = 65536, .available = 65536 };
	struct p2pmr_context *ctx = tree_open(&tree);
	struct p2pmr_buf *buf;

	(void)state;
	p2pmr_close(NULL);
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	buf = p2pmr_buf_alloc(p2pmr_provider_next(ctx, NULL), 1);
	assert_non_null(buf);
	/* Against the rules, but it must not end in a use after free. */
	p2pmr_close(ctx);
	assert_int_equal(*(char *)p2pmr_buf_addr(buf), 0);
	assert_string_equal(p2pmr_provider_name(p2pmr_buf_provider(buf)),
			    "0000:01:00.0");
	p2pmr_buf_free(buf);
}

/* One of a thousand: its own context, and buffers of one that all share */
static void *open_and_close(void *arg)
{
	struct p2pmr_provider *shared = arg, *mine;
	struct p2pmr_context *ctx = open_root(tree.root);
	struct p2pmr_buf *buf[2];

	if (!ctx)
		return (void *)"no context";
	mine = p2pmr_provider_find(ctx, "nvme0");
	buf[0] = mine ? p2pmr_buf_alloc(mine, 4096) : NULL;
	buf[1] = p2pmr_buf_alloc(shared, 4096);
	/* each thread has a reason of its own */
	if (p2pmr_provider_find(ctx, "nvme9") ||
	    p2pmr_reason_code() != P2PMR_REASON_NO_PROVIDER)
		return (void *)"no reason";
	p2pmr_close(ctx);
	if (!buf[0] || !buf[1])
		return (void *)"no buffer";
	p2pmr_buf_free(buf[0]);
	p2pmr_buf_free(buf[1]);
	return NULL;
}

#define THREADS 1000

static void test_threads(void **state)
{
	struct p2pmr_context *ctx;
	struct p2pmr_provider *host;
	static pthread_t threads[THREADS];
	pthread_attr_t attr;
	void *complaint;

	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4096);
	ctx = open_root(tree.root);
	host = p2pmr_provider_find(ctx, "host");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], &attr,
						open_and_close, host), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &complaint);
		if (complaint)
			fail_msg("thread %d: %s", i, (char *)complaint);
	}
	pthread_attr_destroy(&attr);
	/* all buffers have gone: this one alone holds the context */
	assert_int_equal(atomic_load(&ctx->references), 1);
	p2pmr_close(ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty_machine),
		TEST(test_root_from_environment),
		TEST(test_bad_root),
		TEST(test_unreadable_devices),
		TEST(test_options),
		TEST(test_options_grow),
		TEST(test_close),
		TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
