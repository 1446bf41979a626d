// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "out.h"

#define SAVE_CMD "p2pmr nvmet save"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **file = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*file)
			argp_error(state, "%s: only one file [USAGE]", arg);
		*file = arg;
		return 0;
	default:
		return args_help(key, arg, state);
	}
}

static const struct argp_option options[] = {
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[FILE]",
	.doc = "Write all that is configured, as JSON, to FILE or standard output.",
};

static int fail_write(const char *file)
{
	return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		    "%s cannot be written: %s.", file, strerror(errno));
}

/* It may hold hosts' keys, so it is for its owner alone */
static int write_new(const char *file, int fd, struct json_object *conf)
{
	FILE *f = fdopen(fd, "w");
	int ret;

	if (!f) {
		fail_write(file);
		close(fd);
		return -1;
	}
	ret = json_print(f, conf) || fsync(fd) ? fail_write(file) : 0;
	if (fclose(f) && !ret)
		ret = fail_write(file);
	return ret;
}

/* Through a file beside it: what was saved before stays until this is whole */
static int write_file(const char *file, struct json_object *conf)
{
	char *beside;
	int ret, fd;

	if (asprintf(&beside, "%s.XXXXXX", file) < 0)
		return fail_nomem();
	fd = mkstemp(beside);
	if (fd < 0) {
		ret = fail_write(file);
		goto out;
	}
	ret = write_new(file, fd, conf);
	if (!ret && rename(beside, file))
		ret = fail_write(file);
	if (ret)
		unlink(beside);
out:
	free(beside);
	return ret;
}

int nvmet_save(int argc, char **argv)
{
	static char name[] = SAVE_CMD;
	struct json_object *conf = NULL;
	const char *file = NULL;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &file))
		return CMD_USAGE;
	ret = nvmet_fs_present();
	if (!ret) {
		conf = nvmet_read(SAVE_CMD);
		ret = conf ? 0 : -1;
	}
	if (!ret && file && strcmp(file, "-"))
		ret = write_file(file, conf);
	else if (!ret)
		ret = out_json(json_object_get(conf), "the configuration");
	json_object_put(conf);
	return ret ? fail_report(SAVE_CMD, false) : CMD_GOOD;
}
