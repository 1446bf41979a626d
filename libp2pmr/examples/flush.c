/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

/*
 * Data has been received into the region, as its completion says: have the
 * drive write it out from there, without a copy in host memory.
 */
static int write_out(struct p2pmr_flush *flush, const struct ibv_mr *mr, int file)
{
	int ret = p2pmr_flush(flush, mr, mr->addr, mr->length);

	if (ret)
		return ret;
	return pwrite(file, mr->addr, mr->length, 0) == (ssize_t)mr->length ? 0 : -1;
}

/* flush PROVIDER FILE: a megabyte of it, from its memory to a file */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *dev = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = dev ? ibv_alloc_pd(dev) : NULL;
	struct p2pmr_flush *flush = pd ? p2pmr_flush_create(pd, NULL) : NULL;
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	int file = open(argc > 2 ? argv[2] : "/dev/null", O_WRONLY | O_DIRECT);
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf;
	struct ibv_mr *mr;
	int ret;

	p = ctx && flush ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	buf = p ? p2pmr_buf_alloc(p, 1 << 20) : NULL;
	mr = buf ? p2pmr_reg_mr(pd, buf, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				IBV_ACCESS_REMOTE_READ, NULL) : NULL;
	ret = mr ? write_out(flush, mr, file) : -1;
	if (ret) {
		perror("flush");
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		return 1;
	}
	ibv_dereg_mr(mr);
	p2pmr_buf_free(buf);
	p2pmr_flush_destroy(flush);
	p2pmr_close(ctx);
	ibv_dealloc_pd(pd);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return close(file);
}
