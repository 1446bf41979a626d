/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr bw: what its parts share. Functions that return int return 0, or -1
 * with the failure recorded (fail.h).
 */
#ifndef P2PMR_TOOLS_PERF_H
#define P2PMR_TOOLS_PERF_H

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>
#include <p2pmr/p2pmr.h>

#include "perf_chan.h"
#include "perf_pattern.h"
#include "perf_wire.h"

#define BW_CMD "p2pmr bw"
#define PERF_HOST "host"

/* Messages from this size on all complete with an entry of their own */
#define PERF_CQ_MOD_SIZE 8192
#define PERF_CQ_MOD 100

/* Whose memory --compare changes from pass to pass */
enum perf_compare_side {
	PERF_COMPARE_BOTH,
	PERF_COMPARE_CLIENT,
	PERF_COMPARE_SERVER,
};

/* Options that both ends may give, and that must then agree */
enum perf_given {
	PERF_GIVEN_SIZE = 1 << 0,
	PERF_GIVEN_ITERATIONS = 1 << 1,
	PERF_GIVEN_DURATION = 1 << 2,
	PERF_GIVEN_DEPTH = 1 << 3,
	PERF_GIVEN_QPS = 1 << 4,
	PERF_GIVEN_OP = 1 << 5,
	PERF_GIVEN_VERIFY = 1 << 6,
};

struct perf_opts {
	const char *server;	/* NULL: be the server */
	const char *device;	/* NULL: the first with an active port */
	const char *mem;
	const char *compare;	/* NULL: one pass */
	const char *json_file;
	struct wire_params params;
	enum perf_compare_side compare_side;
	unsigned int given;
	unsigned int ib_port;
	unsigned int tcp_port;
	int gid_index;		/* -1: choose */
	uint8_t mtu;		/* enum ibv_mtu; 0: the port's */
	uint32_t cq_mod;	/* 0: choose by size */
	uint32_t outs;		/* 0: what both devices can do */
	bool json;
	bool gbits;
	bool progress;
};

/* Fills in @opts; ends the process on a usage error, as argp does */
void perf_opts_parse(int argc, char **argv, struct perf_opts *opts);

const char *perf_op_name(enum perf_op op);

/* The RDMA device and what was chosen on it */
struct perf_dev {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_device_attr attr;
	struct ibv_port_attr port_attr;
	struct ibv_gid_entry gid;
	unsigned int port;
	char name[WIRE_NAME_MAX];
};

int perf_dev_open(struct perf_dev *dev, const struct perf_opts *opts);
void perf_dev_close(struct perf_dev *dev);

/* Does one port's list hold a usable GID? Its place in @list, or -1 */
int perf_gid_pick(const struct ibv_gid_entry *list, size_t n,
		unsigned int port);
const char *perf_gid_type_name(uint32_t type);

/* One memory region on one buffer */
struct perf_mem {
	struct p2pmr_buf *buf;
	struct ibv_mr *mr;
	enum p2pmr_route route;
	const char *name;
};

int perf_mem_get(struct perf_mem *mem, struct perf_dev *dev,
	       struct p2pmr_provider *provider, uint64_t len_bytes,
	       int access);
void perf_mem_put(struct perf_mem *mem);

/* Queue pairs that share one completion queue */
struct perf_conn {
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp **qp;
	uint32_t *psn;
	uint32_t qps;
};

int perf_conn_create(struct perf_conn *conn, struct perf_dev *dev, uint32_t qps,
		   uint32_t depth, uint32_t cqe);
int perf_conn_connect(struct perf_conn *conn, struct perf_dev *dev,
		    const struct wire_endpoint *local,
		    const struct wire_endpoint *remote);
void perf_conn_destroy(struct perf_conn *conn);

enum perf_role {
	PERF_CLIENT = 0,
	PERF_SERVER = 1,
};

/* This side of a pass: its memory and its queue pairs */
struct perf_pass {
	struct perf_layout lay;
	struct perf_mem mem;
	struct perf_conn conn;
	struct wire_endpoint local;
	struct wire_endpoint remote;
	const struct wire_params *params;
	uint64_t key;		/* of the data */
	uint8_t mtu;		/* that both sides take */
};

/* Everything up to the description of this side that the other one needs */
int perf_pass_open(struct perf_pass *pass, struct perf_dev *dev,
		 const struct perf_opts *opts, const struct wire_params *params,
		 struct p2pmr_provider *provider, enum perf_role role,
		 uint64_t key);
int perf_pass_connect(struct perf_pass *pass, struct perf_dev *dev,
		    const struct wire_endpoint *remote);
int perf_pass_check(struct perf_pass *pass, struct perf_verdict *verdict);
void perf_pass_close(struct perf_pass *pass);

/* Register a page of it: so that what cannot work fails before the wait */
int perf_probe_memory(struct perf_dev *dev, struct p2pmr_provider *provider);

/* Can this device send such messages? */
int perf_check_size(const struct perf_dev *dev, uint64_t size);

/* How long the other end may take to fill or check that much memory */
int perf_memory_timeout_ms(const struct perf_layout *lay);

/* How many messages share a completion */
uint32_t perf_cq_mod(const struct perf_opts *opts, const struct wire_params *p);

/* Put the messages on the wire; fills in the figures of @done */
int bw_run(struct perf_pass *pass, const struct perf_opts *opts,
	   struct chan *ch, struct wire_done *done);

/* What is reported */
struct perf_row {
	char memory[2][WIRE_NAME_MAX];	/* client's, server's */
	char route[2][WIRE_NAME_MAX];
	uint8_t mtu;
	struct wire_done done;
	struct perf_verdict verdict;
};

struct perf_report {
	const struct perf_opts *opts;
	struct wire_params params;
	struct wire_ident ident[2];	/* client's, server's */
	const struct perf_dev *dev;	/* of this side */
	struct perf_row row[2];
	int rows;
	uint32_t cq_mod;		/* 0: not known on this side */
	bool header_done;
};

void perf_report_row(struct perf_report *rep, const struct perf_row *row);
/* Ends the report, good or failed; returns the exit status */
int perf_report_end(struct perf_report *rep, bool good);

/* The whole of either side after options were read */
int perf_client(struct perf_report *rep, struct perf_dev *dev,
	      struct p2pmr_context *ctx);
int perf_server(struct perf_report *rep, struct perf_dev *dev,
	      struct p2pmr_context *ctx);
void perf_ident(struct wire_ident *id, const struct perf_dev *dev,
	      const char *memory);

/* Wrong bytes at @where as a failure */
int perf_fail_verdict(const struct perf_verdict *verdict, const char *where);

/* Refuse what the server's user asked for and the client does not want */
int perf_params_agree(const struct perf_opts *server,
		    const struct wire_params *client);

#endif
