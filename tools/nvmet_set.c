// SPDX-License-Identifier: GPL-2.0-only
/* "set" and "restore": check it, make it, say what was made. */
#include <argp.h>
#include <stdio.h>

#include <json-c/json.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "nvmet_made.h"
#include "nvmet_opts.h"
#include "nvmet_parse.h"
#include "out.h"
#include "stop.h"

static struct json_object *made_json(const struct nvmet_made *made, size_t from)
{
	struct json_object *top = json_object_new_object();
	struct json_object *array = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = from; i < made->count; i++)
		bad |= json_append(array,
				   json_object_new_string(made->items[i].path));
	bad |= json_add(top, "made", array);
	if (!bad)
		return top;
	json_object_put(top);
	return NULL;
}

static int report(const struct nvmet_made *made, size_t from, bool json)
{
	size_t i;

	for (i = from; i < made->count && !json; i++)
		printf("made %s\n", made->items[i].path);
	if (!json)
		return 0;
	return out_json(made_json(made, from), "what was made");
}

static int make(struct json_object *conf, struct nvmet_made *made,
		const struct nvmet_opts *opts, const char *cmd)
{
	size_t from = made->count;

	if (nvmet_check(conf, cmd))
		return -1;
	if (opts->check_only)
		return 0;
	if (nvmet_apply(conf, made))
		return -1;
	return report(made, from, opts->json);
}

/*
 * The record is locked until all is made: what is found out about the target
 * holds as far as other calls of this command go
 */
static int run_locked(struct json_object *conf, const struct nvmet_opts *opts,
		      const char *cmd)
{
	struct nvmet_made made;
	int ret;

	ret = nvmet_made_open(&made);
	if (!ret && conf) {
		ret = make(conf, &made, opts, cmd);
	} else if (!ret) {
		conf = nvmet_opts_conf(opts);
		ret = conf && !nvmet_normalize(conf, "The command line") ?
		      make(conf, &made, opts, cmd) : -1;
		json_object_put(conf);
	}
	nvmet_made_close(&made);
	return ret;
}

static int run(const struct nvmet_opts *opts, const char *cmd)
{
	struct json_object *conf = NULL;
	int ret;

	/* What is wrong with a file shows anywhere, target or not */
	if (opts->file) {
		conf = nvmet_parse(opts->file);
		if (!conf)
			return -1;
	}
	ret = nvmet_fs_present();
	if (!ret)
		ret = run_locked(conf, opts, cmd);
	json_object_put(conf);
	return ret;
}

static int run_and_report(const struct nvmet_opts *opts, const char *cmd)
{
	stop_install(cmd, opts->json);
	return run(opts, cmd) ? fail_report(cmd, opts->json) : CMD_GOOD;
}

int nvmet_set(int argc, char **argv)
{
	static char name[] = "p2pmr nvmet set";
	struct nvmet_opts opts = { 0 };

	args_init(argv, name);
	nvmet_opts_parse(&opts, argc, argv);
	return run_and_report(&opts, name);
}

enum {
	OPT_CHECK = 0x100,
};

static error_t parse_restore(int key, char *arg, struct argp_state *state)
{
	struct nvmet_opts *opts = state->input;

	switch (key) {
	case OPT_CHECK:
		opts->check_only = true;
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->file)
			argp_error(state, "%s: only one file [USAGE]", arg);
		opts->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no file [USAGE]");
		return EINVAL;
	default:
		return args_help(key, arg, state);
	}
}

static const struct argp_option restore_options[] = {
	{ "check", OPT_CHECK, NULL, 0, "check, and change nothing", 0 },
	{ "json", 'j', NULL, 0, "say as JSON what was made, or what failed", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static const struct argp restore_argp = {
	.options = restore_options,
	.parser = parse_restore,
	.args_doc = "FILE",
	.doc = "Make what FILE holds (\"-\": standard input), as save and nvmetcli write it: all of it or nothing.",
};

int nvmet_restore(int argc, char **argv)
{
	static char name[] = "p2pmr nvmet restore";
	struct nvmet_opts opts = { 0 };

	args_init(argv, name);
	if (argp_parse(&restore_argp, argc, argv, 0, NULL, &opts))
		return CMD_USAGE;
	return run_and_report(&opts, name);
}
