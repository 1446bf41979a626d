/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that were copied in part, to go on with. They have a name by which they
 * are found again, and an extended attribute that says of what source they are
 * and how far they are right. That is written while the copy goes on, and not
 * synced, so that it outlives the process but does not count after the machine
 * was started anew.
 */
#ifndef P2PMR_TOOLS_COPY_PARTIAL_H
#define P2PMR_TOOLS_COPY_PARTIAL_H

#include "copy_dest.h"
#include "copy_wire.h"

/*
 * Open the part of file @name in @parent, or make it. @done: up to where it holds
 * what is in the source that @meta tells of. @temporary: what it is called. A
 * descriptor, or -errno; -EBUSY: another copy is at it, -ENOTSUP: the file system
 * has no such attributes.
 */
int copy_partial_open(int parent, const char *name, int flags,
		      const struct copy_file *meta,
		      char temporary[COPY_TEMPORARY_MAX], uint64_t *done);

/* It is right up to @done. 0 or -errno */
int copy_partial_mark(int fd, const struct copy_file *meta, uint64_t done);

/* It is whole */
int copy_partial_clear(int fd);

#endif
