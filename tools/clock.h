/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef P2PMR_TOOLS_CLOCK_H
#define P2PMR_TOOLS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Time since some moment; CLOCK_MONOTONIC cannot fail */
static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline uint64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

#endif
