/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

int main(void)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf = NULL;

	p = ctx ? p2pmr_provider_find(ctx, "host") : NULL;
	if (p)
		buf = p2pmr_buf_alloc_opts(p, 4 << 20,
					   P2PMR_OPTS(p2pmr_buf_opts,
						      .huge_page_bytes = 2 << 20));
	if (!buf && p2pmr_reason_code() == P2PMR_REASON_NO_HUGE_PAGES) {
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		buf = p2pmr_buf_alloc(p, 4 << 20);
	}
	if (buf)
		printf("%zu bytes at %p\n", p2pmr_buf_size(buf),
		       p2pmr_buf_addr(buf));
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return !buf;
}
