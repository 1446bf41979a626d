// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The verbs driver of kernel/modules/edu_rdma: all it does is to ask the kernel,
 * which has the queues. Compiled as one of rdma-core's own.
 */
#include <stdlib.h>
#include <infiniband/driver.h>

struct edu_context {
	struct verbs_context base;
};

/* ---- device --------------------------------------------------------------- */

static int edu_query_device(struct ibv_context *context,
			    const struct ibv_query_device_ex_input *input,
			    struct ibv_device_attr_ex *attr, size_t attr_size)
{
	struct ib_uverbs_ex_query_device_resp resp;
	size_t resp_size = sizeof(resp);

	return ibv_cmd_query_device_any(context, input, attr, attr_size, &resp, &resp_size);
}

static int edu_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr)
{
	struct ibv_query_port cmd;

	return ibv_cmd_query_port(context, port, attr, &cmd, sizeof(cmd));
}

static struct ibv_pd *edu_alloc_pd(struct ibv_context *context)
{
	struct ib_uverbs_alloc_pd_resp resp;
	struct ibv_alloc_pd cmd;
	struct ibv_pd *pd;

	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;

	errno = ibv_cmd_alloc_pd(context, pd, &cmd, sizeof(cmd), &resp, sizeof(resp));
	if (!errno)
		return pd;

	free(pd);
	return NULL;
}

static int edu_dealloc_pd(struct ibv_pd *pd)
{
	int ret = ibv_cmd_dealloc_pd(pd);

	if (!ret)
		free(pd);
	return ret;
}

/* ---- regions -------------------------------------------------------------- */

static struct ibv_mr *edu_reg_mr(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				 int access)
{
	struct ib_uverbs_reg_mr_resp resp;
	struct ibv_reg_mr cmd;
	struct verbs_mr *mr;

	mr = calloc(1, sizeof(*mr));
	if (!mr)
		return NULL;

	errno = ibv_cmd_reg_mr(pd, addr, length, iova, access, mr, &cmd, sizeof(cmd), &resp,
			       sizeof(resp));
	if (!errno)
		return &mr->ibv_mr;

	free(mr);
	return NULL;
}

static struct ibv_mr *edu_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
					uint64_t iova, int fd, int access)
{
	struct verbs_mr *mr;

	mr = calloc(1, sizeof(*mr));
	if (!mr)
		return NULL;

	errno = ibv_cmd_reg_dmabuf_mr(pd, offset, length, iova, fd, access, mr, NULL);
	if (!errno)
		return &mr->ibv_mr;

	free(mr);
	return NULL;
}

static int edu_dereg_mr(struct verbs_mr *mr)
{
	int ret = ibv_cmd_dereg_mr(mr);

	if (!ret)
		free(mr);
	return ret;
}

/* ---- queues --------------------------------------------------------------- */

static struct ibv_cq *edu_create_cq(struct ibv_context *context, int cqe,
				    struct ibv_comp_channel *channel, int vector)
{
	struct ib_uverbs_create_cq_resp resp;
	struct ibv_create_cq cmd;
	struct verbs_cq *cq;

	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return NULL;

	errno = ibv_cmd_create_cq(context, cqe, channel, vector, &cq->cq, &cmd, sizeof(cmd), &resp,
				  sizeof(resp));
	if (!errno)
		return &cq->cq;

	free(cq);
	return NULL;
}

static int edu_destroy_cq(struct ibv_cq *cq)
{
	int ret = ibv_cmd_destroy_cq(cq);

	if (!ret)
		free(cq);
	return ret;
}

static struct ibv_qp *edu_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct ib_uverbs_create_qp_resp resp;
	struct ibv_create_qp cmd;
	struct ibv_qp *qp;

	qp = calloc(1, sizeof(*qp));
	if (!qp)
		return NULL;

	errno = ibv_cmd_create_qp(pd, qp, attr, &cmd, sizeof(cmd), &resp, sizeof(resp));
	if (!errno)
		return qp;

	free(qp);
	return NULL;
}

static int edu_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
			struct ibv_qp_init_attr *init)
{
	struct ibv_query_qp cmd;

	return ibv_cmd_query_qp(qp, attr, mask, init, &cmd, sizeof(cmd));
}

static int edu_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	struct ibv_modify_qp cmd = {};

	return ibv_cmd_modify_qp(qp, attr, mask, &cmd, sizeof(cmd));
}

static int edu_destroy_qp(struct ibv_qp *qp)
{
	int ret = ibv_cmd_destroy_qp(qp);

	if (!ret)
		free(qp);
	return ret;
}

/* ---- contexts ------------------------------------------------------------- */

static void edu_free_context(struct ibv_context *ibv)
{
	struct edu_context *context = container_of(ibv, struct edu_context, base.context);

	verbs_uninit_context(&context->base);
	free(context);
}

static const struct verbs_context_ops edu_context_ops = {
	.alloc_pd = edu_alloc_pd,
	.create_cq = edu_create_cq,
	.create_qp = edu_create_qp,
	.dealloc_pd = edu_dealloc_pd,
	.dereg_mr = edu_dereg_mr,
	.destroy_cq = edu_destroy_cq,
	.destroy_qp = edu_destroy_qp,
	.free_context = edu_free_context,
	.modify_qp = edu_modify_qp,
	.poll_cq = ibv_cmd_poll_cq,
	.post_recv = ibv_cmd_post_recv,
	.post_send = ibv_cmd_post_send,
	.query_device_ex = edu_query_device,
	.query_port = edu_query_port,
	.query_qp = edu_query_qp,
	.reg_dmabuf_mr = edu_reg_dmabuf_mr,
	.reg_mr = edu_reg_mr,
	.req_notify_cq = ibv_cmd_req_notify_cq,
};

static struct verbs_context *edu_alloc_context(struct ibv_device *device, int cmd_fd,
					       void *private_data)
{
	struct ib_uverbs_get_context_resp resp;
	struct edu_context *context;
	struct ibv_get_context cmd;

	context = verbs_init_and_alloc_context(device, cmd_fd, context, base, RDMA_DRIVER_UNKNOWN);
	if (!context)
		return NULL;

	if (ibv_cmd_get_context(&context->base, &cmd, sizeof(cmd), &resp, sizeof(resp))) {
		verbs_uninit_context(&context->base);
		free(context);
		return NULL;
	}
	verbs_set_ops(&context->base, &edu_context_ops);
	return &context->base;
}

static struct verbs_device *edu_device_alloc(struct verbs_sysfs_dev *sysfs_dev)
{
	return calloc(1, sizeof(struct verbs_device));
}

static void edu_device_free(struct verbs_device *device)
{
	free(device);
}

static const struct verbs_match_ent edu_match[] = {
	VERBS_PCI_MATCH(0x1234, 0x11e8, NULL),
	{},
};

static const struct verbs_device_ops edu_device_ops = {
	.name = "edu",
	.match_min_abi_version = 1,
	.match_max_abi_version = 1,
	.match_table = edu_match,
	.alloc_device = edu_device_alloc,
	.uninit_device = edu_device_free,
	.alloc_context = edu_alloc_context,
};
PROVIDER_DRIVER(edu, edu_device_ops);
