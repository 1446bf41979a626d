// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "bw.h"
#include "fail.h"
#include "stop.h"

const char *bw_op_name(enum bw_op op)
{
	return op == BW_WRITE ? "write" : "read";
}

void bw_ident(struct wire_ident *id, const struct bw_dev *dev,
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
	struct bw_report rep = { 0 };
	struct bw_dev dev = { 0 };
	struct bw_opts opts;
	int ret;

	bw_opts_parse(argc, argv, &opts);
	stop_install(BW_CMD, opts.json);
	rep.opts = &opts;
	rep.params = opts.params;
	rep.dev = &dev;

	ctx = p2pmr_open(NULL);
	if (ctx)
		ret = opts.server ? bw_client(&rep, &dev, ctx) :
				    bw_server(&rep, &dev, ctx);
	else
		ret = fail_lib("");
	ret = bw_report_end(&rep, !ret);

	bw_dev_close(&dev);
	p2pmr_close(ctx);
	return ret;
}
