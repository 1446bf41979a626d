/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr bw and lat: what their parts share. Functions that return int return
 * 0, or -1 with the failure recorded (fail.h).
 */
#ifndef P2PMR_TOOLS_PERF_H
#define P2PMR_TOOLS_PERF_H

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>
#include <p2pmr/p2pmr.h>

#include "perf_chan.h"
#include "perf_params.h"
#include "perf_pattern.h"
#include "perf_wire.h"

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
	PERF_GIVEN_SWEEP = 1 << 7,
	PERF_GIVEN_RX_DEPTH = 1 << 8,
	PERF_GIVEN_TRANSPORT = 1 << 9,
	PERF_GIVEN_ATOMIC = 1 << 10,
	PERF_GIVEN_SL = 1 << 11,
	PERF_GIVEN_TOS = 1 << 12,
	PERF_GIVEN_BOTH = 1 << 13,
	PERF_GIVEN_CM = 1 << 14,
};

/* Work requests of one call of the driver: -l, and without it */
#define PERF_LIST_MAX 256U
#define PERF_LIST_ROOM 16U

#define PERF_INLINE_CHOOSE (-1)
#define PERF_INLINE_MAX 1024U

struct perf_opts {
	const char *cmd;	/* in messages: "p2pmr bw" */
	const char *server;	/* NULL: be the server */
	const char *device;	/* NULL: the first with an active port */
	const char *mem;
	const char *compare;	/* NULL: one pass for each size */
	const char *json_file;
	const char *plot;
	struct perf_params params;
	enum perf_compare_side compare_side;
	unsigned int given;
	unsigned int ib_port;
	unsigned int tcp_port;
	int gid_index;		/* -1: choose */
	int inline_bytes;	/* or PERF_INLINE_CHOOSE */
	uint8_t mtu;		/* enum ibv_mtu; 0: the port's */
	uint32_t cq_mod;	/* 0: choose by size */
	uint32_t list;		/* work requests of a call; 0: what there is room for */
	uint32_t outs;		/* 0: what both devices can do */
	bool forever;		/* server: one client after the other */
	bool json;
	bool gbits;
	bool progress;
};

/* Fills in @opts; ends the process on a usage error, as argp does */
void perf_opts_parse(int argc, char **argv, enum perf_tool tool,
		     struct perf_opts *opts);

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

/* What a datagram's receive writes before the data, which goes elsewhere */
#define PERF_GRH_BYTES 40

/* Queue pairs that share one completion queue */
struct perf_conn {
	enum perf_transport transport;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp **qp;
	uint32_t *psn;
	uint32_t qps;
	uint32_t inline_bytes;	/* messages of up to that many go inline */
	int access;		/* that the other side has by RDMA */
	uint8_t sl;
	struct ibv_ah *ah;	/* UD: the other side */
	uint32_t *remote_qpn;
	uint32_t remote_qkey;
	struct ibv_mr *grh_mr;
	uint8_t grh[64];
};

struct perf_conn_size {
	uint32_t qps;
	uint32_t send_wr;
	uint32_t recv_wr;
	uint32_t cqe;
	uint32_t inline_bytes;
	bool inline_must;	/* else: as many of them as the device takes */
};

/* @conn: its transport, access and sl are filled in */
int perf_conn_create(struct perf_conn *conn, struct perf_dev *dev,
		     const struct perf_conn_size *size);
int perf_conn_connect(struct perf_conn *conn, struct perf_dev *dev,
		      const struct wire_endpoint *local,
		      const struct wire_endpoint *remote);
void perf_conn_destroy(struct perf_conn *conn);

/* Bring a queue pair to a state; @state is its name */
int perf_qp_modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		   const struct perf_dev *dev, const char *state);
/* The other side's address, of its GID */
void perf_ah_attr(struct ibv_ah_attr *attr, const struct perf_conn *conn,
		  const struct perf_dev *dev,
		  const struct wire_endpoint *remote);
/* UD: everything that needs nothing of the other side; and its address */
int perf_ud_start(struct ibv_qp *qp, const struct perf_dev *dev, uint32_t psn);
int perf_ud_address(struct perf_conn *conn, struct perf_dev *dev,
		    struct ibv_ah_attr *attr);
/* RC: what the two sides' descriptions say of a connection */
void perf_rc_limits(struct ibv_qp_attr *attr,
		    const struct wire_endpoint *local,
		    const struct wire_endpoint *remote);
void perf_rc_patience(struct ibv_qp_attr *attr);

enum perf_role {
	PERF_CLIENT = 0,
	PERF_SERVER = 1,
};

struct perf_cm;

/* This side of a pass: its memory and its queue pairs */
struct perf_pass {
	struct perf_params params;	/* with the pass's own size */
	struct perf_layout lay;
	struct perf_mem mem;
	struct perf_conn conn;
	struct perf_cm *cm;
	struct wire_endpoint local;
	struct wire_endpoint remote;
	enum perf_role role;
	uint64_t key;		/* of the data */
	uint64_t seed;
	uint8_t mtu;		/* that both sides take */
};

/* What a pass is to be: the parameters are the session's, the rest its own */
struct perf_pass_plan {
	const struct perf_params *params;
	struct p2pmr_provider *provider;
	enum perf_role role;
	uint64_t size;
	uint64_t seed;
	uint32_t number;
};

/* Everything up to the description of this side that the other one needs */
int perf_pass_open(struct perf_pass *pass, struct perf_dev *dev,
		   const struct perf_opts *opts,
		   const struct perf_pass_plan *plan);
/* Do the two sides fit together? */
int perf_pass_meet(struct perf_pass *pass, const struct perf_dev *dev,
		   const struct wire_endpoint *remote);
/* Connect the queue pairs, without rdma_cm or with it */
int perf_pass_connect(struct perf_pass *pass, struct perf_dev *dev,
		      struct chan *ch);
void perf_pass_close(struct perf_pass *pass);

/* Does this side put messages on the wire? */
bool perf_pass_posts(const struct perf_pass *pass);
/* Are there receives to post? */
bool perf_pass_receives(const struct perf_pass *pass);
static inline enum perf_role perf_other(enum perf_role role)
{
	return role == PERF_CLIENT ? PERF_SERVER : PERF_CLIENT;
}

/* Judge what this side received. @done: what client and server sent */
int perf_pass_check(struct perf_pass *pass, const struct wire_done done[2],
		    struct perf_verdict *verdict);

/* rdma_cm: the server listens, the client connects, each queue pair */
int perf_cm_listen(struct perf_pass *pass, struct perf_dev *dev);
int perf_cm_connect(struct perf_pass *pass, struct perf_dev *dev,
		    struct chan *ch);
void perf_cm_close(struct perf_pass *pass);

/* Register a page of it: so that what cannot work fails before the wait */
int perf_probe_memory(struct perf_dev *dev, struct p2pmr_provider *provider);

/* Can this device do these? */
int perf_check_params(const struct perf_dev *dev,
		      const struct perf_params *params);

/* How long the other end may take to fill or check that much memory */
int perf_memory_timeout_ms(const struct perf_layout *lay);

/* How many messages share a completion */
uint32_t perf_cq_mod(const struct perf_opts *opts, const struct perf_params *p);
/* Messages of up to that many bytes go inline, if the device can do that */
uint32_t perf_inline_bytes(const struct perf_opts *opts,
			   const struct perf_params *p, bool is_peer);

/* This side's MTU and outstanding reads, which the two sides then meet at */
int perf_choose_limits(struct wire_endpoint *ep, const struct perf_dev *dev,
		       const struct perf_opts *opts);

/* Receives of a queue pair: those that are ready from the start, and one more */
int perf_post_receives(struct perf_pass *pass, uint32_t qp);
int perf_post_receive(struct perf_pass *pass, uint32_t qp, uint64_t number);

/* The requests of this side's messages: what is the same in all; one of them */
void perf_request_init(const struct perf_pass *pass, struct ibv_send_wr *wr,
		       struct ibv_sge *sge);
void perf_request_fill(const struct perf_pass *pass, uint32_t qp,
		       uint64_t message, struct ibv_send_wr *wr);

/* wr_id: the queue pair, and how many messages there are up to this one */
#define PERF_RECEIVE (1ULL << 63)
#define PERF_WR_ID(qp, messages) ((uint64_t)(messages) << 16 | (qp))
#define PERF_WR_QP(wr_id) ((uint16_t)(wr_id))
#define PERF_WR_MESSAGES(wr_id) (((wr_id) & ~PERF_RECEIVE) >> 16)

/*
 * This side's part, all of it: post its messages, say so by DONE, and take the
 * other side's. After a signal, the figures so far, and -1.
 *
 * @done: about the messages of this side
 * @received: how many sends arrived
 */
int bw_run(struct perf_pass *pass, const struct perf_opts *opts,
	   struct chan *ch, struct wire_done *done, uint64_t *received);
int lat_run(struct perf_pass *pass, const struct perf_opts *opts,
	    struct chan *ch, struct wire_done *done, uint64_t *received);
int perf_tell_done(struct chan *ch, const struct wire_done *done);

/* Until @fd or the channel has something to say, 100 ms at most. Has @fd? */
bool perf_sleep(const struct chan *ch, int fd);

/* After an error completion the other side may know more; always -1 */
int perf_fail_completion(const struct perf_pass *pass, struct chan *ch,
			 const struct ibv_wc *wc, uint64_t messages);

/* What is reported: one pass */
struct perf_row {
	char memory[2][WIRE_NAME_MAX];	/* client's, server's */
	char route[2][WIRE_NAME_MAX];
	uint64_t size;
	uint64_t messages;		/* all that follows: both directions */
	uint64_t lost;
	uint64_t checked_bytes;
	double bytes_per_s;
	double peak_bytes_per_s;	/* 0: not measured */
	double messages_per_s;
	uint64_t elapsed_ns;		/* the longer one */
	struct perf_times times;	/* the client's */
	uint8_t mtu;
	bool complete;			/* else a signal ended it */
};

struct plot;

struct perf_report {
	const struct perf_opts *opts;
	struct perf_params params;
	struct wire_ident ident[2];	/* client's, server's */
	const struct perf_dev *dev;	/* of this side */
	struct perf_row row[WIRE_PASSES_MAX];
	uint32_t rows;
	uint32_t passes;		/* that were planned */
	bool header_done;
	struct plot *plot;		/* NULL: none is wanted */
	char plot_title[64];
};

/* @done, @verdict: two each, client's and server's */
void perf_row_fill(struct perf_row *row, const struct perf_pass *pass,
		   const struct wire_done *done,
		   const struct wire_verdict *verdict);
void perf_report_row(struct perf_report *rep, const struct perf_row *row);
/* Ends the report, good or failed; returns the exit status */
int perf_report_end(struct perf_report *rep, bool good);
/* Forget the rows and the client: another one may come */
void perf_report_reset(struct perf_report *rep);

/* The table: what comes before the rows, a row, and what comes after them */
void perf_table_header(const struct perf_report *rep,
		       const struct perf_row *row);
void perf_table_row(const struct perf_report *rep, const struct perf_row *row);
void perf_table_ratios(const struct perf_report *rep);
unsigned int perf_mtu_bytes(uint8_t mtu);
const char *perf_gid_text(const struct perf_dev *dev, char *text, size_t len);
/* The second of two passes to the first: more is better with bw, less with lat */
double perf_row_ratio(const struct perf_report *rep, uint32_t second);

/*
 * --plot: before measuring, since nobody wants to learn of a mistyped path after
 * an hour; and once all rows are there, or not, then nothing changes.
 */
int perf_plot_open(struct perf_report *rep, struct plot *plot);
int perf_plot_close(struct perf_report *rep, bool good);

/* The whole of either side after options were read */
int perf_client(struct perf_report *rep, struct perf_dev *dev,
		struct p2pmr_context *ctx);
int perf_server(struct perf_report *rep, struct perf_dev *dev,
		struct p2pmr_context *ctx);
void perf_ident(struct wire_ident *id, const struct perf_dev *dev,
		const char *memory);

/*
 * From the first message to the last verdict, the same on both sides: run,
 * tell, check, tell. The row goes to the report.
 */
int perf_session_pass(struct perf_report *rep, struct perf_pass *pass,
		      struct chan *ch);

/* Refuse what the server's user asked for and the client does not want */
int perf_params_agree(const struct perf_opts *server,
		      const struct perf_params *client);

#endif
