// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "copy_ctl.h"
#include "stop.h"

/* How often waiting looks up to see whether the user wants to end */
#define SLICE_MS 100
#define MSG_BYTES_MAX (COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX)

static int fail_system(const char *call)
{
	return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		    "%s of the control connection failed: %s.", call,
		    strerror(errno));
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return fail_system("fcntl()");
	return 0;
}

int copy_ctl_init(struct copy_ctl *ctl, int in, int out, const char *peer)
{
	ctl->in = in;
	ctl->out = out;
	ctl->peer = peer;
	ctl->shell = 0;
	ctl->peer_knows = false;
	ctl->last_in_ms = clock_ms();
	ctl->last_out_ms = ctl->last_in_ms;
	ctl->in_used = 0;
	ctl->out_used = 0;
	return set_nonblocking(in) || set_nonblocking(out) ? -1 : 0;
}

bool copy_ctl_has_room(const struct copy_ctl *ctl, unsigned int n)
{
	return COPY_CTL_BUF_BYTES - ctl->out_used >= n * MSG_BYTES_MAX;
}

static int fail_protocol(const struct copy_ctl *ctl, const char *why)
{
	return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO,
		    "Use the same version of p2pmr on both sides, and a login there that prints nothing.",
		    "%s sent %s.", ctl->peer, why);
}

int copy_ctl_unexpected(const struct copy_ctl *ctl, const char *what)
{
	char why[PACK_WHY_MAX];

	snprintf(why, sizeof(why), "a %s message that is not due", what);
	return fail_protocol(ctl, why);
}

int copy_ctl_send(struct copy_ctl *ctl, const struct copy_msg *msg)
{
	/*
	 * Each end has a bounded number of messages under way, so that this is
	 * the other end's doing: it reads nothing, but wants answers.
	 */
	if (!copy_ctl_has_room(ctl, 1))
		return fail(CMD_FAILED, REASON_PEER_LOST, EPIPE, "",
			    "%s does not read what it is told.", ctl->peer);
	ctl->out_used += copy_wire_encode(msg, ctl->out_buf + ctl->out_used);
	return 0;
}

static int lost(struct copy_ctl *ctl, int err)
{
	ctl->peer_knows = true;
	return copy_shell_lost(ctl, err);
}

static int flush_out(struct copy_ctl *ctl)
{
	size_t done = 0;
	int ret = 0;

	while (done < ctl->out_used) {
		ssize_t n = write(ctl->out, ctl->out_buf + done,
				  ctl->out_used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				ret = errno;
			break;
		}
		done += n;
		ctl->last_out_ms = clock_ms();
	}
	ctl->out_used -= done;
	memmove(ctl->out_buf, ctl->out_buf + done, ctl->out_used);
	return ret;
}

/* 0, -1, or 1 at the end of it */
static int fill_in(struct copy_ctl *ctl)
{
	while (ctl->in_used < COPY_CTL_BUF_BYTES) {
		ssize_t n = read(ctl->in, ctl->in_buf + ctl->in_used,
				 COPY_CTL_BUF_BYTES - ctl->in_used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != ECONNRESET)
			return fail_system("read()");
		if (n <= 0)
			return 1;
		ctl->in_used += n;
		ctl->last_in_ms = clock_ms();
	}
	return 0;
}

/* A whole message at the start of the buffer? */
static int has_message(struct copy_ctl *ctl, enum copy_msg_type *type,
		       size_t *len)
{
	char why[PACK_WHY_MAX];

	if (ctl->in_used < COPY_WIRE_HEADER_BYTES)
		return copy_wire_can_begin(ctl->in_buf, ctl->in_used) ? 0 :
		       fail_protocol(ctl, "bytes that are no message of p2pmr copy");
	if (copy_wire_decode_header(ctl->in_buf, type, len, why))
		return fail_protocol(ctl, why);
	return ctl->in_used >= COPY_WIRE_HEADER_BYTES + *len;
}

static int keep_alive(struct copy_ctl *ctl)
{
	static const struct copy_msg ping = { .type = COPY_PING };
	uint64_t now = clock_ms();

	if (now - ctl->last_in_ms > COPY_CTL_SILENCE_MS)
		return fail(CMD_FAILED, REASON_PEER_LOST, ETIMEDOUT,
			    "Check the network, and that p2pmr is not stopped there.",
			    "%s has said nothing for %d seconds.", ctl->peer,
			    COPY_CTL_SILENCE_MS / 1000);
	if (now - ctl->last_out_ms < COPY_CTL_PING_MS || ctl->out_used)
		return 0;
	return copy_ctl_send(ctl, &ping);
}

short copy_ctl_events_in(const struct copy_ctl *ctl)
{
	return ctl->in_used < COPY_CTL_BUF_BYTES ? POLLIN : 0;
}

short copy_ctl_events_out(const struct copy_ctl *ctl)
{
	return ctl->out_used ? POLLOUT : 0;
}

int copy_ctl_work(struct copy_ctl *ctl)
{
	enum copy_msg_type type;
	int ended, err, ret;
	size_t len;

	ended = fill_in(ctl);
	if (ended < 0)
		return -1;
	err = flush_out(ctl);
	if (!ended && !err)
		return keep_alive(ctl);
	/* What came before the end is still to be read */
	ret = has_message(ctl, &type, &len);
	return ret ? ret < 0 ? -1 : 0 : lost(ctl, err);
}

static int take_error(struct copy_ctl *ctl, const struct failure *f)
{
	ctl->peer_knows = true;
	return fail(f->status, f->reason, f->errnum, f->remedy, "%s: %s",
		    ctl->peer, f->text);
}

int copy_ctl_next(struct copy_ctl *ctl, struct copy_msg *msg)
{
	char why[PACK_WHY_MAX];
	enum copy_msg_type type;
	size_t len;
	int ret;

	do {
		ret = has_message(ctl, &type, &len);
		if (ret <= 0)
			return ret;
		ret = copy_wire_decode(type, ctl->in_buf +
				       COPY_WIRE_HEADER_BYTES, len, msg, why);
		len += COPY_WIRE_HEADER_BYTES;
		ctl->in_used -= len;
		memmove(ctl->in_buf, ctl->in_buf + len, ctl->in_used);
		if (ret)
			return fail_protocol(ctl, why);
		if (type == COPY_ERROR)
			return take_error(ctl, &msg->u.failure);
	} while (type == COPY_PING);
	return 1;
}

static void wait_a_little(struct copy_ctl *ctl)
{
	struct pollfd fds[] = {
		{ .fd = ctl->in, .events = copy_ctl_events_in(ctl) },
		{ .fd = ctl->out, .events = copy_ctl_events_out(ctl) },
	};

	/* A descriptor without events would still report its end, for ever */
	if (!fds[1].events)
		fds[1].fd = -1;
	poll(fds, ARRAY_SIZE(fds), SLICE_MS);
}

/* One round of waiting; @what: for, since @begin_ms */
static int wait_on(struct copy_ctl *ctl, const char *what, uint64_t begin_ms,
		   int timeout_ms)
{
	if (stop_check() || copy_ctl_work(ctl))
		return -1;
	/* Whose user is asked for a password is not silent */
	if (timeout_ms > COPY_CTL_SILENCE_MS)
		ctl->last_in_ms = clock_ms();
	if (timeout_ms != COPY_CTL_WHILE_ALIVE && clock_ms() - begin_ms > (uint64_t)timeout_ms)
		return fail(CMD_FAILED, REASON_PEER_LOST, ETIMEDOUT,
			    "Check that it is a p2pmr copy and that it is not stopped.",
			    "%s did not answer in time (waiting for %s).",
			    ctl->peer, what);
	return 0;
}

int copy_ctl_wait(struct copy_ctl *ctl, enum copy_msg_type type,
		  struct copy_msg *msg, int timeout_ms)
{
	uint64_t begin = clock_ms();
	int ret;

	while (!(ret = copy_ctl_next(ctl, msg))) {
		size_t before = ctl->in_used;

		if (wait_on(ctl, copy_msg_name(type), begin, timeout_ms))
			return -1;
		if (ctl->in_used == before)
			wait_a_little(ctl);
	}
	if (ret < 0)
		return -1;
	return msg->type == type ? 0 :
	       copy_ctl_unexpected(ctl, copy_msg_name(msg->type));
}

int copy_ctl_drain(struct copy_ctl *ctl, int timeout_ms)
{
	uint64_t begin = clock_ms();

	while (ctl->out_used) {
		if (wait_on(ctl, "what it was told to be read", begin,
			    timeout_ms))
			return -1;
		if (ctl->out_used)
			wait_a_little(ctl);
	}
	return 0;
}

bool copy_ctl_explains(struct copy_ctl *ctl, int timeout_ms)
{
	uint64_t end = clock_ms() + timeout_ms;
	struct copy_msg msg;

	while (clock_ms() < end && !stop_requested()) {
		int ret = copy_ctl_next(ctl, &msg);

		if (ret < 0 || (!ret && copy_ctl_work(ctl)))
			return true;
		if (!ret)
			wait_a_little(ctl);
	}
	return false;
}

void copy_ctl_close(struct copy_ctl *ctl)
{
	struct copy_msg msg = { .type = COPY_ERROR };

	if (ctl->in < 0)
		return;
	if (fail_happened() && !ctl->peer_knows) {
		msg.u.failure = *fail_get();
		if (copy_ctl_has_room(ctl, 1))
			copy_ctl_send(ctl, &msg);
	}
	/* As far as it goes at once: we are on our way out */
	if (!ctl->peer_knows)
		flush_out(ctl);
	if (ctl->out != ctl->in)
		close(ctl->out);
	close(ctl->in);
	ctl->in = -1;
	copy_shell_end(ctl);
}
