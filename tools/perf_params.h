/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a run of bw or lat does: the parameters that both ends must agree on.
 */
#ifndef P2PMR_TOOLS_PERF_PARAMS_H
#define P2PMR_TOOLS_PERF_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "perf_pattern.h"

enum perf_tool {
	PERF_BW = 0,
	PERF_LAT = 1,
};

enum perf_op {
	PERF_WRITE = 0,
	PERF_READ = 1,
	PERF_SEND = 2,
	PERF_ATOMIC = 3,
};

enum perf_atomic {
	PERF_FETCH_ADD = 0,
	PERF_CMP_SWAP = 1,
};

enum perf_transport {
	PERF_RC = 0,
	PERF_UD = 1,
};

/* 50, 90, 99, 99.9 and 99.99 % */
#define PERF_PERCENTILES 5

/* -a: 2, 4, 8 and so on up to 8 MiB, as perftest has it */
#define PERF_SWEEP_FIRST 2U
#define PERF_SWEEP_LAST (8U << 20)
#define PERF_SIZES_MAX 23U
/* What an atomic operates on */
#define PERF_ATOMIC_BYTES 8U

struct perf_params {
	enum perf_tool tool;
	enum perf_op op;
	enum perf_atomic atomic;
	enum perf_transport transport;
	uint64_t size;		/* of a sweep: the largest one */
	uint64_t iterations;	/* of each queue pair; 0 with a duration */
	uint32_t duration_s;	/* 0 with iterations */
	uint32_t depth;
	uint32_t rx_depth;
	uint32_t qps;
	uint8_t sl;
	uint8_t tos;		/* of rdma_cm's queue pairs */
	bool sweep;
	bool both;		/* the server sends as the client does */
	bool cm;		/* rdma_cm connects the queue pairs */
	bool verify;
};

/* Why these do not go together; NULL: they do */
const char *perf_params_wrong(const struct perf_params *p);

/* Do both sides send in turn? Else the client asks, and devices answer */
static inline bool perf_is_ping_pong(const struct perf_params *p)
{
	return p->tool == PERF_LAT &&
	       (p->op == PERF_WRITE || p->op == PERF_SEND);
}

/* Does data go from the server to the client only? */
static inline bool perf_is_fetch(const struct perf_params *p)
{
	return p->op == PERF_READ;
}

/* Where the messages of one pass lie. 0, or -ERANGE */
int perf_params_layout(const struct perf_params *p, struct perf_layout *lay);

const char *perf_tool_name(enum perf_tool tool);
const char *perf_op_name(enum perf_op op);
const char *perf_atomic_name(enum perf_atomic atomic);
const char *perf_transport_name(enum perf_transport transport);

#endif
