/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this provider share. */
#ifndef P2PMR_PROVIDER_P2PMEM_H
#define P2PMR_PROVIDER_P2PMEM_H

#include "ops.h"

/* p2pmem.c: does that errno, of a file that was there, say that it is gone? */
bool p2pmr_p2pmem_means_gone(int err);

/* -ENODEV, with a reason */
int p2pmr_p2pmem_fail_gone(const struct p2pmr_provider *provider);

/*
 * -@err, of an open() of @path for reading and writing, with a reason; @remedy is
 * for one who may not
 */
int p2pmr_p2pmem_cannot_open(const char *path, int err, const char *remedy);

/* dmabuf.c: as in struct p2pmr_provider_ops */
bool p2pmr_p2pmem_exports(const struct p2pmr_provider *provider);
int p2pmr_p2pmem_map_dmabuf(struct p2pmr_provider *provider, size_t size,
			    int *fd, void **addr);

#endif
