/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often what took how long. Its memory does not grow with the number of
 * samples, so runs by time have percentiles as those by count do. Times are
 * kept to one part in 2048; least, greatest, mean and deviation are exact.
 */
#ifndef P2PMR_TOOLS_PERF_HIST_H
#define P2PMR_TOOLS_PERF_HIST_H

#include <stdint.h>

#include "perf_params.h"

struct perf_times;

struct perf_hist {
	uint64_t *count;
	uint64_t samples;
	uint64_t min;
	uint64_t max;
	uint64_t first;
	double sum;		/* of differences to the first one */
	double squares;
};

/* In percent: 50 to 99.99 */
extern const double perf_percentiles[PERF_PERCENTILES];

int perf_hist_init(struct perf_hist *hist);
void perf_hist_free(struct perf_hist *hist);
void perf_hist_add(struct perf_hist *hist, uint64_t ns);

/* @parts: what is wanted is that fraction of each sample, 2: the half */
void perf_hist_get(const struct perf_hist *hist, unsigned int parts,
		   struct perf_times *times);

#endif
