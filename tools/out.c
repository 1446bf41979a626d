// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fail.h"
#include "json.h"
#include "out.h"
#include "out_file.h"

void out_make_plain(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

int out_failed(const char *what)
{
	return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		    "Cannot print %s: %s.", what, strerror(errno));
}

static int print(struct json_object *obj, const char *what,
		 int (*print_json)(FILE *f, struct json_object *obj))
{
	int ret = 0;

	if (!obj)
		return fail_nomem();
	if (print_json(stdout, obj))
		ret = out_failed(what);
	json_object_put(obj);
	return ret;
}

int out_json(struct json_object *obj, const char *what)
{
	return print(obj, what, json_print);
}

int out_json_line(struct json_object *obj, const char *what)
{
	return print(obj, what, json_print_line);
}

int out_json_file(struct json_object *obj, const char *path, mode_t mode)
{
	struct out_file file;
	int ret;

	if (!obj)
		return fail_nomem();
	ret = out_file_open(&file, path, mode);
	if (!ret && json_print(file.stream, obj) && !ferror(file.stream)) {
		/* There was no memory for the text */
		out_file_abandon(&file);
		ret = fail_nomem();
	} else if (!ret) {
		ret = out_file_close(&file);
	}
	json_object_put(obj);
	return ret;
}

int out_end(const char *cmd, struct json_object *report, bool json,
	    const char *json_file)
{
	bool said = json && fail_happened();

	if (json && out_json(json_object_get(report), "the report"))
		said = false;
	if (json_file)
		out_json_file(json_object_get(report), json_file, 0);
	json_object_put(report);
	if (!fail_happened())
		return CMD_GOOD;
	return said ? (int)fail_get()->status : fail_report(cmd, false);
}
