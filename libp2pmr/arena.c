// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Arenas: pieces of one buffer, in the common case without a lock. */
#include "arena-private.h"

#include <stdlib.h>
#include <sys/single_threaded.h>

static int fail_argument(const char *function, const char *what)
{
	return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			  "See the function's manual page for what it takes.",
			  "%s() was given %s.", function, what);
}

static int fail_forked(const char *function)
{
	return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			  "Leave the arena to the process that made it, or make one for each process.",
			  "%s() was called in the child of a fork, for an arena of its parent.",
			  function);
}

static int fail_not_allocated(const struct p2pmr_arena *arena, const void *ptr)
{
	size_t offset = (uintptr_t)ptr - (uintptr_t)arena->base;

	if (offset >= arena->size)
		return p2pmr_fail(P2PMR_REASON_NOT_ALLOCATED, EINVAL,
				  "Pass the arena that the pointer was allocated from.",
				  "%p does not lie within the arena's %zu bytes at %p.",
				  ptr, arena->size, (void *)arena->base);
	return p2pmr_fail(P2PMR_REASON_NOT_ALLOCATED, EINVAL,
			  "Pass what p2pmr_arena_alloc() returned, once.",
			  "%p, at offset %zu of its arena, is not the start of a piece in use: it points into a piece, or was freed before.",
			  ptr, offset);
}

static int arena_init(struct p2pmr_arena *arena, struct p2pmr_buf *buf)
{
	arena->base = buf->addr;
	arena->size = buf->size;
	TAILQ_INIT(&arena->caches);
	pthread_mutex_init(&arena->lock, NULL);
	arena->state = calloc(buf->size >> GRANULE_SHIFT, 1);
	if (!arena->state)
		return -ENOMEM;
	return arena_pages_init(&arena->pages, buf->addr, buf->size);
}

static void arena_free(struct p2pmr_arena *arena)
{
	arena_pages_free(&arena->pages);
	free((void *)arena->state);
	pthread_mutex_destroy(&arena->lock);
	free(arena);
}

struct p2pmr_arena *p2pmr_arena_create(struct p2pmr_buf *buf,
				       const struct p2pmr_arena_opts *opts)
{
	struct p2pmr_arena_opts known;
	int saved_errno = errno;
	struct p2pmr_arena *arena;

	if (p2pmr_opts_read(opts, "p2pmr_arena_opts", sizeof(known), &known,
			    sizeof(known)))
		return NULL;
	if (!buf) {
		fail_argument("p2pmr_arena_create", "a NULL buffer");
		return NULL;
	}
	if (buf->size > ARENA_MAX) {
		p2pmr_fail(P2PMR_REASON_TOO_LARGE, ENOMEM,
			   "Take a smaller buffer, or several.",
			   "The buffer has %zu bytes, and an arena takes at most %llu.",
			   buf->size, (unsigned long long)ARENA_MAX);
		return NULL;
	}
	arena = calloc(1, sizeof(*arena));
	if (!arena) {
		p2pmr_fail_memory("an arena");
		return NULL;
	}
	if (arena_init(arena, buf)) {
		arena_free(arena);
		p2pmr_fail_memory("an arena");
		return NULL;
	}
	arena_register(arena);
	p2pmr_info("made an arena of %zu bytes at %p", arena->size,
		   (void *)arena->base);
	errno = saved_errno;
	return arena;
}

void p2pmr_arena_destroy(struct p2pmr_arena *arena)
{
	if (!arena)
		return;
	arena_unregister(arena);
	arena_free(arena);
}

static void *piece_start(struct p2pmr_arena *arena, uint32_t granule,
			 unsigned int class)
{
	atomic_store_explicit(&arena->state[granule], class,
			      memory_order_relaxed);
	return arena->base + ((size_t)granule << GRANULE_SHIFT);
}

/* The lock is held. Takes some more for the cache. Returns a granule, or -1. */
static int64_t take_class(struct p2pmr_arena *arena, struct arena_cache *cache,
			  unsigned int class)
{
	uint32_t granules[BIN_REFILL];
	unsigned int want = 1, got;

	/* The cache was empty, unless the class is for lack of alignment. */
	if (cache && class < CLASS_PAGE && !cache->count[class] &&
	    arena_cache_make_room(cache, class))
		want = BIN_REFILL;
	got = arena_class_take(&arena->pages, class, granules, want);
	if (!got)
		return -1;
	arena->out[class] += got;
	/* The first one is handed out, the second one next. */
	while (--got)
		arena_cache_put(cache, class, granules[got]);
	return granules[0];
}

static int64_t take_span(struct p2pmr_arena *arena, size_t size, size_t align,
			 unsigned int class)
{
	uint32_t count = (size + ARENA_PAGE_SIZE - 1) >> ARENA_PAGE_SHIFT;
	int64_t granule;

	if (align < ARENA_PAGE_SIZE)
		align = ARENA_PAGE_SIZE;
	granule = arena_span_take(&arena->pages, count, align);
	if (granule < 0)
		return -1;
	arena->out[class]++;
	if (class == CLASS_SPAN)
		arena->span_bytes += (size_t)count << ARENA_PAGE_SHIFT;
	return granule;
}

static int64_t take(struct p2pmr_arena *arena, struct arena_cache *cache,
		    size_t size, size_t align, unsigned int class)
{
	if (align > ARENA_PAGE_SIZE || class == CLASS_SPAN)
		return take_span(arena, size, align, class);
	return take_class(arena, cache, class);
}

static void fail_exhausted(const struct p2pmr_arena *arena, size_t size,
			   size_t align, uint32_t longest, uint32_t taken)
{
	p2pmr_fail(P2PMR_REASON_ARENA_EXHAUSTED, ENOMEM,
		   "Free pieces, ask for less, or make the arena in a larger buffer.",
		   "%zu bytes, aligned to %zu, were asked for; the longest free range of the arena has %zu bytes, and %zu of its %zu bytes are taken.",
		   size, align, (size_t)longest << ARENA_PAGE_SHIFT,
		   (size_t)taken << ARENA_PAGE_SHIFT, arena->size);
}

static void *alloc_locked(struct p2pmr_arena *arena, struct arena_cache *cache,
			  size_t size, size_t align)
{
	unsigned int class = size <= CLASS_MAX_SIZE ? arena_class(size) :
						      CLASS_SPAN;
	uint32_t longest, taken;
	int64_t granule;

	pthread_mutex_lock(&arena->lock);
	granule = take(arena, cache, size, align, class);
	if (granule < 0) {
		arena_flush_all(arena);
		granule = take(arena, cache, size, align, class);
	}
	if (granule < 0)
		arena->failed++;
	longest = arena_longest_free(&arena->pages);
	taken = arena->pages.taken;
	pthread_mutex_unlock(&arena->lock);
	if (granule < 0) {
		fail_exhausted(arena, size, align, longest, taken);
		return NULL;
	}
	return piece_start(arena, granule, class);
}

static void *alloc_slow(struct p2pmr_arena *arena, size_t size, size_t align)
{
	struct arena_cache *cache;
	size_t unit;

	if (!arena || !size || (align & (align - 1))) {
		fail_argument("p2pmr_arena_alloc",
			      !arena ? "a NULL arena" :
			      !size ? "a size of 0" :
			      "an alignment that is no power of two");
		return NULL;
	}
	if (arena->forked) {
		fail_forked("p2pmr_arena_alloc");
		return NULL;
	}
	if (size > arena->size) {
		p2pmr_fail(P2PMR_REASON_TOO_LARGE, ENOMEM,
			   "Ask for less, or make the arena in a larger buffer.",
			   "%zu bytes were asked for, but the arena has only %zu bytes in all.",
			   size, arena->size);
		return NULL;
	}
	cache = arena_cache_find(arena);
	if (!cache)
		cache = arena_cache_attach(arena);
	if (align < GRANULE_SIZE)
		align = GRANULE_SIZE;
	/* Slots of a size that is a multiple of the alignment are aligned. */
	unit = align < ARENA_PAGE_SIZE ? align : ARENA_PAGE_SIZE;
	size = (size + unit - 1) & -unit;
	return alloc_locked(arena, cache, size, align);
}

void *p2pmr_arena_alloc(struct p2pmr_arena *arena, size_t size_bytes,
			size_t align_bytes)
{
	struct arena_cache *cache;

	if (likely(arena && size_bytes - 1 < CLASS_MAX_SIZE &&
		   align_bytes <= GRANULE_SIZE &&
		   !(align_bytes & (align_bytes - 1)))) {
		cache = arena_cache_find(arena);
		if (likely(cache && arena_cache_enter(cache))) {
			unsigned int class = arena_class(size_bytes);
			unsigned int count = cache->count[class];

			if (likely(count)) {
				uint32_t granule =
					cache->granule[class][count - 1];

				cache->count[class] = count - 1;
				cache->held -= arena_class_size(class);
				arena_cache_leave(cache);
				return piece_start(arena, granule, class);
			}
			arena_cache_leave(cache);
		}
	}
	return alloc_slow(arena, size_bytes, align_bytes);
}

/*
 * Which live piece starts there? From here on none does, so that of two threads
 * that free a piece only one gets its class, the other 0.
 */
static unsigned int claim(struct p2pmr_arena *arena, size_t offset)
{
	_Atomic uint8_t *state;
	unsigned int class;

	if (unlikely(offset >= arena->size || offset % GRANULE_SIZE))
		return 0;
	state = &arena->state[offset >> GRANULE_SHIFT];
	if (!__libc_single_threaded)
		return atomic_exchange(state, 0);
	class = atomic_load_explicit(state, memory_order_relaxed);
	atomic_store_explicit(state, 0, memory_order_relaxed);
	return class;
}

static void give_locked(struct p2pmr_arena *arena, struct arena_cache *cache,
			unsigned int class, uint32_t granule)
{
	pthread_mutex_lock(&arena->lock);
	if (class == CLASS_SPAN) {
		arena->span_bytes -= arena_span_give(&arena->pages, granule);
		arena->out[class]--;
	} else if (cache && arena_cache_make_room(cache, class)) {
		arena_cache_put(cache, class, granule);
	} else {
		arena_class_give(&arena->pages, class, granule);
		arena->out[class]--;
	}
	pthread_mutex_unlock(&arena->lock);
}

int p2pmr_arena_free(struct p2pmr_arena *arena, void *ptr)
{
	struct arena_cache *cache;
	unsigned int class;
	size_t offset;

	if (unlikely(!arena))
		return fail_argument("p2pmr_arena_free", "a NULL arena");
	if (unlikely(!ptr))
		return 0;
	cache = arena_cache_find(arena);
	if (unlikely(!cache)) {
		if (arena->forked)
			return fail_forked("p2pmr_arena_free");
		cache = arena_cache_attach(arena);
	}
	offset = (uintptr_t)ptr - (uintptr_t)arena->base;
	class = claim(arena, offset);
	if (unlikely(!class))
		return fail_not_allocated(arena, ptr);
	if (likely(class < CLASS_COUNT && cache && arena_cache_enter(cache))) {
		size_t size = arena_class_size(class);
		unsigned int count = cache->count[class];

		if (likely(count < BIN_SIZE &&
			   cache->held + size <= cache->limit)) {
			cache->granule[class][count] = offset >> GRANULE_SHIFT;
			cache->count[class] = count + 1;
			cache->held += size;
			arena_cache_leave(cache);
			return 0;
		}
		arena_cache_leave(cache);
	}
	give_locked(arena, cache, class, offset >> GRANULE_SHIFT);
	return 0;
}

size_t p2pmr_arena_size_of(struct p2pmr_arena *arena, const void *ptr)
{
	size_t offset, size;
	unsigned int class = 0;

	if (!arena || !ptr) {
		fail_argument("p2pmr_arena_size_of",
			      arena ? "a NULL pointer" : "a NULL arena");
		return 0;
	}
	if (arena->forked) {
		fail_forked("p2pmr_arena_size_of");
		return 0;
	}
	offset = (uintptr_t)ptr - (uintptr_t)arena->base;
	if (offset < arena->size && !(offset % GRANULE_SIZE))
		class = atomic_load(&arena->state[offset >> GRANULE_SHIFT]);
	if (!class) {
		fail_not_allocated(arena, ptr);
		return 0;
	}
	if (class < CLASS_COUNT)
		return arena_class_size(class);
	pthread_mutex_lock(&arena->lock);
	size = arena_span_size(&arena->pages, offset >> GRANULE_SHIFT);
	pthread_mutex_unlock(&arena->lock);
	return size;
}

int p2pmr_arena_stats(struct p2pmr_arena *arena,
		      struct p2pmr_arena_stats *stats)
{
	if (!arena || !stats)
		return fail_argument("p2pmr_arena_stats",
				     arena ? "a NULL result" : "a NULL arena");
	if (arena->forked)
		return fail_forked("p2pmr_arena_stats");
	pthread_mutex_lock(&arena->lock);
	arena_flush_all(arena);
	*stats = (struct p2pmr_arena_stats){
		.size_bytes = arena->size,
		.live_bytes = arena->span_bytes,
		.live_pieces = arena->out[CLASS_SPAN],
		.largest_free_bytes =
			(uint64_t)arena_longest_free(&arena->pages)
			<< ARENA_PAGE_SHIFT,
		.peak_bytes = (uint64_t)arena->pages.peak << ARENA_PAGE_SHIFT,
		.failed_allocs = arena->failed,
	};
	for (unsigned int class = 1; class < CLASS_COUNT; class++) {
		stats->live_pieces += arena->out[class];
		stats->live_bytes += arena->out[class] * arena_class_size(class);
	}
	pthread_mutex_unlock(&arena->lock);
	return 0;
}
