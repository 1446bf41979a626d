/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The target's files. Paths are relative to the target's folder of configfs:
 * "subsystems/NQN/namespaces/1".
 */
#ifndef P2PMR_TOOLS_NVMET_FS_H
#define P2PMR_TOOLS_NVMET_FS_H

#include <stdbool.h>
#include <stddef.h>

#include "nvmet.h"

/* The folder that stands for /sys */
const char *nvmet_sysfs_root(void);

/* 0, or -1 after fail() when this kernel has no target, or it is not loaded */
int nvmet_fs_present(void);

/* Put @fmt below the target's folder; -1 after fail() when it is too long */
__attribute__((format(printf, 2, 3)))
int nvmet_fs_path(char path[NVMET_PATH_MAX], const char *fmt, ...);

/* The same without what is above it */
__attribute__((format(printf, 2, 3)))
int nvmet_fs_join(char path[NVMET_PATH_MAX], const char *fmt, ...);

/* 0 or -errno: one line, without its newline */
int nvmet_fs_read(const char *item, const char *file,
		  char value[NVMET_VALUE_MAX]);
int nvmet_fs_write(const char *item, const char *file, const char *value);
bool nvmet_fs_exists(const char *item);

/**
 * struct nvmet_names - what is in a folder, in order of names and numbers
 * @count: of @names
 * @names: the caller's, by way of nvmet_names_free()
 */
struct nvmet_names {
	size_t count;
	char **names;
};

/* Entries of type DT_DIR, DT_LNK or DT_REG; -1 after fail() */
int nvmet_fs_list(const char *folder, unsigned char type,
		  struct nvmet_names *names);
void nvmet_names_free(struct nvmet_names *names);

#endif
