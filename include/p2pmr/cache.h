/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_CACHE_H
#define P2PMR_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include <p2pmr/mr.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Registering memory is slow. A cache keeps memory regions on this library's
 * own buffers after they were put back, and hands them out again to those who
 * ask for the same pages of the same buffer, in the same protection domain,
 * with the same access. It knows buffers by a number that is never given out
 * twice, not by their address: memory that comes to lie where a freed buffer
 * was is never taken for that.
 */
struct p2pmr_cache;

/**
 * struct p2pmr_cache_opts - options of p2pmr_cache_create()
 * @sz: sizeof(struct p2pmr_cache_opts)
 * @max_entries: how many regions to keep; 0: 1,024
 * @max_bytes: how many bytes all of them together may have; 0: 4 GiB
 *
 * Both count regions in use, too. One that does not fit, when all others are in
 * use, is registered all the same, but not kept.
 */
struct p2pmr_cache_opts {
	size_t sz;
	size_t max_entries;
	uint64_t max_bytes;
};

/**
 * p2pmr_cache_create() - make an empty cache
 * @opts: options, or NULL
 *
 * Thread-safety: any thread.
 *
 * Return: the cache, or NULL with errno EINVAL (BAD_OPTIONS) or ENOMEM.
 */
struct p2pmr_cache *p2pmr_cache_create(const struct p2pmr_cache_opts *opts);

/**
 * p2pmr_cache_destroy() - deregister what is in a cache, and free it
 * @cache: the cache, or NULL
 *
 * Regions that are still in use become the caller's, to end with
 * ibv_dereg_mr(); the log says how many. In a child of the process that made
 * the cache it frees memory and deregisters nothing: the regions are the
 * parent's.
 *
 * Thread-safety: no other thread may use the cache any more.
 */
void p2pmr_cache_destroy(struct p2pmr_cache *cache);

/**
 * p2pmr_cache_get() - a memory region that covers a part of a buffer
 * @cache: the cache
 * @pd: the protection domain
 * @buf: the buffer
 * @offset: where the part starts
 * @len_bytes: how long it is; at least 1
 * @access: IBV_ACCESS_* flags, as for ibv_reg_mr()
 * @route: set as by p2pmr_reg_mr(); may be NULL
 *
 * The region covers the pages that the part lies in, no more and no less, so
 * its key opens them as a whole. Addresses in requests are those of the buffer,
 * p2pmr_buf_addr() plus an offset. It may be in use elsewhere in the process at
 * the same time. Return it with p2pmr_cache_put(), never to ibv_dereg_mr().
 *
 * A registration that fails for want of memory is tried again after all idle
 * regions of the cache were deregistered. A region on memory of a provider that
 * has left since is not handed out again, once the library knows.
 *
 * Thread-safety: any thread. Calls that are served from the cache and get
 * different regions share no lock, unless the cache holds so many (about 16,384)
 * that some have to share a bucket; they never wait for a registration. Of
 * threads that miss the same region at once each registers it; the first one's
 * is kept and handed to all, the others' are deregistered.
 *
 * Return: the memory region, or NULL with errno
 *   EINVAL	bad arguments (BAD_ARGUMENT, OUT_OF_RANGE, BAD_ACCESS)
 *   ECHILD	the cache was made before fork(), by a parent (FORKED)
 *   ENOMEM	no memory for the entry (OUT_OF_MEMORY)
 * or as p2pmr_reg_mr().
 */
struct ibv_mr *p2pmr_cache_get(struct p2pmr_cache *cache, struct ibv_pd *pd,
			       struct p2pmr_buf *buf, size_t offset,
			       size_t len_bytes, int access,
			       enum p2pmr_route *route);

/**
 * p2pmr_cache_put() - return what p2pmr_cache_get() returned
 * @cache: the cache
 * @mr: the memory region; once for each time that it was handed out
 *
 * It stays registered as long as the cache keeps it, and is deregistered at
 * once when its buffer was freed meanwhile, or p2pmr_cache_invalidate() was
 * called.
 *
 * Thread-safety: any thread.
 *
 * Return: 0; -EINVAL when @mr is not of this cache, or not in use
 * (BAD_ARGUMENT); -ECHILD as for p2pmr_cache_get().
 */
int p2pmr_cache_put(struct p2pmr_cache *cache, struct ibv_mr *mr);

/**
 * p2pmr_cache_invalidate() - do not hand out a region again
 * @cache: the cache
 * @mr: a memory region that the caller has
 *
 * For one with which requests fail, because the memory was taken back: the
 * next who asks for the same has it registered anew, or learns why that is no
 * longer possible. It is to be put back as ever, and is deregistered with the
 * last one who does so.
 *
 * Thread-safety: any thread.
 *
 * Return: 0, also when it was called before; -EINVAL when @mr is not of this
 * cache (BAD_ARGUMENT); -ECHILD as for p2pmr_cache_get().
 */
int p2pmr_cache_invalidate(struct p2pmr_cache *cache, struct ibv_mr *mr);

/**
 * p2pmr_cache_forget_pd() - deregister the regions of a protection domain
 * @cache: the cache
 * @pd: the protection domain
 *
 * To be called before ibv_dealloc_pd(), which fails as long as there are
 * regions, and after which another may have the same address.
 *
 * Thread-safety: any thread; none may ask for regions of @pd meanwhile.
 *
 * Return: 0 when none is left. -EBUSY (IN_USE) when some are in use: they are
 * not handed out again, and are deregistered when they are put back; call
 * again then. -EINVAL for NULL (BAD_ARGUMENT), -ECHILD as for
 * p2pmr_cache_get().
 */
int p2pmr_cache_forget_pd(struct p2pmr_cache *cache, struct ibv_pd *pd);

/**
 * struct p2pmr_cache_stats - what a cache has done so far, and what it has
 * @hits: calls of p2pmr_cache_get() that a region was there for, or another
 *	thread's registration was finished first
 * @misses: those that registered
 * @failures: those in which that failed
 * @evictions: idle regions deregistered to make room
 * @invalidated: regions dropped because their buffer was freed, their provider
 *	left, or p2pmr_cache_invalidate() or p2pmr_cache_forget_pd() was called
 * @entries: regions that it keeps now, in use or idle
 * @bytes: how many bytes they have
 */
struct p2pmr_cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t failures;
	uint64_t evictions;
	uint64_t invalidated;
	uint64_t entries;
	uint64_t bytes;
};

/**
 * p2pmr_cache_stats() - read the counters
 * @cache: the cache
 * @stats: filled in
 *
 * Thread-safety: any thread; what happens meanwhile may be counted in part.
 *
 * Return: 0; -EINVAL for NULL (BAD_ARGUMENT), -ECHILD as for
 * p2pmr_cache_get().
 */
int p2pmr_cache_stats(struct p2pmr_cache *cache,
		      struct p2pmr_cache_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
