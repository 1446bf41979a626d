// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include <p2pmr/p2pmr.h>

#include "fail.h"
#include "json.h"

static struct failure failure;

int fail(enum cmd_status status, const char *reason, int errnum,
	 const char *remedy, const char *fmt, ...)
{
	va_list ap;

	if (failure.reason[0])
		return -1;

	failure.status = status;
	failure.errnum = errnum;
	snprintf(failure.reason, sizeof(failure.reason), "%s", reason);
	snprintf(failure.remedy, sizeof(failure.remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(failure.text, sizeof(failure.text), fmt, ap);
	va_end(ap);
	return -1;
}

/*
 * What no other arguments would cure is "not possible on this machine", so
 * that scripts can tell it from a failure and skip.
 */
static enum cmd_status status_of(enum p2pmr_reason code)
{
	switch (code) {
	case P2PMR_REASON_KERNEL_NO_P2PDMA:
	case P2PMR_REASON_KERNEL_NO_PIN:
	case P2PMR_REASON_DEVICE_NO_OPTIN:
	case P2PMR_REASON_PATH_NONE:
		return CMD_IMPOSSIBLE;
	default:
		return CMD_FAILED;
	}
}

void failure_from_lib(struct failure *f, const char *what)
{
	enum p2pmr_reason code = p2pmr_reason_code();

	f->status = status_of(code);
	f->errnum = p2pmr_reason_errno();
	snprintf(f->reason, sizeof(f->reason), "%s", p2pmr_reason_name(code));
	snprintf(f->text, sizeof(f->text), "%s%s%s", what,
		 what[0] ? ": " : "", p2pmr_reason_text());
	snprintf(f->remedy, sizeof(f->remedy), "%s", p2pmr_reason_remedy());
}

int fail_lib(const char *what)
{
	if (!failure.reason[0])
		failure_from_lib(&failure, what);
	return -1;
}

int fail_nomem(void)
{
	return fail(CMD_FAILED, REASON_OUT_OF_MEMORY, ENOMEM,
		    "End other programs or ask for less.",
		    "The process is out of memory.");
}

bool fail_happened(void)
{
	return failure.reason[0];
}

const struct failure *fail_get(void)
{
	return &failure;
}

void fail_clear(void)
{
	memset(&failure, 0, sizeof(failure));
}

/* "EFAULT"; NULL for "no errno" and for numbers that have no name */
static const char *errno_name(int errnum)
{
	return errnum > 0 ? strerrorname_np(errnum) : NULL;
}

struct json_object *failure_json(const struct failure *f)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "reason", f->reason);
	bad |= json_add_string(obj, "errno", errno_name(f->errnum));
	bad |= json_add_string(obj, "text", f->text);
	bad |= json_add_string(obj, "remedy", f->remedy);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

struct json_object *fail_to_json(void)
{
	struct json_object *top = json_object_new_object();

	if (!json_add(top, "error", failure_json(&failure)))
		return top;
	json_object_put(top);
	return NULL;
}

/* Sentences come with and without their full stop */
static const char *stop_after(const char *text)
{
	size_t len = strlen(text);

	return len && strchr(".!?", text[len - 1]) ? "" : ".";
}

void failure_print(const struct failure *f, const char *cmd)
{
	fprintf(stderr, "%s: %s%s ", cmd, f->text, stop_after(f->text));
	if (f->remedy[0])
		fprintf(stderr, "%s%s ", f->remedy, stop_after(f->remedy));
	fprintf(stderr, "[%s]\n", f->reason);
}

int fail_report(const char *cmd, bool json)
{
	struct json_object *obj = json ? fail_to_json() : NULL;

	if (!obj || json_print(stdout, obj))
		failure_print(&failure, cmd);
	json_object_put(obj);
	return failure.status;
}
