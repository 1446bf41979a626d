/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* Post requests with mr->lkey, and wait for their completions */
static enum ibv_wc_status use(struct ibv_mr *mr)
{
	return mr->lkey ? IBV_WC_SUCCESS : IBV_WC_LOC_PROT_ERR;
}

/* cache PROVIDER: use the same megabyte of it a hundred times */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *dev = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = dev ? ibv_alloc_pd(dev) : NULL;
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_cache *cache = p2pmr_cache_create(NULL);
	struct p2pmr_cache_stats stats;
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	buf = p ? p2pmr_buf_alloc(p, 1 << 20) : NULL;
	if (!pd || !cache || !buf)
		return 1;
	for (int i = 0; i < 100; i++) {
		struct ibv_mr *mr = p2pmr_cache_get(cache, pd, buf, 0, 1 << 20,
						    IBV_ACCESS_LOCAL_WRITE, NULL);

		if (!mr) {
			fprintf(stderr, "%s\n", p2pmr_reason_text());
			return 1;
		}
		/* the memory may have been taken back: not again the same one */
		if (use(mr) != IBV_WC_SUCCESS)
			p2pmr_cache_invalidate(cache, mr);
		p2pmr_cache_put(cache, mr);
	}
	p2pmr_cache_stats(cache, &stats);
	printf("registered %llu times\n", (unsigned long long)stats.misses);

	p2pmr_buf_free(buf);
	p2pmr_cache_forget_pd(cache, pd);
	ibv_dealloc_pd(pd);
	p2pmr_cache_destroy(cache);
	p2pmr_close(ctx);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return 0;
}
