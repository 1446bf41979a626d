/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2pmr/p2pmr.h>

/* event COUNT: say what happens to providers, that many times */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_events *events = ctx ? p2pmr_events_open(ctx) : NULL;
	int left = argc > 1 ? atoi(argv[1]) : 1;
	struct p2pmr_event event;
	struct pollfd pfd;

	if (!events) {
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		return 1;
	}
	pfd = (struct pollfd){ .fd = p2pmr_events_fd(events), .events = POLLIN };
	puts("listening");
	fflush(stdout);
	while (left > 0 && (poll(&pfd, 1, -1) >= 0 || errno == EINTR)) {
		while (left > 0 && !p2pmr_events_next(events, &event)) {
			printf("%s %s %s\n", event.provider ?
			       p2pmr_provider_name(event.provider) : "a new one",
			       event.pci_address,
			       p2pmr_event_kind_name(event.kind));
			fflush(stdout);
			left--;
		}
	}
	p2pmr_events_close(events);
	p2pmr_close(ctx);
	return 0;
}
