// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flushing: reads by the RDMA device, which come after its writes. */
#include "private.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

/*
 * A read that gets no answer ends after seven attempts of 0.27 s (4.096 us times
 * 2 to the power of the timeout). rxe takes a retry count of 7 for no end.
 */
#define FLUSH_TIMEOUT 16
#define FLUSH_RETRIES 6

/* By then a device that is there has given up, which takes it 8 s at the most. */
#define FLUSH_GONE_S 60

struct p2pmr_flush {
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	struct ibv_port_attr port;
	union ibv_gid gid;
	uint32_t gid_index;
	uint32_t port_num;
	/* where the byte goes that was read */
	uint64_t scratch;
};

static int fail_verb(const struct p2pmr_flush *flush, const char *verb, int err)
{
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "See the page of that verb, and the kernel log.",
			  "%s on port %u of %s failed: %s.", verb,
			  flush->port_num,
			  ibv_get_device_name(flush->pd->context->device),
			  p2pmr_errno_name(err));
}

static bool fits(const struct p2pmr_flush *flush,
		 const struct ibv_gid_entry *entry, uint32_t gid_index)
{
	if (entry->port_num != flush->port_num)
		return false;
	return gid_index ? entry->gid_index == gid_index - 1 :
			   entry->gid_type == IBV_GID_TYPE_ROCE_V2;
}

/* On RoCE, where there are no LIDs. Returns 0 or -errno with a reason. */
static int find_gid(struct p2pmr_flush *flush, uint32_t gid_index)
{
	struct ibv_gid_entry *table;
	struct ibv_device_attr device;
	size_t size;
	ssize_t i, count;
	int ret;

	ret = ibv_query_device(flush->pd->context, &device);
	if (ret)
		return fail_verb(flush, "ibv_query_device()", ret);
	/* the table is that of all ports */
	size = (size_t)flush->port.gid_tbl_len * device.phys_port_cnt;
	table = calloc(size + 1, sizeof(*table));
	if (!table)
		return p2pmr_fail_memory("a table of GIDs");
	count = ibv_query_gid_table(flush->pd->context, table, size, 0);
	if (count < 0) {
		free(table);
		return fail_verb(flush, "ibv_query_gid_table()", -count);
	}
	for (i = 0; i < count; i++) {
		if (fits(flush, &table[i], gid_index))
			break;
	}
	if (i < count) {
		flush->gid = table[i].gid;
		flush->gid_index = table[i].gid_index;
		ret = 0;
	} else {
		ret = p2pmr_fail(P2PMR_REASON_SYSTEM, ENODEV,
				 "Bring the network device up and give it an address; \"rdma link\" and ibv_devinfo -v show both.",
				 "Port %u of %s has no %s.", flush->port_num,
				 ibv_get_device_name(flush->pd->context->device),
				 gid_index ? "GID with the index asked for" :
					     "RoCE v2 GID");
	}
	free(table);
	return ret;
}

static int find_address(struct p2pmr_flush *flush, uint32_t gid_index)
{
	int err = ibv_query_port(flush->pd->context, flush->port_num,
				 &flush->port);

	if (err)
		return fail_verb(flush, "ibv_query_port()", err);
	if (flush->port.link_layer != IBV_LINK_LAYER_ETHERNET && !gid_index)
		return 0;
	return find_gid(flush, gid_index);
}

static int connect_qp(struct p2pmr_flush *flush)
{
	bool global = flush->port.link_layer == IBV_LINK_LAYER_ETHERNET;
	struct ibv_qp_attr init = {
		.qp_state = IBV_QPS_INIT, .port_num = flush->port_num,
		.qp_access_flags = IBV_ACCESS_REMOTE_READ,
	};
	struct ibv_qp_attr rtr = {
		.qp_state = IBV_QPS_RTR, .path_mtu = flush->port.active_mtu,
		.dest_qp_num = flush->qp->qp_num, .max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {
			.dlid = flush->port.lid, .port_num = flush->port_num,
			.is_global = global,
			.grh = { .dgid = flush->gid, .hop_limit = 1,
				 .sgid_index = flush->gid_index },
		},
	};
	struct ibv_qp_attr rts = {
		.qp_state = IBV_QPS_RTS, .timeout = FLUSH_TIMEOUT,
		.retry_cnt = FLUSH_RETRIES, .max_rd_atomic = 1,
	};
	int err;

	err = ibv_modify_qp(flush->qp, &init, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			    IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
	if (!err)
		err = ibv_modify_qp(flush->qp, &rtr, IBV_QP_STATE | IBV_QP_AV |
				    IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				    IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				    IBV_QP_MIN_RNR_TIMER);
	if (!err)
		err = ibv_modify_qp(flush->qp, &rts, IBV_QP_STATE |
				    IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
				    IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
				    IBV_QP_MAX_QP_RD_ATOMIC);
	return err ? fail_verb(flush, "ibv_modify_qp()", err) : 0;
}

/* What it had posted is not taken for an answer to what the next one posts. */
static void drop_qp(struct p2pmr_flush *flush)
{
	struct ibv_wc wc;

	ibv_destroy_qp(flush->qp);
	flush->qp = NULL;
	while (ibv_poll_cq(flush->cq, 1, &wc) > 0)
		;
}

static int make_qp(struct p2pmr_flush *flush)
{
	struct ibv_qp_init_attr init = {
		.send_cq = flush->cq, .recv_cq = flush->cq,
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1,
			 .max_send_sge = 1, .max_recv_sge = 1 },
	};
	int ret;

	errno = 0;
	flush->qp = ibv_create_qp(flush->pd, &init);
	if (!flush->qp)
		return fail_verb(flush, "ibv_create_qp()", errno ? errno : EIO);
	ret = connect_qp(flush);
	/* nothing must be posted to it: with some drivers that is never answered */
	if (ret)
		drop_qp(flush);
	return ret;
}

static int make_objects(struct p2pmr_flush *flush)
{
	errno = 0;
	flush->cq = ibv_create_cq(flush->pd->context, 2, NULL, NULL, 0);
	if (!flush->cq)
		return fail_verb(flush, "ibv_create_cq()", errno ? errno : EIO);
	flush->mr = ibv_reg_mr(flush->pd, &flush->scratch,
			       sizeof(flush->scratch), IBV_ACCESS_LOCAL_WRITE);
	if (!flush->mr)
		return fail_verb(flush, "ibv_reg_mr()", errno ? errno : EIO);
	return make_qp(flush);
}

struct p2pmr_flush *p2pmr_flush_create(struct ibv_pd *pd,
				       const struct p2pmr_flush_opts *opts)
{
	int saved_errno = errno;
	struct p2pmr_flush_opts known;
	struct p2pmr_flush *flush;
	int ret;

	if (!pd) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass the protection domain of the regions.",
			   "p2pmr_flush_create() was given a NULL protection domain.");
		return NULL;
	}
	if (p2pmr_opts_read(opts, "p2pmr_flush_opts", sizeof(known), &known,
			    sizeof(known)))
		return NULL;
	flush = calloc(1, sizeof(*flush));
	if (!flush) {
		p2pmr_fail_memory("a flush");
		return NULL;
	}
	flush->pd = pd;
	flush->port_num = known.port_num ? known.port_num : 1;
	ret = find_address(flush, known.gid_index);
	if (!ret)
		ret = make_objects(flush);
	if (ret) {
		p2pmr_flush_destroy(flush);
		errno = -ret;
		return NULL;
	}
	errno = saved_errno;
	return flush;
}

void p2pmr_flush_destroy(struct p2pmr_flush *flush)
{
	int saved_errno = errno;

	if (!flush)
		return;
	if (flush->qp)
		ibv_destroy_qp(flush->qp);
	if (flush->mr)
		ibv_dereg_mr(flush->mr);
	if (flush->cq)
		ibv_destroy_cq(flush->cq);
	free(flush);
	errno = saved_errno;
}

static int post_read(struct ibv_qp *qp, uint64_t wr_id, struct ibv_sge *sge,
		     uint64_t addr, uint32_t rkey)
{
	struct ibv_send_wr *bad, wr = {
		.wr_id = wr_id, .sg_list = sge, .num_sge = 1,
		.opcode = IBV_WR_RDMA_READ, .send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = addr, .rkey = rkey },
	};
	int err = ibv_post_send(qp, &wr, &bad);

	if (!err)
		return 0;
	/* some verbs drivers return -1 and set errno */
	if (err < 0)
		err = errno ? errno : EIO;
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "Wait for completions if the send queue is full; connect the queue pair first.",
			  "A read that flushes could not be posted: %s.",
			  p2pmr_errno_name(err));
}

/* A device that was removed answers nothing. */
static int wait_for_read(struct p2pmr_flush *flush, struct ibv_wc *wc)
{
	struct timespec start, now;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!(n = ibv_poll_cq(flush->cq, 1, wc))) {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > FLUSH_GONE_S)
			break;
	}
	if (n > 0)
		return 0;
	drop_qp(flush);
	if (n < 0)
		return fail_verb(flush, "ibv_poll_cq()", EIO);
	return p2pmr_fail(P2PMR_REASON_FLUSH_FAILED, EIO,
			  "See in /sys/class/infiniband whether the RDMA device is still there, and in the kernel log why not.",
			  "%s answered nothing for %d s when it was to read back what had arrived.",
			  ibv_get_device_name(flush->pd->context->device),
			  FLUSH_GONE_S);
}

/*
 * The queue pair is in the error state: the next call is to find a new one.
 * As it is its own responder, it may have flushed the read before it had the
 * answer, that access is denied.
 */
static int fail_read(struct p2pmr_flush *flush, const struct ibv_mr *mr,
		     enum ibv_wc_status status)
{
	drop_qp(flush);
	return p2pmr_fail(P2PMR_REASON_FLUSH_FAILED, EIO,
			  status == IBV_WC_REM_ACCESS_ERR ||
			  status == IBV_WC_WR_FLUSH_ERR ?
			  "Register it with IBV_ACCESS_REMOTE_READ; if it was, the provider has left and what arrived is gone." :
			  "Check the RDMA device's port; what arrived may not be visible to other devices.",
			  "Reading back from the memory region at %p failed with \"%s\".",
			  mr->addr, ibv_wc_status_str(status));
}

static int check_range(const struct p2pmr_flush *flush, const struct ibv_mr *mr,
		       const void *addr, size_t len)
{
	uintptr_t offset;

	if (!flush || !mr || !addr || !len)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass what p2pmr_flush_create() returned, a region, an address in it and a length of at least 1.",
				  "p2pmr_flush() was given %s.",
				  !flush || !mr || !addr ? "NULL" :
							   "a length of 0");
	offset = (uintptr_t)addr - (uintptr_t)mr->addr;
	if (offset > mr->length || len > mr->length - offset)
		return p2pmr_fail(P2PMR_REASON_OUT_OF_RANGE, EINVAL,
				  "Keep the range within the memory region.",
				  "%zu bytes at %p do not lie within the memory region of %zu bytes at %p.",
				  len, addr, mr->length, mr->addr);
	return 0;
}

int p2pmr_flush(struct p2pmr_flush *flush, const struct ibv_mr *mr,
		const void *addr, size_t len_bytes)
{
	int saved_errno = errno;
	struct ibv_sge sge;
	struct ibv_wc wc;
	int ret = check_range(flush, mr, addr, len_bytes);

	if (!ret && !flush->qp)
		ret = make_qp(flush);
	if (ret)
		return ret;
	sge = (struct ibv_sge){ .addr = (uintptr_t)&flush->scratch,
				.length = 1, .lkey = flush->mr->lkey };
	ret = post_read(flush->qp, 0, &sge, (uintptr_t)addr + len_bytes - 1,
			mr->rkey);
	if (!ret)
		ret = wait_for_read(flush, &wc);
	if (!ret && wc.status != IBV_WC_SUCCESS)
		ret = fail_read(flush, mr, wc.status);
	if (!ret)
		errno = saved_errno;
	return ret;
}

int p2pmr_flush_post(struct ibv_qp *qp, uint64_t wr_id,
		     const struct ibv_sge *scratch, uint64_t remote_addr,
		     size_t len_bytes, uint32_t rkey)
{
	int saved_errno = errno;
	struct ibv_sge sge;
	int ret;

	if (!qp || !scratch || !scratch->length || !len_bytes ||
	    len_bytes - 1 > UINT64_MAX - remote_addr)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a queue pair, at least 1 byte of scratch memory, and the range that was written.",
				  "p2pmr_flush_post() was given %s.",
				  !qp || !scratch ? "NULL" :
				  !scratch->length ? "scratch memory of 0 bytes" :
				  !len_bytes ? "a length of 0" :
				  "a range beyond the end of the address space");
	sge = *scratch;
	sge.length = 1;
	ret = post_read(qp, wr_id, &sge, remote_addr + len_bytes - 1, rkey);
	if (!ret)
		errno = saved_errno;
	return ret;
}
