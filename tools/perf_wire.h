/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What client and server say to each other over TCP, and nothing about how.
 *
 *	client			server
 *	HELLO		->	the parameters of all passes
 *			<-	WELCOME
 *	BEGIN		->	once per pass: its size, which memory, where the
 *				client's is
 *			<-	READY: memory filled, queue pairs there
 *	(-R: rdma_cm connects the queue pairs)
 *	GO		->	the client is ready, too
 *	(RDMA)
 *	DONE		<->	each side's figures, once it has sent all it sends
 *			<-	VERDICT: on what the server received
 *	VERDICT		->	on what the client received
 *	BYE		->
 *
 * Either side may send ERROR at any time instead, and then closes.
 *
 * Decoding takes nothing on trust: what comes out of it lies within the limits
 * below, whatever went in.
 */
#ifndef P2PMR_TOOLS_PERF_WIRE_H
#define P2PMR_TOOLS_PERF_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "pack.h"
#include "perf_params.h"
#include "perf_pattern.h"

#define WIRE_MAGIC 0x70326277U
#define WIRE_VERSION 3
#define WIRE_HEADER_BYTES PACK_HEADER_BYTES
#define WIRE_PAYLOAD_MAX 16384

#define WIRE_NAME_MAX 64
#define WIRE_VERSION_MAX 32

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_WELCOME = 2,
	WIRE_ERROR = 3,
	WIRE_BEGIN = 4,
	WIRE_READY = 5,
	WIRE_GO = 6,
	WIRE_DONE = 7,
	WIRE_VERDICT = 8,
	WIRE_BYE = 9,
};

/* Which of its memories the server is to use in a pass */
enum perf_side_memory {
	PERF_MEMORY_OWN = 0,	/* the one that it was started with */
	PERF_MEMORY_HOST = 1,
};

/* Who is who; for reports */
struct wire_ident {
	char version[WIRE_VERSION_MAX];
	char kernel[WIRE_NAME_MAX];
	char device[WIRE_NAME_MAX];
	char memory[WIRE_NAME_MAX];
};

/* Each size with two memories */
#define WIRE_PASSES_MAX (2U * PERF_SIZES_MAX)

struct wire_hello {
	struct wire_ident ident;
	struct perf_params params;
	uint32_t passes;
};

enum wire_gid_kind {
	WIRE_GID_IB = 0,
	WIRE_GID_ROCE_V1 = 1,
	WIRE_GID_ROCE_V2 = 2,
};

struct wire_qp {
	uint32_t num;
	uint32_t psn;
};

/* One side of a pass */
struct wire_endpoint {
	uint8_t gid[16];
	enum wire_gid_kind gid_kind;
	uint16_t lid;
	uint8_t mtu;		/* enum ibv_mtu, the most this side takes */
	uint8_t rd_init;	/* outstanding reads that it may issue */
	uint8_t rd_resp;	/* and serve */
	uint16_t cm_port;	/* where the server's rdma_cm listens; 0: it does not */
	uint32_t rkey;
	uint64_t addr;
	uint64_t area_bytes;
	char memory[WIRE_NAME_MAX];
	char route[WIRE_NAME_MAX];
	uint32_t qps;
	struct wire_qp qp[PERF_QPS_MAX];
};

struct wire_begin {
	uint64_t seed;
	uint32_t pass;
	uint64_t size;
	enum perf_side_memory server_memory;
	struct wire_endpoint client;
};

/* How long what was timed took: a round trip's half, or until a completion */
struct perf_times {
	uint64_t samples;
	uint64_t min_ps;
	uint64_t max_ps;
	uint64_t avg_ps;
	uint64_t stdev_ps;
	uint64_t percentile_ps[PERF_PERCENTILES];
};

/* What one side sent, all zero when it sent nothing */
struct wire_done {
	uint64_t messages;		/* of all queue pairs together */
	uint64_t elapsed_ns;
	uint64_t peak_bytes_per_s;	/* 0: not measured */
	struct perf_times times;
	uint32_t qps;			/* 0 or all of them */
	uint64_t qp_messages[PERF_QPS_MAX];
};

/* What one side received, as far as it knows */
struct wire_verdict {
	uint64_t received;		/* messages of sends */
	struct perf_verdict data;
};

struct wire_msg {
	enum wire_type type;
	union {
		struct wire_hello hello;
		struct wire_ident welcome;
		struct failure error;
		struct wire_begin begin;
		struct wire_endpoint ready;
		struct wire_done done;
		struct wire_verdict verdict;
	} u;
};

/* Returns the number of bytes, header included. @buf holds the largest message */
size_t wire_encode(const struct wire_msg *msg,
		   uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX]);

/*
 * Both return 0, or -EPROTO with one sentence in @why. The header comes first
 * and tells how long the payload is: at most WIRE_PAYLOAD_MAX.
 */
int wire_decode_header(const uint8_t buf[WIRE_HEADER_BYTES],
		       enum wire_type *type, size_t *payload_bytes,
		       char why[PACK_WHY_MAX]);
int wire_decode_payload(enum wire_type type, const uint8_t *payload,
			size_t len, struct wire_msg *msg,
			char why[PACK_WHY_MAX]);

const char *wire_type_name(enum wire_type type);

#endif
