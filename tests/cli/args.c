// SPDX-License-Identifier: GPL-2.0-only
/* Numbers and sizes on the command line. */
#include "tool.h"

#include <errno.h>

#include "../../tools/args.h"

static void test_numbers(void **state)
{
	uint64_t val;

	(void)state;
	assert_int_equal(args_u64("0", 0, 10, &val), 0);
	assert_int_equal(val, 0);
	assert_int_equal(args_u64("18446744073709551615", 0, UINT64_MAX, &val),
			 0);
	assert_true(val == UINT64_MAX);
	assert_int_equal(args_u64("010", 0, 10, &val), 0);
	assert_int_equal(val, 10);
}

static void test_bad_numbers(void **state)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "-1", "+1", "x", "1x", "0x10", "1.5", "1e3",
		"1K", "\xff",
	};
	uint64_t val = 7;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(args_u64(bad[i], 0, UINT64_MAX, &val),
				 -EINVAL);
	assert_int_equal(args_u64("18446744073709551616", 0, UINT64_MAX, &val),
			 -ERANGE);
	assert_int_equal(args_u64("11", 0, 10, &val), -ERANGE);
	assert_int_equal(args_u64("0", 1, 10, &val), -ERANGE);
	/* What could not be read leaves no trace */
	assert_int_equal(val, 7);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *word;
		uint64_t val;
	} good[] = {
		{ "1", 1 }, { "4095", 4095 }, { "64K", 65536 },
		{ "64k", 65536 }, { "1M", 1 << 20 }, { "3G", 3ULL << 30 },
		{ "17179869183G", 17179869183ULL << 30 },
	};
	static const char *const bad[] = {
		"", "K", "1KB", "1KiB", "1T", "-1K", "1 K", "0x1K",
	};
	uint64_t val;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(args_size(good[i].word, 1, UINT64_MAX, &val),
				 0);
		assert_true(val == good[i].val);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(args_size(bad[i], 0, UINT64_MAX, &val),
				 -EINVAL);
	assert_int_equal(args_size("17179869184G", 0, UINT64_MAX, &val),
			 -ERANGE);
	assert_int_equal(args_size("0", 1, 10, &val), -ERANGE);
}

static void test_human_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" },
		{ 1536, "1.5 KiB" }, { 64 << 20, "64 MiB" },
		{ UINT64_MAX, "16 EiB" },
	};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_string_equal(args_human_size(sizes[i].bytes, text,
						    sizeof(text)),
				    sizes[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_human_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
