// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include <libsmartcols/libsmartcols.h>

#include "args.h"
#include "fail.h"
#include "table.h"
#include "topo_out.h"
#include "topo_tree.h"

#define ENDS_MAX 256
#define NUMBER_MAX 32

enum column {
	COL_FUNCTION,
	COL_WHAT,
	COL_HERE,
	COL_ID,
	COL_NUMA,
	COL_ACS,
	N_COLS,
};

static const struct {
	const char *head;
	int flags;
} columns[N_COLS] = {
	[COL_FUNCTION] = { "FUNCTION", SCOLS_FL_TREE },
	[COL_WHAT] = { "WHAT", 0 },
	[COL_HERE] = { "DEVICE", 0 },
	[COL_ID] = { "ID", 0 },
	[COL_NUMA] = { "NUMA", SCOLS_FL_RIGHT },
	[COL_ACS] = { "ACS", 0 },
};

/* "nvme0 (512 MiB) mlx5_0" */
static const char *ends_text(const struct topo_node *node, char text[ENDS_MAX])
{
	const struct topo_end *end;
	char size[NUMBER_MAX];
	size_t used = 0;

	if (!node->ends)
		return "-";
	for (end = node->ends; end && used < ENDS_MAX; end = end->next) {
		used += snprintf(text + used, ENDS_MAX - used, "%s%s",
				 used ? " " : "", end->name);
		if (end->provider && used < ENDS_MAX)
			used += snprintf(text + used, ENDS_MAX - used, " (%s)",
					 args_human_size(end->space.size_bytes,
							 size, sizeof(size)));
	}
	return text;
}

static int add_node(struct libscols_table *table, const struct topo_node *node,
		    struct libscols_line *parent, struct libscols_line **added)
{
	char ends[ENDS_MAX], acs[TOPO_ACS_MAX], numa[NUMBER_MAX];
	bool pci = node->role != TOPO_ROOT_BUS && node->role != TOPO_NOT_PCI;
	const char *cells[N_COLS] = {
		[COL_FUNCTION] = node->name,
		[COL_WHAT] = topo_role_name(node->role),
		[COL_HERE] = ends_text(node, ends),
		[COL_ID] = node->ids[0] ? node->ids : "-",
		[COL_NUMA] = "-",
		[COL_ACS] = pci ? topo_acs_text(node->acs, acs) : "-",
	};
	int i;

	if (node->role == TOPO_NOT_PCI) {
		cells[COL_FUNCTION] = cells[COL_WHAT];
		cells[COL_WHAT] = "-";
	}
	if (node->numa >= 0) {
		snprintf(numa, sizeof(numa), "%d", node->numa);
		cells[COL_NUMA] = numa;
	}
	*added = scols_table_new_line(table, parent);
	if (!*added)
		return fail_nomem();
	for (i = 0; i < N_COLS; i++) {
		if (scols_line_set_data(*added, i, cells[i]))
			return fail_nomem();
	}
	return 0;
}

static int add_children(struct libscols_table *table,
			const struct topo_node *parent,
			struct libscols_line *above)
{
	const struct topo_node *node;
	struct libscols_line *line;

	for (node = parent->child; node; node = node->next) {
		if (add_node(table, node, above, &line) ||
		    add_children(table, node, line))
			return -1;
	}
	return 0;
}

static int print_tree(const struct topo_tree *tree)
{
	struct libscols_table *table = scols_new_table();
	int ret = 0;
	int i;

	if (!table)
		return fail_nomem();
	for (i = 0; i < N_COLS && !ret; i++) {
		if (!scols_table_new_column(table, columns[i].head, 0,
					    columns[i].flags))
			ret = fail_nomem();
	}
	if (!ret)
		ret = add_children(table, &tree->top, NULL);
	if (!ret)
		ret = table_print(table);
	scols_unref_table(table);
	return ret;
}

static int fill_matrix(struct libscols_table *table,
		       const struct topo_tree *tree)
{
	char cell[TOPO_CELL_MAX];
	struct libscols_line *line;
	size_t i, j;
	int bad = 0;

	bad |= !scols_table_new_column(table, "PATH", 0, 0);
	for (j = 0; j < tree->n_devices; j++)
		bad |= !scols_table_new_column(table, tree->devices[j].name, 0,
					       0);
	for (i = 0; i < tree->n_providers && !bad; i++) {
		line = scols_table_new_line(table, NULL);
		if (!line)
			return fail_nomem();
		bad |= scols_line_set_data(line, 0, tree->providers[i].name);
		for (j = 0; j < tree->n_devices; j++)
			bad |= scols_line_set_data(line, j + 1,
						   topo_cell(topo_path(tree, i, j),
							     cell));
	}
	return bad ? fail_nomem() : 0;
}

static int print_matrix(const struct topo_tree *tree)
{
	struct libscols_table *table = scols_new_table();
	int ret;

	if (!table)
		return fail_nomem();
	ret = fill_matrix(table, tree);
	if (!ret)
		ret = table_print(table);
	scols_unref_table(table);
	return ret;
}

static void print_reason(const struct topo_end *pr, const struct topo_end *dev,
			 const struct p2pmr_path *path)
{
	char cell[TOPO_CELL_MAX];
	const char *remedy = path ? p2pmr_path_remedy(path) : NULL;

	printf("\n%s %s: %s\n", pr->name, dev->name, topo_cell(path, cell));
	if (path)
		printf("  %s\n", p2pmr_path_explanation(path));
	if (remedy)
		printf("  %s\n", remedy);
	if (!path || !p2pmr_path_hops(path))
		return;
	printf("  IOMMU: provider %s, RDMA device %s\n",
	       p2pmr_path_iommu_name(p2pmr_path_iommu(path,
						      P2PMR_PATH_SIDE_PROVIDER)),
	       p2pmr_path_iommu_name(p2pmr_path_iommu(path,
						      P2PMR_PATH_SIDE_DEVICE)));
}

int topo_print_text(const struct topo_tree *tree, bool reasons)
{
	size_t i, j;

	scols_init_debug(0);
	if (tree->top.child && print_tree(tree))
		return -1;
	if (!tree->n_providers || !tree->n_devices)
		return 0;
	putchar('\n');
	if (print_matrix(tree))
		return -1;
	for (i = 0; reasons && i < tree->n_providers; i++) {
		for (j = 0; j < tree->n_devices; j++)
			print_reason(&tree->providers[i], &tree->devices[j],
				     topo_path(tree, i, j));
	}
	return 0;
}
