/* SPDX-License-Identifier: GPL-2.0-only */
/* A table of text, as libsmartcols prints it. */
#ifndef P2PMR_TOOLS_TABLE_H
#define P2PMR_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <libsmartcols/libsmartcols.h>

/**
 * struct table_column - what is above a column
 * @head: in capitals; with the unit, where there is one
 * @flags: SCOLS_FL_RIGHT for numbers; SCOLS_FL_TRUNC: may be cut where the
 *	terminal is narrow
 */
struct table_column {
	const char *head;
	int flags;
};

struct table {
	struct libscols_table *scols;
	size_t n_cols;
	bool bad;
};

/* 0, or -1 after fail() */
int table_open(struct table *table, const struct table_column *cols,
	       size_t n_cols);

/* One line: a cell for each column, copied. What fails, fails table_close() */
void table_line(struct table *table, const char *const *cells);

/*
 * Print it to @f, as wide as @width (0: as the terminal, if there is one), and end
 * it. 0, or -1 after fail(); that @f takes it is for the caller to find out.
 */
int table_close(struct table *table, FILE *f, unsigned int width);

/* Any table on standard output. 0, or -1 after fail() */
int table_print(struct libscols_table *scols);

#endif
