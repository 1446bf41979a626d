// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Choice: the order, what is left out, and the runner-up. */
#include "tree.h"

#include <stdlib.h>

#include "fake/fake.h"

static struct tree tree;
static struct p2pmr_context *ctx;
static struct ibv_device device = { .name = "rxe0" };

/* A software RDMA device: it reaches everything by the CPU */
static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	tree_folder(&tree, "devices/virtual/infiniband/rxe0");
	tree_link(&tree, "class/infiniband/rxe0",
		  "../../devices/virtual/infiniband/rxe0");
	tree_file(&tree, "devices/virtual/infiniband/rxe0/parent", "eth0\n");
	tree_file(&tree, "devices/virtual/infiniband/rxe0/node_type", "1: CA\n");
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 8192);
	tree_nvme(&tree, "0000:05:00.0", "nvme1", 16384);
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

/* Each is better than the next */
static void test_order(void **state)
{
	const struct p2pmr_candidate sorted[] = {
		{ .is_peer = true, .kind = P2PMR_PATH_BUS, .distance = 4 },
		{ .is_peer = true, .kind = P2PMR_PATH_BUS, .distance = 6, .near = true },
		{ .is_peer = true, .kind = P2PMR_PATH_BUS, .distance = 6, .available = 9 },
		{ .is_peer = true, .kind = P2PMR_PATH_BUS, .distance = 6, .available = 8 },
		{ .is_peer = true, .kind = P2PMR_PATH_BUS, .distance = 6, .available = 8,
		  .place = 1 },
		{ .is_peer = true, .kind = P2PMR_PATH_BUS, .distance = -1, .near = true },
		{ .is_peer = true, .kind = P2PMR_PATH_BRIDGE, .distance = 2 },
		{ .is_peer = true, .kind = P2PMR_PATH_CPU, .distance = -1 },
		{ .is_peer = true, .kind = P2PMR_PATH_UNKNOWN, .distance = 1 },
		{ .is_peer = false, .kind = P2PMR_PATH_CPU, .distance = -1,
		  .available = UINT64_MAX, .near = true },
	};
	const size_t count = ARRAY_SIZE(sorted);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			int got = p2pmr_candidate_compare(&sorted[i], &sorted[j]);
			int want = i < j ? -1 : i > j;

			if (got != want)
				fail_msg("%zu and %zu: %d", i, j, got);
		}
	}
}

static void assert_choice(size_t size, bool host, const char *names)
{
	struct p2pmr_choice *choice;
	char got[256] = "";

	assert_leaves_errno(choice = p2pmr_choice_make(ctx, &device, size,
			P2PMR_OPTS(p2pmr_choice_opts,
				   .flags = host ? P2PMR_CHOICE_HOST : 0)));
	assert_non_null(choice);
	for (size_t i = 0; i < p2pmr_choice_count(choice); i++) {
		strcat(got, p2pmr_provider_name(p2pmr_choice_provider(choice, i)));
		strcat(got, " ");
		assert_int_equal(p2pmr_choice_kind(choice, i), P2PMR_PATH_CPU);
	}
	assert_string_equal(got, names);
	assert_null(p2pmr_choice_provider(choice, p2pmr_choice_count(choice)));
	assert_int_equal(p2pmr_choice_kind(choice, SIZE_MAX), P2PMR_PATH_NONE);
	p2pmr_choice_free(choice);
}

static void test_who_has_enough(void **state)
{
	(void)state;
	assert_choice(1, false, "nvme1 nvme0 ");
	assert_choice(8192, true, "nvme1 nvme0 host ");
	assert_choice(8193, true, "nvme1 host ");
	assert_choice(16385, false, "");
	assert_choice(16385, true, "host ");
	assert_choice(SIZE_MAX, true, "");
	/* one that has left is not there, and nobody's failure */
	tree_remove(&tree, "bus/pci/devices/0000:05:00.0");
	assert_choice(1, false, "nvme0 ");
}

/* It said that it has memory, and was gone when its path was asked for */
static void test_leaves_meanwhile(void **state)
{
	struct p2pmr_fake fake = { .size = 1 << 20, .available = 1 << 20 };

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, "0000:09:00.0", &fake), 0);
	assert_choice(1, false, "nvme1 nvme0 ");
	assert_choice(1 << 19, true, "host ");
	p2pmr_close(ctx);
	ctx = NULL;
}

static struct p2pmr_buf *alloc(size_t size, uint64_t flags)
{
	return p2pmr_buf_alloc_for(ctx, &device, size,
				   P2PMR_OPTS(p2pmr_choice_opts, .flags = flags));
}

/* The best one says that it has memory, and has none when it is asked */
static void test_runner_up(void **state)
{
	struct p2pmr_buf *buf;

	(void)state;
	tree_remove(&tree, "bus/pci/devices/0000:05:00.0/driver");
	tree_remove(&tree, "bus/pci/devices/0000:05:00.0/p2pmem/allocate");
	assert_leaves_errno(buf = alloc(4096, 0));
	assert_non_null(buf);
	assert_string_equal(p2pmr_provider_name(p2pmr_buf_provider(buf)), "nvme0");
	p2pmr_buf_free(buf);
	assert_int_equal(p2pmr_context_fallbacks(ctx), 0);

	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/driver");
	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/p2pmem/allocate");
	assert_null(alloc(4096, 0));
	/* of the best one, not of the one asked last */
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_contains(p2pmr_reason_text(), "nvme1");
}

static void test_host_is_counted(void **state)
{
	struct p2pmr_buf *buf;

	(void)state;
	assert_null(alloc(1 << 20, 0));
	assert_reason(P2PMR_REASON_NO_CHOICE, ENODEV);
	assert_leaves_errno(buf = alloc(1 << 20, P2PMR_CHOICE_HOST));
	assert_non_null(buf);
	assert_string_equal(p2pmr_provider_name(p2pmr_buf_provider(buf)), "host");
	assert_int_equal(p2pmr_context_fallbacks(ctx), 1);
	p2pmr_buf_free(buf);
}

static void test_no_peer_memory(void **state)
{
	struct tree empty;

	(void)state;
	p2pmr_close(ctx);
	tree_make(&empty);
	ctx = tree_open(&empty);
	assert_null(alloc(4096, 0));
	assert_reason(P2PMR_REASON_NO_CHOICE, ENODEV);
	assert_contains(p2pmr_reason_text(), "at all");
	tree_destroy(&empty);
}

static void test_bad_arguments(void **state)
{
	(void)state;
	assert_null(p2pmr_choice_make(NULL, &device, 1, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_choice_make(ctx, NULL, 1, NULL));
	assert_null(p2pmr_choice_make(ctx, &device, 0, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_buf_alloc_for(NULL, &device, 1, NULL));
	assert_null(p2pmr_buf_alloc_for(ctx, NULL, 1, NULL));
	assert_null(p2pmr_buf_alloc_for(ctx, &device, 0, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(alloc(1, 2));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	assert_leaves_errno(p2pmr_choice_free(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		TEST(test_who_has_enough),
		TEST(test_leaves_meanwhile),
		TEST(test_runner_up),
		TEST(test_host_is_counted),
		TEST(test_no_peer_memory),
		TEST(test_bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
