// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "perf_hist.h"
#include "perf_wire.h"

/*
 * A bucket for each of the first 2048 ns; from there on each power of two has
 * 1024 of them. What is above the last one (18 minutes) counts in it.
 */
#define SUB_BITS 10
#define MAX_BITS 40
#define BUCKETS (((MAX_BITS - SUB_BITS) << SUB_BITS) + (1 << SUB_BITS))

const double perf_percentiles[PERF_PERCENTILES] = { 50, 90, 99, 99.9, 99.99 };

static unsigned int shift_of(uint64_t ns)
{
	unsigned int bits = 64 - __builtin_clzll(ns | 1);

	return bits > SUB_BITS + 1 ? bits - SUB_BITS - 1 : 0;
}

static uint64_t bucket_of(uint64_t ns)
{
	unsigned int shift;

	if (ns >> MAX_BITS)
		return BUCKETS - 1;
	shift = shift_of(ns);
	return ((uint64_t)shift << SUB_BITS) + (ns >> shift);
}

/* The middle of a bucket's range */
static double bucket_middle(uint64_t bucket)
{
	unsigned int shift = bucket >> SUB_BITS;
	uint64_t low;

	if (shift < 2)
		return bucket;
	shift--;
	low = (bucket - ((uint64_t)shift << SUB_BITS)) << shift;
	return low + ((1ULL << shift) - 1) / 2.0;
}

int perf_hist_init(struct perf_hist *hist)
{
	memset(hist, 0, sizeof(*hist));
	hist->count = calloc(BUCKETS, sizeof(*hist->count));
	return hist->count ? 0 : fail_nomem();
}

void perf_hist_free(struct perf_hist *hist)
{
	free(hist->count);
	hist->count = NULL;
}

void perf_hist_add(struct perf_hist *hist, uint64_t ns)
{
	double diff;

	if (!hist->samples++) {
		hist->first = ns;
		hist->min = ns;
	}
	if (ns < hist->min)
		hist->min = ns;
	if (ns > hist->max)
		hist->max = ns;
	diff = (double)ns - (double)hist->first;
	hist->sum += diff;
	hist->squares += diff * diff;
	hist->count[bucket_of(ns)]++;
}

/* The least time that @percent of all samples do not exceed */
static double percentile(const struct perf_hist *hist, double percent)
{
	uint64_t rank = ceil(hist->samples * percent / 100);
	uint64_t seen = 0;
	double ns = 0;
	uint64_t i;

	for (i = 0; i < BUCKETS && seen < rank; i++) {
		seen += hist->count[i];
		if (hist->count[i])
			ns = bucket_middle(i);
	}
	if (ns < hist->min)
		return hist->min;
	return ns > hist->max ? hist->max : ns;
}

void perf_hist_get(const struct perf_hist *hist, unsigned int parts,
		   struct perf_times *times)
{
	double mean, variance;
	int i;

	memset(times, 0, sizeof(*times));
	if (!hist->samples)
		return;
	mean = hist->sum / hist->samples;
	variance = hist->squares / hist->samples - mean * mean;
	times->samples = hist->samples;
	times->min_ps = hist->min * 1000 / parts;
	times->max_ps = hist->max * 1000 / parts;
	times->avg_ps = (hist->first + mean) * 1000 / parts;
	times->stdev_ps = variance > 0 ? sqrt(variance) * 1000 / parts : 0;
	for (i = 0; i < PERF_PERCENTILES; i++)
		times->percentile_ps[i] = percentile(hist, perf_percentiles[i]) *
					  1000 / parts;
}
