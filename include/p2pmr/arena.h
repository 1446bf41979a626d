/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_ARENA_H
#define P2PMR_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include <p2pmr/buffer.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An arena hands out many small pieces of one buffer, so that one memory
 * region, with one lkey and one rkey, serves them all. It keeps its books in
 * host memory, and never reads or writes the buffer itself: about 3.6 % of the
 * buffer's size, plus 5 KiB, and 11 KiB for each thread that uses the arena.
 *
 * Each thread keeps a few free pieces for itself. They still serve everyone:
 * they are taken back before an allocation fails, and when the thread ends.
 */
struct p2pmr_arena;

/**
 * struct p2pmr_arena_opts - options of p2pmr_arena_create()
 * @sz: sizeof(struct p2pmr_arena_opts)
 */
struct p2pmr_arena_opts {
	size_t sz;
};

/**
 * p2pmr_arena_create() - hand out a buffer in pieces
 * @buf: the buffer, all of it; it must outlive the arena, and stays the
 *	caller's
 * @opts: options, or NULL; there are none yet
 *
 * Thread-safety: any thread. Nobody else may hand out parts of the buffer.
 *
 * Return: the arena, or NULL with errno
 *   EINVAL	@buf is NULL, or bad options
 *   ENOMEM	the process has no memory left (reason OUT_OF_MEMORY), or the
 *		buffer is of 256 GiB or more (TOO_LARGE)
 */
struct p2pmr_arena *p2pmr_arena_create(struct p2pmr_buf *buf,
				       const struct p2pmr_arena_opts *opts);

/**
 * p2pmr_arena_destroy() - end an arena, with all pieces that are left
 * @arena: the arena, or NULL
 *
 * The buffer stays as it is. After fork() this is the one function that the
 * child may call; it frees the child's copy and means nothing to the parent.
 *
 * Thread-safety: no other thread may use the arena any more.
 */
void p2pmr_arena_destroy(struct p2pmr_arena *arena);

/**
 * p2pmr_arena_alloc() - allocate a piece of the buffer
 * @arena: the arena
 * @size_bytes: at least 1. Up to 1 KiB it is rounded up to a multiple of 64
 *	bytes, beyond that to one of 1 KiB
 * @align_bytes: what the piece's address is a multiple of: a power of two; 0
 *	and anything below 64 mean 64
 *
 * The piece holds what its last owner left in it.
 *
 * Pieces with an alignment above 1 KiB, and those of more than 64 KiB, take a
 * lock that the arena's threads share; others do so once in a while.
 *
 * Thread-safety: any thread; not from signal handlers. After fork() it fails
 * in the child, whose copy of the books the parent does not see.
 *
 * Return: the piece, or NULL with errno
 *   EINVAL	@arena is NULL, @size_bytes is 0, @align_bytes is no power of
 *		two, or this is the child of a fork
 *   ENOMEM	no such piece is free (reason ARENA_EXHAUSTED), or it is larger
 *		than the whole buffer (TOO_LARGE)
 */
void *p2pmr_arena_alloc(struct p2pmr_arena *arena, size_t size_bytes,
			size_t align_bytes);

/**
 * p2pmr_arena_free() - give a piece back
 * @arena: the arena
 * @ptr: what p2pmr_arena_alloc() returned, or NULL, which does nothing
 *
 * The RDMA device must be done with it. A pointer that is not the start of a
 * piece in use (it was freed already, maybe by another thread at this moment,
 * points into a piece, or is none of the arena's) changes nothing.
 *
 * Cheapest by the thread that allocated it. When another one first frees a piece
 * of a thread, this costs both microseconds, and from then on each free of that
 * thread's pieces an atomic operation.
 *
 * Thread-safety: any thread, also another than the one that allocated it; not
 * from signal handlers.
 *
 * Return: 0, or -EINVAL: @arena is NULL, this is the child of a fork, or @ptr
 * is not the start of a piece in use (reason NOT_ALLOCATED).
 */
int p2pmr_arena_free(struct p2pmr_arena *arena, void *ptr);

/**
 * p2pmr_arena_size_of() - how large a piece is
 * @arena: the arena
 * @ptr: what p2pmr_arena_alloc() returned
 *
 * Thread-safety: any thread.
 *
 * Return: the size in bytes: what was asked for, rounded up; all of it may be
 * used. 0 with errno EINVAL as for p2pmr_arena_free().
 */
size_t p2pmr_arena_size_of(struct p2pmr_arena *arena, const void *ptr);

/**
 * struct p2pmr_arena_stats - what an arena holds
 * @size_bytes: the size of the buffer
 * @live_bytes: what pieces in use take, as p2pmr_arena_size_of() counts
 * @live_pieces: how many there are
 * @largest_free_bytes: the largest piece that could be allocated now
 * @peak_bytes: the most that was ever taken from the buffer at one time, with
 *	what threads kept for themselves and what was unused between small
 *	pieces
 * @failed_allocs: how often p2pmr_arena_alloc() failed for want of space
 */
struct p2pmr_arena_stats {
	uint64_t size_bytes;
	uint64_t live_bytes;
	uint64_t live_pieces;
	uint64_t largest_free_bytes;
	uint64_t peak_bytes;
	uint64_t failed_allocs;
};

/**
 * p2pmr_arena_stats() - what an arena holds at this moment
 * @arena: the arena
 * @stats: filled in
 *
 * Exact. To that end it takes back what threads keep, which costs
 * microseconds and makes their next allocations slower: once a second is
 * fine, once for each message is not.
 *
 * Thread-safety: any thread.
 *
 * Return: 0, or -EINVAL: an argument is NULL, or this is the child of a fork.
 */
int p2pmr_arena_stats(struct p2pmr_arena *arena,
		      struct p2pmr_arena_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
