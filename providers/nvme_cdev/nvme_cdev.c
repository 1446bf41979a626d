// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The controller memory buffer of an NVMe drive, through the controller's own
 * character device instead of p2pmem/allocate in sysfs: the same memory, by
 * another door. It is the one that is open in a container, where sysfs is
 * mounted read-only and devices are passed in on purpose. Needs the kernel
 * series' group nvme.
 */
#include "p2pmem/p2pmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A drive is listed once. As this kind, where only this can be opened;
 * otherwise one has to ask for it by the name of the device.
 */
static int found(struct p2pmr_context *ctx, struct p2pmr_provider *provider)
{
	int ret = 0;

	if (!p2pmr_nvme_is_name(provider->name) ||
	    strlen(provider->name) >= sizeof(provider->by_name) - strlen(P2PMR_CDEV))
		return 0;
	if (p2pmr_p2pmem_needs_cdev(ctx, provider))
		ret = p2pmr_provider_add(ctx, provider);
	if (ret)
		return ret;
	strcpy(provider->by_name, P2PMR_CDEV);
	strcat(provider->by_name, provider->name);
	return p2pmr_provider_add(ctx, provider);
}

static int nvme_cdev_scan(struct p2pmr_context *ctx,
			  const struct p2pmr_provider_ops *self)
{
	return p2pmr_p2pmem_scan(ctx, self, found);
}

static int nvme_cdev_explain_missing(struct p2pmr_context *ctx, const char *name)
{
	if (strncmp(name, P2PMR_CDEV, strlen(P2PMR_CDEV)))
		return 0;
	return p2pmr_p2pmem_explain_missing(ctx, name + strlen(P2PMR_CDEV));
}

static int fail_open(const struct p2pmr_provider *provider, const char *path,
		     int err)
{
	char remedy[512];

	if (err == ENOENT)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "Pass the device into the container (--device), or mount devtmpfs.",
				  "%s does not exist, although the kernel has the drive.",
				  path);
	if (err == EAGAIN)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "Try again when the drive has been reset; its state is in /sys/class/nvme.",
				  "%s cannot be opened now: the drive is not ready.",
				  path);
	/* no group of ours: who may open it may also command the drive */
	snprintf(remedy, sizeof(remedy),
		 "Run as root, or have /dev/p2pmem/%s instead, which gives the memory alone: who may open %s may do more to the drive than that.",
		 provider->pci_address, path);
	return p2pmr_p2pmem_cannot_open(path, err, remedy);
}

/* A descriptor, or -errno with a reason */
static int open_cdev(const struct p2pmr_provider *provider, const char *path)
{
	int ret = p2pmr_p2pmem_check_cdev(provider->ctx, provider);
	struct p2pmr_provider_space space;
	struct stat st;
	int fd;

	if (!ret) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		/* looked at again, as it may have become another meanwhile */
		if (fd >= 0 && !fstat(fd, &st) &&
		    p2pmr_p2pmem_is_cdev(provider->ctx, provider, &st))
			return fd;
		ret = fd < 0 ? -errno : -ENOTUNIQ;
		if (fd >= 0)
			close(fd);
	}
	/* the device goes with its drive */
	if (p2pmr_p2pmem_space(provider, &space))
		return -p2pmr_reason_errno();
	if (ret != -ENOTUNIQ)
		return fail_open(provider, path, -ret);
	return p2pmr_fail(P2PMR_REASON_SYSTEM, ENXIO,
			  "Pass the drive's device into the container by the name that it has outside; if drives were bound anew, call p2pmr_open() again.",
			  "%s is not the device of the drive at %s.", path,
			  provider->pci_address);
}

/* mmap() said ENODEV of a drive that has not left */
static int fail_no_mmap(const char *path, bool published)
{
	if (!published)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, EOPNOTSUPP,
				  "Use p2pmem/allocate in sysfs, or a drive whose CMB takes data (RDS, WDS).",
				  "The kernel keeps this controller memory buffer for the drive's queues, and does not map it through %s.",
				  path);
	return p2pmr_fail(P2PMR_REASON_KERNEL_NO_CDEV, EOPNOTSUPP,
			  "Boot a kernel that carries the libp2pmr series with its group nvme (folder kernel/ of its source), or mount sysfs read-write there, so that p2pmem/allocate can be used.",
			  "This kernel does not map a controller memory buffer through %s.",
			  path);
}

static int nvme_cdev_map(struct p2pmr_provider *provider, size_t size,
			 void **addr)
{
	char path[P2PMR_NAME_LEN + sizeof(P2PMR_CDEV)] = P2PMR_CDEV;
	struct p2pmr_provider_space space;
	int fd, ret;

	strcat(path, provider->name);
	fd = open_cdev(provider, path);
	if (fd < 0)
		return fd;
	ret = p2pmr_p2pmem_map(provider, fd, size, addr);
	/* the memory that is still there tells which of two things that is */
	if (ret == -ENODEV && !p2pmr_p2pmem_space(provider, &space))
		return fail_no_mmap(path, space.published);
	return ret;
}

const struct p2pmr_provider_ops p2pmr_provider_nvme_cdev = {
	.type = "nvme_cdev",
	.is_peer = true,
	.scan = nvme_cdev_scan,
	.explain_missing = nvme_cdev_explain_missing,
	.space = p2pmr_p2pmem_space,
	.map = nvme_cdev_map,
	.exports = p2pmr_p2pmem_exports,
	.map_dmabuf = p2pmr_p2pmem_map_dmabuf,
};
