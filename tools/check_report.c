// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "check.h"
#include "json.h"
#include "sysfs.h"

static const char *const state_names[] = {
	[CHECK_PASS] = "pass",
	[CHECK_SKIP] = "skip",
	[CHECK_WARN] = "warn",
	[CHECK_FAIL] = "fail",
	[CHECK_NEVER] = "fail",
};

static struct check_line *new_line(struct check_report *report,
				   enum check_state state, const char *check,
				   const char *object)
{
	struct check_line *lines;

	lines = reallocarray(report->lines, report->n + 1, sizeof(*lines));
	if (!lines) {
		report->out_of_memory = true;
		return NULL;
	}
	report->lines = lines;
	lines += report->n++;
	memset(lines, 0, sizeof(*lines));
	lines->state = state;
	lines->check = check;
	snprintf(lines->object, sizeof(lines->object), "%s",
		 object ? object : "");
	return lines;
}

void check_add(struct check_report *report, enum check_state state,
	       const char *check, const char *object, const char *remedy,
	       const char *fmt, ...)
{
	struct check_line *line = new_line(report, state, check, object);
	va_list ap;

	if (!line)
		return;
	snprintf(line->found.remedy, sizeof(line->found.remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(line->found.text, sizeof(line->found.text), fmt, ap);
	va_end(ap);
}

void check_add_failure(struct check_report *report, enum check_state state,
		       const char *check, const char *object,
		       const struct failure *failure)
{
	struct check_line *line = new_line(report, state, check, object);

	if (line)
		line->found = *failure;
}

enum cmd_status check_status(const struct check_report *report)
{
	enum check_state worst = CHECK_PASS;
	size_t i;

	for (i = 0; i < report->n; i++) {
		if (report->lines[i].state > worst)
			worst = report->lines[i].state;
	}
	return worst == CHECK_NEVER ? CMD_IMPOSSIBLE :
	       worst == CHECK_FAIL ? CMD_FAILED : CMD_GOOD;
}

static const char *verdict(const struct check_report *report)
{
	switch (check_status(report)) {
	case CMD_GOOD:
		return "yes";
	case CMD_IMPOSSIBLE:
		return "impossible";
	default:
		return "fails";
	}
}

void check_print(const struct check_report *report)
{
	static const char *const sentences[] = {
		[CMD_GOOD] = "RDMA can use peer memory on this machine.",
		[CMD_FAILED] = "RDMA cannot use peer memory yet: see what fails above.",
	};
	enum cmd_status status = check_status(report);
	size_t i;

	for (i = 0; i < report->n; i++) {
		const struct check_line *line = &report->lines[i];
		const struct failure *found = &line->found;

		printf("%s  %-9s %s%s%s%s%s%s%s%s\n", state_names[line->state],
		       line->check, line->object, line->object[0] ? ": " : "",
		       found->text, found->remedy[0] ? " " : "", found->remedy,
		       found->reason[0] ? " [" : "", found->reason,
		       found->reason[0] ? "]" : "");
	}
	printf("\n%s%s\n", sysfs_is_recorded() ?
	       "As far as a recorded tree tells: " : "",
	       status == CMD_IMPOSSIBLE ?
	       "RDMA cannot use peer memory on this machine." :
	       sentences[status]);
}

static struct json_object *line_json(const struct check_line *line)
{
	struct json_object *obj = json_object_new_object();
	const struct failure *found = &line->found;
	int bad = 0;

	bad |= json_add_string(obj, "check", line->check);
	bad |= json_add_string(obj, "object",
			       line->object[0] ? line->object : NULL);
	bad |= json_add_string(obj, "state", state_names[line->state]);
	bad |= json_add_string(obj, "reason",
			       found->reason[0] ? found->reason : NULL);
	bad |= json_add_string(obj, "text", found->text);
	bad |= json_add_string(obj, "remedy",
			       found->remedy[0] ? found->remedy : NULL);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

struct json_object *check_json(const struct check_report *report)
{
	struct json_object *top = json_object_new_object();
	struct json_object *array = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = 0; i < report->n; i++)
		bad |= json_append(array, line_json(&report->lines[i]));
	bad |= json_add(top, "checks", array);
	bad |= json_add_string(top, "verdict", verdict(report));
	if (!bad)
		return top;
	json_object_put(top);
	return NULL;
}

void check_list_add(char list[CHECK_LIST_MAX], const char *name)
{
	static const char more[] = ", ...";
	size_t used = strlen(list);

	if (used >= sizeof(more) &&
	    !strcmp(list + used - sizeof(more) + 1, more))
		return;
	if (used + strlen(name) + 2 + sizeof(more) > CHECK_LIST_MAX)
		name = "...";
	snprintf(list + used, CHECK_LIST_MAX - used, "%s%s", used ? ", " : "",
		 name);
}
