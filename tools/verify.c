// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdio.h>
#include <sys/random.h>

#include "args.h"
#include "choose.h"
#include "find.h"
#include "stop.h"
#include "verify.h"

enum {
	KEY_MEM = 256,
	KEY_TO,
	KEY_SEED,
	KEY_JSON,
	KEY_JSON_FILE,
	KEY_PROGRESS,
};

static const struct argp_option options[] = {
	{ "ib-dev", 'd', "DEV", 0, "RDMA device that gets at the memory (the first with an active port)", 1 },
	{ "to", KEY_TO, "DEV", 0, "RDMA device at the other end (the same)", 1 },
	{ "ib-port", 'i', "PORT", 0, "port of the devices (1)", 1 },
	{ "gid-index", 'x', "INDEX", 0, "GID to use (the best RoCE v2 one, IPv4 first)", 1 },
	{ "mem", KEY_MEM, "NAME", 0, "the memory (the best for the RDMA device)", 2 },
	{ "size", 's', "SIZE", 0, "how much of it (1M)", 2 },
	{ "seed", KEY_SEED, "N", 0, "data of an earlier run (random)", 2 },
	{ "json", KEY_JSON, NULL, 0, "the report as JSON", 3 },
	{ "json-file", KEY_JSON_FILE, "FILE", 0, "the report as JSON to FILE, too", 3 },
	{ "progress", KEY_PROGRESS, NULL, 0, "a line on stderr each second, even if it is no terminal", 3 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct verify_opts *o = state->input;

	switch (key) {
	case 'd':
		o->device = arg;
		return 0;
	case KEY_TO:
		o->to = arg;
		return 0;
	case 'i':
		o->ib_port = args_number(state, "-i", arg, 1, 255);
		return 0;
	case 'x':
		o->gid_index = args_number(state, "-x", arg, 0, 65535);
		return 0;
	case KEY_MEM:
		o->mem = arg;
		return 0;
	case 's':
		if (args_size(arg, 1, PTRDIFF_MAX, &o->size))
			argp_error(state,
				   "-s %s: must be a size of at least 1, and not more than a process can map [USAGE]",
				   arg);
		return 0;
	case KEY_SEED:
		o->seed = args_number(state, "--seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_JSON:
		o->json = true;
		return 0;
	case KEY_JSON_FILE:
		o->json_file = arg;
		return 0;
	case KEY_PROGRESS:
		o->progress = true;
		return 0;
	default:
		return args_options_only(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Prove with data that an RDMA device reads and writes peer memory right."
	       "\vNAME is a name or PCI address that `p2pmr list` shows."
	       " SIZE takes the suffixes K, M and G (powers of 1024)."
	       " Exit status: 0 all data is right; 1 it is not, or something fails; 77 not on this machine.",
};

static void find_path(struct verify_report *rep, const struct perf_dev *dev,
		      struct p2pmr_provider *provider)
{
	struct p2pmr_path *path;

	if (!p2pmr_provider_is_peer(provider))
		return;
	path = p2pmr_path_query(provider, dev->ctx->device);
	topo_cell(path, rep->path);
	p2pmr_path_free(path);
}

static int run_on(struct verify_report *rep, struct verify_run *run,
		  struct verify_rdma *rdma, struct p2pmr_provider *provider,
		  struct p2pmr_provider *host)
{
	const struct verify_opts *opts = rep->opts;

	find_path(rep, &rdma->dev[VERIFY_NEAR], provider);
	run->atomics = verify_rdma_does_atomics(rdma, provider,
						&rep->no_atomics);
	if (verify_side_open(&run->near, provider, opts->size) ||
	    verify_side_open(&run->far, host, verify_far_size(run->near.size)))
		return -1;
	if (verify_rdma_start(rdma, run, host))
		return -1;
	rep->provider = provider;
	run->seed = opts->seed;
	progress_init(&run->progress, opts->progress);
	verify_run(run);
	progress_end(&run->progress);
	return fail_happened() ? -1 : 0;
}

static int verify(struct verify_report *rep, struct verify_run *run,
		  struct verify_rdma *rdma, struct p2pmr_context *ctx)
{
	const struct verify_opts *opts = rep->opts;
	struct p2pmr_provider *provider = NULL;
	struct p2pmr_provider *host;

	host = find_provider(ctx, "", PERF_HOST);
	if (!host)
		return -1;
	if (opts->mem) {
		provider = find_provider(ctx, "--mem", opts->mem);
		if (!provider)
			return -1;
	}
	if (verify_rdma_open(rdma, opts))
		return -1;
	if (!provider)
		provider = choose_provider(ctx, rdma->dev[VERIFY_NEAR].ctx->device,
					   opts->size);
	return provider ? run_on(rep, run, rdma, provider, host) : -1;
}

static int parse_opts(struct verify_opts *opts, int argc, char **argv)
{
	static char name[] = VERIFY_CMD;

	*opts = (struct verify_opts){
		.size = 1 << 20,
		.ib_port = 1,
		.gid_index = -1,
	};
	if (getrandom(&opts->seed, sizeof(opts->seed), 0) < 0)
		opts->seed = 1;
	/* One that can be read out loud */
	opts->seed %= 1000000000;
	args_init(argv, name);
	return argp_parse(&argp, argc, argv, 0, NULL, opts);
}

int cmd_verify(int argc, char **argv)
{
	struct verify_rdma rdma = { 0 };
	struct verify_run run = { 0 };
	struct verify_opts opts;
	struct verify_report rep = { .opts = &opts, .run = &run, .rdma = &rdma };
	struct p2pmr_context *ctx;
	int ret;

	if (parse_opts(&opts, argc, argv))
		return CMD_USAGE;
	stop_install(VERIFY_CMD, opts.json);
	ctx = p2pmr_open(NULL);
	if (ctx)
		verify(&rep, &run, &rdma, ctx);
	else
		fail_lib("");
	ret = verify_report_end(&rep);

	verify_rdma_close(&rdma);
	verify_run_free(&run);
	verify_side_close(&run.near);
	verify_side_close(&run.far);
	p2pmr_close(ctx);
	return ret;
}
