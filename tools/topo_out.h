/* SPDX-License-Identifier: GPL-2.0-only */
/* The forms in which "p2pmr topo" shows a tree. */
#ifndef P2PMR_TOOLS_TOPO_OUT_H
#define P2PMR_TOOLS_TOPO_OUT_H

#include <stdbool.h>
#include <stdio.h>

struct json_object;
struct topo_tree;

#define TOPO_CMD "p2pmr topo"

/* Tree and matrix; @reasons: and why each path is as it is. 0, or -1: fail() */
int topo_print_text(const struct topo_tree *tree, bool reasons);

/* NULL: out of memory */
struct json_object *topo_json(const struct topo_tree *tree);

/* For graphviz, and as a picture. What cannot be written shows in @f */
void topo_write_dot(FILE *f, const struct topo_tree *tree);
void topo_write_svg(FILE *f, const struct topo_tree *tree);

#endif
