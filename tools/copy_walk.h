/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that are to be sent, one after the other. A folder is read as it is
 * gone through, so that it makes no difference how many files there are.
 */
#ifndef P2PMR_TOOLS_COPY_WALK_H
#define P2PMR_TOOLS_COPY_WALK_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "copy_wire.h"

/* That of a source, and below it as much again; one name more may be too much */
#define COPY_WALK_PATH_MAX (2 * COPY_PATH_MAX + NAME_MAX)

/**
 * struct copy_walk_dir - a folder that is being read
 * @dir: as far as it has been read
 * @st: what it was before
 * @len: of its path
 */
struct copy_walk_dir {
	DIR *dir;
	struct stat st;
	size_t len;
};

/**
 * struct copy_walk - where in the sources it is
 * @sources: their names
 * @n: how many
 * @flags: enum copy_flag
 * @dirs_only: give the folders alone, what is in them before themselves
 * @not_into: copy_folder_id() of where all of it is copied to, to be set after
 *	copy_walk_begin(); 0: not known. Not gone into, as that had no end
 * @at: the source in question
 * @next: the one behind it
 * @dirs: the folders from the source down to here, @depth of them, with room for
 *	@room
 * @enter: what was found last is a folder, and the next to be read
 * @st: of what was found last
 * @name: its name in the innermost folder; of a source, all of its path
 * @path: of it
 */
struct copy_walk {
	char *const *sources;
	uint32_t n;
	uint32_t flags;
	bool dirs_only;
	uint64_t not_into;
	uint32_t at;
	uint32_t next;
	struct copy_walk_dir *dirs;
	size_t depth;
	size_t room;
	bool enter;
	struct stat st;
	const char *name;
	char path[COPY_WALK_PATH_MAX];
};

void copy_walk_begin(struct copy_walk *walk, char *const *sources, uint32_t n,
		     uint32_t flags, bool dirs_only);

/*
 * The next one. 1: @file is filled in, but for its id, and @path of the walk is
 * its name until the next call. 2: something cannot be sent, @why says what and
 * why. 0: that is all. -1 after fail().
 */
int copy_walk_next(struct copy_walk *walk, struct copy_file *file,
		   struct failure *why);

/*
 * Open what was found last. What was named may be a link, what is below may not:
 * somebody may have put it there meanwhile. -1 with errno
 */
int copy_walk_open(const struct copy_walk *walk, int flags);

void copy_walk_end(struct copy_walk *walk);

#endif
