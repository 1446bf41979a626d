/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every unit test includes: cmocka, and words for this library's rules. */
#ifndef P2PMR_TESTS_UNIT_H
#define P2PMR_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private.h"

#include <string.h>

/* The last call failed so, and left both sentences. */
#define assert_reason(code, err) do {					\
	assert_string_equal(p2pmr_reason_name(p2pmr_reason_code()),	\
			    p2pmr_reason_name(code));			\
	assert_int_equal(p2pmr_reason_errno(), err);			\
	assert_int_equal(errno, err);					\
	assert_sentence(p2pmr_reason_text());				\
	assert_sentence(p2pmr_reason_remedy());				\
} while (0)

#define assert_contains(text, part) do {				\
	if (!strstr(text, part))					\
		fail_msg("\"%s\" does not contain \"%s\"", text, part);	\
} while (0)

#define assert_sentence(text) do {					\
	size_t len_ = strlen(text);					\
									\
	if (len_ < 10 || (text)[len_ - 1] != '.')			\
		fail_msg("\"%s\" is no sentence", text);		\
} while (0)

/* Run a call that should succeed: it must leave errno and reason alone. */
#define assert_leaves_errno(call) do {					\
	enum p2pmr_reason code_ = p2pmr_reason_code();			\
									\
	errno = 12345;							\
	call;								\
	assert_int_equal(errno, 12345);					\
	assert_int_equal(p2pmr_reason_code(), code_);			\
} while (0)

#endif
