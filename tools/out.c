// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fail.h"
#include "json.h"
#include "out.h"

int out_json(struct json_object *obj, const char *what)
{
	int ret = 0;

	if (!obj)
		return fail_nomem();
	if (json_print(stdout, obj))
		ret = fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			   "Cannot print %s: %s.", what, strerror(errno));
	json_object_put(obj);
	return ret;
}
