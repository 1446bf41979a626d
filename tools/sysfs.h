/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands read of /sys themselves, or of a recorded tree in its place. */
#ifndef P2PMR_TOOLS_SYSFS_H
#define P2PMR_TOOLS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#define SYSFS_PATH_MAX 4096

/* The folder that stands for /sys: P2PMR_SYSFS_ROOT, if that is set */
const char *sysfs_root(void);

/* Is it a recorded tree? Then this machine's own state is nothing to go by */
bool sysfs_is_recorded(void);

/* The first line of a file below the root, without its end. 0 or -errno */
__attribute__((format(printf, 3, 4)))
int sysfs_line(char *line, size_t size, const char *fmt, ...);

__attribute__((format(printf, 1, 2)))
bool sysfs_exists(const char *fmt, ...);

/* What a link below the root really is, as a path below the root. 0 or -errno */
__attribute__((format(printf, 2, 3)))
int sysfs_resolve(char path[SYSFS_PATH_MAX], const char *fmt, ...);

/*
 * The names in a folder below the root, numbers in them in order, NULL after
 * the last; no folder counts as an empty one. For sysfs_free_names(); NULL:
 * fail() was called.
 */
char **sysfs_names(const char *folder);
void sysfs_free_names(char **names);

#endif
