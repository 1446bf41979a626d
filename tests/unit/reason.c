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

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(p2pmr_reason_name(P2PMR_REASON_NONE), "NONE");
	assert_string_equal(p2pmr_reason_name(P2PMR_REASON_KERNEL_NO_PIN),
			    "KERNEL_NO_PIN");
	assert_string_equal(p2pmr_reason_name(P2PMR_REASON_BAD_ACCESS),
			    "BAD_ACCESS");
	for (int code = 0; code <= P2PMR_REASON_BAD_ACCESS; code++)
		assert_string_not_equal(p2pmr_reason_name(code), "UNKNOWN");
	assert_string_equal(p2pmr_reason_name(P2PMR_REASON_ARENA_EXHAUSTED),
			    "ARENA_EXHAUSTED");
	assert_string_equal(p2pmr_reason_name(P2PMR_REASON_NOT_ALLOCATED),
			    "NOT_ALLOCATED");
	assert_string_equal(p2pmr_reason_name(P2PMR_REASON_NOT_ALLOCATED + 1),
			    "UNKNOWN");
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
