// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "out.h"
#include "table.h"

int table_open(struct table *table, const struct table_column *cols,
	       size_t n_cols)
{
	size_t i;

	memset(table, 0, sizeof(*table));
	scols_init_debug(0);
	table->scols = scols_new_table();
	if (!table->scols)
		return fail_nomem();
	table->n_cols = n_cols;
	for (i = 0; i < n_cols; i++)
		table->bad |= !scols_table_new_column(table->scols,
						      cols[i].head, 0,
						      cols[i].flags);
	return 0;
}

void table_line(struct table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->scols, NULL);
	size_t i;

	table->bad |= !line;
	for (i = 0; !table->bad && i < table->n_cols; i++)
		table->bad |= !!scols_line_set_data(line, i, cells[i]);
}

int table_close(struct table *table, FILE *f, unsigned int width)
{
	char *text = NULL;
	int ret = 0;

	if (width) {
		scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table->scols, width);
	}
	if (table->bad || scols_print_table_to_string(table->scols, &text))
		ret = fail_nomem();
	else
		fprintf(f, "%s\n", text);
	free(text);
	scols_unref_table(table->scols);
	table->scols = NULL;
	return ret;
}

int table_print(struct libscols_table *scols)
{
	return scols_print_table(scols) ? out_failed("the table") : 0;
}
