/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line on stderr each second of a copy: on a terminal always the same line,
 * elsewhere only when asked for.
 */
#ifndef P2PMR_TOOLS_COPY_PROGRESS_H
#define P2PMR_TOOLS_COPY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct copy_progress - what was shown
 * @total_bytes: of all files; 0: not known
 */
struct copy_progress {
	uint64_t total_bytes;
	uint64_t begin_ns;
	uint64_t last_ns;
	uint64_t last_bytes;
	bool on;
	bool tty;
	bool shown;
};

void copy_progress_begin(struct copy_progress *pr, bool wanted, bool silent);
/* Before there is data: so many files were looked at, of @total_bytes */
void copy_progress_count(struct copy_progress *pr, uint64_t files);
/* The same of the other end, which does not say how many */
void copy_progress_wait(struct copy_progress *pr);
/* From here on it is data */
void copy_progress_data(struct copy_progress *pr);
void copy_progress_show(struct copy_progress *pr, uint64_t bytes);
/* Clear the line, so that something else can be printed */
void copy_progress_clear(struct copy_progress *pr);

#endif
