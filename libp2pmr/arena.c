// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Arenas: pieces of one buffer, in the common case without a lock. */
#include "arena-private.h"

#include <limits.h>
#include <stdlib.h>

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

/* Not below @arena->granules unless one starts there */
static size_t arena_granule(const struct p2pmr_arena *arena, const void *ptr)
{
	size_t offset = (uintptr_t)ptr - (uintptr_t)arena->base;

	return offset >> GRANULE_SHIFT |
	       offset << (sizeof(offset) * CHAR_BIT - GRANULE_SHIFT);
}

static int arena_init(struct p2pmr_arena *arena, struct p2pmr_buf *buf)
{
	arena->base = buf->addr;
	arena->size = buf->size;
	arena->granules = buf->size >> GRANULE_SHIFT;
	TAILQ_INIT(&arena->caches);
	for (int i = 0; i < LABEL_COUNT; i++)
		atomic_init(&arena->shared[i], true);
	pthread_mutex_init(&arena->lock, NULL);
	arena->label = calloc(arena->granules, sizeof(*arena->label));
	if (!arena->label ||
	    arena_pages_init(&arena->pages, buf->addr, buf->size))
		return -ENOMEM;
	arena->page = arena->pages.page;
	return 0;
}

static void arena_free(struct p2pmr_arena *arena)
{
	arena_pages_free(&arena->pages);
	free((void *)arena->label);
	pthread_mutex_destroy(&arena->lock);
	free(arena);
}

struct p2pmr_arena *p2pmr_arena_create(struct p2pmr_buf *buf,
				       const struct p2pmr_arena_opts *opts)
{
	struct p2pmr_arena_opts known;
	int saved_errno = errno;
	struct p2pmr_arena *arena;
	uint64_t size;

	if (p2pmr_opts_read(opts, "p2pmr_arena_opts", sizeof(known), &known,
			    sizeof(known)))
		return NULL;
	if (!buf) {
		fail_argument("p2pmr_arena_create", "a NULL buffer");
		return NULL;
	}
	/* wider than size_t may be, of which all would do then */
	size = buf->size;
	if (size > ARENA_MAX) {
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

static void *piece_start(struct p2pmr_arena *arena,
			 const struct arena_cache *cache, uint32_t granule)
{
	atomic_store_explicit(&arena->label[granule],
			      cache ? cache->label : LABEL_NONE,
			      memory_order_relaxed);
	return arena->base + ((size_t)granule << GRANULE_SHIFT);
}

/* The lock is held. Takes some more for the cache. Returns a granule, or -1. */
static int64_t take_class(struct p2pmr_arena *arena, struct arena_cache *cache,
			  unsigned int class)
{
	struct arena_bin *bin = cache ? &cache->bin[class] : NULL;
	uint32_t granules[BIN_REFILL];
	unsigned int want = 1, got;

	/* The bin was empty, unless its owner had to keep out. */
	if (bin && class < CLASS_PAGE && !bin->count &&
	    (bin->most >= BIN_REFILL || arena_cache_make_room(cache, class)))
		want = bin->most < BIN_REFILL ? bin->most + 1 : BIN_REFILL;
	got = arena_class_take(&arena->pages, class, granules, want);
	if (!got)
		return -1;
	arena->out[class] += got;
	/* The first one is handed out, the second one next. */
	while (--got)
		arena_bin_put(bin, granules[got]);
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

/*
 * What the common path does, with a barrier where it takes one, or with an
 * alignment. NULL: there is none.
 */
static void *alloc_cached(struct p2pmr_arena *arena, struct arena_cache *cache,
			  unsigned int class)
{
	struct arena_bin *bin = &cache->bin[class];
	uint32_t granule;

	if (!arena_cache_enter_slow(cache))
		return NULL;
	if (!bin->count) {
		arena_cache_leave(cache);
		return NULL;
	}
	granule = arena_bin_get(bin);
	arena_cache_leave(cache);
	return piece_start(arena, cache, granule);
}

static void *alloc_locked(struct p2pmr_arena *arena, struct arena_cache *cache,
			  size_t size, size_t align, unsigned int class)
{
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
	return piece_start(arena, cache, granule);
}

/* NULL: it has to do without. */
static struct arena_cache *find_cache(struct p2pmr_arena *arena)
{
	const struct arena_cache_known *known = arena_cache_known(arena);

	return known->id == arena->id ? known->cache :
					arena_cache_attach(arena);
}

static ARENA_COLD
void *alloc_slow(struct p2pmr_arena *arena, size_t size, size_t align)
{
	unsigned int class = CLASS_SPAN;
	struct arena_cache *cache;
	void *ptr = NULL;
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
	cache = find_cache(arena);
	if (align < GRANULE_SIZE)
		align = GRANULE_SIZE;
	/* Slots of a size that is a multiple of the alignment are aligned. */
	unit = align < ARENA_PAGE_SIZE ? align : ARENA_PAGE_SIZE;
	size = (size + unit - 1) & -unit;
	if (size <= CLASS_MAX_SIZE)
		class = arena_class(size);
	if (cache && class != CLASS_SPAN && align <= ARENA_PAGE_SIZE)
		ptr = alloc_cached(arena, cache, class);
	if (!ptr)
		ptr = alloc_locked(arena, cache, size, align, class);
	return ptr;
}

ARENA_HOT
void *p2pmr_arena_alloc(struct p2pmr_arena *arena, size_t size_bytes,
			size_t align_bytes)
{
	struct arena_cache *cache;
	struct arena_bin *bin;
	unsigned int class;
	uint32_t granule;

	if (unlikely(!arena || size_bytes - 1 >= CLASS_MAX_SIZE ||
		     align_bytes > GRANULE_SIZE ||
		     (align_bytes & (align_bytes - 1))))
		return alloc_slow(arena, size_bytes, align_bytes);
	cache = arena_cache_found(arena);
	if (unlikely(!cache))
		return alloc_slow(arena, size_bytes, align_bytes);
	class = arena_class(size_bytes);
	bin = &cache->bin[class];
	if (unlikely(!arena_cache_enter(cache) || !bin->count)) {
		arena_cache_leave(cache);
		return alloc_slow(arena, size_bytes, align_bytes);
	}
	granule = arena_bin_get(bin);
	arena_cache_leave(cache);
	return piece_start(arena, cache, granule);
}

enum claim { CLAIMED, CLAIM_FREE, CLAIM_PRIVATE };

/*
 * Of several threads that free a piece only one succeeds, to the others it is
 * free. Either with the lock or in the middle of enter and leave, so that no
 * label becomes a cache's own meanwhile. CLAIM_PRIVATE: only the owner may.
 */
static enum claim claim(struct p2pmr_arena *arena, uint8_t label,
			uint32_t granule)
{
	uint8_t was = atomic_load(&arena->label[granule]);

	do {
		if (was == LABEL_FREE)
			return CLAIM_FREE;
		if (was != label && !atomic_load(&arena->shared[was]))
			return CLAIM_PRIVATE;
	} while (!atomic_compare_exchange_weak(&arena->label[granule], &was,
					       LABEL_FREE));
	return CLAIMED;
}

/* Did it take a piece that is nobody's any more? */
static inline bool cache_put(const struct p2pmr_arena *arena,
				   struct arena_cache *cache, uint32_t granule)
{
	unsigned int class = arena_piece_class(arena, granule);

	return likely(class < CLASS_COUNT) &&
	       arena_bin_put(&cache->bin[class], granule);
}

static void give(struct p2pmr_arena *arena, struct arena_cache *cache,
		 unsigned int class, uint32_t granule)
{
	if (class == CLASS_SPAN) {
		arena->span_bytes -= arena_span_give(&arena->pages, granule);
		arena->out[class]--;
	} else if (cache && arena_cache_make_room(cache, class)) {
		arena_bin_put(&cache->bin[class], granule);
	} else {
		arena_class_give(&arena->pages, class, granule);
		arena->out[class]--;
	}
}

/* Returns false when no piece that is in use starts there. */
static bool free_granule(struct p2pmr_arena *arena, struct arena_cache *cache,
			 uint32_t granule)
{
	uint8_t label = cache ? cache->label : LABEL_NONE;
	enum claim claimed = CLAIM_PRIVATE;

	if (cache && arena_cache_enter_slow(cache)) {
		bool kept = false;

		claimed = claim(arena, label, granule);
		if (claimed == CLAIMED)
			kept = cache_put(arena, cache, granule);
		arena_cache_leave(cache);
		if (kept || claimed == CLAIM_FREE)
			return kept;
	}
	pthread_mutex_lock(&arena->lock);
	while (claimed == CLAIM_PRIVATE) {
		claimed = claim(arena, label, granule);
		if (claimed == CLAIM_PRIVATE)
			arena_share(arena, atomic_load(&arena->label[granule]));
	}
	if (claimed == CLAIMED)
		give(arena, cache, arena_piece_class(arena, granule), granule);
	pthread_mutex_unlock(&arena->lock);
	return claimed == CLAIMED;
}

static ARENA_COLD
int free_slow(struct p2pmr_arena *arena, void *ptr)
{
	struct arena_cache *cache;
	size_t granule;

	if (!arena)
		return fail_argument("p2pmr_arena_free", "a NULL arena");
	if (!ptr)
		return 0;
	if (arena->forked)
		return fail_forked("p2pmr_arena_free");
	cache = find_cache(arena);
	granule = arena_granule(arena, ptr);
	if (granule >= arena->granules || !free_granule(arena, cache, granule))
		return fail_not_allocated(arena, ptr);
	return 0;
}

ARENA_HOT
int p2pmr_arena_free(struct p2pmr_arena *arena, void *ptr)
{
	struct arena_cache *cache;
	_Atomic uint8_t *label;
	size_t granule;

	if (unlikely(!arena))
		return free_slow(arena, ptr);
	cache = arena_cache_found(arena);
	granule = arena_granule(arena, ptr);
	if (unlikely(!cache || granule >= arena->granules))
		return free_slow(arena, ptr);
	label = &arena->label[granule];
	/* With a label of its own, nobody else can free it. */
	if (likely(arena_cache_enter(cache) &&
		   atomic_load_explicit(label, memory_order_relaxed) ==
			   cache->mine &&
		   cache_put(arena, cache, granule))) {
		atomic_store_explicit(label, LABEL_FREE, memory_order_relaxed);
		arena_cache_leave(cache);
		return 0;
	}
	arena_cache_leave(cache);
	return free_slow(arena, ptr);
}

size_t p2pmr_arena_size_of(struct p2pmr_arena *arena, const void *ptr)
{
	size_t granule, size;
	unsigned int class;

	if (!arena || !ptr) {
		fail_argument("p2pmr_arena_size_of",
			      arena ? "a NULL pointer" : "a NULL arena");
		return 0;
	}
	if (arena->forked) {
		fail_forked("p2pmr_arena_size_of");
		return 0;
	}
	granule = arena_granule(arena, ptr);
	if (granule >= arena->granules ||
	    atomic_load(&arena->label[granule]) == LABEL_FREE) {
		fail_not_allocated(arena, ptr);
		return 0;
	}
	class = arena_piece_class(arena, granule);
	if (class < CLASS_COUNT)
		return arena_class_size(class);
	pthread_mutex_lock(&arena->lock);
	size = arena_span_size(&arena->pages, granule);
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
