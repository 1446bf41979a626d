// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not by fts(3), which holds all entries of a folder in memory, 300 bytes each,
 * and opens by names that others may change meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "copy_direct.h"
#include "copy_folder.h"
#include "copy_name.h"
#include "copy_walk.h"

/* As copy_walk_next() returns: it was nothing to be told of, go on */
#define NOTHING 3
#define ROOM_MIN 16

void copy_walk_begin(struct copy_walk *walk, char *const *sources, uint32_t n,
		     uint32_t flags, bool dirs_only)
{
	memset(walk, 0, sizeof(*walk));
	walk->sources = sources;
	walk->n = n;
	walk->flags = flags;
	walk->dirs_only = dirs_only;
}

void copy_walk_end(struct copy_walk *walk)
{
	while (walk->depth)
		closedir(walk->dirs[--walk->depth].dir);
	free(walk->dirs);
	walk->dirs = NULL;
	walk->room = 0;
}

/* What the user named comes by its path, all else by where it was found */
static int dir_fd(const struct copy_walk *walk)
{
	return walk->depth ? dirfd(walk->dirs[walk->depth - 1].dir) : AT_FDCWD;
}

int copy_walk_open(const struct copy_walk *walk, int flags)
{
	if (walk->depth)
		flags |= O_NOFOLLOW;
	return openat(dir_fd(walk), walk->name, flags | O_CLOEXEC);
}

/* In the second walk it is nothing new */
static int cannot(const struct copy_walk *walk, struct failure *why, int err,
		  const char *what, const char *remedy)
{
	char quoted[COPY_QUOTED_MAX];

	if (walk->dirs_only)
		return NOTHING;
	copy_failure(why, REASON_SOURCE, err, remedy, "%s: %s.",
		     copy_quote(walk->path, quoted), what);
	return 2;
}

static int cannot_read(const struct copy_walk *walk, struct failure *why,
		       int err)
{
	return cannot(walk, why, err, strerror(err),
		      err == EACCES ? "Copy as a user who may read it." :
		      err == EMFILE ? "Raise the limit of open files (ulimit -n): there is one for each level of folders." :
		      "");
}

/* The name below the source; "" of itself */
static const char *below(const struct copy_walk *walk)
{
	return walk->depth ? walk->path + walk->dirs[0].len + 1 : "";
}

static int fill_link(const struct copy_walk *walk, struct copy_file *file,
		     struct failure *why)
{
	ssize_t len = readlinkat(dir_fd(walk), walk->name, file->target,
				 sizeof(file->target) - 1);

	if (len < 0)
		return cannot_read(walk, why, errno);
	file->target[len] = '\0';
	return 1;
}

static int fill_size(const struct copy_walk *walk, struct copy_file *file,
		     struct failure *why)
{
	int fd = copy_walk_open(walk, O_RDONLY | O_NONBLOCK);
	int ret = fd < 0 ? -errno : copy_direct_size(fd, &file->size);

	if (fd >= 0)
		close(fd);
	return ret ? cannot_read(walk, why, -ret) : 1;
}

/* What of it is sent: its name, and what stat() says */
static int fill(const struct copy_walk *walk, struct copy_file *file,
		enum copy_kind kind, struct failure *why)
{
	const struct stat *st = &walk->st;

	memset(file, 0, sizeof(*file));
	strcpy(file->path, below(walk));
	file->kind = kind;
	file->source = walk->at;
	file->mode = st->st_mode & 07777;
	file->atime_s = st->st_atim.tv_sec;
	file->atime_ns = st->st_atim.tv_nsec;
	file->mtime_s = st->st_mtim.tv_sec;
	file->mtime_ns = st->st_mtim.tv_nsec;
	if (kind == COPY_KIND_LINK)
		return fill_link(walk, file, why);
	if (S_ISBLK(st->st_mode))
		return fill_size(walk, file, why);
	file->size = kind == COPY_KIND_FILE ? st->st_size : 0;
	return 1;
}

/* By a mount of what is above it */
static bool contains_itself(const struct copy_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->depth; i++) {
		if (walk->dirs[i].st.st_ino == walk->st.st_ino &&
		    walk->dirs[i].st.st_dev == walk->st.st_dev)
			return true;
	}
	return false;
}

static int look_at_dir(struct copy_walk *walk, struct copy_file *file,
		       struct failure *why)
{
	if (!(walk->flags & COPY_RECURSIVE))
		return cannot(walk, why, EISDIR, "is a folder",
			      "Copy folders with -r.");
	if (contains_itself(walk))
		return cannot(walk, why, ELOOP, "the folder contains itself",
			      "");
	if (walk->not_into && copy_folder_id(&walk->st) == walk->not_into)
		return cannot(walk, why, EINVAL,
			      "the copy goes into this folder, which is left out",
			      "Copy to a folder that is not among the sources.");
	walk->enter = true;
	return walk->dirs_only ? NOTHING :
	       fill(walk, file, COPY_KIND_DIR, why);
}

static int look_at(struct copy_walk *walk, struct copy_file *file,
		   struct failure *why)
{
	mode_t mode = walk->st.st_mode;

	if (strlen(below(walk)) >= sizeof(file->path))
		return cannot_read(walk, why, ENAMETOOLONG);
	if (S_ISDIR(mode))
		return look_at_dir(walk, file, why);
	if (walk->dirs_only)
		return NOTHING;
	if (S_ISLNK(mode) && !(walk->flags & COPY_LINKS))
		return cannot(walk, why, ELOOP,
			      "is a symbolic link, and left out",
			      "Copy links as links with -l.");
	if (S_ISLNK(mode))
		return fill(walk, file, COPY_KIND_LINK, why);
	/* What the user named may be a block device */
	if (S_ISREG(mode) || (S_ISBLK(mode) && !walk->depth))
		return fill(walk, file, COPY_KIND_FILE, why);
	return cannot(walk, why, EINVAL,
		      "is neither file nor folder, and left out", "");
}

static int next_source(struct copy_walk *walk, struct copy_file *file,
		       struct failure *why)
{
	if (walk->next == walk->n)
		return 0;
	walk->at = walk->next++;
	walk->name = walk->sources[walk->at];
	snprintf(walk->path, sizeof(walk->path), "%s", walk->name);
	/* It may be a link; what is found below may not */
	if (stat(walk->name, &walk->st))
		return cannot_read(walk, why, errno);
	return look_at(walk, file, why);
}

static int make_room(struct copy_walk *walk)
{
	size_t room = walk->room ? 2 * walk->room : ROOM_MIN;
	struct copy_walk_dir *dirs;

	if (walk->depth < walk->room)
		return 0;
	dirs = realloc(walk->dirs, room * sizeof(*dirs));
	if (!dirs)
		return fail_nomem();
	walk->dirs = dirs;
	walk->room = room;
	return 0;
}

static int enter(struct copy_walk *walk, struct failure *why)
{
	int fd, err;
	DIR *dir;

	walk->enter = false;
	if (make_room(walk))
		return -1;
	fd = copy_walk_open(walk, O_RDONLY | O_DIRECTORY);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		err = errno;
		if (fd >= 0)
			close(fd);
		return cannot_read(walk, why, err);
	}
	walk->dirs[walk->depth++] = (struct copy_walk_dir){
		.dir = dir,
		.st = walk->st,
		.len = strlen(walk->path),
	};
	return NOTHING;
}

/* The innermost folder is done with: with @err, as no more of it can be read */
static int leave(struct copy_walk *walk, int err, struct copy_file *file,
		 struct failure *why)
{
	const struct copy_walk_dir *dir = &walk->dirs[walk->depth - 1];

	walk->path[dir->len] = '\0';
	walk->st = dir->st;
	closedir(dir->dir);
	walk->depth--;
	if (err)
		return cannot_read(walk, why, err);
	return walk->dirs_only ? fill(walk, file, COPY_KIND_DIR_END, why) :
				 NOTHING;
}

static bool is_of_interest(const struct copy_walk *walk,
			   const struct dirent *ent)
{
	if (!strcmp(ent->d_name, ".") || !strcmp(ent->d_name, ".."))
		return false;
	return !walk->dirs_only || ent->d_type == DT_DIR ||
	       ent->d_type == DT_UNKNOWN;
}

static int next_entry(struct copy_walk *walk, struct copy_file *file,
		      struct failure *why)
{
	const struct copy_walk_dir *dir = &walk->dirs[walk->depth - 1];
	const struct dirent *ent;

	do {
		errno = 0;
		ent = readdir(dir->dir);
		if (!ent)
			return leave(walk, errno, file, why);
	} while (!is_of_interest(walk, ent));
	/* What would be cut off here is too long in any case: look_at() says so */
	snprintf(walk->path + dir->len, sizeof(walk->path) - dir->len, "/%s",
		 ent->d_name);
	walk->name = walk->path + dir->len + 1;
	if (fstatat(dirfd(dir->dir), walk->name, &walk->st,
		    AT_SYMLINK_NOFOLLOW))
		return cannot_read(walk, why, errno);
	return look_at(walk, file, why);
}

int copy_walk_next(struct copy_walk *walk, struct copy_file *file,
		   struct failure *why)
{
	int ret;

	do {
		if (walk->enter)
			ret = enter(walk, why);
		else if (walk->depth)
			ret = next_entry(walk, file, why);
		else
			ret = next_source(walk, file, why);
	} while (ret == NOTHING);
	return ret;
}
