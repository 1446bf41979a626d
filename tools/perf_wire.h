/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What client and server say to each other over TCP, and nothing about how.
 *
 *	client			server
 *	HELLO		->	the parameters of all passes
 *			<-	WELCOME
 *	BEGIN		->	once per pass: which memory, where the client's is
 *			<-	READY: memory filled, queue pairs connected
 *	(RDMA)
 *	DONE		->	the figures, and for reads the client's verdict
 *			<-	VERDICT: the server's, for writes
 *	BYE		->
 *
 * Either side may send ERROR at any time instead, and then closes.
 *
 * A message is a header (magic, version, type, payload length) and a payload.
 * Integers are in network order. Decoding takes nothing on trust: what comes
 * out of it lies within the limits below, whatever went in.
 */
#ifndef P2PMR_TOOLS_PERF_WIRE_H
#define P2PMR_TOOLS_PERF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perf_pattern.h"
#include "fail.h"

#define WIRE_MAGIC 0x70326277U
#define WIRE_VERSION 1
#define WIRE_HEADER_BYTES 12
#define WIRE_PAYLOAD_MAX 16384

#define WIRE_NAME_MAX 64
#define WIRE_VERSION_MAX 32

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_WELCOME = 2,
	WIRE_ERROR = 3,
	WIRE_BEGIN = 4,
	WIRE_READY = 5,
	WIRE_DONE = 6,
	WIRE_VERDICT = 7,
	WIRE_BYE = 8,
};

enum perf_op {
	PERF_WRITE = 0,
	PERF_READ = 1,
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

struct wire_params {
	uint64_t size;
	uint64_t iterations;	/* of each queue pair; 0 with a duration */
	uint32_t duration_s;	/* 0 with iterations */
	uint32_t depth;
	uint32_t qps;
	enum perf_op op;
	bool verify;
};

#define WIRE_PASSES_MAX 2U

struct wire_hello {
	struct wire_ident ident;
	struct wire_params params;
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
	enum perf_side_memory server_memory;
	struct wire_endpoint client;
};

struct wire_done {
	uint64_t messages;		/* of all queue pairs together */
	uint64_t elapsed_ns;
	uint64_t peak_bytes_per_s;	/* 0: not measured */
	struct perf_verdict verdict;
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
		struct perf_verdict verdict;
	} u;
};

#define WIRE_WHY_MAX 160

/* Returns the number of bytes, header included. @buf holds the largest message */
size_t wire_encode(const struct wire_msg *msg,
		   uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX]);

/*
 * Both return 0, or -EPROTO with one sentence in @why. The header comes first
 * and tells how long the payload is: at most WIRE_PAYLOAD_MAX.
 */
int wire_decode_header(const uint8_t buf[WIRE_HEADER_BYTES],
		       enum wire_type *type, size_t *payload_bytes,
		       char why[WIRE_WHY_MAX]);
int wire_decode_payload(enum wire_type type, const uint8_t *payload,
			size_t len, struct wire_msg *msg,
			char why[WIRE_WHY_MAX]);

const char *wire_type_name(enum wire_type type);

#endif
