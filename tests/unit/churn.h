/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How full does an arena get? The load of a unit test and of a benchmark */
#ifndef P2PMR_TESTS_CHURN_H
#define P2PMR_TESTS_CHURN_H

#include <p2pmr/p2pmr.h>

#define CHURN_LEAST 64
#define CHURN_MOST 65536

/* xorshift64*; any seed but 0 */
static inline uint64_t churn_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* Log-uniform from CHURN_LEAST to CHURN_MOST */
size_t churn_size(uint64_t *state);

/*
 * Fill the arena to 70 % with pieces of random sizes. Then keep it there:
 * 20,000 times (which replaces each piece about three times) free one at
 * random, and allocate until the arena is as full as before. Then do the same
 * half a percent higher, and so on until an allocation fails.
 *
 * Returns the bytes that were asked for and not freed at that moment, as a part
 * of the arena's size. Frees everything.
 */
double churn_until_failure(struct p2pmr_arena *arena, size_t size,
			   uint64_t seed);

#endif
