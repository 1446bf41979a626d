// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "nvmet_fs.h"

const char *nvmet_sysfs_root(void)
{
	const char *root = secure_getenv("P2PMR_SYSFS_ROOT");

	return root && *root ? root : "/sys";
}

__attribute__((format(printf, 3, 0)))
static int format(char path[NVMET_PATH_MAX], int used, const char *fmt,
		  va_list ap)
{
	int more = vsnprintf(path + used, NVMET_PATH_MAX - used, fmt, ap);

	if (more >= 0 && more < NVMET_PATH_MAX - used)
		return 0;
	return fail(CMD_FAILED, REASON_SYSTEM, ENAMETOOLONG, "",
		    "The name of a file of the NVMe target is too long: %.128s...",
		    path);
}

int nvmet_fs_join(char path[NVMET_PATH_MAX], const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = format(path, 0, fmt, ap);
	va_end(ap);
	return ret;
}

int nvmet_fs_path(char path[NVMET_PATH_MAX], const char *fmt, ...)
{
	va_list ap;
	int ret;

	if (nvmet_fs_join(path, "%s/kernel/config/nvmet/", nvmet_sysfs_root()))
		return -1;
	va_start(ap, fmt);
	ret = format(path, strlen(path), fmt, ap);
	va_end(ap);
	return ret;
}

int nvmet_fs_present(void)
{
	char path[NVMET_PATH_MAX];

	if (nvmet_fs_path(path, "subsystems"))
		return -1;
	if (!access(path, F_OK))
		return 0;
	if (errno == EACCES)
		return fail(CMD_FAILED, "NO_PERMISSION", EACCES,
			    "Run this as root.",
			    "%s may not be looked at.", path);
	return fail(CMD_IMPOSSIBLE, REASON_NO_NVMET, ENOENT,
		    "Load it with `modprobe nvmet`, and mount configfs (`mount -t configfs none /sys/kernel/config`); the kernel needs CONFIG_NVME_TARGET.",
		    "The kernel's NVMe target is not there: %s does not exist.",
		    path);
}

bool nvmet_fs_exists(const char *item)
{
	char path[NVMET_PATH_MAX];

	return !nvmet_fs_path(path, "%s", item) && !access(path, F_OK);
}

static int open_attr(const char *item, const char *file, int flags)
{
	char path[NVMET_PATH_MAX];
	int fd;

	if (nvmet_fs_path(path, "%s/%s", item, file))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The kernel gives all of a file in one read, a recorded tree as well */
int nvmet_fs_read(const char *item, const char *file,
		  char value[NVMET_VALUE_MAX])
{
	int fd = open_attr(item, file, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read(fd, value, NVMET_VALUE_MAX - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return len;
	value[len] = '\0';
	if (len && value[len - 1] == '\n')
		value[len - 1] = '\0';
	return 0;
}

/* One write(): the kernel takes each as a value of its own */
int nvmet_fs_write(const char *item, const char *file, const char *value)
{
	int fd = open_attr(item, file, O_WRONLY);
	size_t len = strlen(value);
	ssize_t done;

	if (fd < 0)
		return fd;
	done = write(fd, value, len);
	if (done < 0)
		done = -errno;
	else if ((size_t)done != len)
		done = -EIO;
	close(fd);
	return done < 0 ? done : 0;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct nvmet_names *names, const char *name)
{
	char **grown = reallocarray(names->names, names->count + 1,
				    sizeof(*grown));

	if (!grown)
		return fail_nomem();
	names->names = grown;
	grown[names->count] = strdup(name);
	if (!grown[names->count])
		return fail_nomem();
	names->count++;
	return 0;
}

static int collect(DIR *dir, unsigned char type, struct nvmet_names *names)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (entry->d_type != type || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		if (add_name(names, entry->d_name))
			return -1;
	}
	if (names->count)
		qsort(names->names, names->count, sizeof(*names->names),
		      by_version);
	return 0;
}

int nvmet_fs_list(const char *folder, unsigned char type,
		  struct nvmet_names *names)
{
	char path[NVMET_PATH_MAX];
	DIR *dir;
	int ret;

	*names = (struct nvmet_names){ 0 };
	if (nvmet_fs_path(path, "%s", folder))
		return -1;
	dir = opendir(path);
	/* It left meanwhile, or this kernel does not have it: nothing is there */
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "%s cannot be read: %s.", path, strerror(errno));
	ret = collect(dir, type, names);
	closedir(dir);
	if (ret)
		nvmet_names_free(names);
	return ret;
}

void nvmet_names_free(struct nvmet_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct nvmet_names){ 0 };
}
