/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of both protocols share: bytes that nobody can trust. */
#ifndef P2PMR_TESTS_CLI_WIRE_H
#define P2PMR_TESTS_CLI_WIRE_H

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/pack.h"

/* In memory of exactly that size, so that sanitizers see a byte too far */
static inline uint8_t *exact_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

/*
 * Decode such a copy with @decoder, of the tools. It returns 0, or -EPROTO and
 * why; what it returned is in @ret.
 */
#define DECODE(ret, decoder, type, payload, len, msg, why) do { \
	uint8_t *copy_ = exact_copy(payload, len); \
	(why)[0] = '\0'; \
	(ret) = decoder(type, copy_, len, msg, why); \
	free(copy_); \
	assert_true((ret) == 0 || (ret) == -EPROTO); \
	assert_true(!(ret) == !(why)[0]); \
} while (0)

static inline uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

#endif
