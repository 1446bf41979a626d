/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct I/O, where the file system and the drive do it with the memory at hand. */
#ifndef P2PMR_TOOLS_COPY_DIRECT_H
#define P2PMR_TOOLS_COPY_DIRECT_H

#include <stdbool.h>

#include "copy_wire.h"

/* The same open file through the page cache; a new descriptor, or -errno */
int copy_direct_without(int fd, int flags);

/*
 * Does the file system do direct I/O with this very file? Some take O_DIRECT and
 * then copy by the CPU, for all files (tmpfs) or some (ext4: encrypted ones, those
 * whose data is in the inode or the journal), so that it is asked.
 */
bool copy_direct_supported(int fd);

/* Of a file, or of a block device. 0 or -errno */
int copy_direct_size(int fd, uint64_t *size);

/* What may mean "not with this memory", or "not with this file system" */
bool copy_direct_refused(int err);

/*
 * Does the file system of @fd do direct I/O with a block of memory at @addr? The
 * sender's file is read; in the receiver's folder a file is written that never
 * has a name. 0, also when it cannot be told, or -errno.
 */
int copy_direct_probe(enum copy_role role, int fd, void *addr);

#endif
