// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include <json-c/json.h>

#include "args.h"
#include "json.h"
#include "out.h"
#include "reg.h"
#include "table.h"

#define NUMBER_MAX 32
#define NAME_MAX_SHOWN 96

static const struct table_column columns[] = {
	{ "SIZE", SCOLS_FL_RIGHT },
	{ "MEMORY", 0 },
	{ "ROUTE", 0 },
	{ "MIN[us]", SCOLS_FL_RIGHT },
	{ "MEDIAN[us]", SCOLS_FL_RIGHT },
	{ "99%[us]", SCOLS_FL_RIGHT },
	{ "DEREG MEDIAN[us]", SCOLS_FL_RIGHT },
};

static const char *const kind_names[] = {
	[REG_MEMORY] = "memory",
	[REG_HOST] = "host",
	[REG_HUGE] = "huge",
	[REG_CACHED] = "cached",
};

const char *reg_kind_name(enum reg_kind kind)
{
	return kind_names[kind];
}

/* "host, 2 MiB pages" */
static char *memory_text(const struct reg_run *run, enum reg_kind kind,
			 const char *memory, char text[NAME_MAX_SHOWN])
{
	char size[NUMBER_MAX];

	switch (kind) {
	case REG_HUGE:
		args_human_size(run->opts->huge_page, size, sizeof(size));
		snprintf(text, NAME_MAX_SHOWN, "%s, %s pages", memory, size);
		break;
	case REG_CACHED:
		snprintf(text, NAME_MAX_SHOWN, "%s, cached", memory);
		break;
	default:
		snprintf(text, NAME_MAX_SHOWN, "%s", memory);
		break;
	}
	return text;
}

static char *us_text(uint64_t ns, char text[NUMBER_MAX])
{
	snprintf(text, NUMBER_MAX, "%.2f", ns / 1e3);
	return text;
}

static void add_row(struct table *table, const struct reg_run *run,
		    const struct reg_row *row)
{
	char size[NUMBER_MAX], name[NAME_MAX_SHOWN], min[NUMBER_MAX];
	char median[NUMBER_MAX], p99[NUMBER_MAX], dereg[NUMBER_MAX];
	const char *const cells[] = {
		args_human_size(row->size, size, sizeof(size)),
		memory_text(run, row->kind, row->memory, name),
		p2pmr_route_name(row->route),
		us_text(row->reg.min, min),
		us_text(row->reg.median, median),
		us_text(row->reg.p99, p99),
		us_text(row->dereg.median, dereg),
	};

	table_line(table, cells);
}

static int print_text(const struct reg_run *run)
{
	struct table table;
	size_t i;

	if (!run->n_rows)
		return 0;
	printf("Registering memory with %s, %" PRIu64 " times each\n\n",
	       run->dev.name, run->opts->iterations);
	if (table_open(&table, columns, ARRAY_SIZE(columns)))
		return -1;
	for (i = 0; i < run->n_rows; i++)
		add_row(&table, run, &run->rows[i]);
	if (table_close(&table, stdout, 0))
		return -1;
	if (run->no_huge.text[0])
		printf("\nNo huge pages: %s\n", run->no_huge.text);
	return 0;
}

static struct json_object *times_json(const struct reg_times *times)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_u64(obj, "min", times->min);
	bad |= json_add_u64(obj, "median", times->median);
	bad |= json_add_u64(obj, "p99", times->p99);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *row_json(const struct reg_run *run,
				    const struct reg_row *row)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_u64(obj, "size_bytes", row->size);
	bad |= json_add_string(obj, "kind", reg_kind_name(row->kind));
	bad |= json_add_string(obj, "memory", row->memory);
	bad |= json_add_string(obj, "route", p2pmr_route_name(row->route));
	bad |= json_add_u64(obj, "iterations", run->opts->iterations);
	bad |= json_add(obj, "register_ns", times_json(&row->reg));
	bad |= json_add(obj, "deregister_ns", times_json(&row->dereg));
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *rows_json(const struct reg_run *run)
{
	struct json_object *array = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = 0; i < run->n_rows; i++)
		bad |= json_append(array, row_json(run, &run->rows[i]));
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

/* What fails before anything is measured is the failure alone */
static struct json_object *report_json(const struct reg_run *run)
{
	struct json_object *obj = fail_happened() ? fail_to_json() :
						    json_object_new_object();
	struct utsname uts;
	int bad = 0;

	if (!run->provider)
		return obj;
	bad |= json_add_string(obj, "tool", REG_CMD);
	bad |= json_add_string(obj, "version", P2PMR_VERSION);
	bad |= json_add_string(obj, "kernel_release",
			       uname(&uts) ? NULL : uts.release);
	bad |= json_add_string(obj, "rdma_device", run->dev.name);
	bad |= json_add_string(obj, "memory",
			       p2pmr_provider_name(run->provider));
	bad |= json_add_string(obj, "pci_address",
			       p2pmr_provider_pci_address(run->provider));
	bad |= json_add_u64(obj, "huge_page_bytes", run->opts->huge_page);
	bad |= json_add(obj, "results", rows_json(run));
	if (run->no_huge.text[0])
		bad |= json_add(obj, "no_huge_pages",
				failure_json(&run->no_huge));
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

int reg_plot(const struct reg_run *run, struct plot *plot)
{
	char name[NAME_MAX_SHOWN];
	bool any;
	size_t i;
	int kind;

	for (kind = 0; kind < REG_KINDS; kind++) {
		any = false;
		for (i = 0; i < run->n_rows; i++) {
			const struct reg_row *row = &run->rows[i];

			if ((int)row->kind != kind)
				continue;
			if (!any)
				plot_series(plot, memory_text(run, kind,
							      row->memory,
							      name));
			any = true;
			plot_point(plot, row->size, row->reg.median / 1e3);
		}
	}
	return plot_close(plot);
}

int reg_report_end(const struct reg_run *run)
{
	const struct reg_opts *opts = run->opts;

	if (!opts->json)
		print_text(run);
	return out_end(REG_CMD, report_json(run), opts->json, opts->json_file);
}
