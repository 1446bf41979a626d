/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* Read all that has happened; if there is nothing, wait for it, a second at most */
static int wait_for_events(struct p2pmr_events *events)
{
	struct pollfd pfd = { .fd = p2pmr_events_fd(events), .events = POLLIN };
	struct p2pmr_event event;

	if (poll(&pfd, 1, 1000) < 0 && errno != EINTR)
		return -1;
	while (!p2pmr_events_next(events, &event))
		;
	return 0;
}

/*
 * The provider may be away. When it is back, udev may yet have to give its file to
 * the group that this is run by, of which there is no event.
 */
static struct p2pmr_buf *alloc_patiently(struct p2pmr_provider *p,
					 struct p2pmr_events *events)
{
	struct p2pmr_buf *buf;

	while (!(buf = p2pmr_buf_alloc(p, 1 << 20))) {
		if (p2pmr_reason_code() != P2PMR_REASON_PROVIDER_GONE &&
		    p2pmr_reason_code() != P2PMR_REASON_NO_PERMISSION)
			break;
		if (wait_for_events(events))
			break;
	}
	return buf;
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
	if (buf) {
		puts("has memory");
		fflush(stdout);
		while (!p2pmr_buf_is_revoked(buf) && !wait_for_events(events))
			;
		/* its regions are revoked: deregister them, free it, start again */
		p2pmr_buf_free(buf);
		puts("lost it");
		fflush(stdout);
		buf = alloc_patiently(p, events);
	}
	if (buf)
		puts("has memory again");
	else
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
	p2pmr_buf_free(buf);
	p2pmr_events_close(events);
	p2pmr_close(ctx);
	return !buf;
}
