// SPDX-License-Identifier: GPL-2.0-only
/* From a configuration to configfs, by the tables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fail.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "nvmet_made.h"
#include "nvmet_schema.h"
#include "stop.h"

static int fail_make(const char *path, int err)
{
	if (err == EACCES || err == EPERM)
		return fail(CMD_FAILED, "NO_PERMISSION", err, "Run this as root.",
			    "%s cannot be made.", path);
	return fail(CMD_FAILED, REASON_REFUSED, err,
		    "`dmesg` may say more. Nothing of what was made stays.",
		    "The kernel does not make %s: %s.", path, strerror(err));
}

static int fail_write(const char *path, const struct nvmet_attr *attr,
		      const char *value, int err)
{
	bool p2pmem = attr->type == NVMET_P2PMEM;
	char file[64];

	nvmet_attr_file(attr, file, sizeof(file));
	if (err == ENOENT && p2pmem)
		return fail(CMD_IMPOSSIBLE, "KERNEL_NO_P2PDMA", err,
			    "Boot a kernel with CONFIG_PCI_P2PDMA.",
			    "This kernel's NVMe target has no p2pmem.");
	if (err == ENOENT)
		return fail(CMD_FAILED, REASON_REFUSED, err,
			    "Leave it out, or boot a kernel that has it.",
			    "This kernel's NVMe target has no %s for %s.",
			    file, path);
	if (err == ENODEV && p2pmem)
		return fail(CMD_FAILED, "NO_PROVIDER", err,
			    "See `p2pmr list` for what there is.",
			    "%s: the kernel knows no peer memory at %s.",
			    path, value);
	return fail(CMD_FAILED, REASON_REFUSED, err,
		    err == EINVAL && attr->type == NVMET_SWITCH ?
		    "`dmesg` says why; it may be that the namespace's drive does not reach the peer memory that it is to use. Nothing of what was made stays." :
		    "`dmesg` says why. Nothing of what was made stays.",
		    "%s: the kernel does not take \"%s\" for %s: %s.", path,
		    value, file, strerror(err));
}

/* A serial number is padded with blanks */
static bool is_same(const char *now, const char *want)
{
	size_t len = strlen(want);

	return !strncmp(now, want, len) &&
	       strspn(now + len, " ") == strlen(now + len);
}

static int fail_exists(const char *path, const struct nvmet_attr *attr,
		       const char *now, const char *want)
{
	char file[64];

	nvmet_attr_file(attr, file, sizeof(file));
	return fail(CMD_FAILED, REASON_EXISTS, EEXIST,
		    "Take it down first (`p2pmr nvmet clear` if this command made it), or use another name or number.",
		    "%s is there already, and its %s is \"%s\", not \"%s\".",
		    path, file, now, want);
}

/*
 * @fresh: nobody but this command has to do with the item. What others made is
 * taken as it is, or not at all.
 */
static int apply_attr(const struct nvmet_attr *attr, const char *path,
		      const char *want, bool fresh)
{
	char now[NVMET_VALUE_MAX];
	char file[64];
	int ret;

	nvmet_attr_file(attr, file, sizeof(file));
	ret = nvmet_fs_read(path, file, now);
	if (ret)
		return fail_write(path, attr, want, -ret);
	/* Some attributes do not even take the value that they have */
	if (is_same(now, want))
		return 0;
	if (!fresh)
		return fail_exists(path, attr, now, want);
	ret = nvmet_fs_write(path, file, want);
	return ret ? fail_write(path, attr, want, -ret) : 0;
}

static int apply_attrs(const struct nvmet_kind *kind, const char *path,
		       struct json_object *item, bool fresh)
{
	const struct nvmet_attr *attr;

	for (attr = kind->attrs; attr->name; attr++) {
		const char *want = nvmet_get(item, attr->group, attr->name);

		if (stop_check())
			return -1;
		if (*want && apply_attr(attr, path, want, fresh))
			return -1;
	}
	return 0;
}

static int apply_link(struct nvmet_made *made, const struct nvmet_kind *kind,
		      const char *path, const char *name)
{
	char target[NVMET_PATH_MAX], full[NVMET_PATH_MAX];
	char link[NVMET_PATH_MAX];

	if (nvmet_fs_join(link, "%s/%s/%s", path, kind->links, name) ||
	    nvmet_fs_path(full, "%s", link) ||
	    nvmet_fs_path(target, "%s/%s", kind->linked, name))
		return -1;
	if (!symlink(target, full))
		return nvmet_made_add(made, link);
	return errno == EEXIST ? 0 : fail_make(link, errno);
}

static int apply_links(struct nvmet_made *made, const struct nvmet_kind *kind,
		       const char *path, struct json_object *item)
{
	struct json_object *array = nvmet_list(item, kind->links);
	size_t i;

	for (i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *name = json_object_array_get_idx(array, i);

		if (stop_check() ||
		    apply_link(made, kind, path, json_object_get_string(name)))
			return -1;
	}
	return 0;
}

/* 1 when it was made, 0 when it was there, -1 after fail() */
static int make_folder(struct nvmet_made *made, const char *path)
{
	char full[NVMET_PATH_MAX];

	if (nvmet_fs_path(full, "%s", path))
		return -1;
	if (!mkdir(full, 0755))
		return nvmet_made_add(made, path) ? -1 : 1;
	return errno == EEXIST ? 0 : fail_make(path, errno);
}

static int apply_parts(struct nvmet_made *made, const struct nvmet_kind *kind,
		       const char *path, struct json_object *item, bool fresh);

/* What the kernel itself puts into a fresh item is fresh as well */
static int apply_item(struct nvmet_made *made, const struct nvmet_kind *kind,
		      const char *path, struct json_object *item, bool fresh)
{
	int ret = make_folder(made, path);

	if (ret < 0)
		return -1;
	fresh |= ret;
	if (apply_attrs(kind, path, item, fresh) ||
	    apply_parts(made, kind, path, item, fresh))
		return -1;
	return kind->links ? apply_links(made, kind, path, item) : 0;
}

static int apply_parts(struct nvmet_made *made, const struct nvmet_kind *kind,
		       const char *path, struct json_object *item, bool fresh)
{
	const struct nvmet_kind *const *part;
	char child[NVMET_PATH_MAX];
	size_t i;

	for (part = kind->parts; *part; part++) {
		struct json_object *array = nvmet_list(item, (*part)->list);

		for (i = 0; array && i < json_object_array_length(array); i++) {
			struct json_object *in = json_object_array_get_idx(array, i);

			if (nvmet_fs_join(child, "%s%s%s/%s", path,
					  *path ? "/" : "", (*part)->list,
					  nvmet_get(in, NULL, (*part)->id.name)) ||
			    apply_item(made, *part, child, in, fresh))
				return -1;
		}
	}
	return 0;
}

int nvmet_apply(struct json_object *conf, struct nvmet_made *made)
{
	size_t from = made->count;

	if (!apply_parts(made, &nvmet_root_kind, "", conf, false))
		return 0;
	nvmet_made_undo(made, from, NULL);
	return -1;
}
