// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "fail.h"
#include "perf.h"
#include "plot.h"
#include "stop.h"

static int perf(int argc, char **argv, enum perf_tool tool)
{
	struct p2pmr_context *ctx;
	struct perf_report *rep;
	struct perf_dev dev = { 0 };
	struct perf_opts opts;
	struct plot plot;
	int ret;

	perf_opts_parse(argc, argv, tool, &opts);
	stop_install(opts.cmd, opts.json);
	rep = calloc(1, sizeof(*rep));
	if (!rep) {
		fail_nomem();
		return fail_report(opts.cmd, opts.json);
	}
	rep->opts = &opts;
	rep->params = opts.params;
	rep->dev = &dev;

	ctx = p2pmr_open(NULL);
	if (!ctx)
		ret = fail_lib("");
	else if (perf_plot_open(rep, &plot))
		ret = -1;
	else
		ret = opts.server ? perf_client(rep, &dev, ctx) :
				    perf_server(rep, &dev, ctx);
	if (perf_plot_close(rep, !ret))
		ret = -1;
	ret = perf_report_end(rep, !ret);

	perf_dev_close(&dev);
	p2pmr_close(ctx);
	free(rep);
	return ret;
}

int cmd_bw(int argc, char **argv)
{
	return perf(argc, argv, PERF_BW);
}

int cmd_lat(int argc, char **argv)
{
	return perf(argc, argv, PERF_LAT);
}
