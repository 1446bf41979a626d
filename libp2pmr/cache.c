// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A cache of memory regions on the library's own buffers. */
#include "cache-table.h"

#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_ENTRIES 1024
#define DEFAULT_BYTES (4ull << 30)

static void lock_lists(void)
{
	pthread_mutex_lock(&p2pmr_cache_lists.lock);
}

static void unlock_lists(void)
{
	pthread_mutex_unlock(&p2pmr_cache_lists.lock);
}

/*
 * The lists are whole in a child, since fork() waits for their lock. Threads
 * that waited for something are not there.
 */
static void in_child(void)
{
	p2pmr_cache_lists.forks++;
	pthread_cond_init(&p2pmr_cache_lists.ended, NULL);
	unlock_lists();
}

static int watch_forks(void)
{
	static bool watched;
	int err = 0;

	lock_lists();
	if (!watched) {
		err = pthread_atfork(lock_lists, unlock_lists, in_child);
		watched = !err;
	}
	unlock_lists();
	return err ? p2pmr_fail_memory("a cache") : 0;
}

struct p2pmr_cache *p2pmr_cache_create(const struct p2pmr_cache_opts *opts)
{
	struct p2pmr_cache_opts known;
	int saved_errno = errno;
	struct p2pmr_cache *cache;

	if (p2pmr_opts_read(opts, "p2pmr_cache_opts", sizeof(known), &known,
			    sizeof(known)) || watch_forks())
		return NULL;
	cache = calloc(1, sizeof(*cache));
	if (!cache) {
		p2pmr_fail_memory("a cache");
		return NULL;
	}
	cache->max_entries = known.max_entries ? known.max_entries :
						 DEFAULT_ENTRIES;
	cache->max_bytes = known.max_bytes ? known.max_bytes : DEFAULT_BYTES;
	cache->page = sysconf(_SC_PAGESIZE);
	cache->forks = p2pmr_cache_lists.forks;
	TAILQ_INIT(&cache->clock);
	if (p2pmr_cache_make_tables(cache, cache->max_entries)) {
		free(cache);
		p2pmr_fail_memory("a cache's tables");
		return NULL;
	}
	errno = saved_errno;
	return cache;
}

/* @pd: of this one alone; NULL: all. Lists' lock held */
static void retire_all(struct p2pmr_cache *cache, const struct ibv_pd *pd,
		       struct p2pmr_cache_entries *out)
{
	struct p2pmr_cache_entry *entry, *next;

	for (entry = TAILQ_FIRST(&cache->clock); entry; entry = next) {
		next = TAILQ_NEXT(entry, clock);
		if (!pd || entry->key.pd == pd)
			p2pmr_cache_retire(entry, out);
	}
}

/* Retire, wait until what is idle was deregistered; returns how many are not */
static size_t deregister_all(struct p2pmr_cache *cache,
			     const struct ibv_pd *pd)
{
	struct p2pmr_cache_entries out = LIST_HEAD_INITIALIZER(out);
	size_t left;

	lock_lists();
	retire_all(cache, pd, &out);
	unlock_lists();
	p2pmr_cache_end_all(&out);
	lock_lists();
	/* the last one may be put back between the one and the other */
	do {
		p2pmr_cache_wait_ended(cache);
		left = p2pmr_cache_count(cache, pd);
	} while (atomic_load(&cache->ending));
	unlock_lists();
	return left;
}

void p2pmr_cache_destroy(struct p2pmr_cache *cache)
{
	int saved_errno = errno;
	size_t left;

	if (!cache)
		return;
	if (p2pmr_cache_is_ours(cache)) {
		left = deregister_all(cache, NULL);
		if (left)
			p2pmr_warn("p2pmr_cache_destroy() with %zu regions in use",
				   left);
	}
	lock_lists();
	p2pmr_cache_free_tables(cache);
	unlock_lists();
	free(cache);
	errno = saved_errno;
}

static int fail_null(const char *function, const char *what)
{
	return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			  "Pass what the function's page asks for.",
			  "%s() was given a NULL %s.", function, what);
}

/* Only the process that made a cache has anything of it but memory to free. */
static int check_ours(const struct p2pmr_cache *cache, const char *function)
{
	if (!cache)
		return fail_null(function, "cache");
	if (p2pmr_cache_is_ours(cache))
		return 0;
	return p2pmr_fail(P2PMR_REASON_FORKED, ECHILD,
			  "Open the RDMA device and create a cache in the child.",
			  "%s() was given a cache that a parent of this process made; memory regions do not survive fork().",
			  function);
}

static int check_get(const struct p2pmr_cache *cache, const struct ibv_pd *pd,
		     const struct p2pmr_buf *buf, size_t offset,
		     size_t len_bytes)
{
	int ret = check_ours(cache, "p2pmr_cache_get");

	if (ret)
		return ret;
	if (!pd || !buf)
		return fail_null("p2pmr_cache_get",
				 pd ? "buffer" : "protection domain");
	if (!len_bytes)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a length of at least 1.",
				  "p2pmr_cache_get() was given a length of 0.");
	if (offset >= buf->size || len_bytes > buf->size - offset)
		return p2pmr_fail(P2PMR_REASON_OUT_OF_RANGE, EINVAL,
				  "Keep offset plus length within p2pmr_buf_size().",
				  "%zu bytes at offset %zu do not lie within a buffer of %zu bytes.",
				  len_bytes, offset, buf->size);
	return 0;
}

static bool fits(const struct p2pmr_cache *cache, size_t len)
{
	return cache->entries < cache->max_entries &&
	       len <= cache->max_bytes &&
	       cache->bytes <= cache->max_bytes - len;
}

/* Before registering, so that no more than the limit is ever pinned at once */
static bool reserve(struct p2pmr_cache *cache,
		    const struct p2pmr_cache_key *key)
{
	struct p2pmr_cache_entries out = LIST_HEAD_INITIALIZER(out);
	bool kept = key->len <= cache->max_bytes;

	lock_lists();
	p2pmr_cache_drop_stale(cache, key, &out);
	while (kept && !fits(cache, key->len))
		kept = p2pmr_cache_evict(cache, &out);
	if (kept) {
		cache->entries++;
		cache->bytes += key->len;
	}
	unlock_lists();
	p2pmr_cache_end_all(&out);
	return kept;
}

/* Lists' lock held */
static void unreserve(struct p2pmr_cache *cache,
		      const struct p2pmr_cache_key *key, bool kept)
{
	if (!kept)
		return;
	cache->entries--;
	cache->bytes -= key->len;
}

/* Did that free anything? */
static bool evict_all(struct p2pmr_cache *cache)
{
	struct p2pmr_cache_entries out = LIST_HEAD_INITIALIZER(out);
	bool freed;

	lock_lists();
	while (p2pmr_cache_evict(cache, &out))
		;
	freed = !LIST_EMPTY(&out);
	unlock_lists();
	p2pmr_cache_end_all(&out);
	return freed;
}

/* What lies idle here must not be why another registration fails. */
static struct ibv_mr *reg(struct p2pmr_cache *cache,
			  const struct p2pmr_mr_request *request,
			  enum p2pmr_route *taken)
{
	struct ibv_mr *mr = p2pmr_mr_try(request, taken);

	if (!mr && errno == ENOMEM && evict_all(cache))
		mr = p2pmr_mr_try(request, taken);
	return mr;
}

/* Unless another thread came to have one meanwhile */
static struct ibv_mr *give_up(struct p2pmr_cache_entry *entry,
			      const struct p2pmr_mr_request *request, bool kept,
			      enum p2pmr_route *route)
{
	const struct p2pmr_cache_key key = entry->key;
	const enum p2pmr_route tried = entry->route;
	struct p2pmr_cache *cache = entry->cache;
	struct ibv_mr *mr;
	int err = errno;

	free(entry);
	mr = p2pmr_cache_hold(cache, &key, route);
	lock_lists();
	unreserve(cache, &key, kept);
	cache->stats.failures += !mr;
	unlock_lists();
	if (!mr)
		p2pmr_mr_explain(request, tried, err);
	return mr;
}

/* Returns the region to be used, which may be another thread's. */
static struct ibv_mr *insert(struct p2pmr_cache_entry *entry,
			     struct p2pmr_buf *buf, bool kept,
			     enum p2pmr_route *route)
{
	struct p2pmr_cache_entries out = LIST_HEAD_INITIALIZER(out);
	struct p2pmr_cache *cache = entry->cache;
	struct ibv_mr *mr;

	lock_lists();
	mr = p2pmr_cache_hold(cache, &entry->key, route);
	if (mr) {
		unreserve(cache, &entry->key, kept);
		atomic_fetch_add(&cache->ending, 1);
		LIST_INSERT_HEAD(&out, entry, by_buf);
	} else {
		p2pmr_cache_drop_stale(cache, &entry->key, &out);
		cache->stats.misses++;
		mr = entry->mr;
		*route = entry->route;
		p2pmr_cache_insert(entry, kept ? buf : NULL);
	}
	unlock_lists();
	p2pmr_cache_end_all(&out);
	return mr;
}

static struct ibv_mr *miss(struct p2pmr_cache *cache, struct p2pmr_buf *buf,
			   const struct p2pmr_cache_key *key,
			   enum p2pmr_route *route)
{
	const struct p2pmr_mr_request request = {
		.pd = key->pd,
		.buf = buf,
		.addr = (char *)buf->addr + key->offset,
		.len = key->len,
		.access = key->access,
	};
	struct p2pmr_cache_entry *entry = calloc(1, sizeof(*entry));
	int saved_errno = errno;
	struct ibv_mr *mr;
	bool kept;

	if (!entry) {
		p2pmr_fail_memory("an entry of a cache");
		return NULL;
	}
	kept = reserve(cache, key);
	entry->key = *key;
	entry->cache = cache;
	entry->mr = reg(cache, &request, &entry->route);
	mr = entry->mr ? insert(entry, buf, kept, route) :
			 give_up(entry, &request, kept, route);
	if (mr)
		errno = saved_errno;
	return mr;
}

struct ibv_mr *p2pmr_cache_get(struct p2pmr_cache *cache, struct ibv_pd *pd,
			       struct p2pmr_buf *buf, size_t offset,
			       size_t len_bytes, int access,
			       enum p2pmr_route *route)
{
	enum p2pmr_route taken;
	struct p2pmr_cache_key key;
	struct ibv_mr *mr;

	if (route)
		*route = P2PMR_ROUTE_NONE;
	if (check_get(cache, pd, buf, offset, len_bytes))
		return NULL;
	key = (struct p2pmr_cache_key){
		.pd = pd,
		.generation = buf->generation,
		.offset = offset & ~(cache->page - 1),
		.access = access,
		.epoch = atomic_load(&buf->provider->epoch),
	};
	/* A buffer is of whole pages, so this neither wraps nor leaves it. */
	key.len = ((offset + len_bytes + cache->page - 1) &
		   ~(cache->page - 1)) - key.offset;
	mr = p2pmr_cache_hold(cache, &key, &taken);
	if (!mr)
		mr = miss(cache, buf, &key, &taken);
	if (mr && route)
		*route = taken;
	return mr;
}

static int fail_unknown(const char *function)
{
	return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			  "Pass what p2pmr_cache_get() of this cache returned, and put it back once for each time.",
			  "%s() was given a memory region that is not of this cache, or that was put back already.",
			  function);
}

int p2pmr_cache_put(struct p2pmr_cache *cache, struct ibv_mr *mr)
{
	struct p2pmr_cache_entry *last;
	int ret = check_ours(cache, "p2pmr_cache_put");

	if (ret)
		return ret;
	if (!p2pmr_cache_release(cache, mr, &last))
		return fail_unknown("p2pmr_cache_put");
	if (last) {
		int saved_errno = errno;

		p2pmr_cache_end(last);
		errno = saved_errno;
	}
	return 0;
}

int p2pmr_cache_invalidate(struct p2pmr_cache *cache, struct ibv_mr *mr)
{
	struct p2pmr_cache_entries out = LIST_HEAD_INITIALIZER(out);
	int ret = check_ours(cache, "p2pmr_cache_invalidate");
	struct p2pmr_cache_entry *entry;
	int saved_errno = errno;
	bool known;

	if (ret)
		return ret;
	lock_lists();
	entry = p2pmr_cache_find_mr(cache, mr, &known);
	if (entry)
		p2pmr_cache_retire(entry, &out);
	unlock_lists();
	p2pmr_cache_end_all(&out);
	if (!known)
		return fail_unknown("p2pmr_cache_invalidate");
	errno = saved_errno;
	return 0;
}

int p2pmr_cache_forget_pd(struct p2pmr_cache *cache, struct ibv_pd *pd)
{
	int ret = check_ours(cache, "p2pmr_cache_forget_pd");
	int saved_errno = errno;
	size_t left;

	if (ret)
		return ret;
	if (!pd)
		return fail_null("p2pmr_cache_forget_pd", "protection domain");
	left = deregister_all(cache, pd);
	if (left)
		return p2pmr_fail(P2PMR_REASON_IN_USE, EBUSY,
				  "Put them back with p2pmr_cache_put(), and call it again.",
				  "Memory regions of the protection domain are still in use: %zu.",
				  left);
	errno = saved_errno;
	return 0;
}

int p2pmr_cache_stats(struct p2pmr_cache *cache,
		      struct p2pmr_cache_stats *stats)
{
	int ret = check_ours(cache, "p2pmr_cache_stats");

	if (ret)
		return ret;
	if (!stats)
		return fail_null("p2pmr_cache_stats", "struct to fill in");
	lock_lists();
	*stats = cache->stats;
	stats->entries = cache->entries;
	stats->bytes = cache->bytes;
	stats->hits = p2pmr_cache_hits(cache);
	unlock_lists();
	return 0;
}

/* Of a parent's caches nothing but the buffer's list is touched in a child. */
void p2pmr_cache_forget_buf(struct p2pmr_buf *buf)
{
	struct p2pmr_cache_entries out = LIST_HEAD_INITIALIZER(out);
	struct p2pmr_cache_entry *entry;
	unsigned int in_use = 0;

	lock_lists();
	while ((entry = LIST_FIRST(&buf->regions))) {
		if (!p2pmr_cache_is_ours(entry->cache)) {
			LIST_REMOVE(entry, by_buf);
			entry->on_buf = false;
			continue;
		}
		in_use += !p2pmr_cache_retire(entry, &out);
	}
	unlock_lists();
	if (in_use)
		p2pmr_warn("p2pmr_buf_free() with %u regions of a cache in use",
			   in_use);
	p2pmr_cache_end_all(&out);
}
