// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading sysfs, or a recorded tree in its place. */
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *p2pmr_sysfs_default_root(void)
{
	const char *root = secure_getenv("P2PMR_SYSFS_ROOT");

	return root && *root ? root : "/sys";
}

/* The one function that makes sysfs paths */
__attribute__((format(printf, 4, 0)))
static int make_path(const struct p2pmr_context *ctx, char *path, size_t size,
		     const char *fmt, va_list args)
{
	const char *root = ctx ? ctx->sysfs_root : p2pmr_sysfs_default_root();
	int used = snprintf(path, size, "%s/", root);
	int more;

	if (used < 0 || (size_t)used >= size)
		return -ENAMETOOLONG;
	more = vsnprintf(path + used, size - used, fmt, args);
	if (more < 0 || (size_t)more >= size - used)
		return -ENAMETOOLONG;
	return 0;
}

/* The variadic functions below start alike; a va_list cannot be shared. */
#define MAKE_PATH(ctx, path, fmt) ({					\
	va_list args_;							\
	int ret_;							\
									\
	va_start(args_, fmt);						\
	ret_ = make_path(ctx, path, sizeof(path), fmt, args_);		\
	va_end(args_);							\
	ret_;								\
})

int p2pmr_sysfs_path(const struct p2pmr_context *ctx, char *path, size_t size,
		     const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = make_path(ctx, path, size, fmt, args);
	va_end(args);
	return ret;
}

int p2pmr_sysfs_open(const struct p2pmr_context *ctx, int flags,
		     const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN];
	int ret = MAKE_PATH(ctx, path, fmt);

	if (ret)
		return ret;
	ret = open(path, flags | O_CLOEXEC);
	if (ret < 0) {
		ret = -errno;
		p2pmr_debug("open %s: %s", path, p2pmr_errno_name(-ret));
	}
	return ret;
}

DIR *p2pmr_sysfs_opendir(const struct p2pmr_context *ctx, const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN];
	int ret = MAKE_PATH(ctx, path, fmt);
	DIR *dir;

	if (ret) {
		errno = -ret;
		return NULL;
	}
	dir = opendir(path);
	if (!dir)
		p2pmr_debug("opendir %s: %s", path, p2pmr_errno_name(errno));
	return dir;
}

bool p2pmr_sysfs_exists(const struct p2pmr_context *ctx, const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN];

	return !MAKE_PATH(ctx, path, fmt) && !access(path, F_OK);
}

static int read_line(const char *path, char *line, size_t size)
{
	/* a tree that is not sysfs may have a pipe there */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t used = 0;
	ssize_t got;
	char *end;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, line + used, size - used);
		if (got > 0)
			used += got;
	} while ((got > 0 && used < size) || (got < 0 && errno == EINTR));
	got = got < 0 ? -errno : 0;
	close(fd);
	if (got)
		return got;
	end = memchr(line, '\n', used);
	if (end)
		used = end - line;
	if (used == size)
		return -EOVERFLOW;
	line[used] = '\0';
	return 0;
}

int p2pmr_sysfs_read(const struct p2pmr_context *ctx, char *line, size_t size,
		     const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN];
	int ret = MAKE_PATH(ctx, path, fmt);

	if (!ret)
		ret = read_line(path, line, size);
	if (ret)
		p2pmr_debug("read %s: %s", path, p2pmr_errno_name(-ret));
	return ret;
}

int p2pmr_sysfs_read_u64(const struct p2pmr_context *ctx, uint64_t *value,
			 const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN], line[32], *end;
	int ret = MAKE_PATH(ctx, path, fmt);
	uintmax_t number;

	if (!ret)
		ret = read_line(path, line, sizeof(line));
	if (ret == -EOVERFLOW)
		return -EBADMSG;
	if (ret)
		return ret;
	/* strtoumax() would take a sign and leading blanks. */
	if (line[0] < '0' || line[0] > '9')
		return -EBADMSG;
	errno = 0;
	number = strtoumax(line, &end, 10);
	if (errno || *end || number > UINT64_MAX)
		return -EBADMSG;
	*value = number;
	return 0;
}

static int read_link(const char *path, char *target, size_t size)
{
	ssize_t len = readlink(path, target, size);

	if (len < 0)
		return -errno;
	if ((size_t)len == size)
		return -EOVERFLOW;
	target[len] = '\0';
	return 0;
}

int p2pmr_sysfs_readlink(const struct p2pmr_context *ctx, char *target,
			 size_t size, const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN];
	int ret = MAKE_PATH(ctx, path, fmt);

	return ret ? ret : read_link(path, target, size);
}

int p2pmr_sysfs_link_name(const struct p2pmr_context *ctx, char *name,
			  size_t size, const char *fmt, ...)
{
	char path[P2PMR_PATH_LEN], target[P2PMR_PATH_LEN];
	int ret = MAKE_PATH(ctx, path, fmt);
	const char *base;

	if (!ret)
		ret = read_link(path, target, sizeof(target));
	if (ret)
		return ret;
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return -EOVERFLOW;
	strcpy(name, base);
	return 0;
}
