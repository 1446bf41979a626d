/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr bw: what its parts share. Functions that return int return 0, or -1
 * with the failure recorded (fail.h).
 */
#ifndef P2PMR_TOOLS_BW_H
#define P2PMR_TOOLS_BW_H

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>
#include <p2pmr/p2pmr.h>

#include "bw_chan.h"
#include "bw_pattern.h"
#include "bw_wire.h"

#define BW_CMD "p2pmr bw"
#define BW_HOST "host"

/* Messages from this size on all complete with an entry of their own */
#define BW_CQ_MOD_SIZE 8192
#define BW_CQ_MOD 100

/* Whose memory --compare changes from pass to pass */
enum bw_compare_side {
	BW_COMPARE_BOTH,
	BW_COMPARE_CLIENT,
	BW_COMPARE_SERVER,
};

/* Options that both ends may give, and that must then agree */
enum bw_given {
	BW_GIVEN_SIZE = 1 << 0,
	BW_GIVEN_ITERATIONS = 1 << 1,
	BW_GIVEN_DURATION = 1 << 2,
	BW_GIVEN_DEPTH = 1 << 3,
	BW_GIVEN_QPS = 1 << 4,
	BW_GIVEN_OP = 1 << 5,
	BW_GIVEN_VERIFY = 1 << 6,
};

struct bw_opts {
	const char *server;	/* NULL: be the server */
	const char *device;	/* NULL: the first with an active port */
	const char *mem;
	const char *compare;	/* NULL: one pass */
	const char *json_file;
	struct wire_params params;
	enum bw_compare_side compare_side;
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
void bw_opts_parse(int argc, char **argv, struct bw_opts *opts);

const char *bw_op_name(enum bw_op op);

/* The RDMA device and what was chosen on it */
struct bw_dev {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_device_attr attr;
	struct ibv_port_attr port_attr;
	struct ibv_gid_entry gid;
	unsigned int port;
	char name[WIRE_NAME_MAX];
};

int bw_dev_open(struct bw_dev *dev, const struct bw_opts *opts);
void bw_dev_close(struct bw_dev *dev);

/* Does one port's list hold a usable GID? Its place in @list, or -1 */
int bw_gid_pick(const struct ibv_gid_entry *list, size_t n,
		unsigned int port);
const char *bw_gid_type_name(uint32_t type);

/* One memory region on one buffer */
struct bw_mem {
	struct p2pmr_buf *buf;
	struct ibv_mr *mr;
	enum p2pmr_route route;
	const char *name;
};

int bw_mem_get(struct bw_mem *mem, struct bw_dev *dev,
	       struct p2pmr_provider *provider, uint64_t len_bytes,
	       int access);
void bw_mem_put(struct bw_mem *mem);

/* Queue pairs that share one completion queue */
struct bw_conn {
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp **qp;
	uint32_t *psn;
	uint32_t qps;
};

int bw_conn_create(struct bw_conn *conn, struct bw_dev *dev, uint32_t qps,
		   uint32_t depth, uint32_t cqe);
int bw_conn_connect(struct bw_conn *conn, struct bw_dev *dev,
		    const struct wire_endpoint *local,
		    const struct wire_endpoint *remote);
void bw_conn_destroy(struct bw_conn *conn);

enum bw_role {
	BW_CLIENT = 0,
	BW_SERVER = 1,
};

/* This side of a pass: its memory and its queue pairs */
struct bw_pass {
	struct bw_layout lay;
	struct bw_mem mem;
	struct bw_conn conn;
	struct wire_endpoint local;
	struct wire_endpoint remote;
	const struct wire_params *params;
	uint64_t key;		/* of the data */
	uint8_t mtu;		/* that both sides take */
};

/* Everything up to the description of this side that the other one needs */
int bw_pass_open(struct bw_pass *pass, struct bw_dev *dev,
		 const struct bw_opts *opts, const struct wire_params *params,
		 struct p2pmr_provider *provider, enum bw_role role,
		 uint64_t key);
int bw_pass_connect(struct bw_pass *pass, struct bw_dev *dev,
		    const struct wire_endpoint *remote);
int bw_pass_check(struct bw_pass *pass, struct bw_verdict *verdict);
void bw_pass_close(struct bw_pass *pass);

/* Register a page of it: so that what cannot work fails before the wait */
int bw_probe_memory(struct bw_dev *dev, struct p2pmr_provider *provider);

/* Can this device send such messages? */
int bw_check_size(const struct bw_dev *dev, uint64_t size);

/* How long the other end may take to fill or check that much memory */
int bw_memory_timeout_ms(const struct bw_layout *lay);

/* How many messages share a completion */
uint32_t bw_cq_mod(const struct bw_opts *opts, const struct wire_params *p);

/* Put the messages on the wire; fills in the figures of @done */
int bw_run(struct bw_pass *pass, const struct bw_opts *opts,
	   struct chan *ch, struct wire_done *done);

/* What is reported */
struct bw_row {
	char memory[2][WIRE_NAME_MAX];	/* client's, server's */
	char route[2][WIRE_NAME_MAX];
	uint8_t mtu;
	struct wire_done done;
	struct bw_verdict verdict;
};

struct bw_report {
	const struct bw_opts *opts;
	struct wire_params params;
	struct wire_ident ident[2];	/* client's, server's */
	const struct bw_dev *dev;	/* of this side */
	struct bw_row row[2];
	int rows;
	uint32_t cq_mod;		/* 0: not known on this side */
	bool header_done;
};

void bw_report_row(struct bw_report *rep, const struct bw_row *row);
/* Ends the report, good or failed; returns the exit status */
int bw_report_end(struct bw_report *rep, bool good);

/* The whole of either side after options were read */
int bw_client(struct bw_report *rep, struct bw_dev *dev,
	      struct p2pmr_context *ctx);
int bw_server(struct bw_report *rep, struct bw_dev *dev,
	      struct p2pmr_context *ctx);
void bw_ident(struct wire_ident *id, const struct bw_dev *dev,
	      const char *memory);

/* Wrong bytes at @where as a failure */
int bw_fail_verdict(const struct bw_verdict *verdict, const char *where);

/* Refuse what the server's user asked for and the client does not want */
int bw_params_agree(const struct bw_opts *server,
		    const struct wire_params *client);

#endif
