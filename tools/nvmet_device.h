/* SPDX-License-Identifier: GPL-2.0-only */
/* A namespace's device, and whether the kernel serves it from peer memory. */
#ifndef P2PMR_TOOLS_NVMET_DEVICE_H
#define P2PMR_TOOLS_NVMET_DEVICE_H

#include <stdbool.h>

/*
 * Can a namespace be made of @path? @p2pmem: and served from peer memory? 0, or
 * -1 after fail(), which names @where.
 */
int nvmet_device_check(const char *path, bool p2pmem, const char *where);

#endif
