/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr reg: what its parts share. Functions that return int return 0, or -1
 * with the failure recorded (fail.h).
 */
#ifndef P2PMR_TOOLS_REG_H
#define P2PMR_TOOLS_REG_H

#include <stdbool.h>
#include <stdint.h>

#include <p2pmr/p2pmr.h>

#include "perf.h"
#include "fail.h"
#include "plot.h"
#include "progress.h"

#define REG_CMD "p2pmr reg"
#define REG_SIZE_MIN 4096
#define REG_ITERATIONS_MAX 1000000

enum reg_kind {
	REG_MEMORY,	/* the memory that is asked about */
	REG_HOST,	/* host memory, for comparison */
	REG_HUGE,	/* host memory in huge pages */
	REG_CACHED,	/* the first, through the library's cache */
	REG_KINDS,
};

/* "host", for JSON */
const char *reg_kind_name(enum reg_kind kind);

struct reg_opts {
	const char *mem;	/* NULL: choose */
	const char *device;	/* NULL: the first with an active port */
	const char *json_file;
	const char *plot;
	uint64_t size;		/* the largest; 0: choose */
	uint64_t huge_page;
	uint64_t iterations;
	unsigned int ib_port;
	bool json;
	bool progress;
};

/* Nanoseconds */
struct reg_times {
	uint64_t min;
	uint64_t median;
	uint64_t p99;
};

/* Sorts @ns; @n is at least 1 */
struct reg_times reg_times_of(uint64_t *ns, uint64_t n);

struct reg_row {
	enum reg_kind kind;
	const char *memory;
	enum p2pmr_route route;
	uint64_t size;
	struct reg_times reg;
	struct reg_times dereg;
};

/* Sizes times four, from the least on, and the largest */
#define REG_SIZES_MAX 28
#define REG_ROWS_MAX (REG_SIZES_MAX * REG_KINDS)

/* Fills in the sizes up to @largest; returns how many */
size_t reg_sizes(uint64_t sizes[REG_SIZES_MAX], uint64_t largest);

struct reg_run {
	const struct reg_opts *opts;
	struct perf_dev dev;
	struct p2pmr_provider *provider;	/* NULL: it did not come so far */
	struct p2pmr_provider *host;
	struct progress progress;
	char doing[64];			/* for it */
	uint64_t *ns[2];		/* registering, deregistering */
	struct reg_row rows[REG_ROWS_MAX];
	size_t n_rows;
	struct failure no_huge;		/* why there are no rows of that kind */
};

/* One row */
int reg_measure(struct reg_run *run, enum reg_kind kind, uint64_t size);

/* Draws the rows into @plot and closes it */
int reg_plot(const struct reg_run *run, struct plot *plot);

/* Ends the report, good or failed; returns the exit status */
int reg_report_end(const struct reg_run *run);

#endif
