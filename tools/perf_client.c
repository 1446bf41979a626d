// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "perf.h"
#include "fail.h"
#include "find.h"

/* One pass of the client: its own memory, and what the server is told */
struct plan {
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

/* The passes, the one to compare with first; their number, or -1 */
static int make_plan(struct plan plan[WIRE_PASSES_MAX],
		     struct p2pmr_context *ctx, const struct perf_opts *opts)
{
	struct p2pmr_provider *mem, *other;

	mem = find_provider(ctx, "--mem", opts->mem);
	if (!mem)
		return -1;
	if (!opts->compare) {
		plan[0] = (struct plan){ mem, PERF_MEMORY_OWN };
		return 1;
	}
	other = find_provider(ctx, "--compare", opts->compare);
	if (!other)
		return -1;

	switch (opts->compare_side) {
	case PERF_COMPARE_CLIENT:
		plan[0] = (struct plan){ other, PERF_MEMORY_OWN };
		plan[1] = (struct plan){ mem, PERF_MEMORY_OWN };
		break;
	case PERF_COMPARE_SERVER:
		plan[0] = (struct plan){ mem, PERF_MEMORY_HOST };
		plan[1] = (struct plan){ mem, PERF_MEMORY_OWN };
		break;
	default:
		plan[0] = (struct plan){ other, server_side(other) };
		plan[1] = (struct plan){ mem, server_side(mem) };
		break;
	}
	return 2;
}

static int greet(struct perf_report *rep, struct chan *ch,
		 const struct perf_dev *dev, int passes)
{
	struct wire_msg msg = { .type = WIRE_HELLO };

	perf_ident(&rep->ident[PERF_CLIENT], dev, rep->opts->mem);
	msg.u.hello.ident = rep->ident[PERF_CLIENT];
	msg.u.hello.params = rep->params;
	msg.u.hello.passes = passes;
	if (chan_send(ch, &msg) ||
	    chan_recv(ch, WIRE_WELCOME, &msg, CHAN_REPLY_MS))
		return -1;
	rep->ident[PERF_SERVER] = msg.u.welcome;
	return 0;
}

static void fill_row(struct perf_row *row, const struct perf_pass *pass,
		     const struct wire_done *done)
{
	memset(row, 0, sizeof(*row));
	memcpy(row->memory[PERF_CLIENT], pass->local.memory, WIRE_NAME_MAX);
	memcpy(row->memory[PERF_SERVER], pass->remote.memory, WIRE_NAME_MAX);
	memcpy(row->route[PERF_CLIENT], pass->local.route, WIRE_NAME_MAX);
	memcpy(row->route[PERF_SERVER], pass->remote.route, WIRE_NAME_MAX);
	row->mtu = pass->mtu;
	row->done = *done;
}

/* Describe ourselves, learn about the server, connect */
static int meet(struct perf_pass *pass, struct chan *ch, struct perf_dev *dev,
		const struct plan *plan, uint64_t seed, uint32_t number)
{
	struct wire_msg msg = { .type = WIRE_BEGIN };

	msg.u.begin.seed = seed;
	msg.u.begin.pass = number;
	msg.u.begin.server_memory = plan->server_memory;
	msg.u.begin.client = pass->local;
	if (chan_send(ch, &msg) ||
	    chan_recv(ch, WIRE_READY, &msg, perf_memory_timeout_ms(&pass->lay)))
		return -1;
	return perf_pass_connect(pass, dev, &msg.u.ready);
}

/* The receiver of the data judges it; afterwards both sides know */
static int settle(struct perf_pass *pass, struct chan *ch,
		  struct wire_done *done, struct perf_row *row)
{
	struct wire_msg msg = { .type = WIRE_DONE };
	bool reader = pass->params->op == PERF_READ;

	if (reader && perf_pass_check(pass, &done->verdict))
		return -1;
	msg.u.done = *done;
	if (chan_send(ch, &msg) ||
	    chan_recv(ch, WIRE_VERDICT, &msg,
		      perf_memory_timeout_ms(&pass->lay)))
		return -1;
	row->verdict = reader ? done->verdict : msg.u.verdict;
	if (!row->verdict.wrong_bytes)
		return 0;
	ch->peer_knows = true;
	return perf_fail_verdict(&row->verdict, reader ? "the client's memory" :
						       "the server's memory");
}

static int run_pass(struct perf_report *rep, struct chan *ch,
		    struct perf_dev *dev, const struct plan *plan,
		    uint64_t seed, uint32_t number)
{
	struct wire_done done = { 0 };
	struct perf_pass *pass;
	struct perf_row row;
	int ret = -1;

	pass = calloc(1, sizeof(*pass));
	if (!pass)
		return fail_nomem();
	if (perf_pass_open(pass, dev, rep->opts, &rep->params, plan->provider,
			 PERF_CLIENT, perf_pattern_key(seed, number)))
		goto out_free;
	if (meet(pass, ch, dev, plan, seed, number))
		goto out_close;
	if (bw_run(pass, rep->opts, ch, &done))
		goto out_close;
	fill_row(&row, pass, &done);
	ret = settle(pass, ch, &done, &row);
	if (!ret)
		perf_report_row(rep, &row);
out_close:
	perf_pass_close(pass);
out_free:
	free(pass);
	return ret;
}

static int run_all(struct perf_report *rep, struct chan *ch, struct perf_dev *dev,
		   const struct plan *plan, int passes)
{
	struct wire_msg bye = { .type = WIRE_BYE };
	uint64_t seed;
	int i;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "Cannot get random bytes: %s.", strerror(errno));
	if (greet(rep, ch, dev, passes))
		return -1;
	for (i = 0; i < passes; i++) {
		if (run_pass(rep, ch, dev, &plan[i], seed, i))
			return -1;
	}
	return chan_send(ch, &bye);
}

int perf_client(struct perf_report *rep, struct perf_dev *dev,
	      struct p2pmr_context *ctx)
{
	struct plan plan[WIRE_PASSES_MAX];
	struct chan ch;
	int passes, i;
	int ret;

	passes = make_plan(plan, ctx, rep->opts);
	if (passes < 0)
		return -1;
	if (perf_dev_open(dev, rep->opts))
		return -1;
	ret = perf_check_size(dev, rep->params.size);
	for (i = 0; !ret && i < passes; i++)
		ret = perf_probe_memory(dev, plan[i].provider);
	if (!ret)
		ret = chan_connect(&ch, rep->opts->server,
				   rep->opts->tcp_port);
	if (ret)
		return -1;
	rep->cq_mod = perf_cq_mod(rep->opts, &rep->params);
	ret = run_all(rep, &ch, dev, plan, passes);
	chan_close(&ch);
	return ret;
}
