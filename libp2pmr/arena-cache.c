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
#include <sys/syscall.h> /* IWYU pragma: keep */
#include <time.h>
#include <unistd.h>

/* All threads together keep at most this part of what is free: one in two */
#define CACHE_SHARE 2
#define CACHE_MAX ((size_t)4 << 20)

/* What a thread may keep of a class rises by at most so much at a time */
#define GRANT_BYTES ((size_t)8 << 10)
#define GRANT_PIECES 7U

/* How often to look whether an owner is done, before others get the processor */
#define SPINS 1000

TAILQ_HEAD(arena_head, p2pmr_arena);

/* For everything in this file that more than one arena or thread shares */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct arena_head arenas = TAILQ_HEAD_INITIALIZER(arenas);
static uint64_t last_id;
static atomic_bool no_membarrier;

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
		memset(arena->found, 0, sizeof(arena->found));
		TAILQ_FOREACH(cache, &arena->caches, arena_entry) {
			if (cache->thread != &caches)
				cache->thread = NULL;
		}
	}
	pthread_mutex_unlock(&registry);
}

/* By its owner, with the arena's lock. Where there is no place it is not found. */
static void set_found(struct arena_cache *cache, bool there)
{
	uintptr_t thread = arena_thread();
	struct arena_found *found =
		cache->arena->found[arena_found_set(thread)];

	for (int way = 0; way < FOUND_WAYS; way++, found++) {
		if (found->thread != (there ? 0 : thread))
			continue;
		found->cache = there ? cache : NULL;
		found->thread = there ? thread : 0;
		return;
	}
}

static void cache_free(struct arena_cache *cache)
{
	TAILQ_REMOVE(&cache->arena->caches, cache, arena_entry);
	cache->arena->cache_count--;
	if (cache->thread)
		TAILQ_REMOVE(cache->thread, cache, thread_entry);
	free(cache);
}

/* Give back all pieces of a class but the newest @keep. */
static void flush_class(struct arena_cache *cache, unsigned int class,
			unsigned int keep)
{
	struct p2pmr_arena *arena = cache->arena;
	struct arena_bin *bin = &cache->bin[class];
	unsigned int flushed = 0;

	for (; flushed + keep < bin->count; flushed++)
		arena_class_give(&arena->pages, class,
				 bin->granule[(flushed + 1) % bin->count]);
	if (!flushed)
		return;
	bin->count = keep;
	if (keep)
		memmove(bin->granule + 1, bin->granule + 1 + flushed,
			(keep - 1) * sizeof(*bin->granule));
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

static void take_grant(struct arena_cache *cache, unsigned int class)
{
	struct arena_bin *bin = &cache->bin[class];

	flush_class(cache, class, 0);
	cache->granted -= bin->most * arena_class_size(class);
	bin->most = 0;
}

bool arena_cache_make_room(struct arena_cache *cache, unsigned int class)
{
	size_t limit = cache_limit(cache->arena);
	struct arena_bin *bin = &cache->bin[class];
	size_t size = arena_class_size(class);
	size_t more = (limit < GRANT_BYTES ? limit : GRANT_BYTES) / size;

	if (size > limit)
		return false;
	if (bin->count == BIN_SIZE)
		flush_class(cache, class, BIN_SIZE / 2);
	more = more > GRANT_PIECES ? GRANT_PIECES : more ? more : 1;
	if (more > BIN_SIZE - bin->most)
		more = BIN_SIZE - bin->most;
	/* Sizes that were used once and are no more must not fill it for ever. */
	while (cache->granted + more * size > limit) {
		cache->hand = cache->hand % (CLASS_COUNT - 1) + 1;
		take_grant(cache, cache->hand);
	}
	bin->most += more;
	cache->granted += more * size;
	return bin->count < bin->most;
}

static int membarrier(int command)
{
	return syscall(__NR_membarrier, command, 0, 0);
}

/* Nobody may end here, with the lock. */
static void sleep_with_lock(const struct timespec *moment)
{
	int cancel_state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	nanosleep(moment, NULL);
	pthread_setcancelstate(cancel_state, NULL);
}

/* Some nanoseconds, unless the owner waits for a processor */
static void wait_for_owner(struct arena_cache *cache)
{
	const struct timespec moment = { .tv_nsec = 1000 };

	for (int i = 0; i < SPINS; i++) {
		if (!atomic_load(&cache->busy))
			return;
	}
	while (atomic_load(&cache->busy))
		sleep_with_lock(&moment);
}

/*
 * Have each owner either see that it is to keep out, or be seen. The system call may
 * fail although it has worked before: a process may forbid itself system calls. An
 * owner that has just entered without a barrier of its own is seen a moment later,
 * the next time it uses one.
 */
static void fence_owners(struct p2pmr_arena *arena)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	struct arena_cache *cache;
	bool late = false;

	if (!no_membarrier && !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return;
	no_membarrier = true;
	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		late |= !(atomic_fetch_or(&cache->barred, BARRED_FENCE) &
			  BARRED_FENCE);
	if (late)
		sleep_with_lock(&moment);
}

/* Wait until no owner is at its cache, and keep them out. The lock is held. */
static void stop_owners(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;
	int saved_errno = errno;

	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		atomic_fetch_or(&cache->barred, BARRED_STOP);
	fence_owners(arena);
	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		wait_for_owner(cache);
	errno = saved_errno;
}

static void let_owners_go(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;

	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		atomic_fetch_and(&cache->barred, ~BARRED_STOP);
}

/*
 * A label that no cache has; LABEL_NONE when there is none. In turn, as pieces of
 * caches that are gone may still have theirs.
 */
static uint8_t free_label(struct p2pmr_arena *arena)
{
	bool taken[LABEL_COUNT] = { [LABEL_FREE] = true, [LABEL_NONE] = true };
	struct arena_cache *cache;

	TAILQ_FOREACH(cache, &arena->caches, arena_entry)
		taken[cache->label] = true;
	for (unsigned int i = 1; i <= LABEL_COUNT; i++) {
		unsigned int label = (arena->last_label + i) % LABEL_COUNT;

		if (taken[label])
			continue;
		arena->last_label = label;
		return label;
	}
	return LABEL_NONE;
}

/* From here on only the owner can free its pieces. All owners are stopped. */
static void make_private(struct arena_cache *cache)
{
	if (cache->label == LABEL_NONE)
		return;
	cache->mine = cache->label;
	atomic_store(&cache->arena->shared[cache->label], false);
}

/* From here on any thread can. Its owner is stopped, or it has none. */
static void make_shared(struct arena_cache *cache)
{
	cache->mine = LABEL_NOBODY;
	atomic_store(&cache->arena->shared[cache->label], true);
}

void arena_share(struct p2pmr_arena *arena, uint8_t label)
{
	struct arena_cache *cache;

	stop_owners(arena);
	TAILQ_FOREACH(cache, &arena->caches, arena_entry) {
		if (cache->label == label)
			make_shared(cache);
	}
	let_owners_go(arena);
}

void arena_flush_all(struct p2pmr_arena *arena)
{
	struct arena_cache *cache;

	stop_owners(arena);
	TAILQ_FOREACH(cache, &arena->caches, arena_entry) {
		flush(cache);
		make_private(cache);
	}
	let_owners_go(arena);
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
		make_shared(cache);
		set_found(cache, false);
		cache_free(cache);
		pthread_mutex_unlock(&arena->lock);
	}
	/* Another destructor of this thread may still free pieces. */
	memset(arena_caches_known, 0, sizeof(arena_caches_known));
	ended = true;
	pthread_mutex_unlock(&registry);
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
	cache->barred = no_membarrier ? BARRED_FENCE : 0;
	TAILQ_INSERT_TAIL(&caches, cache, thread_entry);
	pthread_mutex_lock(&arena->lock);
	cache->label = free_label(arena);
	cache->mine = LABEL_NOBODY;
	TAILQ_INSERT_TAIL(&arena->caches, cache, arena_entry);
	arena->cache_count++;
	stop_owners(arena);
	make_private(cache);
	let_owners_go(arena);
	set_found(cache, true);
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
