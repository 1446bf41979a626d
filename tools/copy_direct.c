// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy_direct.h"

static int reopen(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC, 0600);
	return again < 0 ? -errno : again;
}

int copy_direct_without(int fd, int flags)
{
	return reopen(fd, flags);
}

bool copy_direct_supported(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) ||
	    !(stx.stx_mask & STATX_DIOALIGN))
		return false;
	return stx.stx_dio_offset_align &&
	       !(COPY_BLOCK % stx.stx_dio_offset_align);
}

int copy_direct_size(int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*size = st.st_size;
	if (!S_ISBLK(st.st_mode))
		return 0;
	return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
}

bool copy_direct_refused(int err)
{
	return err == EINVAL || err == EREMOTEIO || err == EOPNOTSUPP ||
	       err == EFAULT || err == ENOTBLK;
}

static int probe_read(int fd, void *addr)
{
	int direct = reopen(fd, O_RDONLY | O_DIRECT);
	int ret = 0;

	if (direct < 0)
		return direct;
	if (!copy_direct_supported(direct))
		ret = -EOPNOTSUPP;
	/* An empty file gives 0, which is no refusal */
	else if (pread(direct, addr, COPY_BLOCK, 0) < 0)
		ret = -errno;
	close(direct);
	return ret;
}

static int probe_write(int dir, void *addr)
{
	int fd = reopen(dir, O_WRONLY | O_TMPFILE | O_DIRECT);
	int ret = 0;

	if (fd < 0)
		return fd;
	if (!copy_direct_supported(fd))
		ret = -EOPNOTSUPP;
	else if (pwrite(fd, addr, COPY_BLOCK, 0) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int copy_direct_probe(enum copy_role role, int fd, void *addr)
{
	struct stat sb;
	int ret = 0;

	if (fstat(fd, &sb))
		return -errno;
	if (role == COPY_RECEIVER && S_ISDIR(sb.st_mode))
		ret = probe_write(fd, addr);
	else if (role == COPY_SENDER && !S_ISDIR(sb.st_mode))
		ret = probe_read(fd, addr);
	/*
	 * No room, no permission, no files without a name: all of that is for
	 * the copy itself to meet
	 */
	return copy_direct_refused(-ret) ? ret : 0;
}
