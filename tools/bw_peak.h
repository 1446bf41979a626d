/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peak bandwidth as perftest defines it: the best of all stretches from the
 * posting of one message to the completion of another one. Finding it takes
 * time that grows with the square of the number of messages, so it is not
 * done for more than BW_PEAK_MAX, nor when the number is not known beforehand.
 */
#ifndef P2PMR_TOOLS_BW_PEAK_H
#define P2PMR_TOOLS_BW_PEAK_H

#include <stdint.h>

#define BW_PEAK_MAX 20000

struct bw_peak {
	uint64_t *posted_ns;
	uint64_t *completed_ns;	/* [i]: i + 1 messages are complete; or 0 */
	uint64_t messages;	/* 0: not measured */
	uint64_t size;
};

int bw_peak_init(struct bw_peak *peak, uint64_t messages, uint64_t size);
void bw_peak_free(struct bw_peak *peak);

/* Messages [first, first + n) are about to be posted */
void bw_peak_posted(struct bw_peak *peak, uint64_t first, uint64_t n,
		    uint64_t now_ns);
/* @total messages are complete by now */
void bw_peak_completed(struct bw_peak *peak, uint64_t total, uint64_t now_ns);

/* Bytes per second; 0: not measured */
uint64_t bw_peak_get(const struct bw_peak *peak);

#endif
