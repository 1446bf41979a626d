// SPDX-License-Identifier: GPL-2.0-only
/* What works on any machine: memory of the host's own, written and read */
#include <stdio.h>
#include <string.h>

#include <p2pmr/p2pmr.h>

static int use(struct p2pmr_buf *buf)
{
	const char words[] = "read what was written";
	char back[sizeof(words)];

	if (p2pmr_buf_write(buf, 5, words, sizeof(words)) ||
	    p2pmr_buf_read(buf, 5, back, sizeof(back)))
		return -1;
	return memcmp(words, back, sizeof(words)) ? -1 : 0;
}

int main(void)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *host = ctx ? p2pmr_provider_find(ctx, "host") : NULL;
	struct p2pmr_buf *buf = host ? p2pmr_buf_alloc(host, 4096) : NULL;
	int ret = buf ? use(buf) : -1;

	if (ret)
		fprintf(stderr, "%s\n", p2pmr_reason_text());
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return ret ? 1 : 0;
}
