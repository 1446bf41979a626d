// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h> /* IWYU pragma: keep */
#include <unistd.h>

#include "copy.h"
#include "copy_dest.h"
#include "copy_name.h"

/* How often to try another name, should one be taken */
#define TRIES 16

/* glibc 2.36 has no function for it */
static int open_below(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

static int fail_dest(const char *path, int err)
{
	char quoted[COPY_QUOTED_MAX];

	return fail(CMD_FAILED, REASON_DEST, err,
		    err == ENOENT ? "Make the folder first." :
		    err == ENOTDIR ? "Name a folder." : "",
		    "Cannot copy to %s: %s.", copy_quote(path, quoted),
		    strerror(err));
}

/* A file would take the place of /dev/null */
static int fail_special(const char *path)
{
	char quoted[COPY_QUOTED_MAX];

	return fail(CMD_FAILED, REASON_DEST, EINVAL,
		    "Name a folder, a file or a block device.",
		    "Cannot copy to %s: it is none of these, and a file would take its place.",
		    copy_quote(path, quoted));
}

/* DEST is no folder yet: the one that it is to be in, and its name there */
static int open_folder_of(struct copy_dest *dest, const char *path)
{
	char folder[COPY_PATH_MAX];
	size_t len;

	if (strlen(path) >= sizeof(folder))
		return -ENAMETOOLONG;
	if (!copy_name_of(path, dest->top, sizeof(dest->top)))
		return -EINVAL;
	strcpy(folder, path);
	len = strlen(folder);
	while (len && folder[len - 1] == '/')
		len--;
	folder[len - strlen(dest->top)] = '\0';
	dest->root = open(folder[0] ? folder : ".",
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dest->root < 0 ? -errno : 0;
}

static int open_device(struct copy_dest *dest, const char *path)
{
	char quoted[COPY_QUOTED_MAX];

	dest->device = open(path, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	if (dest->device >= 0)
		return 0;
	return fail(CMD_FAILED, REASON_DEST, errno,
		    errno == EBUSY ? "Unmount it, and whatever else holds it." :
		    errno == EACCES ? "Copy as a user who may write to it." : "",
		    "Cannot write to the device %s: %s.",
		    copy_quote(path, quoted), strerror(errno));
}

int copy_dest_open(struct copy_dest *dest, const char *path, bool only_dir)
{
	struct stat st;
	int err;

	memset(dest, 0, sizeof(*dest));
	dest->parent = -1;
	dest->root = -1;
	dest->device = -1;
	if (!stat(path, &st)) {
		if (S_ISBLK(st.st_mode))
			return open_device(dest, path);
		if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
			return fail_special(path);
	}
	dest->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dest->root >= 0)
		return 0;
	err = errno;
	if (only_dir || (err != ENOENT && err != ENOTDIR))
		return fail_dest(path, err);
	err = -open_folder_of(dest, path);
	return err ? fail_dest(path, err) : 0;
}

void copy_dest_close(struct copy_dest *dest)
{
	if (dest->parent >= 0)
		close(dest->parent);
	if (dest->root >= 0)
		close(dest->root);
	if (dest->device >= 0)
		close(dest->device);
	dest->device = -1;
	dest->parent = -1;
	dest->root = -1;
}

int copy_dest_parent(struct copy_dest *dest, const char *path,
		     const char **name)
{
	const char *slash = strrchr(path, '/');
	char folder[COPY_PATH_MAX];

	*name = slash ? slash + 1 : path;
	if (!slash)
		return dest->root;
	if (strlen(path) >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, slash - path);
	folder[slash - path] = '\0';
	/* Files of one folder mostly come one after the other */
	if (dest->parent >= 0 && !strcmp(folder, dest->parent_path))
		return dest->parent;
	if (dest->parent >= 0)
		close(dest->parent);
	dest->parent = open_below(dest->root, folder, O_RDONLY | O_DIRECTORY);
	strcpy(dest->parent_path, folder);
	return dest->parent;
}

int copy_dest_may_make(int parent, const char *name, bool is_dir, bool dry)
{
	struct stat st;

	if (!fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (is_dir)
			return S_ISDIR(st.st_mode) ? 0 : -EEXIST;
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
			return -EEXIST;
	} else if (errno != ENOENT) {
		return -errno;
	}
	return dry && faccessat(parent, ".", W_OK | X_OK, AT_EACCESS) ? -errno :
									0;
}

static int random_name(char name[COPY_TEMPORARY_MAX])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) < 0)
		return -errno;
	snprintf(name, COPY_TEMPORARY_MAX, ".p2pmr-%016" PRIx64, random);
	return 0;
}

int copy_dest_temporary(int parent, int flags, char name[COPY_TEMPORARY_MAX])
{
	int i, fd = -EEXIST;

	for (i = 0; i < TRIES && fd == -EEXIST; i++) {
		int ret = random_name(name);

		if (ret)
			return ret;
		fd = openat(parent, name, flags | O_CREAT | O_EXCL |
			    O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			fd = -errno;
	}
	return fd;
}

int copy_dest_temporary_link(int parent, const char *target,
			     char name[COPY_TEMPORARY_MAX])
{
	int i, ret = -EEXIST;

	for (i = 0; i < TRIES && ret == -EEXIST; i++) {
		ret = random_name(name);
		if (ret)
			return ret;
		if (symlinkat(target, parent, name))
			ret = -errno;
	}
	return ret;
}

int copy_dest_open_dir(int parent, const char *name)
{
	return open_below(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

int copy_dest_make_dir(int parent, const char *name, mode_t mode)
{
	int err, fd;

	if (!mkdirat(parent, name, mode))
		return 0;
	err = errno;
	if (err != EEXIST)
		return -err;
	fd = copy_dest_open_dir(parent, name);
	if (fd < 0)
		return fd == -ENOTDIR || fd == -ELOOP ? -EEXIST : fd;
	close(fd);
	return 0;
}
