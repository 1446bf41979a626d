// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <xxhash.h>

#include "copy_folder.h"
#include "copy_partial.h"

#define ATTRIBUTE "user.p2pmr.partial"
#define VALUE_MAX 160
/* Two seconds in all */
#define LOCK_TRIES 100
#define LOCK_WAIT_US 20000
/* Each time, another copy has just put its part in place */
#define LOOKS 8

/* All that must be the same for the part to count */
static int make_value(char value[VALUE_MAX], const struct copy_file *meta)
{
	char boot_id[COPY_BOOT_ID_MAX];

	/* Without one, parts count for as long as there are any */
	copy_boot_id(boot_id);
	return snprintf(value, VALUE_MAX,
			"1 %s %" PRIu64 " %" PRId64 ".%09" PRIu32 " ", boot_id,
			meta->size, meta->mtime_s, meta->mtime_ns);
}

int copy_partial_mark(int fd, const struct copy_file *meta, uint64_t done)
{
	char value[VALUE_MAX];
	int len = make_value(value, meta);

	len += snprintf(value + len, VALUE_MAX - len, "%" PRIu64, done);
	return fsetxattr(fd, ATTRIBUTE, value, len, 0) ? -errno : 0;
}

int copy_partial_clear(int fd)
{
	return fremovexattr(fd, ATTRIBUTE) ? -errno : 0;
}

/* 0 also when it says something else, or nothing */
static uint64_t get_done(int fd, const struct copy_file *meta)
{
	char value[VALUE_MAX], want[VALUE_MAX];
	int len = make_value(want, meta);
	ssize_t got = fgetxattr(fd, ATTRIBUTE, value, sizeof(value) - 1);
	uint64_t done;
	int used = 0;

	if (got <= len)
		return 0;
	value[got] = '\0';
	if (strncmp(value, want, len) ||
	    sscanf(value + len, "%" SCNu64 "%n", &done, &used) != 1 ||
	    len + used != got || done > meta->size || done % COPY_BLOCK)
		return 0;
	return done;
}

/*
 * Who was killed has it for a moment longer, until the drive is done with what it
 * was given to write
 */
static int lock(int fd)
{
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		usleep(LOCK_WAIT_US);
	}
	return -EBUSY;
}

/*
 * Somebody else's file, or one with a second name, is none of ours. Who had it
 * locked may have been done with it: then it is the file now that it was a part of,
 * or gone, and -ESTALE says to look again.
 */
static int check(int fd, int parent, const char *temporary)
{
	struct stat st, now;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != geteuid())
		return -EBUSY;
	ret = lock(fd);
	if (ret)
		return ret;
	if (fstatat(parent, temporary, &now, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? -ESTALE : -errno;
	return now.st_dev == st.st_dev && now.st_ino == st.st_ino ? 0 : -ESTALE;
}

/* What it holds is right up to @done, and as long as it has to be */
static int prepare(int fd, const struct copy_file *meta, uint64_t *done)
{
	*done = get_done(fd, meta);
	if (!*done && ftruncate(fd, 0))
		return -errno;
	if (ftruncate(fd, meta->size))
		return -errno;
	return copy_partial_mark(fd, meta, *done);
}

static int open_part(int parent, const char *temporary, int flags)
{
	int fd;

	flags |= O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	fd = openat(parent, temporary, flags, 0600);
	if (fd < 0 && errno == EINVAL)
		fd = openat(parent, temporary, flags & ~O_DIRECT, 0600);
	return fd < 0 ? -errno : fd;
}

/* That of this name, locked: a descriptor or -errno */
static int open_checked(int parent, const char *temporary, int flags)
{
	int i, fd, ret = -ESTALE;

	for (i = 0; i < LOOKS && ret == -ESTALE; i++) {
		fd = open_part(parent, temporary, flags);
		if (fd < 0)
			return fd;
		ret = check(fd, parent, temporary);
		if (!ret)
			return fd;
		close(fd);
	}
	return ret == -ESTALE ? -EBUSY : ret;
}

int copy_partial_open(int parent, const char *name, int flags,
		      const struct copy_file *meta,
		      char temporary[COPY_TEMPORARY_MAX], uint64_t *done)
{
	uint64_t hash = XXH3_64bits(name, strlen(name));
	int fd, ret;

	snprintf(temporary, COPY_TEMPORARY_MAX, ".p2pmr-part-%016" PRIx64,
		 hash);
	fd = open_checked(parent, temporary, flags);
	if (fd < 0)
		return fd;
	ret = prepare(fd, meta, done);
	if (!ret)
		return fd;
	/* Nothing that the next copy could go on with */
	if (!*done)
		unlinkat(parent, temporary, 0);
	close(fd);
	return ret;
}
