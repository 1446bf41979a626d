// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdlib.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "check.h"
#include "out.h"
#include "topo_tree.h"

#define CHECK_CMD "p2pmr check"

struct check_opts {
	bool json;
	char **names;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "all checks as JSON", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check_opts *opts = state->input;

	switch (key) {
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		opts->names = state->argv + state->next;
		return 0;
	default:
		return args_help(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME...]",
	.doc = "Can RDMA use peer memory on this machine, and if not, what is to be done?"
	       "\vNAMEs of providers or RDMA devices limit it to these."
	       " Exit status: 0 it can; 1 something fails; 77 not on this machine.",
};

static int show(const struct check_report *report, bool json)
{
	if (report->out_of_memory)
		return fail_nomem();
	if (json)
		return out_json(check_json(report), "the report");
	check_print(report);
	return 0;
}

static int check_all(struct check_report *report, struct p2pmr_context *ctx,
		     char *const *names)
{
	struct topo_tree tree;

	if (topo_tree_read(&tree, ctx, names, true))
		return -1;
	check_kernel(report, &tree);
	check_limits(report, &tree);
	check_providers(report, ctx, &tree);
	check_paths(report, &tree);
	check_register(report, &tree);
	topo_tree_release(&tree);
	return 0;
}

int cmd_check(int argc, char **argv)
{
	static char name[] = CHECK_CMD;
	struct check_opts opts = { 0 };
	struct check_report report = { 0 };
	struct p2pmr_context *ctx;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &opts))
		return CMD_USAGE;

	ctx = p2pmr_open(NULL);
	if (!ctx) {
		fail_lib("");
		return fail_report(CHECK_CMD, opts.json);
	}
	ret = check_all(&report, ctx, opts.names);
	p2pmr_close(ctx);
	if (!ret)
		ret = show(&report, opts.json);
	ret = ret ? fail_report(CHECK_CMD, opts.json) :
		    (int)check_status(&report);
	free(report.lines);
	return ret;
}
