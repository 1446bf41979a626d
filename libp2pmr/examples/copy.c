/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* Put a message into cleared memory of the provider and get it out again */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf = NULL;
	char text[] = "hello", back[sizeof(text)];
	size_t differs = 0;
	int err = 1;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "host") : NULL;
	if (p)
		buf = p2pmr_buf_alloc(p, 4096);
	if (buf && !p2pmr_buf_fill(buf, 0, 0, 4096) &&
	    !p2pmr_buf_write(buf, 100, text, sizeof(text)) &&
	    !p2pmr_buf_read(buf, 100, back, sizeof(back)) &&
	    !p2pmr_buf_compare(buf, 100, text, sizeof(text), &differs))
		err = differs < sizeof(text) || puts(back) < 0;
	else
		fprintf(stderr, "%s\n%s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return err;
}
