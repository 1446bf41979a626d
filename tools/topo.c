// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdio.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "out.h"
#include "out_file.h"
#include "topo_out.h"
#include "topo_tree.h"

enum {
	KEY_DOT = 256,
	KEY_SVG,
};

enum form {
	FORM_TEXT,
	FORM_JSON,
	FORM_DOT,
	FORM_SVG,
};

struct topo_opts {
	enum form form;
	bool reasons;
	const char *svg;
	char **names;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "tree and paths as JSON", 0 },
	{ "long", 'l', NULL, 0, "say of each path why it is as it is", 0 },
	{ "dot", KEY_DOT, NULL, 0, "as a graph for graphviz", 0 },
	{ "svg", KEY_SVG, "FILE", 0, "as a picture; \"-\" is standard output", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static void set_form(struct argp_state *state, enum form form)
{
	struct topo_opts *opts = state->input;

	if (opts->form != FORM_TEXT && opts->form != form)
		argp_error(state, "only one of --json, --dot and --svg at a time [USAGE]");
	opts->form = form;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct topo_opts *opts = state->input;

	switch (key) {
	case 'j':
		set_form(state, FORM_JSON);
		return 0;
	case 'l':
		opts->reasons = true;
		return 0;
	case KEY_DOT:
		set_form(state, FORM_DOT);
		return 0;
	case KEY_SVG:
		set_form(state, FORM_SVG);
		opts->svg = arg;
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
	.doc = "Show where peer memory and RDMA devices are in the PCI tree, and the path between each two of them."
	       "\vNAMEs of providers or RDMA devices limit it to these.",
};

static int write_svg(const struct topo_tree *tree, const char *path)
{
	struct out_file file;

	if (out_file_open(&file, path, 0))
		return -1;
	topo_write_svg(file.stream, tree);
	return out_file_close(&file);
}

static int show(const struct topo_tree *tree, const struct topo_opts *opts)
{
	switch (opts->form) {
	case FORM_JSON:
		return out_json(topo_json(tree), "the topology");
	case FORM_DOT:
		topo_write_dot(stdout, tree);
		return ferror(stdout) ? out_failed("the topology") : 0;
	case FORM_SVG:
		return write_svg(tree, opts->svg);
	default:
		return topo_print_text(tree, opts->reasons);
	}
}

/* What is not there is no failure, but should not be taken for a fault of ours */
static void note_missing(const struct topo_tree *tree)
{
	if (!tree->n_providers)
		fputs(TOPO_CMD ": There is no peer memory. 'p2pmr check' tells why. [NO_PROVIDER]\n",
		      stderr);
	if (!tree->n_devices)
		fputs(TOPO_CMD ": There is no RDMA device. Load its driver, or add a software one (`rdma link add rxe0 type rxe netdev eth0`). [NO_RDMA_DEVICE]\n",
		      stderr);
}

int cmd_topo(int argc, char **argv)
{
	static char name[] = TOPO_CMD;
	struct topo_opts opts = { 0 };
	struct p2pmr_context *ctx;
	struct topo_tree tree;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &opts))
		return CMD_USAGE;

	ctx = p2pmr_open(NULL);
	if (!ctx) {
		fail_lib("");
		return fail_report(TOPO_CMD, opts.form == FORM_JSON);
	}
	ret = topo_tree_read(&tree, ctx, opts.names, true);
	if (!ret) {
		ret = show(&tree, &opts);
		if (!ret)
			note_missing(&tree);
		topo_tree_release(&tree);
	}
	p2pmr_close(ctx);
	return ret ? fail_report(TOPO_CMD, opts.form == FORM_JSON) : CMD_GOOD;
}
