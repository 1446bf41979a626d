// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"
#include "fail.h"
#include "find.h"
#include "stop.h"

struct server {
	struct perf_report *rep;
	struct perf_dev *dev;
	struct chan ch;
	struct p2pmr_provider *own;
	struct p2pmr_provider *host;
};

static const char *yes_no(bool val)
{
	return val ? "--verify" : "--no-verify";
}

static int disagree(const char *what, const char *mine, const char *theirs)
{
	return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
		    "Give both sides the same value, or leave it out on the server.",
		    "Client and server were given different values of %s: the client %s, the server %s.",
		    what, theirs, mine);
}

static int disagree_number(const char *what, uint64_t mine, uint64_t theirs)
{
	char text[2][32];

	snprintf(text[0], sizeof(text[0]), "%llu", (unsigned long long)mine);
	snprintf(text[1], sizeof(text[1]), "%llu", (unsigned long long)theirs);
	return disagree(what, text[0], text[1]);
}

int perf_params_agree(const struct perf_opts *server,
		    const struct wire_params *client)
{
	const struct wire_params *p = &server->params;
	const struct {
		enum perf_given given;
		const char *what;
		uint64_t mine, theirs;
	} numbers[] = {
		{ PERF_GIVEN_SIZE, "-s (message size)", p->size, client->size },
		{ PERF_GIVEN_ITERATIONS, "-n (iterations)", p->iterations,
		  client->iterations },
		{ PERF_GIVEN_DURATION, "-D (duration)", p->duration_s,
		  client->duration_s },
		{ PERF_GIVEN_DEPTH, "-t (depth)", p->depth, client->depth },
		{ PERF_GIVEN_QPS, "-q (queue pairs)", p->qps, client->qps },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (server->given & numbers[i].given &&
		    numbers[i].mine != numbers[i].theirs)
			return disagree_number(numbers[i].what,
					       numbers[i].mine,
					       numbers[i].theirs);
	}
	if (server->given & PERF_GIVEN_OP && p->op != client->op)
		return disagree("--op", perf_op_name(p->op),
				perf_op_name(client->op));
	if (server->given & PERF_GIVEN_VERIFY && p->verify != client->verify)
		return disagree("--verify", yes_no(p->verify),
				yes_no(client->verify));
	return 0;
}

static int answer_hello(struct server *srv, const struct wire_hello *hello)
{
	struct wire_msg msg = { .type = WIRE_WELCOME };
	struct perf_report *rep = srv->rep;

	if (perf_params_agree(rep->opts, &hello->params) ||
	    perf_check_size(srv->dev, hello->params.size))
		return -1;
	rep->params = hello->params;
	rep->ident[PERF_CLIENT] = hello->ident;
	perf_ident(&rep->ident[PERF_SERVER], srv->dev, rep->opts->mem);
	msg.u.welcome = rep->ident[PERF_SERVER];
	return chan_send(&srv->ch, &msg);
}

static void fill_row(struct perf_row *row, const struct perf_pass *pass,
		     const struct wire_done *done)
{
	memset(row, 0, sizeof(*row));
	memcpy(row->memory[PERF_CLIENT], pass->remote.memory, WIRE_NAME_MAX);
	memcpy(row->memory[PERF_SERVER], pass->local.memory, WIRE_NAME_MAX);
	memcpy(row->route[PERF_CLIENT], pass->remote.route, WIRE_NAME_MAX);
	memcpy(row->route[PERF_SERVER], pass->local.route, WIRE_NAME_MAX);
	row->mtu = pass->mtu;
	row->done = *done;
}

/*
 * From READY to DONE the server sleeps on the control channel: spinning would
 * take the CPU from a software RDMA device, and from the client beside it.
 */
static int serve_run(struct server *srv, struct perf_pass *pass)
{
	struct wire_msg msg = { .type = WIRE_READY };
	struct perf_verdict verdict = { 0 };
	struct wire_done done;
	struct perf_row row;

	msg.u.ready = pass->local;
	if (chan_send(&srv->ch, &msg) ||
	    chan_recv(&srv->ch, WIRE_DONE, &msg, CHAN_FOREVER))
		return -1;
	done = msg.u.done;

	if (pass->params->op == PERF_WRITE && perf_pass_check(pass, &verdict))
		return -1;
	msg = (struct wire_msg){ .type = WIRE_VERDICT };
	msg.u.verdict = verdict;
	if (chan_send(&srv->ch, &msg))
		return -1;

	fill_row(&row, pass, &done);
	row.verdict = pass->params->op == PERF_WRITE ? verdict : done.verdict;
	if (!row.verdict.wrong_bytes) {
		perf_report_row(srv->rep, &row);
		return 0;
	}
	srv->ch.peer_knows = true;
	return perf_fail_verdict(&row.verdict, pass->params->op == PERF_WRITE ?
					     "the server's memory" :
					     "the client's memory");
}

static int serve_pass(struct server *srv)
{
	struct p2pmr_provider *provider;
	struct perf_pass *pass;
	struct wire_msg msg;
	uint64_t key;
	int ret = -1;

	/* The client fills its memory first, which takes its time */
	if (chan_recv(&srv->ch, WIRE_BEGIN, &msg, CHAN_FOREVER))
		return -1;
	provider = msg.u.begin.server_memory == PERF_MEMORY_HOST ? srv->host :
								 srv->own;
	key = perf_pattern_key(msg.u.begin.seed, msg.u.begin.pass);

	pass = calloc(1, sizeof(*pass));
	if (!pass)
		return fail_nomem();
	if (perf_pass_open(pass, srv->dev, srv->rep->opts, &srv->rep->params,
			 provider, PERF_SERVER, key))
		goto out_free;
	ret = perf_pass_connect(pass, srv->dev, &msg.u.begin.client);
	if (!ret)
		ret = serve_run(srv, pass);
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
	return chan_recv(&srv->ch, WIRE_BYE, &msg, CHAN_FOREVER);
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
		failure_print(fail_get(), BW_CMD);
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

int perf_server(struct perf_report *rep, struct perf_dev *dev,
	      struct p2pmr_context *ctx)
{
	struct server srv = { .rep = rep, .dev = dev };
	struct wire_hello hello;
	int listen_fd;
	int ret;

	if (find_memory(&srv, ctx) || perf_dev_open(dev, rep->opts) ||
	    perf_probe_memory(dev, srv.own))
		return -1;
	listen_fd = chan_listen(rep->opts->tcp_port);
	if (listen_fd < 0)
		return -1;
	fprintf(stderr, "%s: waiting for a client on TCP port %u\n", BW_CMD,
		rep->opts->tcp_port);
	ret = wait_client(&srv, listen_fd, &hello);
	/* One client; a second one is to see at once that it is not served */
	close(listen_fd);
	if (ret)
		return -1;
	ret = serve_client(&srv, &hello);
	chan_close(&srv.ch);
	return ret;
}
