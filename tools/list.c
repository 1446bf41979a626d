// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "list_facts.h"
#include "note.h"

#define LIST_CMD "p2pmr list"
#define NUMBER_MAX 32
#define NAMESPACES_MAX 128

struct list_opts {
	bool json;
	bool bytes;
	bool is_long;
};

enum column {
	COL_NAME,
	COL_TYPE,
	COL_ADDRESS,
	COL_DRIVER,
	COL_NUMA,
	COL_SIZE,
	COL_AVAILABLE,
	COL_PUBLISHED,
	COL_CMB,
	COL_BAR,
	COL_OFFSET,
	COL_SUPPORTS,
	COL_QUEUES,
	COL_NAMESPACES,
	COL_PATH,
	N_COLS,
};

/* Which of the two tables has a column; both at once would be too wide */
enum {
	SHORT = 1 << 0,
	LONG = 1 << 1,
};

static const struct {
	const char *head;
	int flags;
	int shown;
} columns[N_COLS] = {
	[COL_NAME] = { "NAME", 0, SHORT | LONG },
	[COL_TYPE] = { "TYPE", 0, SHORT },
	[COL_ADDRESS] = { "ADDRESS", 0, SHORT },
	[COL_DRIVER] = { "DRIVER", 0, SHORT },
	[COL_NUMA] = { "NUMA", SCOLS_FL_RIGHT, SHORT },
	[COL_SIZE] = { "SIZE", SCOLS_FL_RIGHT, SHORT | LONG },
	[COL_AVAILABLE] = { "AVAILABLE", SCOLS_FL_RIGHT, SHORT },
	[COL_PUBLISHED] = { "PUBLISHED", 0, SHORT },
	[COL_CMB] = { "CMB", SCOLS_FL_RIGHT, LONG },
	[COL_BAR] = { "BAR", SCOLS_FL_RIGHT, LONG },
	[COL_OFFSET] = { "OFFSET", SCOLS_FL_RIGHT, LONG },
	[COL_SUPPORTS] = { "SUPPORTS", 0, LONG },
	[COL_QUEUES] = { "QUEUES", 0, LONG },
	[COL_NAMESPACES] = { "NAMESPACES", 0, LONG },
	[COL_PATH] = { "PATH", 0, LONG },
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "all there is to know as JSON, sizes in bytes", 0 },
	{ "long", 'l', NULL, 0, "what NVMe drives say, and the way to each device", 0 },
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
	case 'b':
		opts->bytes = true;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: takes options only [USAGE]", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Show the machine's peer memory: memory on PCIe devices that RDMA devices can use.",
};

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void format_size(const struct list_opts *opts, uint64_t bytes,
			char text[NUMBER_MAX])
{
	if (opts->bytes)
		snprintf(text, NUMBER_MAX, "%" PRIu64, bytes);
	else
		args_human_size(bytes, text, NUMBER_MAX);
}

/* Cells that are made here; the others are strings of the library's */
struct texts {
	char numa[NUMBER_MAX];
	char size[NUMBER_MAX];
	char available[NUMBER_MAX];
	char cmb[NUMBER_MAX];
	char bar[NUMBER_MAX];
	char offset[NUMBER_MAX];
	char uses[LIST_USES_MAX];
	char namespaces[NAMESPACES_MAX];
};

/* "nvme0n1,nvme0n2", cut with "..." when there are very many */
static const char *join(char *const *names, char text[NAMESPACES_MAX])
{
	const char more[] = "...";
	size_t used = 0;

	if (!*names)
		return "-";
	for (; *names; names++) {
		const char *comma = used ? "," : "";

		if (used + strlen(*names) + 2 * sizeof(more) > NAMESPACES_MAX) {
			sprintf(text + used, "%s%s", comma, more);
			break;
		}
		used += sprintf(text + used, "%s%s", comma, *names);
	}
	return text;
}

static void fill_drive(const char *cells[N_COLS], struct texts *texts,
		       const struct list_opts *opts,
		       const struct list_facts *facts)
{
	cells[COL_NAMESPACES] = join(facts->namespaces, texts->namespaces);
	cells[COL_QUEUES] = facts->nvme.queues == P2PMR_NVME_QUEUES_NONE ?
			    "no" : "unknown";
	if (!list_facts_cmb_known(facts))
		return;
	format_size(opts, facts->nvme.cmb_size_bytes, texts->cmb);
	cells[COL_CMB] = texts->cmb;
	snprintf(texts->bar, sizeof(texts->bar), "%" PRIu32,
		 facts->nvme.cmb_bar);
	cells[COL_BAR] = texts->bar;
	format_size(opts, facts->nvme.cmb_offset_bytes, texts->offset);
	cells[COL_OFFSET] = texts->offset;
	if (*list_facts_uses(facts, texts->uses))
		cells[COL_SUPPORTS] = texts->uses;
}

static void fill_cells(const char *cells[N_COLS], struct texts *texts,
		       const struct list_opts *opts,
		       const struct p2pmr_provider *pr,
		       const struct list_facts *facts)
{
	int i;

	for (i = 0; i < N_COLS; i++)
		cells[i] = "-";
	cells[COL_NAME] = p2pmr_provider_name(pr);
	cells[COL_TYPE] = p2pmr_provider_type(pr);
	cells[COL_ADDRESS] = or_dash(p2pmr_provider_pci_address(pr));
	cells[COL_DRIVER] = or_dash(p2pmr_provider_driver(pr));
	cells[COL_PATH] = or_dash(p2pmr_provider_pci_path(pr));
	if (p2pmr_provider_numa_node(pr) >= 0) {
		snprintf(texts->numa, sizeof(texts->numa), "%d",
			 p2pmr_provider_numa_node(pr));
		cells[COL_NUMA] = texts->numa;
	}
	format_size(opts, facts->space.size_bytes, texts->size);
	cells[COL_SIZE] = texts->size;
	format_size(opts, facts->space.available_bytes, texts->available);
	cells[COL_AVAILABLE] = texts->available;
	if (p2pmr_provider_is_peer(pr))
		cells[COL_PUBLISHED] = facts->space.published ? "yes" : "no";
	if (facts->is_nvme)
		fill_drive(cells, texts, opts, facts);
}

static bool is_shown(const struct list_opts *opts, enum column column)
{
	return columns[column].shown & (opts->is_long ? LONG : SHORT);
}

static int add_line(struct libscols_table *table, const struct list_opts *opts,
		    const struct p2pmr_provider *pr,
		    const struct list_facts *facts)
{
	const char *cells[N_COLS];
	struct libscols_line *line;
	struct texts texts;
	int at = 0;
	int i;

	fill_cells(cells, &texts, opts, pr, facts);
	line = scols_table_new_line(table, NULL);
	if (!line)
		return fail_nomem();
	for (i = 0; i < N_COLS; i++) {
		if (is_shown(opts, i) &&
		    scols_line_set_data(line, at++, cells[i]))
			return fail_nomem();
	}
	return 0;
}

static int fill_table(struct libscols_table *table,
		      const struct list_opts *opts, struct p2pmr_context *ctx)
{
	struct p2pmr_provider *pr = NULL;
	struct list_facts facts;
	int ret;
	int i;

	for (i = 0; i < N_COLS; i++) {
		if (is_shown(opts, i) &&
		    !scols_table_new_column(table, columns[i].head, 0,
					    columns[i].flags))
			return fail_nomem();
	}
	while ((pr = p2pmr_provider_next(ctx, pr))) {
		ret = list_facts_get(pr, opts->is_long, &facts);
		if (!ret)
			ret = add_line(table, opts, pr, &facts);
		list_facts_release(&facts);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int print_table(const struct list_opts *opts, struct p2pmr_context *ctx)
{
	struct libscols_table *table;
	int ret;

	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		return fail_nomem();
	ret = fill_table(table, opts, ctx);
	if (!ret && scols_print_table(table))
		ret = fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			   "Cannot print the table: %s.", strerror(errno));
	scols_unref_table(table);
	return ret;
}

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
	if (!ret && json_print(stdout, top))
		ret = fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			   "Cannot print the list: %s.", strerror(errno));
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
	ret = opts.json ? print_json(ctx, note) : print_table(&opts, ctx);
	p2pmr_close(ctx);
	if (ret)
		return fail_report(LIST_CMD, opts.json);
	if (note)
		failure_print(note, LIST_CMD);
	return CMD_GOOD;
}
