// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fail.h"
#include "nvmet.h"
#include "nvmet_parse.h"
#include "nvmet_schema.h"

/* A thousand namespaces take about 300 KiB */
#define FILE_MAX (4 << 20)

/**
 * struct cursor - where in a file a check is
 * @file: its name
 * @place: grows to the right on the way in, and is cut on the way out
 */
struct cursor {
	const char *file;
	char place[NVMET_PLACE_MAX];
};

/* Returns what to cut @place back to */
__attribute__((format(printf, 2, 3)))
static size_t enter(struct cursor *at, const char *fmt, ...)
{
	size_t len = strlen(at->place);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(at->place + len, sizeof(at->place) - len, fmt, ap);
	va_end(ap);
	return len;
}

static void leave(struct cursor *at, size_t len)
{
	at->place[len] = '\0';
}

static size_t enter_key(struct cursor *at, const char *key)
{
	return enter(at, "%s%.64s", at->place[0] ? "." : "", key);
}

static int bad(const struct cursor *at, const char *must)
{
	return fail(CMD_FAILED, REASON_BAD_FILE, EINVAL,
		    "See p2pmr-nvmet(1) for what a file has. Nothing was changed.",
		    "%s: %s must be %s.", at->file,
		    at->place[0] ? at->place : "the whole of it", must);
}

static int unknown(const struct cursor *at)
{
	return fail(CMD_FAILED, REASON_BAD_FILE, EINVAL,
		    "See p2pmr-nvmet(1) for what a file has. Nothing was changed.",
		    "%s: %s is not known.", at->file, at->place);
}

/* What the value is as text; NULL: nothing that can be one */
static const char *scalar_text(struct json_object *val)
{
	switch (json_object_get_type(val)) {
	case json_type_boolean:
		return json_object_get_boolean(val) ? "1" : "0";
	case json_type_int:
		return json_object_get_string(val);
	case json_type_string:
		/* "\u0000" would hide what follows it */
		if (strlen(json_object_get_string(val)) !=
		    (size_t)json_object_get_string_len(val))
			return NULL;
		return json_object_get_string(val);
	default:
		return NULL;
	}
}

/* Put the kernel's form of a value in its place */
static int take_scalar(struct cursor *at, const struct nvmet_attr *attr,
		       struct json_object *in, const char *key,
		       struct json_object *val)
{
	const char *text = scalar_text(val);
	char normal[NVMET_VALUE_MAX];
	struct json_object *made;
	const char *must;

	if (!text)
		return bad(at, "a string or a whole number");
	must = nvmet_normal(attr, text, normal, sizeof(normal));
	if (must)
		return bad(at, must);
	made = json_object_new_string(normal);
	if (!made || json_object_object_add(in, key, made)) {
		json_object_put(made);
		return fail_nomem();
	}
	return 0;
}

static int take_group(struct cursor *at, const struct nvmet_kind *kind,
		      const char *group, struct json_object *obj)
{
	if (!json_object_is_type(obj, json_type_object))
		return bad(at, "an object");
	json_object_object_foreach(obj, key, val) {
		const struct nvmet_attr *attr;
		size_t len = enter_key(at, key);

		attr = nvmet_find_attr(kind, group, key);
		if (!attr)
			return unknown(at);
		if (take_scalar(at, attr, obj, key, val))
			return -1;
		leave(at, len);
	}
	return 0;
}

static int take_links(struct cursor *at, struct json_object *array)
{
	static const struct nvmet_attr name = {
		.type = NVMET_NAME, .max = NVMET_PATH_MAX
	};
	char normal[NVMET_VALUE_MAX];
	size_t i, j;

	if (!json_object_is_type(array, json_type_array))
		return bad(at, "an array of names");
	for (i = 0; i < json_object_array_length(array); i++) {
		struct json_object *val = json_object_array_get_idx(array, i);
		size_t len = enter(at, "[%zu]", i);
		const char *must;

		if (!json_object_is_type(val, json_type_string) ||
		    !scalar_text(val))
			return bad(at, "a string");
		must = nvmet_normal(&name, scalar_text(val), normal,
				    sizeof(normal));
		if (must)
			return bad(at, must);
		for (j = 0; j < i; j++) {
			if (json_object_equal(val, json_object_array_get_idx(array, j)))
				return bad(at, "there only once");
		}
		leave(at, len);
	}
	return 0;
}

static int take_item(struct cursor *at, const struct nvmet_kind *kind,
		     struct json_object *item);

static int check_once(struct cursor *at, const struct nvmet_kind *kind,
		      struct json_object *array, size_t last)
{
	const char *id = nvmet_get(json_object_array_get_idx(array, last), NULL,
				   kind->id.name);
	size_t i;

	for (i = 0; i < last; i++) {
		struct json_object *other = json_object_array_get_idx(array, i);

		if (!strcmp(nvmet_get(other, NULL, kind->id.name), id)) {
			enter_key(at, kind->id.name);
			return bad(at, "another than that of the items before it");
		}
	}
	return 0;
}

static int take_list(struct cursor *at, const struct nvmet_kind *kind,
		     struct json_object *array)
{
	size_t i;

	if (!json_object_is_type(array, json_type_array))
		return bad(at, "an array");
	for (i = 0; i < json_object_array_length(array); i++) {
		size_t len = enter(at, "[%zu]", i);

		if (take_item(at, kind, json_object_array_get_idx(array, i)) ||
		    check_once(at, kind, array, i))
			return -1;
		leave(at, len);
	}
	return 0;
}

static bool is_group(const struct nvmet_kind *kind, const char *key)
{
	const struct nvmet_attr *attr;

	for (attr = kind->attrs; attr->name; attr++) {
		if (attr->group && !strcmp(attr->group, key))
			return true;
	}
	return false;
}

static int take_key(struct cursor *at, const struct nvmet_kind *kind,
		    struct json_object *item, const char *key,
		    struct json_object *val)
{
	const struct nvmet_attr *attr = nvmet_find_attr(kind, NULL, key);
	const struct nvmet_kind *part = nvmet_find_part(kind, key);

	if (kind->list && !strcmp(kind->id.name, key))
		attr = &kind->id;
	if (attr)
		return take_scalar(at, attr, item, key, val);
	if (part)
		return take_list(at, part, val);
	if (kind->links && !strcmp(kind->links, key))
		return take_links(at, val);
	if (is_group(kind, key))
		return take_group(at, kind, key, val);
	return unknown(at);
}

static int take_item(struct cursor *at, const struct nvmet_kind *kind,
		     struct json_object *item)
{
	if (!json_object_is_type(item, json_type_object))
		return bad(at, "an object");
	json_object_object_foreach(item, key, val) {
		size_t len = enter_key(at, key);

		if (take_key(at, kind, item, key, val))
			return -1;
		leave(at, len);
	}
	if (kind->list && !*nvmet_get(item, NULL, kind->id.name)) {
		enter_key(at, kind->id.name);
		return bad(at, "there");
	}
	return 0;
}

int nvmet_normalize(struct json_object *conf, const char *file)
{
	struct cursor at = { .file = file };

	return take_item(&at, &nvmet_root_kind, conf);
}

static int fail_read(const char *file, int err)
{
	return fail(CMD_FAILED, REASON_SYSTEM, err,
		    "Name a file that `p2pmr nvmet save` or nvmetcli has written.",
		    "%s cannot be read: %s.", file, strerror(err));
}

/* All of a stream and a NUL; to be freed. NULL after fail() */
static char *read_all(FILE *f, const char *file, size_t *len)
{
	char *text = malloc(FILE_MAX + 1);

	if (!text) {
		fail_nomem();
		return NULL;
	}
	*len = fread(text, 1, FILE_MAX + 1, f);
	if (ferror(f)) {
		fail_read(file, errno);
	} else if (*len > FILE_MAX) {
		fail(CMD_FAILED, REASON_BAD_FILE, EFBIG, "",
		     "%s is larger than %d MiB.", file, FILE_MAX >> 20);
	} else {
		text[*len] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

static char *read_file(const char *file, size_t *len)
{
	FILE *f = strcmp(file, "-") ? fopen(file, "re") : stdin;
	char *text;

	if (!f) {
		fail_read(file, errno);
		return NULL;
	}
	text = read_all(f, file, len);
	if (f != stdin)
		fclose(f);
	return text;
}

static void fail_syntax(const char *file, const char *text, size_t at,
			const char *why)
{
	int line = 1, column = 1;
	size_t i;

	for (i = 0; i < at && text[i]; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	fail(CMD_FAILED, REASON_BAD_FILE, EINVAL, "Nothing was changed.",
	     "%s:%d:%d: this is no JSON: %s.", file, line, column, why);
}

static struct json_object *parse_text(const char *file, const char *text,
				      size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	enum json_tokener_error err;
	struct json_object *conf;
	size_t end;

	if (!tokener) {
		fail_nomem();
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	/* With the NUL, so that a number at the very end is known to end */
	conf = json_tokener_parse_ex(tokener, text, len + 1);
	err = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (err == json_tokener_success && !conf)
		fail_syntax(file, text, 0, "there is nothing but \"null\"");
	else if (err != json_tokener_success)
		fail_syntax(file, text, end, json_tokener_error_desc(err));
	json_tokener_free(tokener);
	return conf;
}

struct json_object *nvmet_parse(const char *file)
{
	struct json_object *conf;
	size_t len;
	char *text;

	text = read_file(file, &len);
	if (!text)
		return NULL;
	conf = parse_text(file, text, len);
	free(text);
	if (conf && nvmet_normalize(conf, file)) {
		json_object_put(conf);
		return NULL;
	}
	return conf;
}
