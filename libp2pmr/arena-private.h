/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An arena inside: what arena.c, arena-cache.c and arena-pages.c share.
 *
 * The buffer is cut into pages of 1 KiB. Free pages form spans, which coalesce
 * at once; the best fit is found through one list per length and a bitmap of
 * the lists that have something in them (arena-pages.c). A piece of 1 KiB or
 * more is a span; smaller ones are slots of runs, spans that are cut into slots
 * of one size. All that is behind the arena's lock. In front of it, each thread
 * keeps a few free pieces of each size to itself (arena-cache.c), and takes and
 * frees those without a lock (arena.c).
 *
 * Of two threads that free a piece at once only one may succeed, which takes an
 * atomic exchange, and that takes longer than all the rest. So each piece knows
 * through whose cache it was allocated, and at first that thread alone can free
 * it, without. The first other one to free one of its pieces stops it for a
 * moment; from then on its pieces are everyone's, and all exchange.
 *
 * Nothing is ever read from or written to the buffer.
 */
#ifndef P2PMR_ARENA_PRIVATE_H
#define P2PMR_ARENA_PRIVATE_H

#include "private.h"

#include <pthread.h>
#include <string.h>

/* Every piece starts at a multiple of this, from the start of the buffer */
#define GRANULE_SHIFT 6
#define GRANULE_SIZE ((size_t)1 << GRANULE_SHIFT)
#define ARENA_PAGE_SHIFT 10
#define ARENA_PAGE_SIZE ((size_t)1 << ARENA_PAGE_SHIFT)
#define ARENA_PAGE_GRANULES (1U << (ARENA_PAGE_SHIFT - GRANULE_SHIFT))

/* Granules have numbers of 32 bits. */
#define ARENA_MAX ((uint64_t)UINT32_MAX << GRANULE_SHIFT)

/*
 * Classes of sizes: 1 to 15 are as many granules, slots of runs; from 16 on
 * they are spans of 1, 2, ... 64 pages. Larger spans have no class of their
 * own and no thread keeps them.
 */
#define CLASS_PAGE ARENA_PAGE_GRANULES
#define CLASS_COUNT 80
#define CLASS_SPAN CLASS_COUNT
#define CLASS_MAX_SIZE ((CLASS_COUNT - CLASS_PAGE) << ARENA_PAGE_SHIFT)

#define RUN_PAGES 8

/* Pieces of one class that a thread keeps, and takes at a time */
#define BIN_SIZE 31U
#define BIN_REFILL 16

/*
 * Through whose cache a live piece was allocated; LABEL_NONE: through none, or
 * one that has no label of its own. LABEL_NOBODY is no piece's.
 */
#define LABEL_FREE 0
#define LABEL_NONE 1
#define LABEL_COUNT 255
#define LABEL_NOBODY LABEL_COUNT

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

#define BITMAP_LEVELS 5

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/*
 * The common path starts a cache line, wherever the linker puts it. What it
 * seldom needs is kept out, so that it need not save registers for that.
 */
#define ARENA_HOT __attribute__((hot, aligned(64)))
#define ARENA_COLD __attribute__((cold, noinline))

/**
 * struct arena_page - one page of the buffer
 * @pages: length of a span: in its first page, and of a free one in its last
 * @run: instead of @pages, in a run: its length, the size of its slots in
 *	granules and how many of them are taken, all in its first page; and in
 *	each page how far the first one is
 * @prev: free spans of one length, or runs of one class that have a free slot;
 *	0: none
 * @next: likewise
 * @slots: of a run: which granules of this page start a free slot
 * @free: of a span: said in its first and last page
 * @class: of the pieces that start here, for as long as there are any; read
 *	without the lock
 */
struct arena_page {
	union {
		uint32_t pages;
		struct {
			uint8_t pages;
			uint8_t granules;
			uint8_t taken;
			uint8_t back;
		} run;
	};
	uint32_t prev;
	uint32_t next;
	uint16_t slots;
	bool free;
	_Atomic uint8_t class;
};

/**
 * struct arena_pages - the buffer as pages; whoever calls holds the lock
 * @page: from 1 on; the first and the last entry stand for what is outside
 * @count: how many there are
 * @base: address of the buffer, for alignment
 * @span: first free span of each length; 0: none
 * @bitmap: which of @span there are, and which words of the level below are
 *	not 0
 * @words: of each level
 * @levels: as many as it takes until there is one word
 * @run: first run of each class that has a free slot
 * @taken: pages that are not free
 * @peak: the most that @taken has been
 */
struct arena_pages {
	struct arena_page *page;
	uint32_t count;
	uintptr_t base;
	uint32_t *span;
	uint64_t *bitmap[BITMAP_LEVELS];
	uint32_t words[BITMAP_LEVELS];
	unsigned int levels;
	uint32_t run[CLASS_PAGE];
	uint32_t taken;
	uint32_t peak;
};

/**
 * struct arena_bin - free pieces of one class that one thread keeps
 * @count: how many there are
 * @most: how many there may be
 * @granule: where they start: the newest in front, then the others, the oldest
 *	first. To have the newest at a fixed place makes it known early, and a
 *	piece that was just freed is often the next one to be taken.
 */
struct arena_bin {
	uint8_t count;
	uint8_t most;
	uint32_t granule[BIN_SIZE];
};

#define BARRED_STOP 1
#define BARRED_FENCE 2

/**
 * struct arena_cache - free pieces that one thread keeps
 * @busy: the owner is at it; see arena_cache_enter()
 * @barred: BARRED_STOP: the owner must keep out; BARRED_FENCE: it must use a
 *	memory barrier of its own
 * @label: of the pieces that are allocated through it
 * @mine: of those that nobody but the owner can free as yet: @label, or
 *	LABEL_NOBODY
 * @granted: bytes that it may keep, of all classes together
 * @hand: class that loses its grant next when there is no room
 * @bin: of each class
 * @arena: whose pieces
 * @arena_entry: in @arena
 * @thread_entry: in the owner's list
 * @thread: that list
 */
struct arena_cache {
	atomic_bool busy;
	_Atomic uint8_t barred;
	uint8_t label;
	uint8_t mine;
	size_t granted;
	unsigned int hand;
	struct arena_bin bin[CLASS_COUNT];
	struct p2pmr_arena *arena;
	TAILQ_ENTRY(arena_cache) arena_entry;
	TAILQ_ENTRY(arena_cache) thread_entry;
	struct arena_cache_head *thread;
};

TAILQ_HEAD(arena_cache_head, arena_cache);

/* Threads whose cache is found without a call: sets of two, by their pointer */
#define FOUND_BITS 7
#define FOUND_SETS (1 << FOUND_BITS)
#define FOUND_WAYS 2

/**
 * struct arena_found - the cache of one thread
 * @thread: its pointer; 0: nobody's. Written by this thread alone, with the
 *	arena's lock
 * @cache: the cache; read by this thread alone
 */
struct arena_found {
	_Atomic uintptr_t thread;
	struct arena_cache *cache;
};

/**
 * struct p2pmr_arena - many pieces in one buffer
 * @base: address of the buffer
 * @size: its size
 * @granules: likewise, in granules
 * @id: never used twice in a process
 * @label: for each granule that of the live piece that starts there, or
 *	LABEL_FREE. Who frees a piece sets it to that, and must be the only one
 * @page: as in @pages
 * @shared: labels whose pieces any thread can free
 * @found: caches of threads
 * @forked: this is a child's copy
 * @entry: in the list of all arenas
 * @apart: what every call reads is not in a cache line with what changes
 * @lock: for everything below
 * @pages: what is free and what is not
 * @out: pieces of each class that are live or in a cache; CLASS_SPAN: larger
 * @span_bytes: of those larger ones, together
 * @failed: allocations that found no space
 * @caches: of all threads
 * @cache_count: how many there are
 * @last_label: that one of them got
 */
struct p2pmr_arena {
	char *base;
	size_t size;
	size_t granules;
	uint64_t id;
	_Atomic uint8_t *label;
	const struct arena_page *page;
	atomic_bool shared[LABEL_COUNT];
	bool forked;
	struct arena_found found[FOUND_SETS][FOUND_WAYS];
	TAILQ_ENTRY(p2pmr_arena) entry;
	char apart[64];
	pthread_mutex_t lock;
	struct arena_pages pages;
	uint32_t out[CLASS_COUNT + 1];
	size_t span_bytes;
	uint64_t failed;
	struct arena_cache_head caches;
	unsigned int cache_count;
	unsigned int last_label;
};

static inline unsigned int arena_class(size_t size)
{
	if (size <= ARENA_PAGE_SIZE)
		return (size + GRANULE_SIZE - 1) >> GRANULE_SHIFT;
	return CLASS_PAGE - 1 + ((size + ARENA_PAGE_SIZE - 1) >> ARENA_PAGE_SHIFT);
}

static inline size_t arena_class_size(unsigned int class)
{
	if (class < CLASS_PAGE)
		return (size_t)class << GRANULE_SHIFT;
	return (size_t)(class - CLASS_PAGE + 1) << ARENA_PAGE_SHIFT;
}

/* Of a live piece */
static inline unsigned int arena_piece_class(const struct p2pmr_arena *arena,
					     uint32_t granule)
{
	const struct arena_page *page =
		&arena->page[granule / ARENA_PAGE_GRANULES + 1];

	return atomic_load_explicit(&page->class, memory_order_relaxed);
}

/* arena-pages.c */

/* 0, or -ENOMEM without a reason */
int arena_pages_init(struct arena_pages *pages, void *base, size_t size);
void arena_pages_free(struct arena_pages *pages);

/*
 * Take @count pages whose address is a multiple of @align, a power of two of at
 * least a page. Returns the first one's granule, or -1.
 */
int64_t arena_span_take(struct arena_pages *pages, uint32_t count,
			size_t align);

/* Returns how many bytes came back. */
size_t arena_span_give(struct arena_pages *pages, uint32_t granule);
size_t arena_span_size(const struct arena_pages *pages, uint32_t granule);

/* Take up to @want pieces of a class. Returns how many there were. */
unsigned int arena_class_take(struct arena_pages *pages, unsigned int class,
			      uint32_t *granules, unsigned int want);
void arena_class_give(struct arena_pages *pages, unsigned int class,
		      uint32_t granule);

/* Length of the longest free span, in pages */
uint32_t arena_longest_free(const struct arena_pages *pages);

/* arena-cache.c */

/* Make an arena known, and forget it with all its caches. */
void arena_register(struct p2pmr_arena *arena);
void arena_unregister(struct p2pmr_arena *arena);

/* A cache of this arena for the calling thread; NULL: it has to do without. */
struct arena_cache *arena_cache_attach(struct p2pmr_arena *arena);

/*
 * The rest needs the arena's lock. arena_cache_make_room() says whether the
 * cache may take in a piece of that class.
 */
bool arena_cache_make_room(struct arena_cache *cache, unsigned int class);
void arena_flush_all(struct p2pmr_arena *arena);

/* Any thread can free pieces with this label from here on, until a flush. */
void arena_share(struct p2pmr_arena *arena, uint8_t label);

/* The arenas that this thread used last, found by their id */
#define CACHES_KNOWN 32

struct arena_cache_known {
	uint64_t id;
	struct arena_cache *cache;
};

extern _Thread_local struct arena_cache_known arena_caches_known[CACHES_KNOWN];

/* The calling thread's cache of this arena, unless the ids differ */
static inline const struct arena_cache_known *
arena_cache_known(const struct p2pmr_arena *arena)
{
	return &arena_caches_known[arena->id % CACHES_KNOWN];
}

/*
 * What tells a thread from all others that there are. Unlike a thread-local
 * variable of a shared library it takes no call, where the compiler knows it.
 */
static inline uintptr_t arena_thread(void)
{
#if __has_builtin(__builtin_thread_pointer)
	return (uintptr_t)__builtin_thread_pointer();
#else
	return (uintptr_t)pthread_self();
#endif
}

static inline unsigned int arena_found_set(uintptr_t thread)
{
	return thread * 0x9e3779b97f4a7c15ull >> (64 - FOUND_BITS);
}

/* NULL: it is to be looked for. */
static inline struct arena_cache *
arena_cache_found(const struct p2pmr_arena *arena)
{
	uintptr_t thread = arena_thread();
	const struct arena_found *found = arena->found[arena_found_set(thread)];

	for (int way = 0; way < FOUND_WAYS; way++) {
		if (likely(atomic_load_explicit(&found[way].thread,
						memory_order_relaxed) == thread))
			return found[way].cache;
	}
	return NULL;
}

static inline bool arena_bin_put(struct arena_bin *bin, uint32_t granule)
{
	unsigned int count = bin->count;

	if (unlikely(count >= bin->most))
		return false;
	bin->granule[count] = bin->granule[0];
	bin->granule[0] = granule;
	bin->count = count + 1;
	return true;
}

/* It is not empty. */
static inline uint32_t arena_bin_get(struct arena_bin *bin)
{
	uint32_t granule = bin->granule[0];

	bin->count--;
	bin->granule[0] = bin->granule[bin->count];
	return granule;
}

/*
 * The owner comes without a lock. Somebody who wants to empty the cache says
 * so in @barred and waits for @busy to be gone; a barrier in all threads, by
 * membarrier(2), on that rare path makes sure that one of the two sees the
 * other, so that the owner needs none. To be left also when it was in vain.
 */
static inline bool arena_cache_enter(struct arena_cache *cache)
{
	atomic_store_explicit(&cache->busy, true, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	return likely(!atomic_load(&cache->barred));
}

static inline void arena_cache_leave(struct arena_cache *cache)
{
	atomic_store_explicit(&cache->busy, false, memory_order_release);
}

/*
 * With a barrier of the owner's, for where the other does not work. It is left
 * when it was in vain.
 */
static inline bool arena_cache_enter_slow(struct arena_cache *cache)
{
	atomic_exchange(&cache->busy, true);
	if (!(atomic_load(&cache->barred) & BARRED_STOP))
		return true;
	arena_cache_leave(cache);
	return false;
}

#endif
