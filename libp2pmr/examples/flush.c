/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

#define TRY(what) do { if (!(what)) err(1, #what); } while (0)

/*
 * Data has been received into the region, as its completion says: have the
 * drive write it out from there, without a copy in host memory.
 */
static void write_out(struct p2pmr_flush *flush, const struct ibv_mr *mr, int file)
{
	if (p2pmr_flush(flush, mr, mr->addr, mr->length))
		errx(1, "%s %s", p2pmr_reason_text(), p2pmr_reason_remedy());
	TRY(pwrite(file, mr->addr, mr->length, 0) == (ssize_t)mr->length);
}

/* flush PROVIDER FILE: overwrites the first megabyte of FILE, from PROVIDER's memory */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *provider;
	struct p2pmr_flush *flush;
	struct ibv_context *dev;
	struct p2pmr_buf *buf;
	struct ibv_mr *mr;
	struct ibv_pd *pd;
	int file;

	if (argc != 3)
		errx(2, "usage: flush PROVIDER FILE");
	TRY((file = open(argv[2], O_WRONLY | O_DIRECT)) >= 0);
	TRY(list && list[0] && (dev = ibv_open_device(list[0])));
	TRY(pd = ibv_alloc_pd(dev));
	TRY(flush = p2pmr_flush_create(pd, NULL));
	TRY(ctx && (provider = p2pmr_provider_find(ctx, argv[1])));
	TRY(buf = p2pmr_buf_alloc(provider, 1 << 20));
	TRY(mr = p2pmr_reg_mr(pd, buf, IBV_ACCESS_LOCAL_WRITE |
			      IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ, NULL));

	/* here somebody writes to the region, and says that it is done */
	write_out(flush, mr, file);

	ibv_dereg_mr(mr);
	p2pmr_buf_free(buf);
	p2pmr_flush_destroy(flush);
	p2pmr_close(ctx);
	ibv_dealloc_pd(pd);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return close(file);
}
