// SPDX-License-Identifier: GPL-2.0-only
/* From configfs to a configuration, by the tables. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "nvmet_schema.h"

/* The group of that name in @item, made when it is not there; NULL: no memory */
static struct json_object *get_group(struct json_object *item, const char *name)
{
	struct json_object *group;

	if (!name)
		return item;
	if (json_object_object_get_ex(item, name, &group))
		return group;
	group = json_object_new_object();
	return json_add(item, name, group) ? NULL : group;
}

static int add_value(struct json_object *item, const struct nvmet_attr *attr,
		     const char *value)
{
	struct json_object *group = get_group(item, attr->group);
	int bad;

	if (attr->type == NVMET_SWITCH)
		bad = json_add_int(group, attr->name, atoi(value));
	else
		bad = json_add_string(group, attr->name, value);
	return bad ? fail_nomem() : 0;
}

/* As the kernel shows it: the path of a namespace starts as a NULL */
static bool is_set(const char *value)
{
	return *value && strcmp(value, "(null)");
}

/* What is not set and what this kernel does not have is left out */
static int read_attrs(const struct nvmet_kind *kind, const char *path,
		      struct json_object *item)
{
	const struct nvmet_attr *attr;
	char value[NVMET_VALUE_MAX];
	char file[64];
	int ret;

	for (attr = kind->attrs; attr->name; attr++) {
		if (attr->old)
			continue;
		nvmet_attr_file(attr, file, sizeof(file));
		ret = nvmet_fs_read(path, file, value);
		if (ret == -ENOENT || (!ret && !is_set(value)))
			continue;
		if (ret)
			return fail(CMD_FAILED, ret == -EACCES ? "NO_PERMISSION" :
							REASON_SYSTEM,
				    -ret, ret == -EACCES ? "Run this as root." : "",
				    "%s/%s of the NVMe target cannot be read: %s.",
				    path, file, strerror(-ret));
		if (add_value(item, attr, value))
			return -1;
	}
	return 0;
}

static bool knows_file(const struct nvmet_kind *kind, const char *name)
{
	const struct nvmet_attr *attr;
	char file[64];

	/* An order to the kernel, not a setting */
	if (!strcmp(name, "revalidate_size"))
		return true;
	for (attr = kind->attrs; attr->name; attr++) {
		nvmet_attr_file(attr, file, sizeof(file));
		if (!strcmp(file, name))
			return true;
	}
	return false;
}

/* A later kernel may have more than the tables: a file then lacks it */
static int tell_unknown(const struct nvmet_kind *kind, const char *path,
			const char *cmd)
{
	char value[NVMET_VALUE_MAX];
	struct nvmet_names files;
	size_t i;

	if (nvmet_fs_list(path, DT_REG, &files))
		return -1;
	for (i = 0; i < files.count; i++) {
		if (!knows_file(kind, files.names[i]))
			fprintf(stderr,
				"%s: %s has an attribute \"%s\" that this version does not know, and leaves out.\n",
				cmd, path, files.names[i]);
	}
	nvmet_names_free(&files);
	if (!nvmet_fs_read(path, "passthru/device_path", value) &&
	    is_set(value))
		fprintf(stderr,
			"%s: %s passes commands through to %s, which is left out.\n",
			cmd, path, value);
	return 0;
}

static int read_links(const struct nvmet_kind *kind, const char *path,
		      struct json_object *item)
{
	struct json_object *array;
	char folder[NVMET_PATH_MAX];
	struct nvmet_names links;
	int bad = 0;
	size_t i;

	if (nvmet_fs_join(folder, "%s/%s", path, kind->links) ||
	    nvmet_fs_list(folder, DT_LNK, &links))
		return -1;
	array = json_object_new_array();
	for (i = 0; i < links.count && !bad; i++)
		bad = json_append(array, json_object_new_string(links.names[i]));
	nvmet_names_free(&links);
	bad |= json_add(item, kind->links, array);
	return bad ? fail_nomem() : 0;
}

static int read_list(const struct nvmet_kind *kind, const char *parent,
		     struct json_object *in, const char *cmd);

static int read_item(const struct nvmet_kind *kind, const char *path,
		     struct json_object *item, const char *cmd)
{
	const struct nvmet_kind *const *part;

	if (read_attrs(kind, path, item) ||
	    (cmd && kind->list && tell_unknown(kind, path, cmd)))
		return -1;
	for (part = kind->parts; *part; part++) {
		if (read_list(*part, path, item, cmd))
			return -1;
	}
	return kind->links ? read_links(kind, path, item) : 0;
}

static int add_id(struct json_object *item, const struct nvmet_attr *id,
		  const char *name)
{
	int bad = id->type == NVMET_NUMBER ?
		  json_add(item, id->name,
			   json_object_new_int64(strtoll(name, NULL, 10))) :
		  json_add_string(item, id->name, name);

	return bad ? fail_nomem() : 0;
}

static int read_named(const struct nvmet_kind *kind, const char *folder,
		      const char *name, struct json_object *array,
		      const char *cmd)
{
	struct json_object *item = json_object_new_object();
	char path[NVMET_PATH_MAX];

	if (json_append(array, item))
		return fail_nomem();
	if (nvmet_fs_join(path, "%s/%s", folder, name))
		return -1;
	return add_id(item, &kind->id, name) ||
	       read_item(kind, path, item, cmd) ? -1 : 0;
}

static int read_list(const struct nvmet_kind *kind, const char *parent,
		     struct json_object *in, const char *cmd)
{
	struct json_object *array = json_object_new_array();
	char folder[NVMET_PATH_MAX];
	struct nvmet_names names;
	int ret = 0;
	size_t i;

	if (json_add(in, kind->list, array))
		return fail_nomem();
	if (nvmet_fs_join(folder, "%s%s%s", parent, *parent ? "/" : "",
			  kind->list) ||
	    nvmet_fs_list(folder, DT_DIR, &names))
		return -1;
	for (i = 0; i < names.count && !ret; i++)
		ret = read_named(kind, folder, names.names[i], array, cmd);
	nvmet_names_free(&names);
	return ret;
}

struct json_object *nvmet_read(const char *cmd)
{
	struct json_object *conf = json_object_new_object();

	if (!conf) {
		fail_nomem();
		return NULL;
	}
	if (!read_item(&nvmet_root_kind, "", conf, cmd))
		return conf;
	json_object_put(conf);
	return NULL;
}
