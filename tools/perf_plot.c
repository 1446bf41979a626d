// SPDX-License-Identifier: GPL-2.0-only
/* The report as a picture: each pair of memories is a series over the sizes. */
#include <stdio.h>

#include "perf.h"
#include "plot.h"

int perf_plot_open(struct perf_report *rep, struct plot *plot)
{
	const struct perf_opts *opts = rep->opts;
	const struct perf_params *p = &opts->params;
	bool bw = p->tool == PERF_BW;

	snprintf(rep->plot_title, sizeof(rep->plot_title), "RDMA %s, %s",
		 perf_op_name(p->op), bw ? "bandwidth" : "latency");
	*plot = (struct plot){
		.title = rep->plot_title,
		.x = { .title = "message size", .log_base = 2 },
		.y = {
			.title = !bw ? "t_typical [usec]" :
				 opts->gbits ? "BW average [Gb/sec]" :
					       "BW average [MiB/sec]",
			/* What is small at small sizes is to be seen, too */
			.log_base = 10,
		},
	};
	if (!opts->plot)
		return 0;
	rep->plot = plot;
	return plot_open(plot, opts->plot);
}

static double value(const struct perf_report *rep, const struct perf_row *row)
{
	if (rep->params.tool == PERF_LAT)
		return row->times.percentile_ps[0] / 1e6;
	return row->bytes_per_s / (rep->opts->gbits ? 1e9 / 8 : 1 << 20);
}

/* With --compare, each second row is of the other memory */
static void plot_memory(const struct perf_report *rep, uint32_t first,
			uint32_t step)
{
	const struct perf_row *row = &rep->row[first];
	char name[2 * WIRE_NAME_MAX + 32];
	uint32_t i;

	snprintf(name, sizeof(name), "%s/%s (client/server)",
		 row->memory[PERF_CLIENT], row->memory[PERF_SERVER]);
	plot_series(rep->plot, name);
	for (i = first; i < rep->rows; i += step)
		plot_point(rep->plot, rep->row[i].size,
			   value(rep, &rep->row[i]));
}

int perf_plot_close(struct perf_report *rep, bool good)
{
	uint32_t step = rep->opts->compare ? 2 : 1;
	uint32_t i;

	if (!rep->plot)
		return 0;
	if (!good) {
		plot_abandon(rep->plot);
		return 0;
	}
	for (i = 0; i < step && i < rep->rows; i++)
		plot_memory(rep, i, step);
	return plot_close(rep->plot);
}
