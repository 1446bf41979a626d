/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* Wait for something to happen, and read all of it */
static void wait_for_events(struct p2pmr_events *events)
{
	struct pollfd pfd = { .fd = p2pmr_events_fd(events), .events = POLLIN };
	struct p2pmr_event event;

	if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
		return;
	while (!p2pmr_events_next(events, &event))
		;
}

/* leave PROVIDER: memory of it, and again when it has left and come back */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_events *events = ctx ? p2pmr_events_open(ctx) : NULL;
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf;

	p = events ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	buf = p ? p2pmr_buf_alloc(p, 1 << 20) : NULL;
	if (!buf) {
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		return 1;
	}
	puts("has memory");
	fflush(stdout);
	while (!p2pmr_buf_is_revoked(buf))
		wait_for_events(events);
	/* its regions are revoked: deregister them, free it, and start again */
	p2pmr_buf_free(buf);
	puts("lost it");
	fflush(stdout);
	while (!(buf = p2pmr_buf_alloc(p, 1 << 20)))
		wait_for_events(events);
	puts("has memory again");
	p2pmr_buf_free(buf);
	p2pmr_events_close(events);
	p2pmr_close(ctx);
	return 0;
}
