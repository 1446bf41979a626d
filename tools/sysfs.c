// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "sysfs.h"

const char *sysfs_root(void)
{
	const char *root = secure_getenv("P2PMR_SYSFS_ROOT");

	return root && root[0] ? root : "/sys";
}

bool sysfs_is_recorded(void)
{
	return strcmp(sysfs_root(), "/sys");
}

__attribute__((format(printf, 2, 0)))
static int make_path(char path[SYSFS_PATH_MAX], const char *fmt, va_list ap)
{
	int used = snprintf(path, SYSFS_PATH_MAX, "%s/", sysfs_root());
	int more;

	if (used < 0 || used >= SYSFS_PATH_MAX)
		return -ENAMETOOLONG;
	more = vsnprintf(path + used, SYSFS_PATH_MAX - used, fmt, ap);
	return more < 0 || more >= SYSFS_PATH_MAX - used ? -ENAMETOOLONG : 0;
}

int sysfs_line(char *line, size_t size, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	va_list ap;
	FILE *f;
	int ret;

	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	if (ret)
		return ret;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	errno = 0;
	if (!fgets(line, size, f))
		ret = errno ? -errno : -ENODATA;
	else
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
	return ret;
}

bool sysfs_exists(const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	return !ret && !access(path, F_OK);
}

int sysfs_resolve(char path[SYSFS_PATH_MAX], const char *fmt, ...)
{
	char *root = NULL, *real = NULL;
	va_list ap;
	size_t len;
	int ret;

	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	if (ret)
		return ret;
	root = realpath(sysfs_root(), NULL);
	real = realpath(path, NULL);
	if (!root || !real) {
		ret = -errno;
		goto out;
	}
	/* A link that leads out of the tree is none of sysfs */
	len = strlen(root);
	if (strncmp(real, root, len) || real[len] != '/')
		ret = -EBADMSG;
	else
		snprintf(path, SYSFS_PATH_MAX, "%s", real + len + 1);
out:
	free(root);
	free(real);
	return ret;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

char **sysfs_names(const char *folder)
{
	char path[SYSFS_PATH_MAX];
	struct dirent **found = NULL;
	char **names;
	int n, i;

	snprintf(path, sizeof(path), "%s/%s", sysfs_root(), folder);
	n = scandir(path, &found, is_name, versionsort);
	names = calloc((n < 0 ? 0 : n) + 1, sizeof(*names));
	for (i = 0; i < n; i++) {
		if (names && (!i || names[i - 1]))
			names[i] = strdup(found[i]->d_name);
		free(found[i]);
	}
	free(found);
	if (names && (n <= 0 || names[n - 1]))
		return names;
	sysfs_free_names(names);
	fail_nomem();
	return NULL;
}

void sysfs_free_names(char **names)
{
	size_t i;

	for (i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}
