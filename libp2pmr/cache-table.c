// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables of a registration cache; cache-table.h has the rules. */
#include "cache-table.h"

#include <stdlib.h>

#define MIN_BITS 4
#define MAX_BITS 15

/* How many buckets in a row an entry may have for its own */
#define PROBES 16

/* 2^64 by the golden ratio: neighbours end up far apart in the upper bits */
#define GOLDEN 0x9e3779b97f4a7c15ull

struct p2pmr_cache_lists p2pmr_cache_lists = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.ended = PTHREAD_COND_INITIALIZER,
};

static struct p2pmr_cache_bucket *make_table(unsigned int bits)
{
	size_t count = (size_t)1 << bits;
	struct p2pmr_cache_bucket *table;

	table = aligned_alloc(alignof(struct p2pmr_cache_bucket),
			      count * sizeof(*table));
	if (!table)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		pthread_mutex_init(&table[i].lock, NULL);
		LIST_INIT(&table[i].entries);
		table[i].hits = 0;
		atomic_init(&table[i].tag, 0);
		atomic_init(&table[i].joined, 0);
	}
	return table;
}

int p2pmr_cache_make_tables(struct p2pmr_cache *cache, size_t entries)
{
	cache->bits = MIN_BITS;
	/* Half of them stay free, so that one is near. */
	while (cache->bits < MAX_BITS &&
	       ((size_t)1 << cache->bits) / 2 < entries)
		cache->bits++;
	cache->by_key = make_table(cache->bits);
	if (!cache->by_key)
		return -ENOMEM;
	cache->by_mr = make_table(cache->bits);
	if (!cache->by_mr) {
		free(cache->by_key);
		return -ENOMEM;
	}
	return 0;
}

/*
 * In a child the buckets' locks are in any state, so nobody touches them, and
 * a region may have been on its way out of by_mr: the links forward are whole
 * at any moment.
 */
void p2pmr_cache_free_tables(struct p2pmr_cache *cache)
{
	bool ours = p2pmr_cache_is_ours(cache);

	for (size_t i = 0; i < (size_t)1 << cache->bits; i++) {
		struct p2pmr_cache_entry *entry, *next;

		for (entry = LIST_FIRST(&cache->by_mr[i].entries); entry;
		     entry = next) {
			next = LIST_NEXT(entry, by_mr);
			if (entry->on_buf)
				LIST_REMOVE(entry, by_buf);
			free(entry);
		}
		if (!ours)
			continue;
		pthread_mutex_destroy(&cache->by_key[i].lock);
		pthread_mutex_destroy(&cache->by_mr[i].lock);
	}
	free(cache->by_key);
	free(cache->by_mr);
}

static uint64_t key_hash(const struct p2pmr_cache_key *key)
{
	uint64_t hash = (uintptr_t)key->pd ^ (unsigned int)key->access;

	hash = hash * GOLDEN + key->len;
	hash = hash * GOLDEN + key->offset;
	return (hash + key->generation) * GOLDEN;
}

static uint64_t mr_hash(const struct ibv_mr *mr)
{
	return (uintptr_t)mr * GOLDEN;
}

static unsigned int tag_of(uint64_t hash)
{
	return (unsigned int)(hash >> 8) | 1;
}

static struct p2pmr_cache_bucket *
probe_bucket(const struct p2pmr_cache *cache, struct p2pmr_cache_bucket *table,
	     uint64_t hash, unsigned int probe)
{
	size_t home = hash >> (64 - cache->bits);

	return &table[(home + probe) & (((size_t)1 << cache->bits) - 1)];
}

/*
 * The next bucket that may have an entry with this hash, or NULL. An entry never
 * moves, so who knows of one finds it. @probe: 0 at first
 */
static struct p2pmr_cache_bucket *
next_bucket(const struct p2pmr_cache *cache, struct p2pmr_cache_bucket *table,
	    uint64_t hash, unsigned int *probe)
{
	struct p2pmr_cache_bucket *bucket;

	while (*probe < PROBES) {
		bucket = probe_bucket(cache, table, hash, (*probe)++);
		if (atomic_load(&bucket->tag) == tag_of(hash))
			return bucket;
	}
	bucket = probe_bucket(cache, table, hash, 0);
	return (*probe)++ == PROBES && atomic_load(&bucket->joined) ? bucket :
								      NULL;
}

/* With the lists' lock: others can but become free meanwhile. */
static struct p2pmr_cache_place
find_place(const struct p2pmr_cache *cache, struct p2pmr_cache_bucket *table,
	   uint64_t hash)
{
	for (unsigned int probe = 0; probe < PROBES; probe++) {
		struct p2pmr_cache_bucket *bucket =
			probe_bucket(cache, table, hash, probe);

		if (!atomic_load(&bucket->tag) && !atomic_load(&bucket->joined))
			return (struct p2pmr_cache_place){ bucket, true };
	}
	return (struct p2pmr_cache_place){
		probe_bucket(cache, table, hash, 0), false
	};
}

/* Both with the bucket's lock, when the entry joins and when it has left */
static void take_place(const struct p2pmr_cache_place *place, uint64_t hash)
{
	if (place->alone)
		atomic_store(&place->bucket->tag, tag_of(hash));
	else
		atomic_fetch_add(&place->bucket->joined, 1);
}

static void leave_place(const struct p2pmr_cache_place *place)
{
	if (place->alone)
		atomic_store(&place->bucket->tag, 0);
	else
		atomic_fetch_sub(&place->bucket->joined, 1);
}

static bool same(const struct p2pmr_cache_key *a,
		 const struct p2pmr_cache_key *b)
{
	return a->generation == b->generation && a->offset == b->offset &&
	       a->len == b->len && a->access == b->access && a->pd == b->pd;
}

/* With the bucket's lock, or that of the lists: to change one takes both. */
static struct p2pmr_cache_entry *lookup(struct p2pmr_cache_bucket *bucket,
					const struct p2pmr_cache_key *key)
{
	struct p2pmr_cache_entry *entry;

	LIST_FOREACH(entry, &bucket->entries, by_key) {
		if (same(&entry->key, key))
			return entry;
	}
	return NULL;
}

/* With the bucket's lock */
static struct p2pmr_cache_entry *lookup_mr(struct p2pmr_cache_bucket *bucket,
					   const struct ibv_mr *mr)
{
	struct p2pmr_cache_entry *entry;

	LIST_FOREACH(entry, &bucket->entries, by_mr) {
		if (entry->mr == mr)
			return entry;
	}
	return NULL;
}

/* Acquire: what the users did with it comes before what is done to it then */
static bool is_idle(const struct p2pmr_cache_entry *entry)
{
	return atomic_load_explicit(&entry->puts, memory_order_acquire) ==
	       atomic_load_explicit(&entry->gets, memory_order_relaxed);
}

/* One writer at a time, by the bucket's lock: no need for a locked addition */
static void count_one(atomic_ulong *counter)
{
	unsigned long n = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, n + 1, memory_order_release);
}

struct ibv_mr *p2pmr_cache_hold(struct p2pmr_cache *cache,
				const struct p2pmr_cache_key *key,
				enum p2pmr_route *route)
{
	const uint64_t hash = key_hash(key);
	struct p2pmr_cache_bucket *bucket;
	struct p2pmr_cache_entry *entry;
	struct ibv_mr *mr = NULL;
	unsigned int probe = 0;

	while (!mr &&
	       (bucket = next_bucket(cache, cache->by_key, hash, &probe))) {
		pthread_mutex_lock(&bucket->lock);
		entry = lookup(bucket, key);
		if (entry && entry->key.epoch == key->epoch) {
			count_one(&entry->gets);
			atomic_store_explicit(&entry->recent, true,
					      memory_order_relaxed);
			bucket->hits++;
			mr = entry->mr;
			*route = entry->route;
		}
		pthread_mutex_unlock(&bucket->lock);
	}
	return mr;
}

/* With the bucket's lock */
static void leave_mr(struct p2pmr_cache_entry *entry)
{
	LIST_REMOVE(entry, by_mr);
	leave_place(&entry->mr_place);
}

/* The bucket is locked, unless it is NULL: there is no such region. */
static struct p2pmr_cache_entry *
lock_mr(struct p2pmr_cache *cache, const struct ibv_mr *mr,
	struct p2pmr_cache_bucket **bucket)
{
	struct p2pmr_cache_entry *entry;
	unsigned int probe = 0;

	while ((*bucket = next_bucket(cache, cache->by_mr, mr_hash(mr),
				      &probe))) {
		pthread_mutex_lock(&(*bucket)->lock);
		entry = lookup_mr(*bucket, mr);
		if (entry)
			return entry;
		pthread_mutex_unlock(&(*bucket)->lock);
	}
	return NULL;
}

bool p2pmr_cache_release(struct p2pmr_cache *cache, struct ibv_mr *mr,
			 struct p2pmr_cache_entry **last)
{
	struct p2pmr_cache_bucket *bucket;
	struct p2pmr_cache_entry *entry = lock_mr(cache, mr, &bucket);
	bool used;

	*last = NULL;
	if (!entry)
		return false;
	used = !is_idle(entry);
	if (used)
		count_one(&entry->puts);
	if (used && entry->dead && is_idle(entry)) {
		leave_mr(entry);
		atomic_fetch_add(&cache->ending, 1);
		*last = entry;
	}
	pthread_mutex_unlock(&bucket->lock);
	return used;
}

void p2pmr_cache_end(struct p2pmr_cache_entry *entry)
{
	struct p2pmr_cache *cache = entry->cache;
	int err = ibv_dereg_mr(entry->mr);

	if (err)
		p2pmr_warn("ibv_dereg_mr of %zu bytes in the cache: %s",
			   entry->key.len, p2pmr_errno_name(err));
	free(entry);
	pthread_mutex_lock(&p2pmr_cache_lists.lock);
	if (atomic_fetch_sub(&cache->ending, 1) == 1)
		pthread_cond_broadcast(&p2pmr_cache_lists.ended);
	pthread_mutex_unlock(&p2pmr_cache_lists.lock);
}

void p2pmr_cache_end_all(struct p2pmr_cache_entries *out)
{
	struct p2pmr_cache_entry *entry;

	while ((entry = LIST_FIRST(out))) {
		LIST_REMOVE(entry, by_buf);
		p2pmr_cache_end(entry);
	}
}

void p2pmr_cache_wait_ended(struct p2pmr_cache *cache)
{
	int cancel_state;

	/* Nobody may end here, with the lock of all caches. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	while (atomic_load(&cache->ending))
		pthread_cond_wait(&p2pmr_cache_lists.ended,
				  &p2pmr_cache_lists.lock);
	pthread_setcancelstate(cancel_state, NULL);
}

void p2pmr_cache_insert(struct p2pmr_cache_entry *entry, struct p2pmr_buf *buf)
{
	struct p2pmr_cache *cache = entry->cache;
	uint64_t hash = mr_hash(entry->mr);
	struct p2pmr_cache_bucket *bucket;

	atomic_init(&entry->gets, 1);
	entry->dead = !buf;
	entry->on_buf = buf;
	entry->mr_place = find_place(cache, cache->by_mr, hash);
	bucket = entry->mr_place.bucket;
	pthread_mutex_lock(&bucket->lock);
	LIST_INSERT_HEAD(&bucket->entries, entry, by_mr);
	take_place(&entry->mr_place, hash);
	pthread_mutex_unlock(&bucket->lock);
	if (!buf)
		return;
	buf->cached = true;
	LIST_INSERT_HEAD(&buf->regions, entry, by_buf);
	TAILQ_INSERT_TAIL(&cache->clock, entry, clock);
	hash = key_hash(&entry->key);
	entry->key_place = find_place(cache, cache->by_key, hash);
	bucket = entry->key_place.bucket;
	pthread_mutex_lock(&bucket->lock);
	LIST_INSERT_HEAD(&bucket->entries, entry, by_key);
	take_place(&entry->key_place, hash);
	pthread_mutex_unlock(&bucket->lock);
}

/* False: it was to be idle, and is not */
static bool leave_key(struct p2pmr_cache_entry *entry, bool idle_only)
{
	struct p2pmr_cache_bucket *bucket = entry->key_place.bucket;
	bool leaves;

	pthread_mutex_lock(&bucket->lock);
	leaves = !idle_only || is_idle(entry);
	if (leaves) {
		LIST_REMOVE(entry, by_key);
		leave_place(&entry->key_place);
	}
	pthread_mutex_unlock(&bucket->lock);
	return leaves;
}

/*
 * It has left by_key, so that its users can only become fewer. False: there are
 * some; it may be gone by the time that one knows.
 */
static bool leave_rest(struct p2pmr_cache_entry *entry,
		       struct p2pmr_cache_entries *out)
{
	struct p2pmr_cache *cache = entry->cache;
	struct p2pmr_cache_bucket *bucket = entry->mr_place.bucket;
	bool idle;

	TAILQ_REMOVE(&cache->clock, entry, clock);
	LIST_REMOVE(entry, by_buf);
	entry->on_buf = false;
	cache->entries--;
	cache->bytes -= entry->key.len;

	/* From here on the last one who puts it back may end it. */
	pthread_mutex_lock(&bucket->lock);
	entry->dead = true;
	idle = is_idle(entry);
	if (idle)
		leave_mr(entry);
	pthread_mutex_unlock(&bucket->lock);
	if (!idle)
		return false;
	atomic_fetch_add(&cache->ending, 1);
	LIST_INSERT_HEAD(out, entry, by_buf);
	return true;
}

bool p2pmr_cache_retire(struct p2pmr_cache_entry *entry,
			struct p2pmr_cache_entries *out)
{
	leave_key(entry, false);
	entry->cache->stats.invalidated++;
	return leave_rest(entry, out);
}

void p2pmr_cache_drop_stale(struct p2pmr_cache *cache,
			    const struct p2pmr_cache_key *key,
			    struct p2pmr_cache_entries *out)
{
	struct p2pmr_cache_bucket *bucket;
	struct p2pmr_cache_entry *entry = NULL;
	unsigned int probe = 0;

	while (!entry && (bucket = next_bucket(cache, cache->by_key,
					       key_hash(key), &probe)))
		entry = lookup(bucket, key);
	if (entry && entry->key.epoch != key->epoch)
		p2pmr_cache_retire(entry, out);
}

/* A clock: what was used since the hand last came by gets another round */
bool p2pmr_cache_evict(struct p2pmr_cache *cache,
		       struct p2pmr_cache_entries *out)
{
	for (size_t n = 2 * cache->entries; n; n--) {
		struct p2pmr_cache_entry *entry = TAILQ_FIRST(&cache->clock);

		if (!entry)
			break;
		if (!atomic_exchange(&entry->recent, false) &&
		    leave_key(entry, true)) {
			cache->stats.evictions++;
			leave_rest(entry, out);
			return true;
		}
		TAILQ_REMOVE(&cache->clock, entry, clock);
		TAILQ_INSERT_TAIL(&cache->clock, entry, clock);
	}
	return false;
}

struct p2pmr_cache_entry *p2pmr_cache_find_mr(struct p2pmr_cache *cache,
					      struct ibv_mr *mr, bool *known)
{
	struct p2pmr_cache_bucket *bucket;
	struct p2pmr_cache_entry *entry = lock_mr(cache, mr, &bucket);

	*known = entry;
	if (!entry)
		return NULL;
	/* A dead one may be gone as soon as the lock is. */
	if (entry->dead)
		entry = NULL;
	pthread_mutex_unlock(&bucket->lock);
	return entry;
}

size_t p2pmr_cache_count(struct p2pmr_cache *cache, const struct ibv_pd *pd)
{
	struct p2pmr_cache_entry *entry;
	size_t count = 0;

	for (size_t i = 0; i < (size_t)1 << cache->bits; i++) {
		struct p2pmr_cache_bucket *bucket = &cache->by_mr[i];

		pthread_mutex_lock(&bucket->lock);
		LIST_FOREACH(entry, &bucket->entries, by_mr)
			count += !pd || entry->key.pd == pd;
		pthread_mutex_unlock(&bucket->lock);
	}
	return count;
}

uint64_t p2pmr_cache_hits(struct p2pmr_cache *cache)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < (size_t)1 << cache->bits; i++) {
		struct p2pmr_cache_bucket *bucket = &cache->by_key[i];

		pthread_mutex_lock(&bucket->lock);
		hits += bucket->hits;
		pthread_mutex_unlock(&bucket->lock);
	}
	return hits;
}
