// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "json.h"

#define LIST_CMD "p2pmr list"
#define NUMBER_MAX 32

struct list_opts {
	bool json;
	bool bytes;
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
	N_COLS,
};

static const struct {
	const char *head;
	int flags;
} columns[N_COLS] = {
	[COL_NAME] = { "NAME", 0 },
	[COL_TYPE] = { "TYPE", 0 },
	[COL_ADDRESS] = { "ADDRESS", 0 },
	[COL_DRIVER] = { "DRIVER", 0 },
	[COL_NUMA] = { "NUMA", SCOLS_FL_RIGHT },
	[COL_SIZE] = { "SIZE", SCOLS_FL_RIGHT },
	[COL_AVAILABLE] = { "AVAILABLE", SCOLS_FL_RIGHT },
	[COL_PUBLISHED] = { "PUBLISHED", 0 },
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "the list as JSON, sizes in bytes", 0 },
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

static int add_line(struct libscols_table *table, const struct list_opts *opts,
		    const struct p2pmr_provider *pr,
		    const struct p2pmr_provider_space *space)
{
	char numa[NUMBER_MAX] = "-", size[NUMBER_MAX], available[NUMBER_MAX];
	const char *cells[N_COLS];
	struct libscols_line *line;
	int i;

	if (p2pmr_provider_numa_node(pr) >= 0)
		snprintf(numa, sizeof(numa), "%d",
			 p2pmr_provider_numa_node(pr));
	format_size(opts, space->size_bytes, size);
	format_size(opts, space->available_bytes, available);
	cells[COL_NAME] = p2pmr_provider_name(pr);
	cells[COL_TYPE] = p2pmr_provider_type(pr);
	cells[COL_ADDRESS] = or_dash(p2pmr_provider_pci_address(pr));
	cells[COL_DRIVER] = or_dash(p2pmr_provider_driver(pr));
	cells[COL_NUMA] = numa;
	cells[COL_SIZE] = size;
	cells[COL_AVAILABLE] = available;
	cells[COL_PUBLISHED] = !p2pmr_provider_is_peer(pr) ? "-" :
			       space->published ? "yes" : "no";

	line = scols_table_new_line(table, NULL);
	if (!line)
		return fail_nomem();
	for (i = 0; i < N_COLS; i++) {
		if (scols_line_set_data(line, i, cells[i]))
			return fail_nomem();
	}
	return 0;
}

/*
 * What a provider has; 1 when it left since the list was made, which is no
 * reason to withhold the others.
 */
static int get_space(const struct p2pmr_provider *pr,
		     struct p2pmr_provider_space *space)
{
	if (!p2pmr_provider_space(pr, space))
		return 0;
	if (p2pmr_reason_code() == P2PMR_REASON_PROVIDER_GONE)
		return 1;
	return fail_lib(p2pmr_provider_name(pr));
}

static int fill_table(struct libscols_table *table,
		      const struct list_opts *opts, struct p2pmr_context *ctx)
{
	struct p2pmr_provider *pr = NULL;
	struct p2pmr_provider_space space;
	int ret;
	int i;

	for (i = 0; i < N_COLS; i++) {
		if (!scols_table_new_column(table, columns[i].head, 0,
					    columns[i].flags))
			return fail_nomem();
	}
	while ((pr = p2pmr_provider_next(ctx, pr))) {
		ret = get_space(pr, &space);
		if (!ret)
			ret = add_line(table, opts, pr, &space);
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

/* Ask the library about each NVMe controller until it knows a cause */
static bool ask_about_drives(struct p2pmr_context *ctx, const glob_t *found,
			     struct failure *note)
{
	size_t i;

	for (i = 0; i < found->gl_pathc; i++) {
		const char *name = strrchr(found->gl_pathv[i], '/') + 1;

		if (!p2pmr_provider_find(ctx, name)) {
			failure_from_lib(note, "");
			return true;
		}
	}
	return false;
}

/*
 * Why there is no peer memory. The library can explain it for a device that
 * is named to it.
 */
static void explain_none(struct p2pmr_context *ctx, struct failure *note)
{
	const char *root = secure_getenv("P2PMR_SYSFS_ROOT");
	char pattern[PATH_MAX];
	bool known = false;
	glob_t found;

	memset(note, 0, sizeof(*note));
	snprintf(pattern, sizeof(pattern), "%s/class/nvme/nvme*",
		 root && root[0] ? root : "/sys");
	if (!glob(pattern, 0, NULL, &found)) {
		known = ask_about_drives(ctx, &found, note);
		globfree(&found);
	}
	if (known)
		return;
	note->errnum = ENODEV;
	snprintf(note->reason, sizeof(note->reason), "NO_PROVIDER");
	snprintf(note->text, sizeof(note->text),
		 "No PCI device of this machine offers peer memory, and it has no NVMe drive that could.");
	snprintf(note->remedy, sizeof(note->remedy),
		 "Add a device with memory of its own, such as an NVMe drive with a Controller Memory Buffer.");
}

static struct json_object *provider_json(const struct p2pmr_provider *pr,
					 const struct p2pmr_provider_space *space)
{
	struct json_object *obj = json_object_new_object();
	bool peer = p2pmr_provider_is_peer(pr);
	int numa = p2pmr_provider_numa_node(pr);
	int bad = 0;

	bad |= json_add_string(obj, "name", p2pmr_provider_name(pr));
	bad |= json_add_string(obj, "type", p2pmr_provider_type(pr));
	bad |= json_add_string(obj, "pci_address",
			       p2pmr_provider_pci_address(pr));
	bad |= json_add_string(obj, "driver", p2pmr_provider_driver(pr));
	bad |= numa < 0 ? json_add_null(obj, "numa_node") :
			  json_add_int(obj, "numa_node", numa);
	bad |= json_add_u64(obj, "size_bytes", space->size_bytes);
	bad |= json_add_u64(obj, "available_bytes", space->available_bytes);
	bad |= peer ? json_add_bool(obj, "published", space->published) :
		      json_add_null(obj, "published");
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static int fill_array(struct json_object *array, struct p2pmr_context *ctx)
{
	struct p2pmr_provider *pr = NULL;
	struct p2pmr_provider_space space;
	int ret;

	while ((pr = p2pmr_provider_next(ctx, pr))) {
		ret = get_space(pr, &space);
		if (ret < 0)
			return -1;
		if (!ret && json_append(array, provider_json(pr, &space)))
			return fail_nomem();
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
		explain_none(ctx, &none);
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
