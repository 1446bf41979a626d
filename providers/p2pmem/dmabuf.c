// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The same memory as a dma-buf, from the device node that a kernel with group
 * dmabuf of the series has for each provider (Linux:
 * drivers/pci/p2pdma_dmabuf.c).
 */
#include "p2pmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLASS "class/pci_p2pmem"
#define NODES "/dev/p2pmem"

/* include/uapi/linux/p2pmem.h */
struct p2pmem_alloc {
	uint32_t size;
	uint32_t flags;
	uint64_t length;
};

#define P2PMEM_IOC_ALLOC _IO(0xBD, 0x00)

static void node_path(const struct p2pmr_provider *provider, char *path,
		      size_t size)
{
	snprintf(path, size, NODES "/%s", provider->pci_address);
}

/* A recorded tree says nothing of this machine's nodes, unless it has them. */
static bool kernel_exports(const struct p2pmr_provider *provider)
{
	return p2pmr_sysfs_exists(provider->ctx, CLASS "/%s",
				  provider->pci_address);
}

bool p2pmr_p2pmem_exports(const struct p2pmr_provider *provider)
{
	int saved_errno = errno;
	char path[128];
	bool ret;

	node_path(provider, path, sizeof(path));
	/* by the ids that open() goes by */
	ret = kernel_exports(provider) &&
	      !faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS);
	errno = saved_errno;
	return ret;
}

/* Either the kernel does not do that, or the provider has left. */
static int fail_no_export(const struct p2pmr_provider *provider)
{
	if (!p2pmr_sysfs_exists(provider->ctx, "bus/pci/devices/%s/p2pmem",
				provider->pci_address))
		return p2pmr_p2pmem_fail_gone(provider);
	return p2pmr_fail(P2PMR_REASON_KERNEL_NO_DMABUF, EOPNOTSUPP,
			  "Boot a kernel that carries the libp2pmr series with its group dmabuf (folder kernel/ of its source), or leave out the wish for a dma-buf.",
			  "This kernel does not export the memory of %s (%s) as dma-bufs: there is no " CLASS "/%s in sysfs.",
			  provider->name, provider->pci_address,
			  provider->pci_address);
}

static int fail_open(const struct p2pmr_provider *provider, const char *path,
		     int err)
{
	if (p2pmr_p2pmem_means_gone(err) && !kernel_exports(provider))
		return p2pmr_p2pmem_fail_gone(provider);
	if (err == ENOENT)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "Make it there, as devtmpfs or udev do (containers: --device).",
				  "The device node %s does not exist, although the kernel has the device.",
				  path);
	return p2pmr_p2pmem_cannot_open(path, err, NULL);
}

static int fail_alloc(const struct p2pmr_provider *provider, size_t size,
		      int err)
{
	if (err == ENOMEM)
		return -ENOSPC;
	if (p2pmr_p2pmem_means_gone(err))
		return p2pmr_p2pmem_fail_gone(provider);
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "Look at the process's limits (ulimit -n) and at the kernel log.",
			  "%zu bytes of %s (%s) as a dma-buf were refused: %s.",
			  size, provider->name, provider->pci_address,
			  p2pmr_errno_name(err));
}

static int alloc(const struct p2pmr_provider *provider, size_t size)
{
	struct p2pmem_alloc alloc = { .size = sizeof(alloc), .length = size };
	char path[128];
	int node, fd, err;

	node_path(provider, path, sizeof(path));
	node = open(path, O_RDWR | O_CLOEXEC);
	if (node < 0)
		return fail_open(provider, path, errno);
	fd = ioctl(node, P2PMEM_IOC_ALLOC, &alloc);
	err = errno;
	close(node);
	return fd < 0 ? fail_alloc(provider, size, err) : fd;
}

int p2pmr_p2pmem_map_dmabuf(struct p2pmr_provider *provider, size_t size,
			    int *fd, void **addr)
{
	int ret, err;

	if (!kernel_exports(provider))
		return fail_no_export(provider);
	ret = alloc(provider, size);
	if (ret < 0)
		return ret;
	*addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ret, 0);
	if (*addr == MAP_FAILED) {
		err = errno;
		close(ret);
		return fail_alloc(provider, size, err);
	}
	*fd = ret;
	return 0;
}
