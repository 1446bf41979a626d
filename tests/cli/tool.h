/* SPDX-License-Identifier: GPL-2.0-only */
/* What unit tests of the p2pmr command share. */
#ifndef P2PMR_TESTS_CLI_TOOL_H
#define P2PMR_TESTS_CLI_TOOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's name for failing a test; the tools have a function of that name */
#undef fail

#include "../../tools/fail.h"

/* A failure with that reason was recorded; it is forgotten */
static inline void assert_failed(const char *reason)
{
	assert_true(fail_happened());
	assert_string_equal(fail_get()->reason, reason);
	assert_true(fail_get()->text[0] != '\0');
	fail_clear();
}

#endif
