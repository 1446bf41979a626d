/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <p2pmr/p2pmr.h>

/* choose BYTES: where that much memory for the first RDMA device comes from */
int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoull(argv[1], NULL, 0) : 1 << 20;
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_buf *buf = NULL;

	if (!devices || !devices[0]) {
		fputs("there is no RDMA device\n", stderr);
		return 1;
	}
	if (ctx)
		buf = p2pmr_buf_alloc_for(ctx, devices[0], size,
					  P2PMR_OPTS(p2pmr_choice_opts,
						     .flags = P2PMR_CHOICE_HOST));
	if (!buf) {
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		return 1;
	}
	printf("%zu bytes of %s\n", p2pmr_buf_size(buf),
	       p2pmr_provider_name(p2pmr_buf_provider(buf)));
	printf("host memory had to do %llu times\n",
	       (unsigned long long)p2pmr_context_fallbacks(ctx));

	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	ibv_free_device_list(devices);
	return 0;
}
