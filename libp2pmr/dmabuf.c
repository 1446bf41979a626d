// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is special about buffers that are dma-bufs. */
#include "private.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

static int sync_cpu(const struct p2pmr_buf *buf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int saved_errno = errno;
	int ret, err;

	if (buf->dmabuf < 0)
		return 0;
	/* the kernel wants it to be tried again after these */
	do {
		ret = ioctl(buf->dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	err = errno;
	errno = saved_errno;
	if (!ret)
		return 0;
	if (err == ENODEV)
		return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
				  "Free the buffer, and allocate another one when the provider has arrived again.",
				  "The dma-buf has lost its memory: %s has left.",
				  buf->provider->name);
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "Look for a message of the dma-buf's exporter in the kernel log.",
			  "The dma-buf of %s cannot be accessed by the CPU (DMA_BUF_IOCTL_SYNC): %s.",
			  buf->provider->name, p2pmr_errno_name(err));
}

int p2pmr_dmabuf_begin(const struct p2pmr_buf *buf, bool write)
{
	return sync_cpu(buf, DMA_BUF_SYNC_START |
			(write ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ));
}

int p2pmr_dmabuf_end(const struct p2pmr_buf *buf, bool write)
{
	return sync_cpu(buf, DMA_BUF_SYNC_END |
			(write ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ));
}

int p2pmr_dmabuf_size(int fd, size_t *size)
{
	struct statfs fs;
	off_t end;

	if (fd < 0 || fstatfs(fd, &fs))
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT,
				  fd < 0 ? EINVAL : errno,
				  "Pass an open descriptor of a dma-buf.",
				  "The descriptor %d is not open.", fd);
	/* of anything else, it would move the position of all who have the file */
	end = fs.f_type == DMA_BUF_MAGIC ? lseek(fd, 0, SEEK_END) : -1;
	if (end <= 0)
		return p2pmr_fail(P2PMR_REASON_NOT_DMABUF, EINVAL,
				  "Pass a descriptor of a dma-buf.",
				  "The descriptor %d is open, but is no dma-buf.",
				  fd);
	/* what no range in it can go beyond, where it is larger than size_t has */
	*size = (uint64_t)end > SIZE_MAX ? SIZE_MAX : (size_t)end;
	return 0;
}

/*
 * Ask it to import what is no dma-buf: who imports any looks at that, who does
 * not says so first.
 */
bool p2pmr_dmabuf_imports(struct ibv_pd *pd)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int saved_errno = errno;
	struct ibv_mr *mr;
	bool ret;

	errno = 0;
	mr = ibv_reg_dmabuf_mr(pd, 0, sysconf(_SC_PAGESIZE), 0, fd,
			       IBV_ACCESS_LOCAL_WRITE);
	ret = errno != EOPNOTSUPP && errno != ENOSYS &&
	      errno != EPROTONOSUPPORT;
	if (mr)
		ibv_dereg_mr(mr);
	if (fd >= 0)
		close(fd);
	errno = saved_errno;
	return ret;
}

/* 1, 0, or -1 when it cannot be asked */
static int device_pins(struct ibv_device *device)
{
	struct ibv_context *verbs = ibv_open_device(device);
	unsigned int caps;
	int ret = -1;

	if (!verbs)
		return -1;
	if (!p2pmr_device_caps(verbs, &caps))
		ret = !!(caps & P2PMR_CAP_PEER_MR);
	ibv_close_device(verbs);
	return ret;
}

/* 1: one does; -1: none does; 0: none can be asked */
static int ask_devices(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	bool any = false, none = true;

	for (int i = 0; list && list[i]; i++) {
		int pins = device_pins(list[i]);

		any |= pins >= 0;
		none &= pins <= 0;
	}
	if (list)
		ibv_free_device_list(list);
	return !any ? 0 : none ? -1 : 1;
}

bool p2pmr_devices_pin(struct p2pmr_context *ctx)
{
	int pins = atomic_load(&ctx->pins), saved_errno = errno;
	struct p2pmr_reason_record before;

	if (pins)
		return pins > 0;
	p2pmr_reason_save(&before);
	pins = ask_devices();
	p2pmr_reason_restore(&before);
	/* what is not known is asked again, as a driver may be loaded later */
	atomic_store(&ctx->pins, pins);
	errno = saved_errno;
	return pins >= 0;
}
