/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

static int fail(void)
{
	fprintf(stderr, "%s: %s %s\n", p2pmr_reason_name(p2pmr_reason_code()),
		p2pmr_reason_text(), p2pmr_reason_remedy());
	return 1;
}

/* Another process: it has the descriptor, by fork() or by a UNIX socket */
static int use(struct p2pmr_provider *provider, int fd)
{
	struct p2pmr_buf *buf = p2pmr_buf_import(provider, fd);
	char text[6];

	if (!buf || p2pmr_buf_read(buf, 0, text, sizeof(text)))
		return fail();
	printf("%zu bytes, which start with \"%s\"\n", p2pmr_buf_size(buf), text);
	p2pmr_buf_free(buf);
	return 0;
}

/* dmabuf PROVIDER: a megabyte of it as a dma-buf, which a child reads */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf = NULL;
	int status = 1;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	if (p)
		buf = p2pmr_buf_alloc_opts(p, 1 << 20,
					   P2PMR_OPTS(p2pmr_buf_opts,
						      .flags = P2PMR_BUF_DMABUF));
	if (!buf || p2pmr_buf_write(buf, 0, "hello", 6))
		return fail();
	if (!fork())
		return use(p, p2pmr_buf_dmabuf(buf));
	wait(&status);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return !!status;
}
