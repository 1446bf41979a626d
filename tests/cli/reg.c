// SPDX-License-Identifier: GPL-2.0-only
/* p2pmr reg: which sizes, and what is made of many times. */
#include "tool.h"

#include "../../tools/reg.h"

static void test_sizes(void **state)
{
	uint64_t sizes[REG_SIZES_MAX];
	size_t n, i;

	(void)state;
	assert_int_equal(reg_sizes(sizes, 4096), 1);
	assert_int_equal(sizes[0], 4096);
	assert_int_equal(reg_sizes(sizes, 4097), 2);
	assert_int_equal(sizes[1], 4097);
	n = reg_sizes(sizes, 64 << 20);
	assert_int_equal(n, 8);
	for (i = 0; i < n; i++)
		assert_int_equal(sizes[i], 4096ULL << (2 * i));
	n = reg_sizes(sizes, INT64_MAX);
	assert_true(n <= REG_SIZES_MAX);
	assert_int_equal(sizes[n - 1], INT64_MAX);
	for (i = 1; i < n; i++)
		assert_true(sizes[i] > sizes[i - 1]);
}

static void test_times(void **state)
{
	uint64_t one[] = { 7 };
	uint64_t three[] = { 30, 10, 20 };
	uint64_t many[1000];
	struct reg_times times;
	size_t i;

	(void)state;
	times = reg_times_of(one, 1);
	assert_int_equal(times.min, 7);
	assert_int_equal(times.median, 7);
	assert_int_equal(times.p99, 7);
	times = reg_times_of(three, 3);
	assert_int_equal(times.min, 10);
	assert_int_equal(times.median, 20);
	assert_int_equal(times.p99, 30);
	/* 1 to 1000, backwards */
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = 1000 - i;
	times = reg_times_of(many, 1000);
	assert_int_equal(times.min, 1);
	assert_int_equal(times.median, 500);
	assert_int_equal(times.p99, 990);
	times = reg_times_of(many, 100);
	assert_int_equal(times.p99, 99);
	/* Where one in a hundred is less than one, it is the largest */
	times = reg_times_of(many, 99);
	assert_int_equal(times.p99, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
