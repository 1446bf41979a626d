/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder that files are copied to. All names below it come from the other
 * end: nothing is made, changed or followed outside of it.
 */
#ifndef P2PMR_TOOLS_COPY_DEST_H
#define P2PMR_TOOLS_COPY_DEST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "copy_wire.h"

#define COPY_TEMPORARY_MAX 32

/**
 * struct copy_dest - the folder
 * @root: it
 * @device: or the block device; -1: it is a folder
 * @top: what the one source is called in it; "": what it is called itself
 * @parent: of the last name that was looked up; -1: none
 * @parent_path: its path below @root
 */
struct copy_dest {
	int root;
	int device;
	char top[256];
	int parent;
	char parent_path[COPY_PATH_MAX];
};

/*
 * What DEST means: a block device, which nobody else may have open to mount it;
 * a folder that is there, or else a new name in one that is.
 * @only_dir: the former alone will do. 0, or -1 after fail().
 */
int copy_dest_open(struct copy_dest *dest, const char *path, bool only_dir);
void copy_dest_close(struct copy_dest *dest);

/*
 * The folder that @path is in, which stays open until the next call; @name is
 * set to the last part of @path. A descriptor, or -errno; -EXDEV and -ELOOP:
 * the way there leads out of the folder, or over a link.
 */
int copy_dest_parent(struct copy_dest *dest, const char *path,
		     const char **name);

/*
 * May something called @name be made in @parent, or replace what is there? -EISDIR,
 * -EEXIST: that is a folder; or a device, pipe or socket, which would be lost, or no
 * folder although @is_dir is to be one. @dry: nothing will be made, so look also
 * whether it could be. 0 or -errno
 */
int copy_dest_may_make(int parent, const char *name, bool is_dir, bool dry);

/* A new file that nobody else knows; its name in @name. As copy_dest_parent() */
int copy_dest_temporary(int parent, int flags, char name[COPY_TEMPORARY_MAX]);
/* The same for a symbolic link. 0 or -errno */
int copy_dest_temporary_link(int parent, const char *target,
			     char name[COPY_TEMPORARY_MAX]);

/* A folder, which may be there already. 0 or -errno */
int copy_dest_make_dir(int parent, const char *name, mode_t mode);
/* Open a folder that is no link. A descriptor or -errno */
int copy_dest_open_dir(int parent, const char *name);

#endif
