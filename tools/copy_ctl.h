/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control connection: two pipes to the other end, through a remote shell.
 * Nothing here blocks but copy_ctl_wait(). Functions that return int return 0,
 * or -1 with the failure recorded (fail.h), unless they say otherwise.
 */
#ifndef P2PMR_TOOLS_COPY_CTL_H
#define P2PMR_TOOLS_COPY_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "copy_wire.h"

/* How often an end says that it is there, and how long it may say nothing */
#define COPY_CTL_PING_MS 5000
#define COPY_CTL_SILENCE_MS 30000
/* The other end may have to be logged in to by hand first */
#define COPY_CTL_LOGIN_MS (10 * 60 * 1000)
/* For as long as it says that it is there */
#define COPY_CTL_WHILE_ALIVE (-1)

#define COPY_CTL_BUF_BYTES (16 * (COPY_WIRE_HEADER_BYTES + \
				  COPY_WIRE_PAYLOAD_MAX))

/**
 * struct copy_ctl - the connection
 * @in: what comes; -1: closed
 * @out: what goes; may be the same descriptor
 * @peer: the other end's name, for messages
 * @shell: process of the remote shell; 0: none
 * @peer_knows: the other end failed itself, or is gone
 * @last_in_ms: when it said anything
 * @last_out_ms: when it was told anything
 * @in_used: bytes that have come and were not looked at
 * @out_used: bytes that have still to go
 */
struct copy_ctl {
	int in;
	int out;
	const char *peer;
	pid_t shell;
	bool peer_knows;
	uint64_t last_in_ms;
	uint64_t last_out_ms;
	size_t in_used;
	size_t out_used;
	uint8_t in_buf[COPY_CTL_BUF_BYTES];
	uint8_t out_buf[COPY_CTL_BUF_BYTES];
};

int copy_ctl_init(struct copy_ctl *ctl, int in, int out, const char *peer);

/* Queue a message; it goes out in copy_ctl_work() */
int copy_ctl_send(struct copy_ctl *ctl, const struct copy_msg *msg);

/* Is there room for @n messages of any size? Ask before making more of them */
bool copy_ctl_has_room(const struct copy_ctl *ctl, unsigned int n);

/* poll() events that copy_ctl_work() waits for, of @in and of @out */
short copy_ctl_events_in(const struct copy_ctl *ctl);
short copy_ctl_events_out(const struct copy_ctl *ctl);

/* Read and write what goes at once; say that we are there, see that it is */
int copy_ctl_work(struct copy_ctl *ctl);

/*
 * The next message that has come: 1, or 0 when there is none. ERROR becomes our
 * failure; PING is swallowed.
 */
int copy_ctl_next(struct copy_ctl *ctl, struct copy_msg *msg);

/* Wait for a message that must be of @type */
int copy_ctl_wait(struct copy_ctl *ctl, enum copy_msg_type type,
		  struct copy_msg *msg, int timeout_ms);

/* Wait until all has gone out */
int copy_ctl_drain(struct copy_ctl *ctl, int timeout_ms);

/* A message that must not come now */
int copy_ctl_unexpected(const struct copy_ctl *ctl, const char *what);

/*
 * The other end may know better why the wire broke: give it @timeout_ms to say
 * so. True: its failure is recorded.
 */
bool copy_ctl_explains(struct copy_ctl *ctl, int timeout_ms);

/* Tell the other end about our failure, if it can still be told; close */
void copy_ctl_close(struct copy_ctl *ctl);

/* ---- copy_shell.c: the other end, started by a remote shell ---- */

/*
 * @shell: command and arguments with blanks between, "ssh -p 2222"
 * @host: its next argument
 * @program: p2pmr there
 */
int copy_shell_start(struct copy_ctl *ctl, const char *shell,
		     const char *host, const char *program);

/* It closed the connection: record why, as far as its status tells */
int copy_shell_lost(struct copy_ctl *ctl, int err);

/* Wait for its end; after a while, end it */
void copy_shell_end(struct copy_ctl *ctl);

#endif
