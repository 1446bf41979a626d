// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fail.h"
#include "find.h"
#include "perf.h"

/* One memory of the client's, and what the server is told */
struct choice {
	struct p2pmr_provider *provider;
	enum perf_side_memory server_memory;
};

/*
 * A pass over host memory is to be host memory on both sides: the server's
 * own memory, whatever it is, belongs to the other pass.
 */
static enum perf_side_memory server_side(struct p2pmr_provider *provider)
{
	return p2pmr_provider_is_peer(provider) ? PERF_MEMORY_OWN :
						  PERF_MEMORY_HOST;
}

/* The memories, the one to compare with first; their number, or -1 */
static int choose_memory(struct choice choice[2],
		     struct p2pmr_context *ctx, const struct perf_opts *opts)
{
	struct p2pmr_provider *mem, *other;

	mem = find_provider(ctx, "--mem", opts->mem);
	if (!mem)
		return -1;
	if (!opts->compare) {
		choice[0] = (struct choice){ mem, PERF_MEMORY_OWN };
		return 1;
	}
	other = find_provider(ctx, "--compare", opts->compare);
	if (!other)
		return -1;

	switch (opts->compare_side) {
	case PERF_COMPARE_CLIENT:
		choice[0] = (struct choice){ other, PERF_MEMORY_OWN };
		choice[1] = (struct choice){ mem, PERF_MEMORY_OWN };
		break;
	case PERF_COMPARE_SERVER:
		choice[0] = (struct choice){ mem, PERF_MEMORY_HOST };
		choice[1] = (struct choice){ mem, PERF_MEMORY_OWN };
		break;
	default:
		choice[0] = (struct choice){ other, server_side(other) };
		choice[1] = (struct choice){ mem, server_side(mem) };
		break;
	}
	return 2;
}

/* The sizes, smallest first; their number */
static uint32_t list_sizes(const struct perf_params *p,
			   uint64_t sizes[PERF_SIZES_MAX])
{
	uint32_t n = 0;
	uint64_t size;

	if (!p->sweep) {
		sizes[0] = p->size;
		return 1;
	}
	for (size = PERF_SWEEP_FIRST; size <= p->size; size *= 2)
		sizes[n++] = size;
	return n;
}

/* A datagram is one packet */
static void limit_sweep(struct perf_params *p, const struct perf_dev *dev,
			const struct perf_opts *opts)
{
	uint8_t mtu = opts->mtu ? opts->mtu : dev->port_attr.active_mtu;

	if (p->sweep && p->transport == PERF_UD && p->size > 128U << mtu)
		p->size = 128U << mtu;
}

struct client {
	struct perf_report *rep;
	struct perf_dev *dev;
	struct chan ch;
	struct choice choice[2];
	uint64_t sizes[PERF_SIZES_MAX];
	uint64_t seed;
	uint32_t choices;
	uint32_t n_sizes;
};

static int greet(struct client *cl)
{
	struct wire_msg msg = { .type = WIRE_HELLO };
	struct perf_report *rep = cl->rep;

	perf_ident(&rep->ident[PERF_CLIENT], cl->dev, rep->opts->mem);
	msg.u.hello.ident = rep->ident[PERF_CLIENT];
	msg.u.hello.params = rep->params;
	msg.u.hello.passes = rep->passes;
	if (chan_send(&cl->ch, &msg) ||
	    chan_recv(&cl->ch, WIRE_WELCOME, &msg, CHAN_REPLY_MS))
		return -1;
	rep->ident[PERF_SERVER] = msg.u.welcome;
	return 0;
}

/* Describe ourselves, learn about the server, connect */
static int meet(struct client *cl, struct perf_pass *pass,
		const struct choice *choice, uint32_t number)
{
	struct wire_msg msg = { .type = WIRE_BEGIN };

	msg.u.begin.seed = cl->seed;
	msg.u.begin.pass = number;
	msg.u.begin.size = pass->params.size;
	msg.u.begin.server_memory = choice->server_memory;
	msg.u.begin.client = pass->local;
	if (chan_send(&cl->ch, &msg) ||
	    chan_recv(&cl->ch, WIRE_READY, &msg,
		      perf_memory_timeout_ms(&pass->lay)))
		return -1;
	if (perf_pass_meet(pass, cl->dev, &msg.u.ready) ||
	    perf_pass_connect(pass, cl->dev, &cl->ch))
		return -1;
	msg = (struct wire_msg){ .type = WIRE_GO };
	return chan_send(&cl->ch, &msg);
}

static int run_pass(struct client *cl, uint32_t number)
{
	const struct choice *choice = &cl->choice[number % cl->choices];
	const struct perf_pass_plan plan = {
		.params = &cl->rep->params,
		.provider = choice->provider,
		.role = PERF_CLIENT,
		.size = cl->sizes[number / cl->choices],
		.seed = cl->seed,
		.number = number,
	};
	struct perf_pass *pass;
	int ret = -1;

	pass = calloc(1, sizeof(*pass));
	if (!pass)
		return fail_nomem();
	if (perf_pass_open(pass, cl->dev, cl->rep->opts, &plan))
		goto out_free;
	ret = meet(cl, pass, choice, number);
	if (!ret)
		ret = perf_session_pass(cl->rep, pass, &cl->ch);
	perf_pass_close(pass);
out_free:
	free(pass);
	return ret;
}

static int run_all(struct client *cl)
{
	struct wire_msg bye = { .type = WIRE_BYE };
	uint32_t i;

	if (getrandom(&cl->seed, sizeof(cl->seed), 0) != sizeof(cl->seed))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "Cannot get random bytes: %s.", strerror(errno));
	if (greet(cl))
		return -1;
	for (i = 0; i < cl->rep->passes; i++) {
		if (run_pass(cl, i))
			return -1;
	}
	return chan_send(&cl->ch, &bye);
}

/* All that can fail without a server is to fail before one is asked */
static int prepare(struct client *cl, struct p2pmr_context *ctx)
{
	struct perf_report *rep = cl->rep;
	uint32_t i;
	int n;

	n = choose_memory(cl->choice, ctx, rep->opts);
	if (n < 0 || perf_dev_open(cl->dev, rep->opts))
		return -1;
	cl->choices = n;
	if (perf_check_params(cl->dev, &rep->params))
		return -1;
	limit_sweep(&rep->params, cl->dev, rep->opts);
	cl->n_sizes = list_sizes(&rep->params, cl->sizes);
	rep->passes = cl->n_sizes * cl->choices;
	for (i = 0; i < cl->choices; i++) {
		if (perf_probe_memory(cl->dev, cl->choice[i].provider))
			return -1;
	}
	return 0;
}

int perf_client(struct perf_report *rep, struct perf_dev *dev,
		struct p2pmr_context *ctx)
{
	struct client *cl = calloc(1, sizeof(*cl));
	int ret = -1;

	if (!cl)
		return fail_nomem();
	cl->rep = rep;
	cl->dev = dev;
	if (prepare(cl, ctx) ||
	    chan_connect(&cl->ch, rep->opts->server, rep->opts->tcp_port))
		goto out;
	ret = run_all(cl);
	chan_close(&cl->ch);
out:
	free(cl);
	return ret;
}
