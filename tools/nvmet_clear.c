// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdio.h>

#include <json-c/json.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_made.h"
#include "out.h"

#define CLEAR_CMD "p2pmr nvmet clear"

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "say as JSON what became of each part", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = args_json_only,
	.doc = "Take down what set and restore made since the machine started, and nothing else.",
};

static void print_log(struct json_object *log)
{
	struct json_object *entry, *path, *result;
	size_t i;

	for (i = 0; i < json_object_array_length(log); i++) {
		entry = json_object_array_get_idx(log, i);
		if (json_object_object_get_ex(entry, "path", &path) &&
		    json_object_object_get_ex(entry, "result", &result))
			printf("%s %s\n", json_object_get_string(result),
			       json_object_get_string(path));
	}
}

/* With what failed beside it, when something did */
static int print_json(struct json_object *log)
{
	struct json_object *top = fail_happened() ? fail_to_json() :
						    json_object_new_object();

	if (!json_add(top, "items", json_object_get(log)))
		return out_json(top, "what was taken down");
	json_object_put(top);
	return fail_nomem();
}

static int clear(struct json_object *log)
{
	struct nvmet_made made;
	int ret;

	ret = nvmet_made_open(&made);
	if (!ret)
		ret = nvmet_made_undo(&made, 0, log);
	nvmet_made_close(&made);
	return ret;
}

int nvmet_clear(int argc, char **argv)
{
	static char name[] = CLEAR_CMD;
	struct json_object *log;
	bool json = false;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &json))
		return CMD_USAGE;
	log = json_object_new_array();
	ret = log ? clear(log) : fail_nomem();
	if (log && json)
		ret |= print_json(log);
	else if (log)
		print_log(log);
	json_object_put(log);
	if (!ret)
		return CMD_GOOD;
	/* On standard output it stands already */
	return json && log ? (int)fail_get()->status :
			     fail_report(CLEAR_CMD, json);
}
