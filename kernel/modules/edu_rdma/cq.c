// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion queues: a ring in the kernel, polled by a system call
 */
#include <linux/slab.h>
#include "edu_rdma.h"

int edu_create_cq(struct ib_cq *ibcq, const struct ib_cq_init_attr *attr,
		  struct uverbs_attr_bundle *attrs)
{
	struct edu_cq *cq = to_edu_cq(ibcq);

	if (attr->flags)
		return -EOPNOTSUPP;
	if (!attr->cqe || attr->cqe > EDU_MAX_CQE)
		return -EINVAL;

	cq->wcs = kvcalloc(attr->cqe, sizeof(*cq->wcs), GFP_KERNEL_ACCOUNT);
	if (!cq->wcs)
		return -ENOMEM;

	spin_lock_init(&cq->lock);
	ibcq->cqe = attr->cqe;
	return 0;
}

int edu_destroy_cq(struct ib_cq *ibcq, struct ib_udata *udata)
{
	kvfree(to_edu_cq(ibcq)->wcs);
	return 0;
}

int edu_poll_cq(struct ib_cq *ibcq, int n, struct ib_wc *wc)
{
	struct edu_cq *cq = to_edu_cq(ibcq);
	int polled = 0;

	spin_lock(&cq->lock);
	while (polled < n && cq->count) {
		struct ib_wc *next = &cq->wcs[cq->first];

		cq->first = (cq->first + 1) % ibcq->cqe;
		cq->count--;
		if (next->qp)
			wc[polled++] = *next;
	}
	spin_unlock(&cq->lock);

	return polled;
}

int edu_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags)
{
	struct edu_cq *cq = to_edu_cq(ibcq);
	int ret;

	spin_lock(&cq->lock);
	/* once any completion is wanted, a solicited one is not enough */
	if (cq->notify != IB_CQ_NEXT_COMP)
		cq->notify = flags & IB_CQ_SOLICITED_MASK;
	ret = (flags & IB_CQ_REPORT_MISSED_EVENTS) && cq->count;
	spin_unlock(&cq->lock);

	return ret;
}

static void edu_cq_overrun(struct edu_cq *cq)
{
	struct ib_event event = {
		.device = cq->ib.device,
		.element.cq = &cq->ib,
		.event = IB_EVENT_CQ_ERR,
	};

	if (cq->ib.event_handler)
		cq->ib.event_handler(&event, cq->ib.cq_context);
}

void edu_cq_add(struct ib_cq *ibcq, const struct ib_wc *wc, bool solicited)
{
	struct edu_cq *cq = to_edu_cq(ibcq);
	bool overrun = false, notify = false;

	spin_lock(&cq->lock);
	if (cq->count == ibcq->cqe) {
		overrun = !cq->overrun;
		cq->overrun = true;
	} else {
		cq->wcs[(cq->first + cq->count++) % ibcq->cqe] = *wc;
		notify = cq->notify == IB_CQ_NEXT_COMP ||
			 (cq->notify == IB_CQ_SOLICITED && solicited);
		if (notify)
			cq->notify = 0;
	}
	spin_unlock(&cq->lock);

	if (overrun)
		edu_cq_overrun(cq);
	if (notify && ibcq->comp_handler)
		ibcq->comp_handler(ibcq, ibcq->cq_context);
}

/* The queue pair is going: nobody can be told of its completions any more */
void edu_cq_forget(struct ib_cq *ibcq, struct ib_qp *qp)
{
	struct edu_cq *cq = to_edu_cq(ibcq);
	unsigned int i;

	spin_lock(&cq->lock);
	for (i = 0; i < cq->count; i++) {
		struct ib_wc *wc = &cq->wcs[(cq->first + i) % ibcq->cqe];

		if (wc->qp == qp)
			wc->qp = NULL;
	}
	spin_unlock(&cq->lock);
}
