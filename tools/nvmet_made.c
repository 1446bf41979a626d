// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "nvmet_made.h"

/* A tree in place of /sys has a record of its own */
static void record_folder(char *path, size_t size)
{
	const char *root = nvmet_sysfs_root();

	snprintf(path, size, "%s/run/p2pmr",
		 strcmp(root, "/sys") ? root : "");
}

static int fail_record(const char *path, int err)
{
	return fail(CMD_FAILED, err == EACCES ? "NO_PERMISSION" : REASON_SYSTEM,
		    err, err == EACCES ? "Run this as root." : "",
		    "The record of what was made, %s, cannot be used: %s.",
		    path, strerror(err));
}

static int make_folder(const char *folder)
{
	char parent[NVMET_PATH_MAX];

	snprintf(parent, sizeof(parent), "%s", folder);
	*strrchr(parent, '/') = '\0';
	if (*parent && mkdir(parent, 0755) && errno != EEXIST)
		return -1;
	return mkdir(folder, 0700) && errno != EEXIST ? -1 : 0;
}

static int append(struct nvmet_made *made, uint64_t inode, const char *path)
{
	struct nvmet_made_item *grown;

	grown = reallocarray(made->items, made->count + 1, sizeof(*grown));
	if (!grown)
		return fail_nomem();
	made->items = grown;
	grown[made->count].inode = inode;
	grown[made->count].path = strdup(path);
	if (!grown[made->count].path)
		return fail_nomem();
	made->count++;
	return 0;
}

/* It is for root alone; that it is no other file is all there is to check */
static int take_line(struct nvmet_made *made, char *line)
{
	uint64_t inode;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNu64 " %n", &inode, &at) != 1 || !at ||
	    !line[at] || line[at] == '/' || strstr(line + at, ".."))
		return fail(CMD_FAILED, REASON_SYSTEM, EBADMSG,
			    "Remove it, and take down by hand what was made.",
			    "The record of what was made holds \"%.64s\", which is nothing of this command's.",
			    line);
	return append(made, inode, line + at);
}

static int load(struct nvmet_made *made)
{
	int fd = fcntl(made->fd, F_DUPFD_CLOEXEC, 0);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return fail_nomem();
	}
	while (!ret && getline(&line, &size, f) >= 0)
		ret = take_line(made, line);
	free(line);
	fclose(f);
	return ret;
}

int nvmet_made_open(struct nvmet_made *made)
{
	char folder[NVMET_PATH_MAX / 2];
	char path[NVMET_PATH_MAX];

	*made = (struct nvmet_made){ .fd = -1 };
	record_folder(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/nvmet", folder);
	if (make_folder(folder))
		return fail_record(folder, errno);
	made->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC |
			O_NOFOLLOW, 0600);
	if (made->fd < 0)
		return fail_record(path, errno);
	/* A kernel can be built without locks; then nobody else has one either */
	if (flock(made->fd, LOCK_EX) && errno != ENOSYS)
		return fail_record(path, errno);
	return load(made);
}

void nvmet_made_close(struct nvmet_made *made)
{
	size_t i;

	for (i = 0; i < made->count; i++)
		free(made->items[i].path);
	free(made->items);
	if (made->fd >= 0)
		close(made->fd);
}

static int record(struct nvmet_made *made, const struct nvmet_made_item *item)
{
	if (dprintf(made->fd, "%" PRIu64 " %s\n", item->inode, item->path) > 0)
		return 0;
	return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		    "What was made cannot be recorded: %s.", strerror(errno));
}

int nvmet_made_add(struct nvmet_made *made, const char *path)
{
	char full[NVMET_PATH_MAX];
	struct stat st;

	if (nvmet_fs_path(full, "%s", path))
		return -1;
	if (lstat(full, &st))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "%s was made, and is gone again: %s.", full,
			    strerror(errno));
	if (append(made, st.st_ino, path)) {
		remove(full);
		return -1;
	}
	return record(made, &made->items[made->count - 1]);
}

/* What became of it; NULL after fail() when it is still there */
static const char *take_down(const struct nvmet_made_item *item)
{
	char full[NVMET_PATH_MAX];
	struct stat st;

	if (nvmet_fs_path(full, "%s", item->path))
		return NULL;
	if (lstat(full, &st))
		return "gone";
	if (st.st_ino != item->inode)
		return "replaced";
	if (!(S_ISLNK(st.st_mode) ? unlink(full) : rmdir(full)))
		return "removed";
	fail(CMD_FAILED, "IN_USE", errno,
	     "Remove by hand what others put into it or linked to it, and clear again.",
	     "%s cannot be removed: %s.", full, strerror(errno));
	return NULL;
}

static int add_log(struct json_object *log, const char *path,
		   const char *result)
{
	struct json_object *entry;
	int bad = 0;

	if (!log)
		return 0;
	entry = json_object_new_object();
	bad |= json_add_string(entry, "path", path);
	bad |= json_add_string(entry, "result", result);
	bad |= json_append(log, entry);
	return bad ? fail_nomem() : 0;
}

static int rewrite(struct nvmet_made *made)
{
	size_t i;

	if (ftruncate(made->fd, 0))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "The record of what was made cannot be cut: %s.",
			    strerror(errno));
	for (i = 0; i < made->count; i++) {
		if (record(made, &made->items[i]))
			return -1;
	}
	return 0;
}

int nvmet_made_undo(struct nvmet_made *made, size_t from,
		    struct json_object *log)
{
	size_t i, kept = from;
	int ret = 0;

	for (i = made->count; i > from; i--) {
		struct nvmet_made_item *item = &made->items[i - 1];
		const char *result = take_down(item);

		if (add_log(log, item->path, result ? result : "in use"))
			ret = -1;
		if (result) {
			free(item->path);
			item->path = NULL;
		} else {
			ret = -1;
		}
	}
	for (i = from; i < made->count; i++) {
		if (made->items[i].path)
			made->items[kept++] = made->items[i];
	}
	made->count = kept;
	return rewrite(made) ? -1 : ret;
}
