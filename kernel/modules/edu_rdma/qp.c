// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue pairs: reliable connections between two of the same device. One work
 * item takes one step for each, again and again: a step moves as much as the
 * engine moves at once, and looks up regions anew, so that a region or a queue
 * pair may go between any two.
 */
#include <linux/slab.h>
#include "edu_rdma.h"

/* ---- queues --------------------------------------------------------------- */

/* The first one of a queue, or NULL. Only steps, under dev->lock, take it out */
static struct edu_wr *edu_first(struct edu_qp *qp, struct list_head *queue)
{
	struct edu_wr *wr;

	spin_lock(&qp->queues);
	wr = list_first_entry_or_null(queue, struct edu_wr, entry);
	spin_unlock(&qp->queues);
	return wr;
}

static void edu_drop(struct edu_qp *qp, struct edu_wr *wr, u32 *len)
{
	spin_lock(&qp->queues);
	list_del(&wr->entry);
	--*len;
	spin_unlock(&qp->queues);
	kfree(wr);
}

static void edu_drop_all(struct edu_qp *qp)
{
	struct edu_wr *wr;

	while ((wr = edu_first(qp, &qp->sq)))
		edu_drop(qp, wr, &qp->sq_len);
	while ((wr = edu_first(qp, &qp->rq)))
		edu_drop(qp, wr, &qp->rq_len);
	edu_cq_forget(qp->init.send_cq, &qp->ib);
	edu_cq_forget(qp->init.recv_cq, &qp->ib);
}

static int edu_enqueue(struct edu_qp *qp, struct edu_wr *wr,
		       const struct ib_sge *sge, int num_sge,
		       struct list_head *queue, u32 *len, u32 max)
{
	int i, ret = 0;

	for (i = 0; i < num_sge; i++) {
		wr->sge[i] = sge[i];
		wr->total += sge[i].length;
	}
	wr->num_sge = num_sge;

	spin_lock(&qp->queues);
	if (*len < max) {
		list_add_tail(&wr->entry, queue);
		++*len;
	} else {
		ret = -ENOMEM;
	}
	spin_unlock(&qp->queues);
	return ret;
}

static int edu_post_one_send(struct edu_qp *qp, const struct ib_send_wr *from)
{
	struct edu_wr *wr;
	int ret;

	if (from->num_sge > qp->init.cap.max_send_sge ||
	    (from->send_flags & IB_SEND_INLINE))
		return -EINVAL;

	wr = kzalloc(sizeof(*wr), GFP_KERNEL);
	if (!wr)
		return -ENOMEM;

	wr->id = from->wr_id;
	wr->opcode = from->opcode;
	wr->flags = from->send_flags;
	wr->imm = from->ex.imm_data;

	switch (from->opcode) {
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
	case IB_WR_RDMA_READ:
		wr->rkey = rdma_wr(from)->rkey;
		wr->remote_addr = rdma_wr(from)->remote_addr;
		break;
	case IB_WR_SEND:
	case IB_WR_SEND_WITH_IMM:
		break;
	default:
		kfree(wr);
		return -EOPNOTSUPP;
	}

	ret = edu_enqueue(qp, wr, from->sg_list, from->num_sge, &qp->sq,
			  &qp->sq_len, qp->init.cap.max_send_wr);
	if (ret)
		kfree(wr);
	return ret;
}

int edu_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
		  const struct ib_send_wr **bad)
{
	struct edu_dev *dev = to_edu_dev(ibqp->device);
	struct edu_qp *qp = to_edu_qp(ibqp);
	int ret = 0;

	if (qp->state < IB_QPS_RTS) {
		*bad = wr;
		return -EINVAL;
	}

	for (; wr; wr = wr->next) {
		ret = edu_post_one_send(qp, wr);
		if (ret) {
			*bad = wr;
			break;
		}
	}
	queue_work(dev->wq, &dev->work);
	return ret;
}

static int edu_post_one_recv(struct edu_qp *qp, const struct ib_recv_wr *from)
{
	struct edu_wr *wr;
	int ret;

	if (from->num_sge > qp->init.cap.max_recv_sge)
		return -EINVAL;

	wr = kzalloc(sizeof(*wr), GFP_KERNEL);
	if (!wr)
		return -ENOMEM;

	wr->id = from->wr_id;
	ret = edu_enqueue(qp, wr, from->sg_list, from->num_sge, &qp->rq,
			  &qp->rq_len, qp->init.cap.max_recv_wr);
	if (ret)
		kfree(wr);
	return ret;
}

int edu_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
		  const struct ib_recv_wr **bad)
{
	struct edu_dev *dev = to_edu_dev(ibqp->device);
	struct edu_qp *qp = to_edu_qp(ibqp);
	int ret = 0;

	if (qp->state == IB_QPS_RESET) {
		*bad = wr;
		return -EINVAL;
	}

	for (; wr; wr = wr->next) {
		ret = edu_post_one_recv(qp, wr);
		if (ret) {
			*bad = wr;
			break;
		}
	}
	queue_work(dev->wq, &dev->work);
	return ret;
}

/* ---- completions ---------------------------------------------------------- */

static const enum ib_wc_opcode edu_wc_opcodes[] = {
	[IB_WR_SEND] = IB_WC_SEND,
	[IB_WR_SEND_WITH_IMM] = IB_WC_SEND,
	[IB_WR_RDMA_WRITE] = IB_WC_RDMA_WRITE,
	[IB_WR_RDMA_WRITE_WITH_IMM] = IB_WC_RDMA_WRITE,
	[IB_WR_RDMA_READ] = IB_WC_RDMA_READ,
};

static void edu_complete_send(struct edu_qp *qp, struct edu_wr *wr,
			      enum ib_wc_status status)
{
	struct ib_wc wc = {
		.wr_id = wr->id,
		.status = status,
		.opcode = edu_wc_opcodes[wr->opcode],
		.byte_len = wr->total,
		.qp = &qp->ib,
		.port_num = 1,
	};

	if (status != IB_WC_SUCCESS || (wr->flags & IB_SEND_SIGNALED) ||
	    qp->init.sq_sig_type == IB_SIGNAL_ALL_WR)
		edu_cq_add(qp->init.send_cq, &wc, status != IB_WC_SUCCESS);
	edu_drop(qp, wr, &qp->sq_len);
}

/* @from: the work request of the other end that this one answers, or NULL */
static void edu_complete_recv(struct edu_qp *qp, struct edu_wr *wr,
			      const struct edu_wr *from,
			      enum ib_wc_status status)
{
	struct ib_wc wc = {
		.wr_id = wr->id,
		.status = status,
		.opcode = IB_WC_RECV,
		.qp = &qp->ib,
		.src_qp = qp->attr.dest_qp_num,
		.port_num = 1,
	};
	bool solicited = status != IB_WC_SUCCESS;

	if (from) {
		wc.byte_len = from->total;
		solicited |= from->flags & IB_SEND_SOLICITED;
		if (from->opcode == IB_WR_RDMA_WRITE_WITH_IMM)
			wc.opcode = IB_WC_RECV_RDMA_WITH_IMM;
		if (from->opcode != IB_WR_SEND) {
			wc.wc_flags = IB_WC_WITH_IMM;
			wc.ex.imm_data = from->imm;
		}
	}
	edu_cq_add(qp->init.recv_cq, &wc, solicited);
	edu_drop(qp, wr, &qp->rq_len);
}

/* ---- steps ---------------------------------------------------------------- */

/* A queue pair in error ends what it was given */
static bool edu_flush_one(struct edu_qp *qp)
{
	struct edu_wr *wr = edu_first(qp, &qp->sq);

	if (wr) {
		edu_complete_send(qp, wr, IB_WC_WR_FLUSH_ERR);
		return true;
	}

	wr = edu_first(qp, &qp->rq);
	if (wr)
		edu_complete_recv(qp, wr, NULL, IB_WC_WR_FLUSH_ERR);
	return wr;
}

/* Ends a work request in error, and with it the connection */
static bool edu_fail(struct edu_qp *qp, struct edu_wr *wr, struct edu_qp *peer,
		     enum ib_wc_status status)
{
	edu_complete_send(qp, wr, status);
	qp->state = IB_QPS_ERR;
	if (peer)
		peer->state = IB_QPS_ERR;
	return true;
}

static bool edu_is_send(const struct edu_wr *wr)
{
	return wr->opcode == IB_WR_SEND || wr->opcode == IB_WR_SEND_WITH_IMM;
}

static bool edu_needs_recv(const struct edu_wr *wr)
{
	return edu_is_send(wr) || wr->opcode == IB_WR_RDMA_WRITE_WITH_IMM;
}

/* The byte at which a scatter or gather list is to go on */
static void edu_sge_place(const struct edu_wr *wr, u64 done,
			  struct edu_place *place)
{
	const struct ib_sge *sge = wr->sge;

	while (done >= sge->length) {
		done -= sge->length;
		sge++;
	}
	place->key = sge->lkey;
	place->addr = sge->addr + done;
	place->len = sge->length - done;
}

static bool edu_move(struct edu_dev *dev, struct edu_qp *qp, struct edu_wr *wr,
		     struct edu_qp *peer, struct edu_wr *recv)
{
	bool reads = wr->opcode == IB_WR_RDMA_READ;
	int remote_access = reads ? IB_ACCESS_REMOTE_READ :
			    edu_is_send(wr) ? IB_ACCESS_LOCAL_WRITE :
			    IB_ACCESS_REMOTE_WRITE;
	struct edu_place local, remote;
	dma_addr_t laddr, raddr;
	u32 len;

	edu_sge_place(wr, wr->done, &local);
	if (edu_mr_find(dev, qp->ib.pd, reads ? IB_ACCESS_LOCAL_WRITE : 0,
			&local, &laddr))
		return edu_fail(qp, wr, NULL, IB_WC_LOC_PROT_ERR);

	if (edu_is_send(wr)) {
		edu_sge_place(recv, wr->done, &remote);
	} else {
		remote.key = wr->rkey;
		remote.addr = wr->remote_addr + wr->done;
		remote.len = wr->total - wr->done;
		if (remote_access & ~peer->attr.qp_access_flags)
			return edu_fail(qp, wr, peer, IB_WC_REM_ACCESS_ERR);
	}
	if (edu_mr_find(dev, peer->ib.pd, remote_access, &remote, &raddr)) {
		if (!edu_is_send(wr))
			return edu_fail(qp, wr, peer, IB_WC_REM_ACCESS_ERR);
		edu_complete_recv(peer, recv, NULL, IB_WC_LOC_PROT_ERR);
		return edu_fail(qp, wr, peer, IB_WC_REM_OP_ERR);
	}

	len = min3(local.len, remote.len, (u64)EDU_ENGINE_MAX);
	if (edu_engine_copy(dev, reads ? laddr : raddr, reads ? raddr : laddr,
			    len))
		return edu_fail(qp, wr, peer, IB_WC_GENERAL_ERR);

	wr->done += len;
	return true;
}

/* Returns whether there may be more to do */
static bool edu_step(struct edu_dev *dev, struct edu_qp *qp)
{
	struct edu_wr *wr, *recv = NULL;
	struct edu_qp *peer;

	if (qp->state == IB_QPS_ERR)
		return edu_flush_one(qp);

	wr = edu_first(qp, &qp->sq);
	if (qp->state != IB_QPS_RTS || !wr)
		return false;

	peer = xa_load(&dev->qps, qp->attr.dest_qp_num);
	if (!peer || peer->state == IB_QPS_RESET || peer->state > IB_QPS_RTS ||
	    (peer->state >= IB_QPS_RTR &&
	     peer->attr.dest_qp_num != qp->ib.qp_num))
		return edu_fail(qp, wr, NULL, IB_WC_RETRY_EXC_ERR);
	if (peer->state < IB_QPS_RTR)
		return false;

	if (edu_needs_recv(wr)) {
		recv = edu_first(peer, &peer->rq);
		if (!recv)
			return false;
	}
	if (edu_is_send(wr) && recv->total < wr->total) {
		edu_complete_recv(peer, recv, NULL, IB_WC_LOC_LEN_ERR);
		return edu_fail(qp, wr, peer, IB_WC_REM_INV_REQ_ERR);
	}

	if (wr->done < wr->total)
		return edu_move(dev, qp, wr, peer, recv);

	if (recv)
		edu_complete_recv(peer, recv, wr, IB_WC_SUCCESS);
	edu_complete_send(qp, wr, IB_WC_SUCCESS);
	return true;
}

void edu_work(struct work_struct *work)
{
	struct edu_dev *dev = container_of(work, struct edu_dev, work);
	unsigned long i = 0;
	struct edu_qp *qp;
	bool more = false;

	do {
		mutex_lock(&dev->lock);
		qp = xa_find(&dev->qps, &i, ULONG_MAX, XA_PRESENT);
		if (qp)
			more |= edu_step(dev, qp);
		mutex_unlock(&dev->lock);
		i++;
	} while (qp);

	if (more)
		queue_work(dev->wq, work);
}

/* ---- life ----------------------------------------------------------------- */

int edu_create_qp(struct ib_qp *ibqp, struct ib_qp_init_attr *init,
		  struct ib_udata *udata)
{
	struct edu_dev *dev = to_edu_dev(ibqp->device);
	struct edu_qp *qp = to_edu_qp(ibqp);

	if (init->qp_type != IB_QPT_RC || init->create_flags || init->srq)
		return -EOPNOTSUPP;
	if (init->cap.max_send_wr > EDU_MAX_WR ||
	    init->cap.max_recv_wr > EDU_MAX_WR ||
	    init->cap.max_send_sge > EDU_MAX_SGE ||
	    init->cap.max_recv_sge > EDU_MAX_SGE || init->cap.max_inline_data)
		return -EINVAL;

	spin_lock_init(&qp->queues);
	INIT_LIST_HEAD(&qp->sq);
	INIT_LIST_HEAD(&qp->rq);
	qp->init = *init;
	qp->state = IB_QPS_RESET;

	return xa_alloc(&dev->qps, &ibqp->qp_num, qp,
			XA_LIMIT(2, EDU_MAX_QP + 1), GFP_KERNEL);
}

static void edu_keep_attr(struct ib_qp_attr *to, const struct ib_qp_attr *from,
			  int mask)
{
	if (mask & IB_QP_ACCESS_FLAGS)
		to->qp_access_flags = from->qp_access_flags;
	if (mask & IB_QP_AV)
		to->ah_attr = from->ah_attr;
	if (mask & IB_QP_PATH_MTU)
		to->path_mtu = from->path_mtu;
	if (mask & IB_QP_DEST_QPN)
		to->dest_qp_num = from->dest_qp_num;
	if (mask & IB_QP_RQ_PSN)
		to->rq_psn = from->rq_psn;
	if (mask & IB_QP_SQ_PSN)
		to->sq_psn = from->sq_psn;
}

int edu_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		  struct ib_udata *udata)
{
	struct edu_dev *dev = to_edu_dev(ibqp->device);
	struct edu_qp *qp = to_edu_qp(ibqp);
	enum ib_qp_state cur, next;
	int ret = 0;

	if (mask & ~IB_QP_ATTR_STANDARD_BITS)
		return -EOPNOTSUPP;

	mutex_lock(&dev->lock);
	cur = mask & IB_QP_CUR_STATE ? attr->cur_qp_state : qp->state;
	next = mask & IB_QP_STATE ? attr->qp_state : cur;
	if (cur != qp->state ||
	    !ib_modify_qp_is_ok(cur, next, ibqp->qp_type, mask)) {
		ret = -EINVAL;
		goto out;
	}

	edu_keep_attr(&qp->attr, attr, mask);
	qp->state = next;
	if (next == IB_QPS_RESET)
		edu_drop_all(qp);
	queue_work(dev->wq, &dev->work);
out:
	mutex_unlock(&dev->lock);
	return ret;
}

int edu_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		 struct ib_qp_init_attr *init)
{
	struct edu_dev *dev = to_edu_dev(ibqp->device);
	struct edu_qp *qp = to_edu_qp(ibqp);

	mutex_lock(&dev->lock);
	*attr = qp->attr;
	attr->qp_state = qp->state;
	attr->cur_qp_state = qp->state;
	attr->port_num = 1;
	attr->cap = qp->init.cap;
	*init = qp->init;
	mutex_unlock(&dev->lock);
	return 0;
}

int edu_destroy_qp(struct ib_qp *ibqp, struct ib_udata *udata)
{
	struct edu_dev *dev = to_edu_dev(ibqp->device);
	struct edu_qp *qp = to_edu_qp(ibqp);

	mutex_lock(&dev->lock);
	xa_erase(&dev->qps, ibqp->qp_num);
	mutex_unlock(&dev->lock);

	edu_drop_all(qp);
	/* the other end has lost its own */
	queue_work(dev->wq, &dev->work);
	return 0;
}
