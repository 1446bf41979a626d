// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "perf_chan.h"
#include "clock.h"
#include "stop.h"

/* How often waiting looks up to see whether the user wants to end */
#define SLICE_MS 100

/*
 * Wait until @fd is ready. 1: it is. 0: time is over. -1: the user wants to
 * end, or poll() failed.
 */
static int wait_fd(int fd, short events, int timeout_ms)
{
	uint64_t end = clock_ms() + timeout_ms;
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		int slice = SLICE_MS;
		int ret;

		if (stop_check())
			return -1;
		if (timeout_ms >= 0) {
			uint64_t now = clock_ms();
			uint64_t left = now < end ? end - now : 0;

			if (left < SLICE_MS)
				slice = left;
		}
		ret = poll(&pfd, 1, slice);
		if (ret > 0)
			return 1;
		if (ret < 0 && errno != EINTR)
			return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
				    "poll() of the control connection failed: %s.",
				    strerror(errno));
		if (timeout_ms >= 0 && clock_ms() >= end)
			return 0;
	}
}

static int fail_lost(const struct chan *ch, int err)
{
	return fail(CMD_FAILED, REASON_PEER_LOST, err,
		    "See why it ended on its side.",
		    "The %s has gone away: it closed the control connection%s%s.",
		    ch->peer, err ? ": " : " without a message",
		    err ? strerror(err) : "");
}

static int fail_late(const struct chan *ch, const char *what)
{
	return fail(CMD_FAILED, REASON_PEER_LOST, ETIMEDOUT,
		    "Check that it is a p2pmr and that it is not stopped.",
		    "The %s did not answer in time (waiting for %s).",
		    ch->peer, what);
}

static int recv_all(struct chan *ch, void *dst, size_t len, int timeout_ms,
		    const char *what)
{
	uint64_t begun_ms = 0;
	uint8_t *pos = dst;

	while (len) {
		uint64_t gone_ms = begun_ms ? clock_ms() - begun_ms : 0;
		ssize_t got;
		int ret;

		/* What has begun arrives as a whole, not a byte now and then */
		if (begun_ms)
			timeout_ms = gone_ms < CHAN_REPLY_MS ?
				     CHAN_REPLY_MS - (int)gone_ms : 0;
		ret = wait_fd(ch->fd, POLLIN, timeout_ms);
		if (ret < 0)
			return -1;
		if (!ret)
			return fail_late(ch, what);
		got = recv(ch->fd, pos, len, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return fail_lost(ch, got ? errno : 0);
		pos += got;
		len -= got;
		if (!begun_ms)
			begun_ms = clock_ms();
	}
	return 0;
}

static int fail_protocol(const struct chan *ch, const char *why)
{
	return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO,
		    "Use the same version of p2pmr on both sides and check host and port.",
		    "The %s sent %s.", ch->peer, why);
}

static int recv_any(struct chan *ch, struct wire_msg *msg, int timeout_ms,
		    const char *what)
{
	uint8_t header[WIRE_HEADER_BYTES];
	uint8_t payload[WIRE_PAYLOAD_MAX];
	char why[PACK_WHY_MAX];
	enum wire_type type;
	size_t len;

	if (recv_all(ch, header, sizeof(header), timeout_ms, what))
		return -1;
	if (wire_decode_header(header, &type, &len, why))
		return fail_protocol(ch, why);
	if (recv_all(ch, payload, len, CHAN_REPLY_MS, what))
		return -1;
	if (wire_decode_payload(type, payload, len, msg, why))
		return fail_protocol(ch, why);
	if (type != WIRE_ERROR)
		return 0;

	ch->peer_knows = true;
	return fail(CMD_FAILED, msg->u.error.reason, msg->u.error.errnum,
		    msg->u.error.remedy, "The %s failed: %s", ch->peer,
		    msg->u.error.text);
}

int chan_recv(struct chan *ch, enum wire_type type, struct wire_msg *msg,
	      int timeout_ms)
{
	char why[PACK_WHY_MAX];

	if (type == WIRE_DONE && ch->has_done) {
		msg->type = type;
		msg->u.done = ch->done;
		ch->has_done = false;
		return 0;
	}
	if (recv_any(ch, msg, timeout_ms, wire_type_name(type)))
		return -1;
	if (msg->type == type)
		return 0;
	snprintf(why, sizeof(why), "a %s message where %s was due",
		 wire_type_name(msg->type), wire_type_name(type));
	return fail_protocol(ch, why);
}

/*
 * It said that it is done, and what comes then is for later; unless it is that
 * it failed, or has gone.
 */
static int check_there(struct chan *ch)
{
	uint8_t header[WIRE_HEADER_BYTES];
	char why[PACK_WHY_MAX];
	enum wire_type type;
	struct wire_msg msg;
	ssize_t got;
	size_t len;

	got = recv(ch->fd, header, sizeof(header), MSG_PEEK | MSG_DONTWAIT);
	if (!got)
		return fail_lost(ch, 0);
	if (got < (ssize_t)sizeof(header))
		return 0;
	if (wire_decode_header(header, &type, &len, why))
		return fail_protocol(ch, why);
	if (type != WIRE_ERROR)
		return 0;
	recv_any(ch, &msg, CHAN_REPLY_MS, "ERROR");
	return -1;
}

int chan_watch(struct chan *ch, int timeout_ms)
{
	struct wire_msg msg;
	int ret;

	if (ch->has_done)
		return check_there(ch);
	ret = wait_fd(ch->fd, POLLIN, timeout_ms);
	if (ret <= 0)
		return ret;
	if (recv_any(ch, &msg, CHAN_REPLY_MS, "ERROR"))
		return -1;
	if (msg.type != WIRE_DONE)
		return fail_protocol(ch, "a message in the middle of the run");
	ch->done = msg.u.done;
	ch->has_done = true;
	return 0;
}

int chan_wait_fd(struct chan *ch, int fd, int timeout_ms, const char *what)
{
	uint64_t end = clock_ms() + timeout_ms;
	int ret;

	do {
		ret = wait_fd(fd, POLLIN, SLICE_MS);
		if (ret)
			return ret < 0 ? -1 : 0;
		if (chan_watch(ch, 0))
			return -1;
	} while (clock_ms() < end);
	return fail_late(ch, what);
}

int chan_send(struct chan *ch, const struct wire_msg *msg)
{
	uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX];
	size_t len = wire_encode(msg, buf);
	const uint8_t *pos = buf;

	while (len) {
		ssize_t put;
		int ret = wait_fd(ch->fd, POLLOUT, CHAN_REPLY_MS);

		if (ret < 0)
			return -1;
		if (!ret)
			return fail_late(ch, wire_type_name(msg->type));
		put = send(ch->fd, pos, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (put < 0)
			return fail_lost(ch, errno);
		pos += put;
		len -= put;
	}
	return 0;
}

void chan_close(struct chan *ch)
{
	uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX];

	if (ch->fd < 0)
		return;
	if (fail_happened() && !ch->peer_knows) {
		struct wire_msg msg = { .type = WIRE_ERROR };
		size_t len;

		msg.u.error = *fail_get();
		len = wire_encode(&msg, buf);
		/* As far as it goes at once: we are on our way out */
		if (send(ch->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			shutdown(ch->fd, SHUT_WR);
	}
	close(ch->fd);
	ch->fd = -1;
}

/*
 * A host that vanishes closes nothing: ask after it while it is silent, and
 * give up within 8 s. (A silent process on a living host answers.)
 */
static void set_keepalive(int fd)
{
	int on = 1, idle_s = 3, interval_s = 1, count = 5, user_ms = 8000;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s,
		   sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms,
		   sizeof(user_ms));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* 0, or -errno of the attempt */
static int connect_wait(int fd, const struct addrinfo *ai, int timeout_ms)
{
	socklen_t len = sizeof(int);
	int err;
	int ret;

	if (!connect(fd, ai->ai_addr, ai->ai_addrlen))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	ret = wait_fd(fd, POLLOUT, timeout_ms);
	if (ret < 0)
		return -EINTR;
	if (!ret)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

/* Try each address once. The socket, or -errno of the last attempt */
static int connect_any(const struct addrinfo *list)
{
	const struct addrinfo *ai;
	int ret = -ENOENT;

	for (ai = list; ai && !stop_requested(); ai = ai->ai_next) {
		int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC |
				SOCK_NONBLOCK, ai->ai_protocol);

		if (fd < 0) {
			ret = -errno;
			continue;
		}
		ret = connect_wait(fd, ai, CHAN_REPLY_MS);
		if (!ret)
			return fd;
		close(fd);
	}
	return ret;
}

int chan_connect(struct chan *ch, const char *host, unsigned int port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	uint64_t end = clock_ms() + CHAN_CONNECT_MS;
	struct addrinfo *list;
	char service[8];
	int ret;

	*ch = (struct chan){ .fd = -1, .peer = "server" };
	snprintf(service, sizeof(service), "%u", port);
	ret = getaddrinfo(host, service, &hints, &list);
	if (ret)
		return fail(CMD_FAILED, REASON_CONNECT,
			    ret == EAI_SYSTEM ? errno : 0,
			    "Check the server's name.",
			    "Cannot find the address of \"%s\": %s.", host,
			    gai_strerror(ret));

	/* Scripts start server and client at once: wait for it a little */
	while ((ret = connect_any(list)) == -ECONNREFUSED &&
	       clock_ms() < end && !stop_requested())
		poll(NULL, 0, SLICE_MS);
	freeaddrinfo(list);

	if (stop_check()) {
		if (ret >= 0)
			close(ret);
		return -1;
	}
	if (ret < 0)
		return fail(CMD_FAILED, REASON_CONNECT, -ret,
			    "Start the same command without a host name on the server first, with the same -p.",
			    "Cannot connect to the server %s, TCP port %u: %s.",
			    host, port, strerror(-ret));
	set_keepalive(ret);
	ch->fd = ret;
	return 0;
}

static int listen_on(const struct addrinfo *ai)
{
	int off = 0, on = 1;
	int err;
	int fd;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC,
		    ai->ai_protocol);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* One socket for both families */
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, 4))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int chan_listen(unsigned int port)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	static const int families[] = { AF_INET6, AF_INET };
	struct addrinfo *list;
	char service[8];
	int fd = -EAFNOSUPPORT;
	size_t i;

	snprintf(service, sizeof(service), "%u", port);
	for (i = 0; i < 2 && fd == -EAFNOSUPPORT; i++) {
		hints.ai_family = families[i];
		if (getaddrinfo(NULL, service, &hints, &list))
			continue;
		fd = listen_on(list);
		freeaddrinfo(list);
	}
	if (fd >= 0)
		return fd;
	return fail(CMD_FAILED, REASON_CONNECT, -fd,
		    "End the program that uses the port, or choose another one with -p on both sides.",
		    "Cannot listen on TCP port %u: %s.", port, strerror(-fd));
}

int chan_accept(struct chan *ch, int listen_fd)
{
	*ch = (struct chan){ .fd = -1, .peer = "client" };
	for (;;) {
		if (wait_fd(listen_fd, POLLIN, CHAN_FOREVER) < 0)
			return -1;
		ch->fd = accept4(listen_fd, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (ch->fd >= 0)
			break;
		/* The client may have given up between the two calls */
		if (errno != ECONNABORTED && errno != EINTR && errno != EAGAIN)
			return fail(CMD_FAILED, REASON_CONNECT, errno, "",
				    "Cannot accept a connection: %s.",
				    strerror(errno));
	}
	set_keepalive(ch->fd);
	return 0;
}
