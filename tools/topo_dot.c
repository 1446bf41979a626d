// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "args.h"
#include "topo_out.h"
#include "topo_tree.h"

#define NUMBER_MAX 32

/* Within quotes of graphviz. Names are sysfs's, and that may be a recorded one */
static void put(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', f);
	}
}

static void put_label(FILE *f, const struct topo_node *node)
{
	const struct topo_end *end;
	char size[NUMBER_MAX], acs[TOPO_ACS_MAX];

	for (end = node->ends; end; end = end->next) {
		put(f, end->name);
		if (end->provider)
			fprintf(f, " %s", args_human_size(end->space.size_bytes,
							  size, sizeof(size)));
		fputs("\\n", f);
	}
	put(f, node->name);
	if (node->role != TOPO_ROOT_BUS && node->role != TOPO_ENDPOINT &&
	    node->role != TOPO_NOT_PCI)
		fprintf(f, "\\n%s", topo_role_name(node->role));
	if (node->role == TOPO_ROOT_BUS && node->numa >= 0)
		fprintf(f, "\\nNUMA %d", node->numa);
	if (topo_acs_redirects(node->acs))
		fprintf(f, "\\nACS %s", topo_acs_text(node->acs, acs));
}

/* Colours of Okabe and Ito; shapes and borders say the same */
static const char *style_of(const struct topo_node *node)
{
	if (node->ends && node->ends->provider)
		return "shape=box, penwidth=2, color=\"#0072B2\"";
	if (node->ends)
		return "shape=ellipse, penwidth=2, color=\"#CC79A7\"";
	if (topo_acs_redirects(node->acs))
		return "shape=octagon, style=dashed, color=\"#D55E00\"";
	if (node->role == TOPO_ROOT_BUS)
		return "shape=box3d, color=\"#000000\"";
	return "shape=box, style=rounded, color=\"#666666\"";
}

static const char *path_style(enum p2pmr_path_kind kind)
{
	switch (kind) {
	case P2PMR_PATH_BUS:
		return "style=bold, color=\"#009E73\"";
	case P2PMR_PATH_BRIDGE:
		return "style=dashed, color=\"#E69F00\"";
	case P2PMR_PATH_CPU:
		return "style=dotted, color=\"#56B4E9\"";
	case P2PMR_PATH_NONE:
		return "style=dotted, color=\"#D55E00\", arrowhead=tee";
	default:
		return "style=dotted, color=\"#999999\"";
	}
}

/* Paths do not shape the drawing: the tree does */
static void put_paths(FILE *f, const struct topo_tree *tree)
{
	char cell[TOPO_CELL_MAX];
	size_t i, j;

	for (i = 0; i < tree->n_providers; i++) {
		for (j = 0; j < tree->n_devices; j++) {
			const struct p2pmr_path *path = topo_path(tree, i, j);

			if (!path)
				continue;
			fputs("\t\"", f);
			put(f, tree->providers[i].node->name);
			fputs("\" -> \"", f);
			put(f, tree->devices[j].node->name);
			fprintf(f, "\" [constraint=false, %s, label=\"%s\"];\n",
				path_style(p2pmr_path_kind(path)),
				topo_cell(path, cell));
		}
	}
}

void topo_write_dot(FILE *f, const struct topo_tree *tree)
{
	const struct topo_node *node = NULL;

	fputs("digraph p2pmr {\n\trankdir=LR;\n"
	      "\tnode [fontname=\"sans-serif\"];\n"
	      "\tedge [fontname=\"sans-serif\", fontsize=10];\n", f);
	while ((node = topo_next(tree, node))) {
		fputs("\t\"", f);
		put(f, node->name);
		fputs("\" [label=\"", f);
		put_label(f, node);
		fprintf(f, "\", %s];\n", style_of(node));
		if (node->parent == &tree->top)
			continue;
		fputs("\t\"", f);
		put(f, node->parent->name);
		fputs("\" -> \"", f);
		put(f, node->name);
		fputs("\" [arrowhead=none];\n", f);
	}
	put_paths(f, tree);
	fputs("}\n", f);
}
