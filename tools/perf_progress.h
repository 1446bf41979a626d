/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line on stderr each second of a run: on a terminal always the same line,
 * elsewhere only when asked for.
 */
#ifndef P2PMR_TOOLS_PERF_PROGRESS_H
#define P2PMR_TOOLS_PERF_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "perf_params.h"

struct perf_progress {
	const struct perf_params *params;
	uint64_t start_ns;
	uint64_t last_ns;
	uint64_t last_messages;
	bool on;
	bool tty;
	bool shown;
};

void perf_progress_init(struct perf_progress *pr, const struct perf_params *params,
		      bool wanted);
void perf_progress_show(struct perf_progress *pr, uint64_t now_ns,
		      uint64_t messages);
void perf_progress_end(struct perf_progress *pr);

#endif
