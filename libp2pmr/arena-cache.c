// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What threads keep of an arena. A cache belongs to one thread and one arena,
 * and is in a list of each; both lists are changed with the registry's lock
 * held, the arena's list also with the arena's. Pieces in a cache are not lost
 * to others: an arena that finds no space takes back all of them first.
 */
#include "arena-private.h"

#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* All threads together keep at most this part of what is free: one in two */
#define CACHE_SHARE 2
#define CACHE_MAX ((size_t)4 << 20)

TAILQ_HEAD(arena_head, p2pmr_arena);

/* For everything in this file that more than one arena or thread shares */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct arena_head arenas = TAILQ_HEAD_INITIALIZER(arenas);
static uint64_t last_id;
static bool no_membarrier;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;
static pthread_key_t key;

_Thread_local struct arena_cache_known arena_caches_known[CACHES_KNOWN];
static _Thread_local struct arena_cache_head caches;
static _Thread_local bool ended;

static void before_fork(void)
{
	pthread_mutex_lock(&registry);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&registry);
}

/*
 * A child's arenas are copies, of which any other thread may have been about to
 * change something. A new id makes sure that no cache is found for them. Of the
 * other threads nothing is left, nor of their lists.
 */
static void after_fork_in_child(void)
{
	struct arena_cache *cache;
	struct p2pmr_arena *arena;

	TAILQ_FOREACH(arena, &arenas, entry) {
		arena->forked = true;
		arena->id = ++last_id;
		TAILQ_FOREACH(cache, &arena->caches, arena_entry) {
			if (cache->thread != &caches)
				cache->thread = NULL;
		}
	}
	pthread_mutex_unlock(&registry);
}

static void cache_free(struct arena_cache *cache)
{
	TAILQ_REMOVE(&cache->arena->caches, cache, arena_entry);
	cache->arena->cache_count--;
	if (cache->thread)
		TAILQ_REMOVE(cache->thread, cache, thread_entry);
	free(cache);
}

void arena_cache_put(struct arena_cache *cache, unsigned int class,
		     uint32_t granule)
{
	cache->granule[class][cache->count[class]++] = granule;
	cache->held += arena_class_size(class);
}

/* Give back all pieces of a class but the newest @keep, which come last. */
static void flush_class(struct arena_cache *cache, unsigned int class,
			unsigned int keep)
{
	struct p2pmr_arena *arena = cache->arena;
	uint32_t *granule = cache->granule[class];
	unsigned int flushed = 0;

	for (; flushed + keep < cache->count[class]; flushed++)
		arena_class_give(&arena->pages, class, granule[flushed]);
	if (!flushed)
		return;
	memmove(granule, granule + flushed, keep * sizeof(*granule));
	cache->count[class] -= flushed;
	cache->held -= flushed * arena_class_size(class);
	arena->out[class] -= flushed;
}

static void flush(struct arena_cache *cache)
{
	for (unsigned int class = 1; class < CLASS_COUNT; class++)
		flush_class(cache, class, 0);
}

/*
 * What one thread may keep. The less is free, the smaller a part of it should be
 * kept from coalescing: when half of the arena is free, half of what it would be.
 */
static size_t cache_limit(const struct p2pmr_arena *arena)
{
	const struct arena_pages *pages = &arena->pages;
	uint32_t left = pages->count - pages->taken;
	uint64_t share = (uint64_t)left * left / pages->count /
			 (CACHE_SHARE * (1 + arena->cache_count));
	size_t limit = share << ARENA_PAGE_SHIFT;

	return limit < CACHE_MAX ? limit : CACHE_MAX;
}

bool arena_cache_make_room(struct arena_cache *cache, unsigned int class)
{
	size_t size = arena_class_size(class);

	cache->limit = cache_limit(cache->arena);
	if (cache->count[class] == BIN_SIZE)
		flush_class(cache, class, BIN_SIZE / 2);
	/* Sizes that were used once and are no more must not fill it for ever. */
	for (unsigned int i = 1; i < CLASS_COUNT; i++) {
		if (cache->held + size <= cache->limit)
			return true;
		cache->hand = cache->hand % (CLASS_COUNT - 1) + 1;
		flush_class(cache, cache->hand, 0);
	}
	return false;
}

static void thread_ends(void *arg)
{
	struct arena_cache *cache;

	(void)arg;
	pthread_mutex_lock(&registry);
	while ((cache = TAILQ_FIRST(&caches))) {
		struct p2pmr_arena *arena = cache->arena;

		if (arena->forked) {
			cache_free(cache);
			continue;
		}
		pthread_mutex_lock(&arena->lock);
		flush(cache);
		cache_free(cache);
		pthread_mutex_unlock(&arena->lock);
	}
	/* Another destructor of this thread may still free pieces. */
	memset(arena_caches_known, 0, sizeof(arena_caches_known));
	ended = true;
	pthread_mutex_unlock(&registry);
}

static int membarrier(int command)
{
	return syscall(__NR_membarrier, command, 0, 0);
}

static void initialise(void)
{
	have_key = !pthread_key_create(&key, thread_ends) &&
		   !pthread_atfork(before_fork, after_fork,
				   after_fork_in_child);
	no_membarrier =
		membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
}

/* Threads that end after the library was unloaded must not call into it. */
static void __attribute__((destructor)) unload(void)
{
	if (have_key)
		pthread_key_delete(key);
}

void arena_register(struct p2pmr_arena *arena)
{
	pthread_once(&once, initialise);
	pthread_mutex_lock(&registry);
	arena->id = ++last_id;
	TAILQ_INSERT_TAIL(&arenas, arena, entry);
	pthread_mutex_unlock(&registry);
}

void arena_unregister(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;

	pthread_mutex_lock(&registry);
	TAILQ_REMOVE(&arenas, arena, entry);
	while ((cache = TAILQ_FIRST(&arena->caches)))
		cache_free(cache);
	pthread_mutex_unlock(&registry);
}

/* A thread that uses more arenas than are known at a time */
static struct arena_cache *find_in_thread(const struct p2pmr_arena *arena)
{
	struct arena_cache *cache;

	if (!caches.tqh_last)
		TAILQ_INIT(&caches);
	TAILQ_FOREACH(cache, &caches, thread_entry) {
		if (cache->arena == arena)
			return cache;
	}
	return NULL;
}

static struct arena_cache *cache_new(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;

	if (ended || !have_key || pthread_setspecific(key, &caches))
		return NULL;
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return NULL;
	cache->arena = arena;
	cache->thread = &caches;
	cache->fence = no_membarrier;
	TAILQ_INSERT_TAIL(&caches, cache, thread_entry);
	pthread_mutex_lock(&arena->lock);
	TAILQ_INSERT_TAIL(&arena->caches, cache, arena_entry);
	arena->cache_count++;
	pthread_mutex_unlock(&arena->lock);
	return cache;
}

struct arena_cache *arena_cache_attach(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;
	int saved_errno = errno;

	pthread_mutex_lock(&registry);
	cache = find_in_thread(arena);
	if (!cache)
		cache = cache_new(arena);
	pthread_mutex_unlock(&registry);
	if (cache)
		arena_caches_known[arena->id % CACHES_KNOWN] =
			(struct arena_cache_known){ arena->id, cache };
	errno = saved_errno;
	return cache;
}

/* Some nanoseconds, unless the owner waits for a processor */
static void wait_for_owner(struct arena_cache *cache)
{
	const struct timespec moment = { .tv_nsec = 1000 };
	int cancel_state;

	/* Nobody may end here, with the lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	while (atomic_load(&cache->busy))
		nanosleep(&moment, NULL);
	pthread_setcancelstate(cancel_state, NULL);
}

/* Wait until no owner is at its cache, and keep them out. */
static void stop_owners(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;
	int saved_errno = errno;

	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		atomic_store(&cache->stop, true);
	if (!no_membarrier)
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		wait_for_owner(cache);
	errno = saved_errno;
}

void arena_flush_all(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;

	stop_owners(arena);
	TAILQ_FOREACH(cache, &arena->caches, arena_entry) {
		flush(cache);
		atomic_store(&cache->stop, false);
	}
}
