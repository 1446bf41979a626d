// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reasons: one per thread, untouched by success. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

static void *look(void *arg)
{
	const char **text = arg;

	assert_int_equal(p2pmr_reason_code(), P2PMR_REASON_NONE);
	assert_int_equal(p2pmr_reason_errno(), 0);
	assert_string_equal(p2pmr_reason_text(), "");
	assert_string_equal(p2pmr_reason_remedy(), "");
	p2pmr_fail(P2PMR_REASON_MEMLOCK, ENOMEM, "Thread remedy.",
		   "Thread text.");
	*text = strdup(p2pmr_reason_text());
	return NULL;
}

static void test_each_thread_has_its_own(void **state)
{
	pthread_t thread;
	char *text;

	(void)state;
	p2pmr_fail(P2PMR_REASON_PATH_NONE, EREMOTEIO, "Main remedy.",
		   "Main text.");
	assert_int_equal(pthread_create(&thread, NULL, look, &text), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(text, "Thread text.");
	free(text);
	assert_int_equal(p2pmr_reason_code(), P2PMR_REASON_PATH_NONE);
	assert_string_equal(p2pmr_reason_text(), "Main text.");
}

static void test_starts_empty(void **state)
{
	(void)state;
	assert_int_equal(p2pmr_reason_code(), P2PMR_REASON_NONE);
	assert_int_equal(p2pmr_reason_errno(), 0);
	assert_string_equal(p2pmr_reason_text(), "");
	assert_string_equal(p2pmr_reason_remedy(), "");
}

static void test_fail_sets_everything(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(p2pmr_fail(P2PMR_REASON_SYSTEM, EBUSY, "Wait a while.",
				    "Device %s is busy, %d times.", "x", 3),
			 -EBUSY);
	assert_reason(P2PMR_REASON_SYSTEM, EBUSY);
	assert_string_equal(p2pmr_reason_text(), "Device x is busy, 3 times.");
	assert_string_equal(p2pmr_reason_remedy(), "Wait a while.");
}

static void test_long_text_is_cut(void **state)
{
	char *big = test_malloc(10000);

	(void)state;
	memset(big, 'a', 9999);
	big[9999] = '\0';
	p2pmr_fail(P2PMR_REASON_SYSTEM, EIO, big, "%s", big);
	assert_int_equal(strlen(p2pmr_reason_text()), 1023);
	assert_int_equal(strlen(p2pmr_reason_remedy()), 511);
	test_free(big);
}

/* A code never changes its number or its name: programs and scripts know them. */
static void test_names(void **state)
{
	static const char *const names[] = {
		[0] = "NONE",
		[1] = "BAD_ARGUMENT",
		[2] = "BAD_OPTIONS",
		[3] = "OUT_OF_MEMORY",
		[4] = "SYSTEM",
		[5] = "NO_PROVIDER",
		[6] = "PROVIDER_GONE",
		[7] = "NO_PERMISSION",
		[8] = "KERNEL_NO_P2PDMA",
		[9] = "POOL_EXHAUSTED",
		[10] = "TOO_LARGE",
		[11] = "OUT_OF_RANGE",
		[12] = "NOT_MAPPED",
		[13] = "KERNEL_NO_PIN",
		[14] = "DEVICE_NO_OPTIN",
		[15] = "PATH_NONE",
		[16] = "MEMLOCK",
		[17] = "BAD_ACCESS",
		[18] = "NO_RDMA_DEVICE",
		[19] = "NO_CHOICE",
		[20] = "ARENA_EXHAUSTED",
		[21] = "NOT_ALLOCATED",
		[22] = "FORKED",
		[23] = "IN_USE",
		[24] = "NOT_NVME",
		[25] = "NO_HUGE_PAGES",
		[26] = "FLUSH_FAILED",
		[27] = "NO_PEER_ATOMICS",
		[28] = "KERNEL_NO_DMABUF",
		[29] = "DEVICE_NO_DMABUF",
		[30] = "DEVICE_NO_REVOKE",
		[31] = "NOT_DMABUF",
		[32] = "KERNEL_NO_CDEV",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(p2pmr_reason_name(i),
				    names[i] ? names[i] : "UNKNOWN");
	assert_string_equal(p2pmr_reason_name(ARRAY_SIZE(names)), "UNKNOWN");
	assert_string_equal(p2pmr_reason_name(-1), "UNKNOWN");
}

static void test_errno_names(void **state)
{
	(void)state;
	assert_string_equal(p2pmr_errno_name(EREMOTEIO), "EREMOTEIO");
	assert_string_equal(p2pmr_errno_name(99999), "an unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_empty),
		cmocka_unit_test(test_fail_sets_everything),
		cmocka_unit_test(test_each_thread_has_its_own),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_errno_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
