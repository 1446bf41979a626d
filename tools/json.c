// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <json-c/json.h>

#include "json.h"

int json_add(struct json_object *obj, const char *key, struct json_object *val)
{
	if (!obj || !val || json_object_object_add(obj, key, val)) {
		json_object_put(val);
		return -1;
	}
	return 0;
}

int json_add_string(struct json_object *obj, const char *key, const char *val)
{
	if (!val)
		return json_add_null(obj, key);
	return json_add(obj, key, json_object_new_string(val));
}

int json_add_u64(struct json_object *obj, const char *key, uint64_t val)
{
	return json_add(obj, key, json_object_new_uint64(val));
}

int json_add_int(struct json_object *obj, const char *key, int val)
{
	return json_add(obj, key, json_object_new_int(val));
}

int json_add_bool(struct json_object *obj, const char *key, bool val)
{
	return json_add(obj, key, json_object_new_boolean(val));
}

/* In json-c a NULL object is the JSON null */
int json_add_null(struct json_object *obj, const char *key)
{
	return obj && !json_object_object_add(obj, key, NULL) ? 0 : -1;
}

int json_add_double(struct json_object *obj, const char *key, double val,
		    int decimals)
{
	char text[64];

	if (!isfinite(val))
		return json_add_null(obj, key);
	snprintf(text, sizeof(text), "%.*f", decimals, val);
	return json_add(obj, key, json_object_new_double_s(val, text));
}

int json_append(struct json_object *array, struct json_object *val)
{
	if (!array || !val || json_object_array_add(array, val)) {
		json_object_put(val);
		return -1;
	}
	return 0;
}

static int print(FILE *f, struct json_object *obj, int flags)
{
	const char *text;

	text = json_object_to_json_string_ext(obj, flags |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	return fprintf(f, "%s\n", text) < 0 || fflush(f) ? -1 : 0;
}

int json_print(FILE *f, struct json_object *obj)
{
	return print(f, obj, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

int json_print_line(FILE *f, struct json_object *obj)
{
	return print(f, obj, JSON_C_TO_STRING_PLAIN);
}
