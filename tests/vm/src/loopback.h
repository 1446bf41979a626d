/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two connected RC queue pairs of one RDMA device in one process, and requests
 * that are posted one at a time: what a test needs to move bytes between two
 * memory regions. Whatever fails in setting it up ends the program.
 */
#ifndef P2PMR_TEST_LOOPBACK_H
#define P2PMR_TEST_LOOPBACK_H

#include <infiniband/verbs.h>

struct loopback {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_cq *recv_cq;
	struct ibv_qp *qp[2];
	union ibv_gid gid;
	int gid_index;
	int access;
	/* as ibv_modify_qp() takes them; from the next loopback_reset() on */
	int timeout, rnr_timer, retry_cnt, rd_atomic;
};

/* One request from qp[0] to qp[1] */
struct request {
	uint64_t id;
	enum ibv_wr_opcode opcode;
	struct ibv_mr *local;
	size_t local_offset;
	struct ibv_mr *remote;
	size_t remote_offset;
	size_t len;
	uint64_t compare_add;
	uint64_t swap;
};

/* Open an RDMA device; a struct loopback need not be had for that */
struct ibv_context *open_device(const char *name);

void loopback_open(struct loopback *lb, const char *device);

/* With other rights for the remote side than ACCESS_ALL */
void loopback_open_with(struct loopback *lb, const char *device, int access);
void loopback_close(struct loopback *lb);

/* Have usable queue pairs again after a request has failed */
void loopback_reset(struct loopback *lb);

/* The next request's psn; have the next one take this one, which the other end has had */
uint32_t loopback_psn(struct loopback *lb);
void loopback_rewind(struct loopback *lb, uint32_t psn);

/* Post and wait; returns the requester's completion status */
enum ibv_wc_status loopback_run(struct loopback *lb, const struct request *req);

/* Wait for one more completion of the requester's; of the receiver's */
enum ibv_wc_status loopback_wait(struct loopback *lb);
enum ibv_wc_status loopback_wait_recv(struct loopback *lb);

/* As loopback_run(), with a receive posted at remote/remote_offset first */
enum ibv_wc_status loopback_send(struct loopback *lb, const struct request *req);

/* As loopback_send(), for a receive that is to fail: the receiver's status */
enum ibv_wc_status loopback_recv_status(struct loopback *lb,
					const struct request *req);

struct ibv_mr *must_reg(struct loopback *lb, void *addr, size_t len, int access);
void must_dereg(struct ibv_mr *mr);

/* A type 1 memory window on all of a region */
struct ibv_mw *must_bind(struct loopback *lb, struct ibv_mr *mr, unsigned int access);

#define ACCESS_ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		    IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC)

#endif
