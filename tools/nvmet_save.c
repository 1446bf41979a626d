// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "args.h"
#include "fail.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "nvmet_schema.h"
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

/*
 * Drives are numbered in the order in which their probes end, so the next boot
 * may give the number to another one, and restore would serve that one with
 * the identity of the first.
 */
static void warn_of_number(const char *nqn, struct json_object *ns)
{
	const char *path = nvmet_get(ns, "device", "path");

	if (!fnmatch("/dev/nvme[0-9]*n[0-9]*", path, FNM_PATHNAME))
		fprintf(stderr,
			"%s: %s, namespace %s: %s may be another drive after the next boot. If this is to be restored then, name the drive by its link in /dev/disk/by-id.\n",
			SAVE_CMD, nqn, nvmet_get(ns, NULL, "nsid"), path);
}

static void warn_of_numbers(struct json_object *conf)
{
	struct json_object *subsystems = nvmet_list(conf, "subsystems");
	struct json_object *subsystem, *namespaces;
	size_t i, j;

	for (i = 0; subsystems && i < json_object_array_length(subsystems); i++) {
		subsystem = json_object_array_get_idx(subsystems, i);
		namespaces = nvmet_list(subsystem, "namespaces");
		for (j = 0; namespaces && j < json_object_array_length(namespaces); j++)
			warn_of_number(nvmet_get(subsystem, NULL, "nqn"),
				       json_object_array_get_idx(namespaces, j));
	}
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
		/* it may hold hosts' keys, so it is for its owner alone */
		ret = out_json_file(json_object_get(conf), file, 0600);
	else if (!ret)
		ret = out_json(json_object_get(conf), "the configuration");
	if (!ret)
		warn_of_numbers(conf);
	json_object_put(conf);
	return ret ? fail_report(SAVE_CMD, false) : CMD_GOOD;
}
