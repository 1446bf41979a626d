/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_EVENT_H
#define P2PMR_EVENT_H

#include <p2pmr/provider.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What happens to providers, as one file descriptor to poll. It is derived from
 * the kernel's uevents (Linux: lib/kobject_uevent.c), which come when things
 * happen, and independently of completions: a request on memory that was taken
 * back may fail before the event is there. Nothing of the library runs in
 * between calls; no thread watches.
 */
struct p2pmr_events;

/**
 * enum p2pmr_event_kind - what happened
 * @P2PMR_EVENT_ARRIVED: a PCI function has peer memory now. If its provider is
 *	known from before, it can be used again; else p2pmr_open() finds it
 * @P2PMR_EVENT_LEAVING: its NVMe controller is being taken down. Memory regions
 *	on it have been revoked. Only drives tell: other providers leave at once
 * @P2PMR_EVENT_LEFT: it has left: its driver was unbound, or the function
 *	removed. Memory regions on it have been revoked
 * @P2PMR_EVENT_LOST: events were lost, because they were not read in time: look
 *	at the providers themselves
 */
enum p2pmr_event_kind {
	P2PMR_EVENT_ARRIVED = 1,
	P2PMR_EVENT_LEAVING = 2,
	P2PMR_EVENT_LEFT = 3,
	P2PMR_EVENT_LOST = 4,
};

/**
 * struct p2pmr_event - one event
 * @kind: what happened
 * @provider: to whom; NULL if this context does not know it, and for
 *	P2PMR_EVENT_LOST
 * @pci_address: its PCI address, "0000:04:00.0"; empty for P2PMR_EVENT_LOST
 */
struct p2pmr_event {
	enum p2pmr_event_kind kind;
	struct p2pmr_provider *provider;
	char pci_address[32];
};

/**
 * p2pmr_events_open() - be told what happens to providers
 * @ctx: the context, which must outlive the result
 *
 * Counts from now on: what happened before is not told.
 *
 * Thread-safety: any thread.
 *
 * Return: the events, or NULL with errno EINVAL, ENOMEM, or the error of
 * opening a netlink socket.
 */
struct p2pmr_events *p2pmr_events_open(struct p2pmr_context *ctx);

/**
 * p2pmr_events_fd() - what to poll
 * @events: the events
 *
 * Return: a descriptor that is readable (POLLIN) when p2pmr_events_next() may
 * have something. It belongs to @events; do nothing with it but poll.
 */
int p2pmr_events_fd(const struct p2pmr_events *events);

/**
 * p2pmr_events_next() - the next event
 * @events: the events
 * @event: filled in
 *
 * Never blocks. Uevents of others (there are many) are skipped, so it may find
 * nothing although the descriptor was readable.
 *
 * Thread-safety: one thread at a time.
 *
 * Return: 0, -EAGAIN when there is none, which is no failure and leaves no
 * reason, or -EINVAL.
 */
int p2pmr_events_next(struct p2pmr_events *events, struct p2pmr_event *event);

/**
 * p2pmr_events_close() - stop being told
 * @events: the events, or NULL
 *
 * Thread-safety: no other thread may use them any more.
 */
void p2pmr_events_close(struct p2pmr_events *events);

/**
 * p2pmr_event_kind_name() - a kind as a word
 * @kind: the kind
 *
 * Return: "arrived", "leaving", "left" or "lost"; "unknown" for anything else.
 */
const char *p2pmr_event_kind_name(enum p2pmr_event_kind kind);

#ifdef __cplusplus
}
#endif

#endif
