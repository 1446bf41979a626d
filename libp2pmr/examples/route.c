/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/*
 * route PROVIDER: a megabyte of it, by ibv_reg_mr() where the RDMA device says that
 * it accepts such memory, else as a dma-buf
 */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *dev = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = dev ? ibv_alloc_pd(dev) : NULL;
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_buf_opts how = { .sz = sizeof(how) };
	struct p2pmr_reg_opts by = { .sz = sizeof(by), .route = P2PMR_ROUTE_UMEM };
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf = NULL;
	struct ibv_mr *mr = NULL;
	unsigned int caps;

	if (!pd || p2pmr_device_caps(dev, &caps)) {
		fputs("there is no RDMA device that can be opened\n", stderr);
		return 1;
	}
	if (!(caps & P2PMR_CAP_PEER_MR)) {
		how.flags = P2PMR_BUF_DMABUF;
		by.route = P2PMR_ROUTE_DMABUF;
	}
	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	if (p)
		buf = p2pmr_buf_alloc_opts(p, 1 << 20, &how);
	if (buf)
		mr = p2pmr_reg_mr_opts(pd, buf, IBV_ACCESS_LOCAL_WRITE, &by, NULL);
	if (mr)
		printf("lkey %#x by route %s\n", mr->lkey,
		       p2pmr_route_name(by.route));
	else
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());

	if (mr)
		ibv_dereg_mr(mr);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	ibv_dealloc_pd(pd);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return !mr;
}
