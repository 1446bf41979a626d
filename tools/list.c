// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>

#include <json-c/json.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "list_facts.h"
#include "list_table.h"
#include "note.h"
#include "out.h"

#define LIST_CMD "p2pmr list"

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "all there is to know as JSON, sizes in bytes", 0 },
	{ "long", 'l', NULL, 0, "what NVMe drives say, and the way to each device", 0 },
	{ "tree", 't', NULL, 0, "below the bridges that lead to it", 0 },
	{ "bytes", 'b', NULL, 0, "sizes in bytes", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_opts *opts = state->input;

	switch (key) {
	case 'j':
		opts->json = true;
		return 0;
	case 'l':
		opts->is_long = true;
		return 0;
	case 't':
		opts->tree = true;
		return 0;
	case 'b':
		opts->bytes = true;
		return 0;
	case ARGP_KEY_END:
		if (opts->tree && opts->json)
			argp_error(state, "--tree is for tables: in JSON, pci_path says where each provider is [USAGE]");
		return 0;
	default:
		return args_options_only(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Show the machine's peer memory: memory on PCIe devices that RDMA devices can use.",
};

static bool has_peer(struct p2pmr_context *ctx)
{
	struct p2pmr_provider *first = p2pmr_provider_next(ctx, NULL);

	return first && p2pmr_provider_is_peer(first);
}

static int fill_array(struct json_object *array, struct p2pmr_context *ctx)
{
	struct p2pmr_provider *pr = NULL;
	struct list_facts facts;
	int ret;

	while ((pr = p2pmr_provider_next(ctx, pr))) {
		ret = list_facts_get(pr, true, &facts);
		if (!ret && json_append(array, list_facts_json(pr, &facts)))
			ret = fail_nomem();
		list_facts_release(&facts);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int print_json(struct p2pmr_context *ctx, const struct failure *note)
{
	struct json_object *top = json_object_new_object();
	struct json_object *array = json_object_new_array();
	int ret;

	ret = fill_array(array, ctx);
	if (json_add(top, "providers", array) && !ret)
		ret = fail_nomem();
	if (!ret && note && json_add(top, "note", failure_json(note)))
		ret = fail_nomem();
	if (!ret)
		return out_json(top, "the list");
	json_object_put(top);
	return ret;
}

int cmd_list(int argc, char **argv)
{
	static char name[] = LIST_CMD;
	struct list_opts opts = { 0 };
	struct p2pmr_context *ctx;
	struct failure none, *note = NULL;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &opts))
		return CMD_USAGE;

	ctx = p2pmr_open(NULL);
	if (!ctx) {
		fail_lib("");
		return fail_report(LIST_CMD, opts.json);
	}
	if (!has_peer(ctx)) {
		note_no_provider(ctx, &none);
		note = &none;
	}
	ret = opts.json ? print_json(ctx, note) : list_print_table(&opts, ctx);
	p2pmr_close(ctx);
	if (ret)
		return fail_report(LIST_CMD, opts.json);
	if (note)
		failure_print(note, LIST_CMD);
	return CMD_GOOD;
}
