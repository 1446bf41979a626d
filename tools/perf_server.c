// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "find.h"
#include "perf.h"
#include "stop.h"

#define PAUSE_MS 100

struct server {
	struct perf_report *rep;
	struct perf_dev *dev;
	struct chan ch;
	struct p2pmr_provider *own;
	struct p2pmr_provider *host;
};

static int answer_hello(struct server *srv, const struct wire_hello *hello)
{
	struct wire_msg msg = { .type = WIRE_WELCOME };
	struct perf_report *rep = srv->rep;

	if (perf_params_agree(rep->opts, &hello->params) ||
	    perf_check_params(srv->dev, &hello->params))
		return -1;
	rep->params = hello->params;
	rep->passes = hello->passes;
	rep->ident[PERF_CLIENT] = hello->ident;
	perf_ident(&rep->ident[PERF_SERVER], srv->dev, rep->opts->mem);
	msg.u.welcome = rep->ident[PERF_SERVER];
	return chan_send(&srv->ch, &msg);
}

static int check_begin(const struct server *srv, const struct wire_begin *begin)
{
	const struct perf_params *p = &srv->rep->params;

	if (p->sweep ? begin->size <= p->size : begin->size == p->size)
		return 0;
	return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO, "",
		    "The client begins with messages of %llu bytes where %s%llu were agreed.",
		    (unsigned long long)begin->size,
		    p->sweep ? "up to " : "", (unsigned long long)p->size);
}

/* Meet the client half way: it connects when it knows where we are */
static int meet(struct server *srv, struct perf_pass *pass,
		const struct wire_endpoint *client)
{
	struct wire_msg msg = { .type = WIRE_READY };
	bool cm = pass->params.cm;

	if (perf_pass_meet(pass, srv->dev, client))
		return -1;
	if (!cm && perf_pass_connect(pass, srv->dev, &srv->ch))
		return -1;
	msg.u.ready = pass->local;
	if (chan_send(&srv->ch, &msg))
		return -1;
	if (cm && perf_pass_connect(pass, srv->dev, &srv->ch))
		return -1;
	return chan_recv(&srv->ch, WIRE_GO, &msg,
			 perf_memory_timeout_ms(&pass->lay));
}

static int serve_pass(struct server *srv)
{
	struct perf_pass_plan plan = {
		.params = &srv->rep->params,
		.role = PERF_SERVER,
	};
	struct perf_layout lay;
	struct perf_pass *pass;
	struct wire_msg msg;
	int ret = -1;

	/* The client fills its memory first, which takes its time */
	perf_params_layout(plan.params, &lay);
	if (chan_recv(&srv->ch, WIRE_BEGIN, &msg,
		      perf_memory_timeout_ms(&lay)) ||
	    check_begin(srv, &msg.u.begin))
		return -1;
	plan.size = msg.u.begin.size;
	plan.seed = msg.u.begin.seed;
	plan.number = msg.u.begin.pass;
	plan.provider = msg.u.begin.server_memory == PERF_MEMORY_HOST ?
			srv->host : srv->own;

	pass = calloc(1, sizeof(*pass));
	if (!pass)
		return fail_nomem();
	if (perf_pass_open(pass, srv->dev, srv->rep->opts, &plan))
		goto out_free;
	ret = meet(srv, pass, &msg.u.begin.client);
	if (!ret)
		ret = perf_session_pass(srv->rep, pass, &srv->ch);
	perf_pass_close(pass);
out_free:
	free(pass);
	return ret;
}

static int serve_client(struct server *srv, const struct wire_hello *hello)
{
	struct wire_msg msg;
	uint32_t i;

	if (answer_hello(srv, hello))
		return -1;
	for (i = 0; i < hello->passes; i++) {
		if (serve_pass(srv))
			return -1;
	}
	return chan_recv(&srv->ch, WIRE_BYE, &msg, CHAN_REPLY_MS);
}

/*
 * Wait for a client. Whoever connects and does not speak our protocol (a port
 * scanner, a script that looks whether the server is up) is none: the server
 * says so and goes on waiting.
 */
static int wait_client(struct server *srv, int listen_fd,
		       struct wire_hello *hello)
{
	struct wire_msg msg;

	for (;;) {
		if (chan_accept(&srv->ch, listen_fd))
			return -1;
		if (!chan_recv(&srv->ch, WIRE_HELLO, &msg, CHAN_REPLY_MS)) {
			*hello = msg.u.hello;
			return 0;
		}
		if (stop_requested()) {
			chan_close(&srv->ch);
			return -1;
		}
		failure_print(fail_get(), srv->rep->opts->cmd);
		chan_close(&srv->ch);
		fail_clear();
	}
}

static int find_memory(struct server *srv, struct p2pmr_context *ctx)
{
	srv->own = find_provider(ctx, "--mem", srv->rep->opts->mem);
	if (!srv->own)
		return -1;
	srv->host = p2pmr_provider_find(ctx, PERF_HOST);
	return srv->host ? 0 : fail_lib(PERF_HOST);
}

static int serve_one(struct server *srv, int *listen_fd)
{
	struct wire_hello hello;
	int ret;

	ret = wait_client(srv, *listen_fd, &hello);
	if (!srv->rep->opts->forever) {
		/* A second one is to see at once that it is not served */
		close(*listen_fd);
		*listen_fd = -1;
	}
	if (ret)
		return -1;
	ret = serve_client(srv, &hello);
	chan_close(&srv->ch);
	return ret;
}

/*
 * With --forever a client's failure is its own, and the server goes on. Told to
 * stop just after a client was served well, it has that still to report, and stops
 * before the next.
 */
static int serve_all(struct server *srv, int *listen_fd)
{
	const struct perf_opts *opts = srv->rep->opts;
	int ret;

	for (;;) {
		ret = serve_one(srv, listen_fd);
		if (!opts->forever || (ret && stop_requested()))
			return ret;
		/* Whatever keeps it from accepting may last */
		if (ret)
			poll(NULL, 0, PAUSE_MS);
		perf_report_end(srv->rep, !ret);
		perf_report_reset(srv->rep);
		fail_clear();
		fflush(stdout);
	}
}

int perf_server(struct perf_report *rep, struct perf_dev *dev,
		struct p2pmr_context *ctx)
{
	struct server *srv = calloc(1, sizeof(*srv));
	int listen_fd;
	int ret = -1;

	if (!srv)
		return fail_nomem();
	srv->rep = rep;
	srv->dev = dev;
	if (find_memory(srv, ctx) || perf_dev_open(dev, rep->opts) ||
	    perf_probe_memory(dev, srv->own))
		goto out;
	listen_fd = chan_listen(rep->opts->tcp_port);
	if (listen_fd < 0)
		goto out;
	fprintf(stderr, "%s: waiting for a client on TCP port %u\n",
		rep->opts->cmd, rep->opts->tcp_port);
	ret = serve_all(srv, &listen_fd);
	if (listen_fd >= 0)
		close(listen_fd);
out:
	free(srv);
	return ret;
}
