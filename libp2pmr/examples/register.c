/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* register PROVIDER: a megabyte of it as a memory region */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *dev = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = dev ? ibv_alloc_pd(dev) : NULL;
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf = NULL;
	struct ibv_mr *mr = NULL;
	enum p2pmr_route route;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	if (p)
		buf = p2pmr_buf_alloc(p, 1 << 20);
	if (buf && pd)
		mr = p2pmr_reg_mr(pd, buf, IBV_ACCESS_LOCAL_WRITE |
				  IBV_ACCESS_REMOTE_WRITE, &route);
	if (!mr) {
		fprintf(stderr, "%s: %s %s\n", p2pmr_reason_name(p2pmr_reason_code()),
			p2pmr_reason_text(), p2pmr_reason_remedy());
		return 1;
	}
	/* from here on it is plain verbs */
	printf("rkey %#x at %p by route %s\n", mr->rkey, mr->addr,
	       p2pmr_route_name(route));

	ibv_dereg_mr(mr);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	ibv_dealloc_pd(pd);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return 0;
}
