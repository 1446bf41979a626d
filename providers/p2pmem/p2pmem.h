/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of this provider share, with each other and with a provider
 * that gets at the same memory by another way than p2pmem/allocate in sysfs.
 */
#ifndef P2PMR_PROVIDER_P2PMEM_H
#define P2PMR_PROVIDER_P2PMEM_H

#include "ops.h"

#include <sys/stat.h>

/*
 * Call @found for each PCI function that has peer memory, with a provider of the
 * kind @self, which it may add. Returns 0, or -errno with a reason.
 */
int p2pmr_p2pmem_scan(struct p2pmr_context *ctx,
		      const struct p2pmr_provider_ops *self,
		      int (*found)(struct p2pmr_context *ctx,
				   struct p2pmr_provider *provider));

/* As struct p2pmr_provider_ops has it */
int p2pmr_p2pmem_explain_missing(struct p2pmr_context *ctx, const char *name);

/* An NVMe controller's own device is called as it is, below this folder. */
#define P2PMR_CDEV "/dev/"

/*
 * Is @st of the device of the NVMe drive @provider? Not of another one that has its
 * name now, since drives that are bound anew change names; and in a container, a
 * device may be given any name.
 */
bool p2pmr_p2pmem_is_cdev(const struct p2pmr_context *ctx,
			  const struct p2pmr_provider *provider,
			  const struct stat *st);

/* Is there such a device? 0, or what stat() says, or -ENOTUNIQ: it is another. */
int p2pmr_p2pmem_check_cdev(const struct p2pmr_context *ctx,
			    const struct p2pmr_provider *provider);

/*
 * Is it an NVMe drive with a device, while sysfs is mounted read-only, so that
 * p2pmem/allocate cannot be opened by anyone?
 */
bool p2pmr_p2pmem_needs_cdev(const struct p2pmr_context *ctx,
			     const struct p2pmr_provider *provider);

/* As struct p2pmr_provider_ops has it */
int p2pmr_p2pmem_space(const struct p2pmr_provider *provider,
		       struct p2pmr_provider_space *space);

/* Map @size bytes of the open file @fd and close it; as .map. */
int p2pmr_p2pmem_map(const struct p2pmr_provider *provider, int fd, size_t size,
		     void **addr);

/* Does that errno, of a file that was there, say that it is gone? */
bool p2pmr_p2pmem_means_gone(int err);

/* -ENODEV, with a reason */
int p2pmr_p2pmem_fail_gone(const struct p2pmr_provider *provider);

/*
 * -@err, of an open() of @path for reading and writing, with a reason; @remedy is
 * for one who may not, NULL where the group p2pmem may
 */
int p2pmr_p2pmem_cannot_open(const char *path, int err, const char *remedy);

/* dmabuf.c: as in struct p2pmr_provider_ops */
bool p2pmr_p2pmem_exports(const struct p2pmr_provider *provider);
int p2pmr_p2pmem_map_dmabuf(struct p2pmr_provider *provider, size_t size,
			    int *fd, void **addr);

#endif
