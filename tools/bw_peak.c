// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "bw_peak.h"
#include "fail.h"

int bw_peak_init(struct bw_peak *peak, uint64_t messages, uint64_t size)
{
	memset(peak, 0, sizeof(*peak));
	if (messages > BW_PEAK_MAX || !messages)
		return 0;
	peak->posted_ns = calloc(messages, sizeof(*peak->posted_ns));
	peak->completed_ns = calloc(messages, sizeof(*peak->completed_ns));
	if (!peak->posted_ns || !peak->completed_ns) {
		bw_peak_free(peak);
		return fail_nomem();
	}
	peak->messages = messages;
	peak->size = size;
	return 0;
}

void bw_peak_free(struct bw_peak *peak)
{
	free(peak->posted_ns);
	free(peak->completed_ns);
	memset(peak, 0, sizeof(*peak));
}

void bw_peak_posted(struct bw_peak *peak, uint64_t first, uint64_t n,
		    uint64_t now_ns)
{
	uint64_t i;

	for (i = first; i < first + n && i < peak->messages; i++)
		peak->posted_ns[i] = now_ns;
}

void bw_peak_completed(struct bw_peak *peak, uint64_t total, uint64_t now_ns)
{
	if (total && total <= peak->messages)
		peak->completed_ns[total - 1] = now_ns;
}

uint64_t bw_peak_get(const struct bw_peak *peak)
{
	double best = 0;
	uint64_t i, j;

	for (j = 0; j < peak->messages; j++) {
		if (!peak->completed_ns[j])
			continue;
		for (i = 0; i <= j; i++) {
			uint64_t ns = peak->completed_ns[j] -
				      peak->posted_ns[i];
			double rate;

			if (!ns)
				continue;
			rate = (double)(j - i + 1) / ns;
			if (rate > best)
				best = rate;
		}
	}
	return best * peak->size * 1e9;
}
