/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where chunks stay between drive and wire: memory of the drive that holds the
 * files, else of one on the same switch, else of the host.
 */
#ifndef P2PMR_TOOLS_COPY_STAGING_H
#define P2PMR_TOOLS_COPY_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include <p2pmr/p2pmr.h>

#include "copy_rdma.h"
#include "copy_wire.h"

/**
 * struct copy_staging - a ring of chunks
 * @buf: the memory
 * @mr: registered as one region
 * @flush: for peer memory that is written to from the wire; else NULL
 * @addr: of the memory
 * @chunk_bytes: of each
 * @slots: how many
 * @is_peer: on a PCIe device
 * @canary_at: behind the chunks is what shows that the memory is there
 * @look: of peer memory, what the kernel copies that to
 */
struct copy_staging {
	struct p2pmr_buf *buf;
	struct ibv_mr *mr;
	struct p2pmr_flush *flush;
	uint8_t *addr;
	uint32_t chunk_bytes;
	uint32_t slots;
	bool is_peer;
	size_t canary_at;
	int look;
};

/**
 * struct copy_staging_ask - what is wanted
 * @role: of this end
 * @memory: a provider's name; "": choose
 * @fd: of a file or folder on the file system in question, to see which drive
 *	it is on, and whether that takes such memory; -1: there is none
 * @path: its name, for sentences
 * @chunk_bytes: as large as that
 * @slots: as many
 */
struct copy_staging_ask {
	enum copy_role role;
	const char *memory;
	int fd;
	const char *path;
	uint32_t chunk_bytes;
	uint32_t slots;
};

/*
 * Fills in memory and why of @stats. With a name in @ask it is that memory or a
 * failure. 0, or -1 after fail().
 */
int copy_staging_open(struct copy_staging *st, struct copy_rdma *rdma,
		      struct p2pmr_context *ctx,
		      const struct copy_staging_ask *ask,
		      struct copy_stats *stats);
/*
 * Was it there up to now? A device that is pulled out answers reads with all ones
 * until the kernel has noticed, and nobody calls that an error.
 */
bool copy_staging_is_there(const struct copy_staging *st);
void copy_staging_close(struct copy_staging *st);

static inline uint8_t *copy_staging_slot(const struct copy_staging *st,
					 uint32_t slot)
{
	return st->addr + (size_t)slot * st->chunk_bytes;
}

#endif
