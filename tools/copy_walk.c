// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "copy_direct.h"
#include "copy_name.h"
#include "copy_walk.h"

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
	if (walk->fts)
		fts_close(walk->fts);
	walk->fts = NULL;
}

/* 1: there is a tree to go through. 0: no more. -1 after fail() */
static int next_source(struct copy_walk *walk)
{
	/* What the user names may be a link; what is found below may not */
	const int how = FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR;
	char *roots[2];

	if (walk->at == walk->n)
		return 0;
	roots[0] = walk->sources[walk->at];
	roots[1] = NULL;
	walk->fts = fts_open(roots, how, NULL);
	return walk->fts ? 1 : fail_nomem();
}

static int cannot(struct failure *why, const FTSENT *ent, int err,
		  const char *reason, const char *what, const char *remedy)
{
	char quoted[COPY_QUOTED_MAX];

	copy_failure(why, reason, err, remedy, "%s: %s.",
		     copy_quote(ent->fts_path, quoted), what);
	return 2;
}

static int cannot_read(struct failure *why, const FTSENT *ent, int err)
{
	return cannot(why, ent, err, REASON_SOURCE, strerror(err),
		      err == EACCES ? "Copy as a user who may read it." : "");
}

static int fill_link(struct copy_file *file, const FTSENT *ent,
		     struct failure *why)
{
	ssize_t len = readlink(ent->fts_accpath, file->target,
			       sizeof(file->target) - 1);

	if (len < 0)
		return cannot_read(why, ent, errno);
	file->target[len] = '\0';
	return 1;
}

static int fill_size(struct copy_file *file, const FTSENT *ent,
		     struct failure *why)
{
	int fd = open(ent->fts_accpath, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int ret = fd < 0 ? -errno : copy_direct_size(fd, &file->size);

	if (fd >= 0)
		close(fd);
	return ret ? cannot_read(why, ent, -ret) : 1;
}

/* What of it is sent: its name below the source, and what stat() says */
static int fill(struct copy_walk *walk, const FTSENT *ent,
		struct copy_file *file, struct failure *why)
{
	const char *root = walk->sources[walk->at];
	const struct stat *st = ent->fts_statp;
	const char *below = ent->fts_path + strlen(root);

	while (*below == '/')
		below++;
	if (strlen(below) >= sizeof(file->path))
		return cannot(why, ent, ENAMETOOLONG, REASON_SOURCE,
			      strerror(ENAMETOOLONG), "");
	memset(file, 0, sizeof(*file));
	strcpy(file->path, ent->fts_level ? below : "");
	file->source = walk->at;
	file->mode = st->st_mode & 07777;
	file->atime_s = st->st_atim.tv_sec;
	file->atime_ns = st->st_atim.tv_nsec;
	file->mtime_s = st->st_mtim.tv_sec;
	file->mtime_ns = st->st_mtim.tv_nsec;
	if (S_ISLNK(st->st_mode)) {
		file->kind = COPY_KIND_LINK;
		return fill_link(file, ent, why);
	}
	file->kind = S_ISDIR(st->st_mode) ? walk->dirs_only ?
		     COPY_KIND_DIR_END : COPY_KIND_DIR : COPY_KIND_FILE;
	if (S_ISBLK(st->st_mode))
		return fill_size(file, ent, why);
	file->size = file->kind == COPY_KIND_FILE ? st->st_size : 0;
	return 1;
}

/* As copy_walk_next(), or 3: nothing to send */
static int look_at(struct copy_walk *walk, FTSENT *ent,
		   struct copy_file *file, struct failure *why)
{
	bool recursive = walk->flags & COPY_RECURSIVE;

	switch (ent->fts_info) {
	case FTS_DP:
		return walk->dirs_only ? fill(walk, ent, file, why) : 3;
	case FTS_D:
		if (walk->dirs_only)
			return 3;
		if (recursive)
			return fill(walk, ent, file, why);
		fts_set(walk->fts, ent, FTS_SKIP);
		return cannot(why, ent, EISDIR, REASON_SOURCE, "is a folder",
			      "Copy folders with -r");
	case FTS_F:
		return walk->dirs_only ? 3 : fill(walk, ent, file, why);
	case FTS_SL:
		if (walk->dirs_only)
			return 3;
		if (walk->flags & COPY_LINKS)
			return fill(walk, ent, file, why);
		return cannot(why, ent, ELOOP, REASON_SOURCE,
			      "is a symbolic link, and left out",
			      "Copy links as links with -l");
	case FTS_DEFAULT:
		/* What the user named may be a block device */
		if (!ent->fts_level && S_ISBLK(ent->fts_statp->st_mode))
			return walk->dirs_only ? 3 : fill(walk, ent, file, why);
		return walk->dirs_only ? 3 :
		       cannot(why, ent, EINVAL, REASON_SOURCE,
			      "is neither file nor folder, and left out", "");
	case FTS_DC:
		return cannot(why, ent, ELOOP, REASON_SOURCE,
			      "the folder contains itself", "");
	default:
		/* Said once, in the first walk */
		return walk->dirs_only ? 3 :
		       cannot_read(why, ent, ent->fts_errno);
	}
}

int copy_walk_next(struct copy_walk *walk, struct copy_file *file,
		   const char **full, struct failure *why)
{
	for (;;) {
		FTSENT *ent;
		int ret;

		if (!walk->fts) {
			ret = next_source(walk);
			if (ret <= 0)
				return ret;
		}
		errno = 0;
		ent = fts_read(walk->fts);
		if (ent) {
			*full = ent->fts_accpath;
			ret = look_at(walk, ent, file, why);
			if (ret != 3)
				return ret;
			continue;
		}
		if (errno)
			return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
				    "Reading the folders failed: %s.",
				    strerror(errno));
		copy_walk_end(walk);
		walk->at++;
	}
}
