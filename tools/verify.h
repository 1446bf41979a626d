/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr verify: what its parts share. Functions that return int return 0, or -1
 * with the failure recorded (fail.h).
 *
 * Two sides: "near", the memory under test, and the RDMA device that reaches it;
 * and "far", host memory and the device that talks to the near one. Both are
 * known to the last byte at all times: each side has a copy of what its memory
 * must hold, which every step brings up to date.
 */
#ifndef P2PMR_TOOLS_VERIFY_H
#define P2PMR_TOOLS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <p2pmr/p2pmr.h>

#include "perf.h"
#include "perf_pattern.h"
#include "fail.h"
#include "progress.h"
#include "topo_tree.h"

#define VERIFY_CMD "p2pmr verify"

/* Looked at on either side of each message, for what does not belong there */
#define VERIFY_MARGIN 32

/* Messages that are under way at once, on ranges that do not touch */
#define VERIFY_BATCH_MAX 64

/*
 * How the near device gets at the memory, by the names of verbs' access rights.
 * The first two serve the far side's requests, the next two are its own.
 */
enum verify_way {
	VERIFY_REMOTE_WRITE,	/* the far side's RDMA write lands in it */
	VERIFY_REMOTE_READ,	/* the far side's RDMA read is served from it */
	VERIFY_LOCAL_WRITE,	/* an RDMA read from the far side lands in it */
	VERIFY_LOCAL_READ,	/* an RDMA write to the far side is taken from it */
	VERIFY_REMOTE_ATOMIC,	/* the far side's atomic changes it */
	VERIFY_WAYS,
};

/* "remote_write" */
const char *verify_way_name(enum verify_way way);

/* Do bytes get into the near memory? */
static inline bool verify_way_is_in(enum verify_way way)
{
	return way == VERIFY_REMOTE_WRITE || way == VERIFY_LOCAL_WRITE;
}

/* ---- which messages (verify_plan.c) ---- */

enum verify_phase {
	VERIFY_ALIGNMENTS,
	VERIFY_BOUNDARIES,
	VERIFY_POWERS,
	VERIFY_WHOLE,
	VERIFY_ATOMICS,
	VERIFY_PHASES,
};

/* "alignments" */
const char *verify_phase_name(enum verify_phase phase);

/**
 * struct verify_case - one message
 * @phase: what it is there for
 * @offset: where in the near memory
 * @far_offset: where in the far memory
 * @len_bytes: its length
 */
struct verify_case {
	enum verify_phase phase;
	uint64_t offset;
	uint64_t far_offset;
	uint64_t len_bytes;
};

struct verify_plan {
	struct verify_case *cases;
	size_t n;
};

/* @size: of the near memory, whole pages */
int verify_plan_make(struct verify_plan *plan, uint64_t size);
/* How many of the @left cases from @c on can be under way at once; at least 1 */
size_t verify_plan_batch(const struct verify_case *c, size_t left);
void verify_plan_free(struct verify_plan *plan);

/* How large the far memory must be for that */
uint64_t verify_far_size(uint64_t near_size);

/* ---- doing it (verify_run.c, verify_atomic.c) ---- */

enum verify_atomic {
	VERIFY_FETCH_ADD,
	VERIFY_COMPARE_SWAP,
};

/**
 * struct verify_mover - who moves the bytes: RDMA, or a test
 * @arg: its own
 * @move: move the @n messages of @c by @way, and have them be where they belong;
 *	n is at most VERIFY_BATCH_MAX
 * @atomic: do it on the eight bytes at @offset of the near memory; @val: what is
 *	added, or swapped in when they are @compare; @old: set to what they were.
 *	Numbers are of the CPU's byte order
 */
struct verify_mover {
	void *arg;
	int (*move)(void *arg, enum verify_way way,
		    const struct verify_case *c, size_t n);
	int (*atomic)(void *arg, enum verify_atomic op, uint64_t offset,
		      uint64_t val, uint64_t compare, uint64_t *old);
};

/**
 * struct verify_side - one side's memory
 * @name: of the memory
 * @buf: the memory
 * @expect: as large, and what it must hold
 * @size: of both
 */
struct verify_side {
	const char *name;
	struct p2pmr_buf *buf;
	uint8_t *expect;
	uint64_t size;
};

int verify_side_open(struct verify_side *side, struct p2pmr_provider *provider,
		     uint64_t size);
void verify_side_close(struct verify_side *side);

struct verify_count {
	uint64_t messages;
	uint64_t bytes;
	bool wrong;
};

/**
 * struct verify_wrong - the first wrong data
 * @found: is there any?
 * @way: the last step before it was found
 * @whole: found only when all of the memory was looked through
 * @far: it is in the far memory, not in the near one
 * @c: the message, or the last one
 * @verdict: what is wrong; offsets are those of the memory that it is in
 */
struct verify_wrong {
	bool found;
	enum verify_way way;
	bool whole;
	bool far;
	struct verify_case c;
	struct perf_verdict verdict;
};

struct verify_run {
	struct verify_side near;
	struct verify_side far;
	struct verify_mover mover;
	struct verify_plan plan;
	struct progress progress;
	bool atomics;		/* do them? */
	uint64_t seed;
	uint32_t step;		/* each has data of its own */
	uint8_t *scratch;
	struct verify_count count[VERIFY_WAYS];
	struct verify_wrong wrong;
};

/*
 * All of the plan, up to the first wrong byte. Both sides are open, and so is
 * the mover; the plan is made here.
 */
int verify_run(struct verify_run *run);
void verify_run_free(struct verify_run *run);

/* What verify_atomic.c uses of verify_run.c */
int verify_set(struct verify_side *side, uint64_t offset, const void *src,
	       uint64_t len);
int verify_check(struct verify_run *run, struct verify_side *side,
		 uint64_t offset, uint64_t len, enum verify_way way,
		 const struct verify_case *c);
int verify_fail(struct verify_run *run, const struct verify_wrong *wrong);
int verify_atomics(struct verify_run *run);

/* ---- RDMA (verify_rdma.c) ---- */

enum verify_end {
	VERIFY_NEAR,
	VERIFY_FAR,
	VERIFY_ENDS,
};

struct verify_rdma {
	struct perf_dev dev[VERIFY_ENDS];
	struct perf_conn conn[VERIFY_ENDS];
	struct ibv_mr *mr[VERIFY_ENDS];
	uint64_t addr[VERIFY_ENDS];
	enum p2pmr_route route;
	struct p2pmr_buf *scratch;	/* for what flushes and atomics bring */
	struct ibv_mr *scratch_mr[VERIFY_ENDS];
	uint64_t max_bytes;		/* of a message */
};

struct verify_opts {
	const char *mem;	/* NULL: choose */
	const char *device;	/* NULL: the first with an active port */
	const char *to;		/* NULL: the same one */
	const char *json_file;
	uint64_t size;
	uint64_t seed;
	unsigned int ib_port;
	int gid_index;		/* -1: choose */
	bool json;
	bool progress;
};

int verify_rdma_open(struct verify_rdma *rdma, const struct verify_opts *opts);

/* Are atomics to be done on this memory? If not, @why says so */
bool verify_rdma_does_atomics(const struct verify_rdma *rdma,
			      const struct p2pmr_provider *provider,
			      struct failure *why);

/* Register both memories and connect */
int verify_rdma_start(struct verify_rdma *rdma, struct verify_run *run,
		      struct p2pmr_provider *host);
void verify_rdma_close(struct verify_rdma *rdma);

/* ---- what is said of it (verify_report.c) ---- */

struct verify_report {
	const struct verify_opts *opts;
	const struct verify_run *run;
	const struct verify_rdma *rdma;
	const struct p2pmr_provider *provider;	/* NULL: it did not come so far */
	char path[TOPO_CELL_MAX];	/* empty: it has none */
	struct failure no_atomics;
};

/* Ends the report, good or failed; returns the exit status */
int verify_report_end(const struct verify_report *rep);

#endif
