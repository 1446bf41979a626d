// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "out_file.h"

static int cannot(const char *path, int err)
{
	return fail(CMD_FAILED, REASON_SYSTEM, err,
		    "Name a file in a folder that you may write to and that has room.",
		    "Cannot write %s: %s.", path, strerror(err));
}

/* As it would have been without a temporary file: the old one's, or the umask's */
static mode_t mode_of(const struct stat *old)
{
	mode_t mask;

	if (old)
		return old->st_mode & 0777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

/* Beside the file itself, since a rename stays on its disk */
static int open_temporary(struct out_file *file, mode_t mode)
{
	int fd;

	if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
		file->temporary = NULL;
		return fail_nomem();
	}
	fd = mkstemp(file->temporary);
	if (fd < 0) {
		int err = errno;

		free(file->temporary);
		file->temporary = NULL;
		return cannot(file->path, err);
	}
	/* Where modes mean nothing (FAT), it is no failure that this does */
	if (fchmod(fd, mode) && errno != EPERM && errno != ENOTSUP)
		goto err;
	file->stream = fdopen(fd, "w");
	if (file->stream)
		return 0;
err:
	cannot(file->path, errno);
	close(fd);
	return -1;
}

static int open_directly(struct out_file *file)
{
	file->stream = fopen(file->path, "we");
	return file->stream ? 0 : cannot(file->path, errno);
}

int out_file_open(struct out_file *file, const char *path, mode_t mode)
{
	bool is_there;
	struct stat old;
	int ret;

	memset(file, 0, sizeof(*file));
	if (!strcmp(path, "-"))
		path = "/dev/stdout";
	is_there = !stat(path, &old);
	/* The file that a link leads to, not the link, is to be replaced */
	file->path = is_there ? realpath(path, NULL) : strdup(path);
	if (!file->path && is_there)
		file->path = strdup(path);
	if (!file->path)
		return fail_nomem();
	if (is_there && !S_ISREG(old.st_mode))
		ret = open_directly(file);
	else
		ret = open_temporary(file, mode ? mode :
				     mode_of(is_there ? &old : NULL));
	if (ret)
		out_file_abandon(file);
	return ret;
}

int out_file_close(struct out_file *file)
{
	int err = 0;

	if (fflush(file->stream) || ferror(file->stream))
		err = errno ? errno : EIO;
	/* Without that, a crash soon after could leave an empty file */
	if (!err && file->temporary && fsync(fileno(file->stream)))
		err = errno;
	if (fclose(file->stream) && !err)
		err = errno;
	file->stream = NULL;
	if (!err && file->temporary && rename(file->temporary, file->path))
		err = errno;
	if (err) {
		cannot(file->path, err);
		out_file_abandon(file);
		return -1;
	}
	free(file->temporary);
	free(file->path);
	memset(file, 0, sizeof(*file));
	return 0;
}

void out_file_abandon(struct out_file *file)
{
	if (file->stream)
		fclose(file->stream);
	if (file->temporary)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	memset(file, 0, sizeof(*file));
}
