// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory that the kernel hands out through a PCI function's p2pmem/allocate
 * file (Linux: drivers/pci/p2pdma.c): each mmap() of it is an allocation, and
 * the mapping alone holds it.
 */
#include "p2pmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICES "bus/pci/devices"

/* The NVMe controller of a PCI function; false: it is none */
static bool find_nvme(const struct p2pmr_context *ctx, const char *address,
		      char *name, size_t size)
{
	DIR *dir = p2pmr_sysfs_opendir(ctx, DEVICES "/%s/nvme", address);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (!p2pmr_nvme_is_name(entry->d_name) ||
		    strlen(entry->d_name) >= size)
			continue;
		strcpy(name, entry->d_name);
		found = true;
	}
	closedir(dir);
	return found;
}

static int read_numa_node(const struct p2pmr_context *ctx, const char *address)
{
	uint64_t node;
	int ret = p2pmr_sysfs_read_u64(ctx, &node, DEVICES "/%s/numa_node",
				       address);

	/* -1, for a machine that does not say, is no number here, either. */
	return !ret && node <= INT32_MAX ? (int)node : -1;
}

static int visit(struct p2pmr_context *ctx,
		 const struct p2pmr_provider_ops *self, const char *address,
		 int (*found)(struct p2pmr_context *ctx,
			      struct p2pmr_provider *provider))
{
	struct p2pmr_provider provider = { .ops = self };

	if (p2pmr_pci_parse(address, &provider.pci)) {
		p2pmr_warn("%s is no PCI address: left out", address);
		return 0;
	}
	if (!p2pmr_sysfs_exists(ctx, DEVICES "/%s/p2pmem", address))
		return 0;
	p2pmr_pci_format(&provider.pci, provider.pci_address,
			 sizeof(provider.pci_address));
	if (!find_nvme(ctx, address, provider.name, sizeof(provider.name)))
		strcpy(provider.name, provider.pci_address);
	if (p2pmr_sysfs_link_name(ctx, provider.driver, sizeof(provider.driver),
				  DEVICES "/%s/driver", address))
		provider.driver[0] = '\0';
	provider.numa_node = read_numa_node(ctx, address);
	return found(ctx, &provider);
}

int p2pmr_p2pmem_scan(struct p2pmr_context *ctx,
		      const struct p2pmr_provider_ops *self,
		      int (*found)(struct p2pmr_context *ctx,
				   struct p2pmr_provider *provider))
{
	DIR *dir = p2pmr_sysfs_opendir(ctx, DEVICES);
	struct dirent *entry;
	int err = errno;
	int ret = 0;

	/* A machine, or a container, without PCI has no peer memory. */
	if (!dir && err == ENOENT)
		return 0;
	if (!dir)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "Let the process read sysfs.",
				  "The list of PCI devices, " DEVICES " below the sysfs root, cannot be read: %s.",
				  p2pmr_errno_name(err));
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			ret = visit(ctx, self, entry->d_name, found);
	}
	closedir(dir);
	return ret;
}

bool p2pmr_p2pmem_is_cdev(const struct p2pmr_context *ctx,
			  const struct p2pmr_provider *provider,
			  const struct stat *st)
{
	char expected[32], number[32];

	snprintf(number, sizeof(number), "%u:%u", major(st->st_rdev),
		 minor(st->st_rdev));
	return S_ISCHR(st->st_mode) &&
	       !p2pmr_sysfs_read(ctx, expected, sizeof(expected),
				 DEVICES "/%s/nvme/%s/dev",
				 provider->pci_address, provider->name) &&
	       !strcmp(number, expected);
}

int p2pmr_p2pmem_check_cdev(const struct p2pmr_context *ctx,
			    const struct p2pmr_provider *provider)
{
	char path[P2PMR_NAME_LEN + sizeof(P2PMR_CDEV)] = P2PMR_CDEV;
	struct stat st;

	strcat(path, provider->name);
	if (stat(path, &st))
		return -errno;
	return p2pmr_p2pmem_is_cdev(ctx, provider, &st) ? 0 : -ENOTUNIQ;
}

bool p2pmr_p2pmem_needs_cdev(const struct p2pmr_context *ctx,
			     const struct p2pmr_provider *provider)
{
	int saved_errno = errno;
	char path[P2PMR_PATH_LEN];
	struct statvfs fs;
	bool ret;

	ret = p2pmr_nvme_is_name(provider->name) &&
	      !p2pmr_sysfs_path(ctx, path, sizeof(path),
				DEVICES "/%s/p2pmem/allocate",
				provider->pci_address) &&
	      !statvfs(path, &fs) && (fs.f_flag & ST_RDONLY) &&
	      !p2pmr_p2pmem_check_cdev(ctx, provider);
	errno = saved_errno;
	return ret;
}

static int found(struct p2pmr_context *ctx, struct p2pmr_provider *provider)
{
	if (p2pmr_p2pmem_needs_cdev(ctx, provider))
		return 0;
	return p2pmr_provider_add(ctx, provider);
}

static int p2pmem_scan(struct p2pmr_context *ctx,
		       const struct p2pmr_provider_ops *self)
{
	return p2pmr_p2pmem_scan(ctx, self, found);
}

/* @name as the PCI address of a function that exists; false: it is none */
static bool find_address(const struct p2pmr_context *ctx, const char *name,
			 char *address, size_t size)
{
	struct p2pmr_pci_address pci;

	if (!p2pmr_pci_parse(name, &pci))
		p2pmr_pci_format(&pci, address, size);
	else if (!p2pmr_nvme_is_name(name) ||
		 p2pmr_sysfs_link_name(ctx, address, size,
				       "class/nvme/%s/device", name))
		return false;
	return p2pmr_sysfs_exists(ctx, DEVICES "/%s", address);
}

static bool shows_cmb(const struct p2pmr_context *ctx, const char *nvme)
{
	return p2pmr_sysfs_exists(ctx, "class/nvme/%s/cmbsz", nvme) ||
	       p2pmr_sysfs_exists(ctx, "class/nvme/%s/cmb", nvme);
}

/*
 * The device is there, but has no p2pmem folder. Of a kernel without P2PDMA
 * there is no trace in sysfs, only the absence of any p2pmem. That a drive
 * shows no CMB proves nothing: the driver shows it once P2PDMA has taken it.
 */
int p2pmr_p2pmem_explain_missing(struct p2pmr_context *ctx, const char *name)
{
	char address[P2PMR_NAME_LEN], nvme[P2PMR_NAME_LEN];
	const char *cause;

	if (!find_address(ctx, name, address, sizeof(address)) ||
	    p2pmr_sysfs_exists(ctx, DEVICES "/%s/p2pmem", address))
		return 0;
	if (!find_nvme(ctx, address, nvme, sizeof(nvme)))
		cause = "no driver offers memory of this function";
	else if (shows_cmb(ctx, nvme))
		cause = "its CMB is too small or not 2 MiB aligned, so that the nvme driver left it alone";
	else
		cause = "it has no CMB, or one that is too small or not 2 MiB aligned";

	if (p2pmr_context_has_peer(ctx))
		return p2pmr_fail(P2PMR_REASON_NO_PROVIDER, ENODEV,
				  "Use another provider; p2pmr_provider_next() lists them.",
				  "%.64s (%s) exists, but has no peer memory, although this kernel supports it: %s.",
				  name, address, cause);
	return p2pmr_fail(P2PMR_REASON_KERNEL_NO_P2PDMA, ENODEV,
			  "Boot a kernel with CONFIG_PCI_P2PDMA=y (grep P2PDMA /boot/config-$(uname -r)); with one that has it, look for \"CMB\" in the kernel log.",
			  "%.64s (%s) exists, but the kernel offers no peer memory of it%s: the kernel was built without PCI_P2PDMA, or %s.",
			  name, address,
			  find_nvme(ctx, address, nvme, sizeof(nvme)) &&
			  shows_cmb(ctx, nvme) ?
			  ", although the drive shows a CMB" : "", cause);
}

bool p2pmr_p2pmem_means_gone(int err)
{
	return err == ENOENT || err == ENODEV || err == ENXIO || err == ENOTDIR;
}

int p2pmr_p2pmem_fail_gone(const struct p2pmr_provider *provider)
{
	return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
			  "Bring the device and its driver back, and call p2pmr_open() again.",
			  "%s (%s) was there at p2pmr_open() and has left: its driver was unbound, or the device removed.",
			  provider->name, provider->pci_address);
}

static int read_attribute(const struct p2pmr_provider *provider,
			  const char *name, uint64_t *value)
{
	int ret = p2pmr_sysfs_read_u64(provider->ctx, value,
				       DEVICES "/%s/p2pmem/%s",
				       provider->pci_address, name);

	if (!ret)
		return 0;
	if (p2pmr_p2pmem_means_gone(-ret) &&
	    !p2pmr_sysfs_exists(provider->ctx, DEVICES "/%s/p2pmem",
				provider->pci_address))
		return p2pmr_p2pmem_fail_gone(provider);
	return p2pmr_fail(P2PMR_REASON_SYSTEM, -ret,
			  ret == -EBADMSG ?
			  "Report it with the file's content: the kernel writes a number there." :
			  "Let the process read sysfs.",
			  "The file p2pmem/%s of %s (%s) %s: %s.", name,
			  provider->name, provider->pci_address,
			  ret == -EBADMSG ? "does not hold a number" :
			  "cannot be read", p2pmr_errno_name(-ret));
}

/* A driver that comes makes the folder first, and what is in it a moment later */
static int fail_no_memory_yet(const struct p2pmr_provider *provider)
{
	return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
			  "Wait for the event \"arrived\", or try again; if it stays so, the kernel log says why the driver has added none.",
			  "%s (%s) has no memory: its driver is about to add it, or could not.",
			  provider->name, provider->pci_address);
}

int p2pmr_p2pmem_space(const struct p2pmr_provider *provider,
		       struct p2pmr_provider_space *space)
{
	uint64_t size, available, published;
	int ret = read_attribute(provider, "size", &size);

	if (!ret)
		ret = read_attribute(provider, "available", &available);
	if (!ret)
		ret = read_attribute(provider, "published", &published);
	if (ret)
		return ret;
	if (!size)
		return fail_no_memory_yet(provider);
	*space = (struct p2pmr_provider_space){
		.size_bytes = size,
		.available_bytes = available,
		.published = published,
	};
	return 0;
}

int p2pmr_p2pmem_cannot_open(const char *path, int err, const char *remedy)
{
	char group[512];

	if (err != EACCES && err != EPERM)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "See open(2) for this error.",
				  "%s cannot be opened: %s.", path,
				  p2pmr_errno_name(err));
	snprintf(group, sizeof(group),
		 "Run as root, or as a member of the group p2pmem (usermod -aG p2pmem USER, and log in anew), to which the udev rules of the package p2pmr give %.200s.",
		 path);
	return p2pmr_fail(P2PMR_REASON_NO_PERMISSION, err,
			  remedy ? remedy : group,
			  "User %u may not open %s for reading and writing: %s.",
			  (unsigned int)geteuid(), path, p2pmr_errno_name(err));
}

/* Who is about to leave has no driver any more when this file goes. */
static bool kernel_maps(const struct p2pmr_provider *provider)
{
	const char *pci = provider->pci_address;

	return p2pmr_sysfs_exists(provider->ctx, DEVICES "/%s/p2pmem/allocate", pci) ||
	       !p2pmr_sysfs_exists(provider->ctx, DEVICES "/%s/p2pmem", pci) ||
	       !p2pmr_sysfs_exists(provider->ctx, DEVICES "/%s/driver", pci);
}

static int fail_open(const struct p2pmr_provider *provider, int err)
{
	char path[P2PMR_PATH_LEN];

	if (!kernel_maps(provider))
		return p2pmr_fail(P2PMR_REASON_SYSTEM, EOPNOTSUPP,
				  "Boot Linux 6.2 or later; for RDMA, one that carries the libp2pmr series (folder kernel/ of its source).",
				  "This kernel does not let processes map the memory of %s (%s): it has no p2pmem/allocate.",
				  provider->name, provider->pci_address);
	if (p2pmr_p2pmem_means_gone(err))
		return p2pmr_p2pmem_fail_gone(provider);
	if (p2pmr_sysfs_path(provider->ctx, path, sizeof(path),
			     DEVICES "/%s/p2pmem/allocate",
			     provider->pci_address))
		strcpy(path, "p2pmem/allocate");
	if (err == EROFS)
		return p2pmr_fail(P2PMR_REASON_NO_PERMISSION, err,
				  "Pass a device node of it in (containers: --device /dev/p2pmem, or /dev/nvmeN of a drive), or bind-mount this one file read-write.",
				  "%s cannot be opened for writing, because sysfs is mounted read-only.",
				  path);
	return p2pmr_p2pmem_cannot_open(path, err, NULL);
}

static int fail_mmap(const struct p2pmr_provider *provider, size_t size,
		     int err)
{
	if (err == ENOMEM)
		return -ENOSPC;
	if (p2pmr_p2pmem_means_gone(err))
		return p2pmr_p2pmem_fail_gone(provider);
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "See mmap(2) for this error, and the kernel log.",
			  "Mapping %zu bytes of %s (%s) failed in mmap(): %s.",
			  size, provider->name, provider->pci_address,
			  p2pmr_errno_name(err));
}

int p2pmr_p2pmem_map(const struct p2pmr_provider *provider, int fd, size_t size,
		     void **addr)
{
	int err;

	*addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = errno;
	close(fd);
	return *addr == MAP_FAILED ? fail_mmap(provider, size, err) : 0;
}

static int p2pmem_map(struct p2pmr_provider *provider, size_t size, void **addr)
{
	int fd = p2pmr_sysfs_open(provider->ctx, O_RDWR,
				  DEVICES "/%s/p2pmem/allocate",
				  provider->pci_address);

	if (fd < 0)
		return fail_open(provider, -fd);
	return p2pmr_p2pmem_map(provider, fd, size, addr);
}

const struct p2pmr_provider_ops p2pmr_provider_p2pmem = {
	.type = "p2pmem",
	.is_peer = true,
	.scan = p2pmem_scan,
	.explain_missing = p2pmr_p2pmem_explain_missing,
	.space = p2pmr_p2pmem_space,
	.map = p2pmem_map,
	.exports = p2pmr_p2pmem_exports,
	.map_dmabuf = p2pmr_p2pmem_map_dmabuf,
};
