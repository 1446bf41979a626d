/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far something is that takes more than two seconds: on a terminal one line
 * on standard error, always in the same place.
 */
#ifndef P2PMR_TOOLS_PROGRESS_H
#define P2PMR_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;
	bool tty;
	bool shown;
	uint64_t next_ns;
};

/* @wanted: also where standard error is no terminal */
void progress_init(struct progress *progress, bool wanted);

/* Is it time for a line? */
bool progress_is_due(const struct progress *progress);

__attribute__((format(printf, 2, 3)))
void progress_show(struct progress *progress, const char *fmt, ...);

/* Leave the line as it was before */
void progress_end(struct progress *progress);

#endif
