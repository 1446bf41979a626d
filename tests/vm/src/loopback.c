// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"
#include "peer.h"

struct ibv_context *open_device(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = NULL;
	int i;

	if (!list)
		die("no RDMA devices: %s", strerror(errno));
	for (i = 0; list[i]; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name))
			ctx = ibv_open_device(list[i]);
	}
	ibv_free_device_list(list);
	if (!ctx)
		die("cannot open RDMA device %s: %s", name, strerror(errno));
	return ctx;
}

/* The last usable GID is one of the IPv4 ones, if there are any */
static void find_gid(struct loopback *lb)
{
	static const union ibv_gid zero;
	union ibv_gid gid;
	int i;

	lb->gid_index = -1;
	for (i = 0; i < 16 && !ibv_query_gid(lb->ctx, 1, i, &gid); i++) {
		if (!memcmp(&gid, &zero, sizeof(gid)))
			continue;
		lb->gid = gid;
		lb->gid_index = i;
	}
	if (lb->gid_index < 0)
		die("the RDMA device has no GID: is its network device up?");
}

static struct ibv_qp *create_qp(struct loopback *lb)
{
	struct ibv_qp_init_attr init = {
		.send_cq = lb->cq,
		.recv_cq = lb->recv_cq,
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 16, .max_recv_wr = 16,
			 .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp *qp = ibv_create_qp(lb->pd, &init);

	if (!qp)
		die("ibv_create_qp: %s", strerror(errno));
	return qp;
}

static void modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	int err = ibv_modify_qp(qp, attr, mask);

	if (err)
		die("ibv_modify_qp to state %d: %s", attr->qp_state, strerror(err));
}

static void connect_qp(struct loopback *lb, struct ibv_qp *qp, uint32_t peer, uint32_t sq_psn)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1,
				    .qp_access_flags = lb->access };

	modify(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
	       IBV_QP_ACCESS_FLAGS);

	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer, .max_dest_rd_atomic = lb->rd_atomic,
		.min_rnr_timer = lb->rnr_timer,
		.ah_attr = { .is_global = 1, .port_num = 1,
			     .grh = { .dgid = lb->gid, .hop_limit = 1,
				      .sgid_index = lb->gid_index } },
	};
	modify(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
	       IBV_QP_DEST_QPN | IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
	       IBV_QP_MIN_RNR_TIMER);

	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS, .timeout = lb->timeout,
		.retry_cnt = lb->retry_cnt, .rnr_retry = 7,
		.max_rd_atomic = lb->rd_atomic, .sq_psn = sq_psn,
	};
	modify(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
	       IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

static void connect_both(struct loopback *lb)
{
	connect_qp(lb, lb->qp[0], lb->qp[1]->qp_num, 0);
	connect_qp(lb, lb->qp[1], lb->qp[0]->qp_num, 0);
}

void loopback_open_with(struct loopback *lb, const char *device, int access)
{
	lb->access = access;
	/*
	 * 8.6 s: nothing is lost here, and a request that is sent again only
	 * because the guest is slow makes it slower still
	 */
	lb->timeout = 21;
	lb->rnr_timer = 12;
	lb->retry_cnt = 7;
	lb->rd_atomic = 1;
	lb->ctx = open_device(device);
	lb->pd = ibv_alloc_pd(lb->ctx);
	lb->cq = ibv_create_cq(lb->ctx, 64, NULL, NULL, 0);
	lb->recv_cq = ibv_create_cq(lb->ctx, 64, NULL, NULL, 0);
	if (!lb->pd || !lb->cq || !lb->recv_cq)
		die("no PD or CQ: %s", strerror(errno));
	find_gid(lb);
	lb->qp[0] = create_qp(lb);
	lb->qp[1] = create_qp(lb);
	connect_both(lb);
}

void loopback_open(struct loopback *lb, const char *device)
{
	loopback_open_with(lb, device, ACCESS_ALL);
}

void loopback_close(struct loopback *lb)
{
	ibv_destroy_qp(lb->qp[0]);
	ibv_destroy_qp(lb->qp[1]);
	ibv_destroy_cq(lb->cq);
	ibv_destroy_cq(lb->recv_cq);
	if (ibv_dealloc_pd(lb->pd))
		die("the PD is still in use: %s", strerror(errno));
	ibv_close_device(lb->ctx);
}

/*
 * New queue pairs, as rxe moves a queue pair into the error state some time
 * after it has completed the request: it may do so to one that was reset
 */
void loopback_reset(struct loopback *lb)
{
	struct ibv_wc wc;

	ibv_destroy_qp(lb->qp[0]);
	ibv_destroy_qp(lb->qp[1]);
	while (ibv_poll_cq(lb->cq, 1, &wc) > 0 ||
	       ibv_poll_cq(lb->recv_cq, 1, &wc) > 0)
		;
	lb->qp[0] = create_qp(lb);
	lb->qp[1] = create_qp(lb);
	connect_both(lb);
}

uint32_t loopback_psn(struct loopback *lb)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	if (ibv_query_qp(lb->qp[0], &attr, IBV_QP_SQ_PSN, &init))
		die("ibv_query_qp: %s", strerror(errno));
	return attr.sq_psn;
}

void loopback_rewind(struct loopback *lb, uint32_t psn)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };

	modify(lb->qp[0], &attr, IBV_QP_STATE);
	connect_qp(lb, lb->qp[0], lb->qp[1]->qp_num, psn);
}

/* Longer than any request takes, and shorter than it takes to give up a test */
#define HANG_SECONDS 60

/* Those that are not zero */
static void print_counters(const char *device)
{
	char pattern[128], line[32];
	size_t i;
	glob_t g;
	FILE *f;

	snprintf(pattern, sizeof(pattern),
		 "/sys/class/infiniband/%s/ports/1/hw_counters/*", device);
	if (glob(pattern, 0, NULL, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++) {
		f = fopen(g.gl_pathv[i], "re");
		if (f && fgets(line, sizeof(line), f) && strcmp(line, "0\n"))
			printf("%s: %s", strrchr(g.gl_pathv[i], '/') + 1, line);
		if (f)
			fclose(f);
	}
	globfree(&g);
}

/* Where both queue pairs stand, and what the device has counted */
static void print_state(struct loopback *lb)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	int i;

	for (i = 0; i < 2; i++) {
		if (ibv_query_qp(lb->qp[i], &attr, IBV_QP_STATE | IBV_QP_SQ_PSN |
				 IBV_QP_RQ_PSN | IBV_QP_TIMEOUT, &init))
			continue;
		printf("queue pair %d: state %d, sq_psn %u, rq_psn %u\n", i,
		       attr.qp_state, attr.sq_psn, attr.rq_psn);
	}
	print_counters(ibv_get_device_name(lb->ctx->device));
}

static enum ibv_wc_status wait_for(struct loopback *lb, struct ibv_cq *cq)
{
	time_t end = time(NULL) + HANG_SECONDS;
	unsigned int polls = 0;
	struct ibv_wc wc;
	int n;

	while (!(n = ibv_poll_cq(cq, 1, &wc))) {
		if (time(NULL) > end) {
			print_state(lb);
			die("no completion within %d s", HANG_SECONDS);
		}
		/* rxe needs a processor to get on with it */
		if (++polls < 50)
			sched_yield();
		else
			usleep(100);
	}
	if (n < 0)
		die("ibv_poll_cq failed");
	return wc.status;
}

enum ibv_wc_status loopback_wait(struct loopback *lb)
{
	return wait_for(lb, lb->cq);
}

enum ibv_wc_status loopback_wait_recv(struct loopback *lb)
{
	return wait_for(lb, lb->recv_cq);
}

enum ibv_wc_status loopback_run(struct loopback *lb, const struct request *req)
{
	uint64_t raddr = (uintptr_t)req->remote->addr + req->remote_offset;
	struct ibv_sge sge = {
		.addr = (uintptr_t)req->local->addr + req->local_offset,
		.length = req->len,
		.lkey = req->local->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.wr_id = req->id, .sg_list = &sge, .num_sge = 1,
		.opcode = req->opcode, .send_flags = IBV_SEND_SIGNALED,
	};
	int err;

	if (req->opcode == IBV_WR_ATOMIC_CMP_AND_SWP ||
	    req->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = raddr;
		wr.wr.atomic.rkey = req->remote->rkey;
		wr.wr.atomic.compare_add = req->compare_add;
		wr.wr.atomic.swap = req->swap;
	} else {
		wr.wr.rdma.remote_addr = raddr;
		wr.wr.rdma.rkey = req->remote->rkey;
	}

	err = ibv_post_send(lb->qp[0], &wr, &bad);
	if (err)
		die("ibv_post_send: %s", strerror(err));
	return wait_for(lb, lb->cq);
}

/* Post a receive and a send into it; the sender's status */
static enum ibv_wc_status send_and_receive(struct loopback *lb,
					   const struct request *req)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)req->remote->addr + req->remote_offset,
		.length = req->len,
		.lkey = req->remote->lkey,
	};
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };
	struct request send = *req;
	int err;

	err = ibv_post_recv(lb->qp[1], &wr, &bad);
	if (err)
		die("ibv_post_recv: %s", strerror(err));
	send.opcode = IBV_WR_SEND;
	return loopback_run(lb, &send);
}

enum ibv_wc_status loopback_send(struct loopback *lb, const struct request *req)
{
	enum ibv_wc_status status = send_and_receive(lb, req);

	return status == IBV_WC_SUCCESS ? wait_for(lb, lb->recv_cq) : status;
}

enum ibv_wc_status loopback_recv_status(struct loopback *lb,
					const struct request *req)
{
	send_and_receive(lb, req);
	return wait_for(lb, lb->recv_cq);
}

struct ibv_mr *must_reg(struct loopback *lb, void *addr, size_t len, int access)
{
	struct ibv_mr *mr = ibv_reg_mr(lb->pd, addr, len, access);

	if (!mr)
		die("ibv_reg_mr of %zu bytes, access %#x: %s", len, access,
		    strerror(errno));
	return mr;
}

void must_dereg(struct ibv_mr *mr)
{
	int err = ibv_dereg_mr(mr);

	if (err)
		die("ibv_dereg_mr: %s", strerror(err));
}

struct ibv_mw *must_bind(struct loopback *lb, struct ibv_mr *mr, unsigned int access)
{
	struct ibv_mw *mw = ibv_alloc_mw(lb->pd, IBV_MW_TYPE_1);
	struct ibv_mw_bind bind = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = {
			.mr = mr, .addr = (uintptr_t)mr->addr,
			.length = mr->length, .mw_access_flags = access,
		},
	};

	if (!mw || ibv_bind_mw(lb->qp[0], mw, &bind))
		die("memory window: %s", strerror(errno));
	if (loopback_wait(lb) != IBV_WC_SUCCESS)
		die("the memory window cannot be bound");
	return mw;
}
