// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading sysfs: one root, and no trust in what stands there. */
#include "tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tree tree;
static struct p2pmr_context *ctx;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	ctx = tree_open(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static void test_root(void **state)
{
	char path[128], want[128];

	(void)state;
	assert_int_equal(p2pmr_sysfs_path(ctx, path, sizeof(path), "a/%d", 7),
			 0);
	tree_path(&tree, "a/7", want, sizeof(want));
	assert_string_equal(path, want);

	unsetenv("P2PMR_SYSFS_ROOT");
	assert_int_equal(p2pmr_sysfs_path(NULL, path, sizeof(path), "b"), 0);
	assert_string_equal(path, "/sys/b");
	setenv("P2PMR_SYSFS_ROOT", "/elsewhere", 1);
	assert_int_equal(p2pmr_sysfs_path(NULL, path, sizeof(path), "b"), 0);
	assert_string_equal(path, "/elsewhere/b");
	setenv("P2PMR_SYSFS_ROOT", "", 1);
	assert_string_equal(p2pmr_sysfs_default_root(), "/sys");
	unsetenv("P2PMR_SYSFS_ROOT");
}

/* A tree that is not sysfs may hold anything. Nobody writes to this pipe. */
static void test_pipe(void **state)
{
	char path[128], line[16];
	uint64_t number;

	(void)state;
	tree_path(&tree, "pipe", path, sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(p2pmr_sysfs_read(ctx, line, sizeof(line), "pipe"), 0);
	assert_string_equal(line, "");
	assert_int_equal(p2pmr_sysfs_read_u64(ctx, &number, "pipe"), -EBADMSG);
}

static void test_path_too_long(void **state)
{
	char path[16], line[16];
	uint64_t number;

	(void)state;
	assert_int_equal(p2pmr_sysfs_path(ctx, path, sizeof(path), "abc"),
			 -ENAMETOOLONG);
	assert_int_equal(p2pmr_sysfs_read(ctx, line, sizeof(line), "%05000d",
					  1), -ENAMETOOLONG);
	assert_int_equal(p2pmr_sysfs_read_u64(ctx, &number, "%05000d", 1),
			 -ENAMETOOLONG);
	assert_int_equal(p2pmr_sysfs_link_name(ctx, line, sizeof(line),
					       "%05000d", 1), -ENAMETOOLONG);
	assert_int_equal(p2pmr_sysfs_open(ctx, O_RDONLY, "%05000d", 1),
			 -ENAMETOOLONG);
	assert_null(p2pmr_sysfs_opendir(ctx, "%05000d", 1));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_false(p2pmr_sysfs_exists(ctx, "%05000d", 1));
}

static void test_read(void **state)
{
	char line[8];

	(void)state;
	tree_file(&tree, "short", "value\nmore\n");
	tree_file(&tree, "exact", "1234567\n");
	tree_file(&tree, "bare", "1234567");
	tree_file(&tree, "long", "12345678\n");
	tree_file(&tree, "empty", "");
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "exact"), 0);
	assert_string_equal(line, "1234567");
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "bare"), 0);
	assert_string_equal(line, "1234567");
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "short"), 0);
	assert_string_equal(line, "value");
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "empty"), 0);
	assert_string_equal(line, "");
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "long"), -EOVERFLOW);
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "none"), -ENOENT);
	assert_int_equal(p2pmr_sysfs_read(ctx, line, 8, "."), -EISDIR);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {
		"", "\n", "-1\n", "+1\n", " 1\n", "1 \n", "0x10\n", "12a\n",
		"18446744073709551616\n", "1.5\n", "many\n",
		"000000000000000000000000000000000000000000000000001\n",
	};
	uint64_t number = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tree_file(&tree, "number", bad[i]);
		assert_int_equal(p2pmr_sysfs_read_u64(ctx, &number, "number"),
				 -EBADMSG);
		assert_int_equal(number, 42);
	}
	tree_file(&tree, "number", "18446744073709551615\n");
	assert_int_equal(p2pmr_sysfs_read_u64(ctx, &number, "number"), 0);
	assert_true(number == UINT64_MAX);
	tree_file(&tree, "number", "0\n");
	assert_int_equal(p2pmr_sysfs_read_u64(ctx, &number, "number"), 0);
	assert_int_equal(number, 0);
	assert_int_equal(p2pmr_sysfs_read_u64(ctx, &number, "none"), -ENOENT);
}

static void test_link_name(void **state)
{
	char name[8];

	(void)state;
	tree_link(&tree, "driver", "../../drivers/nvme");
	tree_link(&tree, "bare", "nvme");
	tree_link(&tree, "long", "../a-name-that-is-too-long");
	tree_file(&tree, "file", "");
	assert_int_equal(p2pmr_sysfs_link_name(ctx, name, 8, "driver"), 0);
	assert_string_equal(name, "nvme");
	assert_int_equal(p2pmr_sysfs_link_name(ctx, name, 8, "bare"), 0);
	assert_string_equal(name, "nvme");
	assert_int_equal(p2pmr_sysfs_link_name(ctx, name, 8, "long"),
			 -EOVERFLOW);
	assert_int_equal(p2pmr_sysfs_link_name(ctx, name, 8, "file"), -EINVAL);
	assert_int_equal(p2pmr_sysfs_link_name(ctx, name, 8, "none"), -ENOENT);
}

static void test_open_sets_cloexec(void **state)
{
	int fd;

	(void)state;
	tree_file(&tree, "file", "");
	fd = p2pmr_sysfs_open(ctx, O_RDWR, "file");
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_root),
		TEST(test_pipe),
		TEST(test_path_too_long),
		TEST(test_read),
		TEST(test_numbers),
		TEST(test_link_name),
		TEST(test_open_sets_cloexec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
