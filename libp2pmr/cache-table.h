/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a registration cache keeps, and its locks.
 *
 * Each entry is found in two ways: by what a caller asks for, to be handed out,
 * and by its memory region, to be put back. Each way is a table of buckets with
 * a lock of their own; handing out and putting back take one of them each, and
 * nothing else. An entry has a bucket to itself if there is a free one among
 * some in a row, and a tag says so without a lock; else it joins the first one.
 *
 * All other lists change under p2pmr_cache_lists.lock, one lock for all caches,
 * since a buffer that is freed is on none of them in particular. It is held for
 * a few pointers, never while a region is registered or deregistered. Lock
 * order: lists, then a bucket; no bucket's lock is taken within another's.
 */
#ifndef P2PMR_CACHE_TABLE_H
#define P2PMR_CACHE_TABLE_H

#include "private.h"

#include <pthread.h>
#include <stdalign.h>

/**
 * struct p2pmr_cache_key - what a caller asks for
 * @pd: the protection domain
 * @generation: of the buffer
 * @offset: of the first page in the buffer
 * @len: of all pages
 * @access: IBV_ACCESS_* flags
 * @epoch: of the provider, when it was asked. Not looked at to find an entry,
 *	but one of another epoch is no good
 */
struct p2pmr_cache_key {
	struct ibv_pd *pd;
	uint64_t generation;
	size_t offset;
	size_t len;
	int access;
	unsigned int epoch;
};

/**
 * struct p2pmr_cache_bucket - on a cache line of its own: what threads do in
 *	different ones is apart
 * @lock: for the rest; the atomic ones may be read without
 * @entries: found here; to change them in by_key takes the lists' lock as well,
 *	and so does adding one to by_mr
 * @hits: how often one was handed out
 * @tag: of the entry whose bucket this is; 0: nobody's
 * @joined: entries that found no bucket of their own
 */
struct p2pmr_cache_bucket {
	alignas(64) pthread_mutex_t lock;
	struct p2pmr_cache_entries entries;
	uint64_t hits;
	atomic_uint tag;
	atomic_uint joined;
};

/**
 * struct p2pmr_cache_place - where an entry is in a table
 * @bucket: the bucket
 * @alone: which is its own
 */
struct p2pmr_cache_place {
	struct p2pmr_cache_bucket *bucket;
	bool alone;
};

/**
 * struct p2pmr_cache_entry - one memory region
 * @key: what it is good for
 * @cache: where it is
 * @mr: the region
 * @route: by which it was registered
 * @gets: how often it was handed out; written under the lock of its bucket in
 *	by_key, and no more once it has left that
 * @puts: how often it was put back; written under the lock of its bucket in
 *	by_mr. It is idle when both are equal
 * @recent: handed out since the eviction last came by
 * @dead: it is in by_mr alone, for those who still have it; under that
 *	bucket's lock
 * @on_buf: it is on its buffer's list
 * @key_place: in by_key
 * @mr_place: in by_mr
 * @by_key: others in the same bucket
 * @by_mr: others in the same bucket
 * @by_buf: others of the same buffer; then others that are to be deregistered
 * @clock: others of the same cache, those that eviction looks at first in front
 */
struct p2pmr_cache_entry {
	struct p2pmr_cache_key key;
	struct p2pmr_cache *cache;
	struct ibv_mr *mr;
	enum p2pmr_route route;
	atomic_ulong gets;
	atomic_ulong puts;
	atomic_bool recent;
	bool dead;
	bool on_buf;
	struct p2pmr_cache_place key_place;
	struct p2pmr_cache_place mr_place;
	LIST_ENTRY(p2pmr_cache_entry) by_key;
	LIST_ENTRY(p2pmr_cache_entry) by_mr;
	LIST_ENTRY(p2pmr_cache_entry) by_buf;
	TAILQ_ENTRY(p2pmr_cache_entry) clock;
};

/**
 * struct p2pmr_cache - the registration cache
 * @by_key: buckets
 * @by_mr: as many
 * @bits: how many, as a power of two
 * @page: size of a page
 * @forks: p2pmr_cache_lists.forks when it was made
 * @max_entries: limit
 * @max_bytes: limit
 * @ending: entries on their way to be deregistered, by whichever thread
 * @entries: kept, or about to be
 * @bytes: of these
 * @stats: all but those that others here hold
 * @clock: all that are kept
 */
struct p2pmr_cache {
	struct p2pmr_cache_bucket *by_key;
	struct p2pmr_cache_bucket *by_mr;
	unsigned int bits;
	size_t page;
	unsigned int forks;
	size_t max_entries;
	uint64_t max_bytes;
	atomic_uint ending;
	size_t entries;
	uint64_t bytes;
	struct p2pmr_cache_stats stats;
	TAILQ_HEAD(, p2pmr_cache_entry) clock;
};

/**
 * struct p2pmr_cache_lists - of all caches of the process
 * @lock: see above
 * @ended: some cache's @ending came down to 0
 * @forks: how many times this process's ancestors forked; tells a cache that
 *	was made by one of them. Read by each call: not beside the lock
 */
struct p2pmr_cache_lists {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	alignas(64) unsigned int forks;
};

extern struct p2pmr_cache_lists p2pmr_cache_lists;

static inline bool p2pmr_cache_is_ours(const struct p2pmr_cache *cache)
{
	return cache->forks == p2pmr_cache_lists.forks;
}

/* Tables for about @entries. 0, or -ENOMEM without a reason. */
int p2pmr_cache_make_tables(struct p2pmr_cache *cache, size_t entries);

/* Frees entries, too, whatever they are in, but deregisters nothing. */
void p2pmr_cache_free_tables(struct p2pmr_cache *cache);

/* The region for @key, in use once more, and its route; NULL: there is none */
struct ibv_mr *p2pmr_cache_hold(struct p2pmr_cache *cache,
				const struct p2pmr_cache_key *key,
				enum p2pmr_route *route);

/* Is @mr in use? Then once less. *@last: none has it, and it is to be ended */
bool p2pmr_cache_release(struct p2pmr_cache *cache, struct ibv_mr *mr,
			 struct p2pmr_cache_entry **last);

/*
 * Deregister and free entries that nobody can find any more. Not with a lock
 * held.
 */
void p2pmr_cache_end(struct p2pmr_cache_entry *entry);
void p2pmr_cache_end_all(struct p2pmr_cache_entries *out);

/* The others are to be called with the lists' lock held. */

/* An entry that has one user; @buf: NULL: it is for this user alone */
void p2pmr_cache_insert(struct p2pmr_cache_entry *entry, struct p2pmr_buf *buf);

/* What has the same key, but another epoch is no longer in the way after this */
void p2pmr_cache_drop_stale(struct p2pmr_cache *cache,
			    const struct p2pmr_cache_key *key,
			    struct p2pmr_cache_entries *out);

/* Nobody gets it any more. It moves to @out; or, and then false, is in use. */
bool p2pmr_cache_retire(struct p2pmr_cache_entry *entry,
			struct p2pmr_cache_entries *out);

/* Move one idle entry, not lately used if possible, to @out; false: none is */
bool p2pmr_cache_evict(struct p2pmr_cache *cache,
		       struct p2pmr_cache_entries *out);

/* The entry of a region that was not retired; *@known: it exists at all */
struct p2pmr_cache_entry *p2pmr_cache_find_mr(struct p2pmr_cache *cache,
					      struct ibv_mr *mr, bool *known);

/* How many regions of @pd there are; NULL: of any */
size_t p2pmr_cache_count(struct p2pmr_cache *cache, const struct ibv_pd *pd);

/* All hits so far */
uint64_t p2pmr_cache_hits(struct p2pmr_cache *cache);

/* Wait until nothing is on its way to be deregistered. */
void p2pmr_cache_wait_ended(struct p2pmr_cache *cache);

#endif
