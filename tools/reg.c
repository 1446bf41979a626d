// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "choose.h"
#include "find.h"
#include "reg.h"
#include "stop.h"

/* What is measured when no size is given, if the memory is that large */
#define DEFAULT_SIZE (64ULL << 20)
#define PAGE_SHIFT_MAX 40

enum {
	KEY_MEM = 256,
	KEY_HUGE,
	KEY_PLOT,
	KEY_JSON,
	KEY_JSON_FILE,
	KEY_PROGRESS,
};

static const struct argp_option options[] = {
	{ "ib-dev", 'd', "DEV", 0, "RDMA device (the first with an active port)", 1 },
	{ "ib-port", 'i', "PORT", 0, "port of the device (1)", 1 },
	{ "mem", KEY_MEM, "NAME", 0, "the memory (the best for the RDMA device)", 2 },
	{ "size", 's', "SIZE", 0, "the largest size (64M, or what is available)", 2 },
	{ "huge", KEY_HUGE, "SIZE", 0, "size of the huge pages to compare with (2M)", 2 },
	{ "iters", 'n', "N", 0, "registrations of each size (100)", 2 },
	{ "plot", KEY_PLOT, "FILE", 0, "medians over sizes as a picture (SVG; takes gnuplot)", 3 },
	{ "json", KEY_JSON, NULL, 0, "the report as JSON", 3 },
	{ "json-file", KEY_JSON_FILE, "FILE", 0, "the report as JSON to FILE, too", 3 },
	{ "progress", KEY_PROGRESS, NULL, 0, "a line on stderr each second, even if it is no terminal", 3 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static uint64_t get_size(struct argp_state *state, const char *arg)
{
	uint64_t val;

	if (args_size(arg, REG_SIZE_MIN, PTRDIFF_MAX, &val))
		argp_error(state,
			   "-s %s: must be a size of at least 4K, and not more than a process can map [USAGE]",
			   arg);
	return val;
}

static uint64_t get_huge(struct argp_state *state, const char *arg)
{
	uint64_t val;

	if (args_size(arg, REG_SIZE_MIN, 1ULL << PAGE_SHIFT_MAX, &val) ||
	    val & (val - 1) || val > PTRDIFF_MAX)
		argp_error(state,
			   "--huge %s: must be the size of a page, say 2M or 1G [USAGE]",
			   arg);
	return val;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct reg_opts *o = state->input;

	switch (key) {
	case 'd':
		o->device = arg;
		return 0;
	case 'i':
		o->ib_port = args_number(state, "-i", arg, 1, 255);
		return 0;
	case KEY_MEM:
		o->mem = arg;
		return 0;
	case 's':
		o->size = get_size(state, arg);
		return 0;
	case KEY_HUGE:
		o->huge_page = get_huge(state, arg);
		return 0;
	case 'n':
		o->iterations = args_number(state, "-n", arg, 1, REG_ITERATIONS_MAX);
		return 0;
	case KEY_PLOT:
		o->plot = arg;
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
	.doc = "Measure what it costs to register memory with an RDMA device."
	       "\vMemory on a device, host memory in ordinary and in huge pages, and regions that the library's cache has."
	       " NAME is \"host\" or a name or PCI address that `p2pmr list` shows."
	       " SIZE takes the suffixes K, M and G (powers of 1024).",
};

/* What cannot be had is said before the work, not in the middle of it */
static int try_size(const struct reg_run *run, uint64_t size)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc(run->provider, size);

	if (!buf)
		return fail_lib("");
	p2pmr_buf_free(buf);
	return 0;
}

/* The largest of the usual sizes that is available */
static int choose_size(const struct reg_run *run, uint64_t *size)
{
	struct p2pmr_provider_space space;
	uint64_t available;

	if (p2pmr_provider_space(run->provider, &space))
		return fail_lib("");
	available = space.available_bytes;
	*size = DEFAULT_SIZE;
	while (*size > REG_SIZE_MIN && *size > available)
		*size /= 4;
	return 0;
}

static bool is_wanted(const struct reg_run *run, enum reg_kind kind,
		      uint64_t size)
{
	switch (kind) {
	case REG_HOST:
		/* It is what is asked about */
		return p2pmr_provider_is_peer(run->provider);
	case REG_HUGE:
		return size >= run->opts->huge_page && !run->no_huge.text[0];
	default:
		return true;
	}
}

static int measure_all(struct reg_run *run, uint64_t largest)
{
	uint64_t sizes[REG_SIZES_MAX];
	size_t n = reg_sizes(sizes, largest);
	char text[32];
	size_t i;
	int kind;

	for (i = 0; i < n; i++) {
		for (kind = 0; kind < REG_KINDS; kind++) {
			if (!is_wanted(run, kind, sizes[i]))
				continue;
			snprintf(run->doing, sizeof(run->doing),
				 "size %zu of %zu: %s, %s", i + 1, n,
				 args_human_size(sizes[i], text, sizeof(text)),
				 reg_kind_name(kind));
			if (reg_measure(run, kind, sizes[i]))
				return -1;
		}
	}
	return 0;
}

static int open_all(struct reg_run *run, struct p2pmr_context *ctx)
{
	const struct perf_opts dev_opts = {
		.device = run->opts->device,
		.ib_port = run->opts->ib_port,
		.gid_index = -1,
	};
	struct p2pmr_provider *provider = NULL;

	run->host = find_provider(ctx, "", PERF_HOST);
	if (!run->host)
		return -1;
	if (run->opts->mem) {
		provider = find_provider(ctx, "--mem", run->opts->mem);
		if (!provider)
			return -1;
	}
	if (perf_dev_open(&run->dev, &dev_opts))
		return -1;
	if (!provider)
		provider = choose_provider(ctx, run->dev.ctx->device,
					   run->opts->size ? run->opts->size :
							     REG_SIZE_MIN);
	if (!provider)
		return -1;
	run->ns[0] = calloc(run->opts->iterations, sizeof(uint64_t));
	run->ns[1] = calloc(run->opts->iterations, sizeof(uint64_t));
	if (!run->ns[0] || !run->ns[1])
		return fail_nomem();
	run->provider = provider;
	return 0;
}

static int reg(struct reg_run *run, struct p2pmr_context *ctx)
{
	uint64_t largest = run->opts->size;
	struct plot plot = {
		.title = "Registering memory: median of the time it takes",
		.x = { .title = "size", .log_base = 2 },
		.y = { .title = "time [us]", .log_base = 10 },
	};
	int ret;

	if (run->opts->plot && plot_open(&plot, run->opts->plot))
		return -1;
	ret = open_all(run, ctx);
	if (!ret)
		ret = largest ? try_size(run, largest) :
				choose_size(run, &largest);
	if (!ret) {
		progress_init(&run->progress, run->opts->progress);
		ret = measure_all(run, largest);
		progress_end(&run->progress);
	}
	if (!ret && run->opts->plot)
		return reg_plot(run, &plot);
	plot_abandon(&plot);
	return ret;
}

static int parse_opts(struct reg_opts *opts, int argc, char **argv)
{
	static char name[] = REG_CMD;

	*opts = (struct reg_opts){
		.huge_page = 2 << 20,
		.iterations = 100,
		.ib_port = 1,
	};
	args_init(argv, name);
	return argp_parse(&argp, argc, argv, 0, NULL, opts);
}

int cmd_reg(int argc, char **argv)
{
	static struct reg_run run;
	struct p2pmr_context *ctx;
	struct reg_opts opts;
	int ret;

	if (parse_opts(&opts, argc, argv))
		return CMD_USAGE;
	stop_install(REG_CMD, opts.json);
	run.opts = &opts;
	ctx = p2pmr_open(NULL);
	if (ctx)
		reg(&run, ctx);
	else
		fail_lib("");
	ret = reg_report_end(&run);

	perf_dev_close(&run.dev);
	free(run.ns[0]);
	free(run.ns[1]);
	p2pmr_close(ctx);
	return ret;
}
