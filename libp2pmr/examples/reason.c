/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2pmr/p2pmr.h>

/* reason PROVIDER: the largest power of two of bytes that it has in one piece */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_buf *buf = NULL;
	struct p2pmr_provider *p;
	size_t size = 1 << 30;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	while (p && !buf && size >= 4096) {
		buf = p2pmr_buf_alloc(p, size);
		if (buf || p2pmr_reason_errno() != ENOMEM)
			break;
		size /= 2;
	}
	if (buf)
		printf("%zu bytes\n", p2pmr_buf_size(buf));
	else
		fprintf(stderr, "%s %s [%s, %s]\n", p2pmr_reason_text(),
			p2pmr_reason_remedy(),
			p2pmr_reason_name(p2pmr_reason_code()),
			strerror(p2pmr_reason_errno()));
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return !buf;
}
