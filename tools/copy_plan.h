/* SPDX-License-Identifier: GPL-2.0-only */
/* Which parts of a file hold data, in pieces that are sent one by one. */
#ifndef P2PMR_TOOLS_COPY_PLAN_H
#define P2PMR_TOOLS_COPY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "copy_wire.h"

/**
 * struct copy_plan - how far a file has been gone through
 * @fd: the file
 * @size: where to stop
 * @pos: all before is done with
 * @data_end: up to here there is data; at most @pos when that is not known
 * @max_bytes: no piece is larger
 * @dense: holes are data, too
 */
struct copy_plan {
	int fd;
	uint64_t size;
	uint64_t pos;
	uint64_t data_end;
	uint64_t max_bytes;
	bool dense;
};

void copy_plan_init(struct copy_plan *plan, int fd, uint64_t size,
		    uint64_t max_bytes, bool dense);

/*
 * The next piece: it begins on a block, and has no hole in it of a block or more,
 * as far as the file system tells. False: there is none.
 */
bool copy_plan_next(struct copy_plan *plan, uint64_t *offset, uint64_t *len);

/* How many chunks a piece is made of, and how long one of them is */
static inline uint64_t copy_plan_chunks(uint64_t len, uint32_t chunk_bytes)
{
	return len / chunk_bytes + !!(len % chunk_bytes);
}

static inline uint32_t copy_plan_chunk_len(uint64_t len, uint32_t chunk_bytes,
					   uint64_t index)
{
	uint64_t left = len - index * chunk_bytes;

	return left < chunk_bytes ? left : chunk_bytes;
}

/* The whole blocks that hold @len bytes */
static inline uint64_t copy_whole_blocks(uint64_t len)
{
	return (len + COPY_BLOCK - 1) / COPY_BLOCK * COPY_BLOCK;
}

#endif
