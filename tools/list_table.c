// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "list_facts.h"
#include "list_table.h"
#include "table.h"
#include "topo_tree.h"

#define NUMBER_MAX 32
#define NAMESPACES_MAX 128

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

/* @parent: the line that it is below, or NULL. NULL after fail() */
static struct libscols_line *add_line(struct libscols_table *table,
				      const struct list_opts *opts,
				      struct libscols_line *parent,
				      const char *cells[N_COLS])
{
	struct libscols_line *line = scols_table_new_line(table, parent);
	int bad = !line;
	int at = 0;
	int i;

	for (i = 0; i < N_COLS && !bad; i++) {
		if (is_shown(opts, i))
			bad = scols_line_set_data(line, at++, cells[i]);
	}
	if (!bad)
		return line;
	fail_nomem();
	return NULL;
}

/* A provider that left meanwhile has no line */
static int add_provider(struct libscols_table *table,
			const struct list_opts *opts,
			struct libscols_line *parent,
			const struct p2pmr_provider *pr)
{
	const char *cells[N_COLS];
	struct list_facts facts;
	struct texts texts;
	int ret;

	ret = list_facts_get(pr, opts->is_long, &facts);
	if (!ret) {
		fill_cells(cells, &texts, opts, pr, &facts);
		ret = add_line(table, opts, parent, cells) ? 0 : -1;
	}
	list_facts_release(&facts);
	return ret < 0 ? -1 : 0;
}

static struct libscols_line *add_bridge(struct libscols_table *table,
					const struct list_opts *opts,
					struct libscols_line *parent,
					const struct topo_node *node)
{
	const char *cells[N_COLS];
	int i;

	for (i = 0; i < N_COLS; i++)
		cells[i] = "-";
	cells[COL_NAME] = node->name;
	cells[COL_TYPE] = topo_role_name(node->role);
	return add_line(table, opts, parent, cells);
}

static int add_below(struct libscols_table *table, const struct list_opts *opts,
		     struct libscols_line *parent, const struct topo_node *above)
{
	const struct topo_node *node;
	struct libscols_line *line;

	for (node = above->child; node; node = node->next) {
		/* A function with more than its memory below it is rare */
		if (node->ends &&
		    add_provider(table, opts, parent, node->ends->provider))
			return -1;
		if (!node->child)
			continue;
		line = add_bridge(table, opts, parent, node);
		if (!line || add_below(table, opts, line, node))
			return -1;
	}
	return 0;
}

static int add_tree(struct libscols_table *table, const struct list_opts *opts,
		    struct p2pmr_context *ctx)
{
	struct topo_tree tree;
	int ret;

	if (topo_tree_read(&tree, ctx, NULL, false))
		return -1;
	ret = add_below(table, opts, NULL, &tree.top);
	topo_tree_release(&tree);
	return ret;
}

static int fill_table(struct libscols_table *table,
		      const struct list_opts *opts, struct p2pmr_context *ctx)
{
	struct p2pmr_provider *pr = NULL;
	int flags;
	int i;

	for (i = 0; i < N_COLS; i++) {
		flags = columns[i].flags;
		if (i == COL_NAME && opts->tree)
			flags |= SCOLS_FL_TREE;
		if (is_shown(opts, i) &&
		    !scols_table_new_column(table, columns[i].head, 0, flags))
			return fail_nomem();
	}
	if (opts->tree && add_tree(table, opts, ctx))
		return -1;
	while ((pr = p2pmr_provider_next(ctx, pr))) {
		/* What is on no PCI bus is at the end of a tree */
		if (opts->tree && p2pmr_provider_is_peer(pr))
			continue;
		if (add_provider(table, opts, NULL, pr))
			return -1;
	}
	return 0;
}

int list_print_table(const struct list_opts *opts, struct p2pmr_context *ctx)
{
	struct libscols_table *table;
	int ret;

	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		return fail_nomem();
	ret = fill_table(table, opts, ctx);
	if (!ret)
		ret = table_print(table);
	scols_unref_table(table);
	return ret;
}
