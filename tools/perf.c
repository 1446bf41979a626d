// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "perf.h"
#include "fail.h"
#include "stop.h"

const char *perf_op_name(enum perf_op op)
{
	return op == PERF_WRITE ? "write" : "read";
}

void perf_ident(struct wire_ident *id, const struct perf_dev *dev,
	      const char *memory)
{
	struct utsname uts;

	memset(id, 0, sizeof(*id));
	snprintf(id->version, sizeof(id->version), "%s", P2PMR_VERSION);
	if (!uname(&uts))
		snprintf(id->kernel, sizeof(id->kernel), "%.*s",
			 WIRE_NAME_MAX - 1, uts.release);
	snprintf(id->device, sizeof(id->device), "%s", dev->name);
	snprintf(id->memory, sizeof(id->memory), "%s", memory);
}

int cmd_bw(int argc, char **argv)
{
	struct p2pmr_context *ctx;
	struct perf_report rep = { 0 };
	struct perf_dev dev = { 0 };
	struct perf_opts opts;
	int ret;

	perf_opts_parse(argc, argv, &opts);
	stop_install(BW_CMD, opts.json);
	rep.opts = &opts;
	rep.params = opts.params;
	rep.dev = &dev;

	ctx = p2pmr_open(NULL);
	if (ctx)
		ret = opts.server ? perf_client(&rep, &dev, ctx) :
				    perf_server(&rep, &dev, ctx);
	else
		ret = fail_lib("");
	ret = perf_report_end(&rep, !ret);

	perf_dev_close(&dev);
	p2pmr_close(ctx);
	return ret;
}
