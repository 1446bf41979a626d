/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control channel: TCP between client and server, IPv4 or IPv6. All calls
 * return 0, or -1 with the failure recorded; all of them end soon after
 * Ctrl-C, and when the other end dies.
 */
#ifndef P2PMR_TOOLS_PERF_CHAN_H
#define P2PMR_TOOLS_PERF_CHAN_H

#include <stdbool.h>

#include "perf_wire.h"

/* How long a client tries again while nobody listens */
#define CHAN_CONNECT_MS 5000
/* How long a message may take that needs no work by the other end */
#define CHAN_REPLY_MS 10000
#define CHAN_FOREVER (-1)

struct chan {
	int fd;
	const char *peer;	/* "server" or "client", for messages */
	bool peer_knows;	/* it failed itself: no need to tell it */
	bool has_done;		/* a DONE that chan_watch() met */
	struct wire_done done;
};

int chan_connect(struct chan *ch, const char *host, unsigned int port);

/* The listening socket, or -1 */
int chan_listen(unsigned int port);
int chan_accept(struct chan *ch, int listen_fd);

int chan_send(struct chan *ch, const struct wire_msg *msg);

/*
 * Receive a message that must be of @type. ERROR from the other end becomes
 * our failure, so that both print the same.
 */
int chan_recv(struct chan *ch, enum wire_type type, struct wire_msg *msg,
	      int timeout_ms);

/*
 * While RDMA is running, the other end has nothing to say but that it is DONE,
 * which is kept for chan_recv(): anything else within @timeout_ms (0: has
 * arrived by now) is an error or its end.
 */
int chan_watch(struct chan *ch, int timeout_ms);

/*
 * Wait until @fd is ready to be read; the other end has nothing to say
 * meanwhile. Also -1 when @timeout_ms are over, @what says with what.
 */
int chan_wait_fd(struct chan *ch, int fd, int timeout_ms, const char *what);

/* Tell the other end about our failure, if it can still be told; close */
void chan_close(struct chan *ch);

#endif
