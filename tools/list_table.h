/* SPDX-License-Identifier: GPL-2.0-only */
/* "p2pmr list" for people. */
#ifndef P2PMR_TOOLS_LIST_TABLE_H
#define P2PMR_TOOLS_LIST_TABLE_H

#include <stdbool.h>

struct p2pmr_context;

struct list_opts {
	bool json;
	bool bytes;
	bool is_long;
	bool tree;
};

/* 0, or -1 after fail() */
int list_print_table(const struct list_opts *opts, struct p2pmr_context *ctx);

#endif
