// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "args.h"
#include "monitor.h"
#include "table.h"

#define CELL_MAX 96

static const char *yes_no(bool val)
{
	return val ? "yes" : "no";
}

static const char *number(uint64_t val, char text[CELL_MAX])
{
	snprintf(text, CELL_MAX, "%" PRIu64, val);
	return text;
}

/* An empty line after each table */
static int end_table(struct table *table, FILE *f, unsigned int width)
{
	if (table_close(table, f, width))
		return -1;
	fputc('\n', f);
	return 0;
}

static void add_provider(struct table *table, const struct monitor_provider *p)
{
	char size[CELL_MAX], free_text[CELL_MAX], used[CELL_MAX];
	const char *const cells[] = {
		p->name,
		args_human_size(p->size, size, CELL_MAX),
		args_human_size(p->available, free_text, CELL_MAX),
		used,
		yes_no(p->published),
	};
	uint64_t bytes = p->available < p->size ? p->size - p->available : 0;

	snprintf(used, sizeof(used), "%.0f%%",
		 p->size ? 100.0 * bytes / p->size : 0);
	table_line(table, cells);
}

static int print_providers(const struct monitor_sample *sample, FILE *f,
			   unsigned int width)
{
	static const struct table_column cols[] = {
		{ "PROVIDER", SCOLS_FL_TRUNC },
		{ "SIZE", SCOLS_FL_RIGHT },
		{ "FREE", SCOLS_FL_RIGHT },
		{ "USED", SCOLS_FL_RIGHT },
		{ "PUBLISHED", SCOLS_FL_TRUNC },
	};
	struct table table;
	size_t i;

	if (!sample->n_providers) {
		fputs("There is no peer memory.\n\n", f);
		return 0;
	}
	if (table_open(&table, cols, ARRAY_SIZE(cols)))
		return -1;
	for (i = 0; i < sample->n_providers; i++)
		add_provider(&table, &sample->providers[i]);
	return end_table(&table, f, width);
}

/* The kernel's own have no process */
static void add_owner(struct table *table, const struct monitor_owner *o)
{
	char pid[CELL_MAX], name[CELL_MAX], regions[CELL_MAX];
	char bytes[CELL_MAX], mapped[CELL_MAX];
	const char *const cells[] = {
		o->pid ? number(o->pid, pid) : "-",
		name,
		o->device,
		number(o->regions, regions),
		args_human_size(o->bytes, bytes, CELL_MAX),
		o->mapped_known ? args_human_size(o->mapped, mapped, CELL_MAX) :
				  "-",
	};

	snprintf(name, sizeof(name), o->pid ? "%s" : "[%s]", o->command);
	table_line(table, cells);
}

static int print_owners(const struct monitor_sample *sample, FILE *f,
			unsigned int width)
{
	static const struct table_column cols[] = {
		{ "PID", SCOLS_FL_RIGHT },
		{ "NAME", SCOLS_FL_TRUNC },
		{ "DEVICE", SCOLS_FL_TRUNC },
		{ "MRS", SCOLS_FL_RIGHT },
		{ "BYTES", SCOLS_FL_RIGHT },
		{ "PEER", SCOLS_FL_RIGHT },
	};
	struct table table;
	size_t i;

	if (sample->no_owners[0])
		fprintf(f, "Who has memory registered is not known. %s.\n\n",
			sample->no_owners);
	else if (!sample->n_owners)
		fputs("No memory is registered.\n\n", f);
	if (!sample->n_owners)
		return 0;
	if (table_open(&table, cols, ARRAY_SIZE(cols)))
		return -1;
	for (i = 0; i < sample->n_owners; i++)
		add_owner(&table, &sample->owners[i]);
	return end_table(&table, f, width);
}

static void add_counter(struct table *table, const struct monitor_counter *c)
{
	char device[CELL_MAX], total[CELL_MAX], rate[CELL_MAX];
	const char *const cells[] = {
		device,
		c->name,
		number(c->value, total),
		c->rate_known ? rate : "-",
	};

	snprintf(device, sizeof(device), c->port ? "%s/%u" : "%s", c->device,
		 c->port);
	snprintf(rate, sizeof(rate), "%.1f", c->per_second);
	table_line(table, cells);
}

static void add_counters(struct table *table,
			 const struct monitor_sample *sample, bool moving)
{
	size_t i;

	for (i = 0; i < sample->n_counters; i++) {
		const struct monitor_counter *c = &sample->counters[i];

		if (c->value && (c->per_second > 0) == moving)
			add_counter(table, c);
	}
}

static bool any_counter(const struct monitor_sample *sample)
{
	size_t i;

	for (i = 0; i < sample->n_counters; i++) {
		if (sample->counters[i].value)
			return true;
	}
	return false;
}

/* Those that move come first: there may be many, and a terminal is not high */
static int print_counters(const struct monitor_sample *sample, FILE *f,
			  unsigned int width)
{
	static const struct table_column cols[] = {
		{ "DEVICE", SCOLS_FL_TRUNC },
		{ "COUNTER", SCOLS_FL_TRUNC },
		{ "TOTAL", SCOLS_FL_RIGHT },
		{ "PER SECOND", SCOLS_FL_RIGHT },
	};
	struct table table;

	if (!any_counter(sample)) {
		fputs("No RDMA device has counted anything.\n\n", f);
		return 0;
	}
	if (table_open(&table, cols, ARRAY_SIZE(cols)))
		return -1;
	add_counters(&table, sample, true);
	add_counters(&table, sample, false);
	return end_table(&table, f, width);
}

int monitor_print(const struct monitor_sample *sample, FILE *f,
		  unsigned int width)
{
	char clock[32];
	struct tm tm;

	localtime_r(&sample->when, &tm);
	strftime(clock, sizeof(clock), "%F %T", &tm);
	fprintf(f, "%s\n\n", clock);
	if (print_providers(sample, f, width) ||
	    print_owners(sample, f, width) ||
	    print_counters(sample, f, width))
		return -1;
	return 0;
}
