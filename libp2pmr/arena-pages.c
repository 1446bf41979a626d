// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pages of an arena: free spans by length, and runs of small slots. */
#include "arena-private.h"

#include <stdlib.h>

#define SORT_STEPS 8

static void bitmap_set(struct arena_pages *pages, uint32_t bit)
{
	for (unsigned int level = 0; level < pages->levels; level++) {
		uint64_t *word = &pages->bitmap[level][bit / 64];
		bool known = *word;

		*word |= 1ULL << (bit % 64);
		if (known)
			return;
		bit /= 64;
	}
}

static void bitmap_clear(struct arena_pages *pages, uint32_t bit)
{
	for (unsigned int level = 0; level < pages->levels; level++) {
		uint64_t *word = &pages->bitmap[level][bit / 64];

		*word &= ~(1ULL << (bit % 64));
		if (*word)
			return;
		bit /= 64;
	}
}

/* The first bit that is set, from @bit on; 0: none (bit 0 never is) */
static uint32_t bitmap_next(const struct arena_pages *pages, uint32_t bit)
{
	for (unsigned int level = 0; level < pages->levels; level++) {
		uint32_t at = bit / 64;
		uint64_t word;

		if (at >= pages->words[level])
			return 0;
		word = pages->bitmap[level][at] & (~0ULL << (bit % 64));
		if (!word) {
			bit = at + 1;
			continue;
		}
		bit = at * 64 + __builtin_ctzll(word);
		while (level--)
			bit = bit * 64 +
			      __builtin_ctzll(pages->bitmap[level][bit]);
		return bit;
	}
	return 0;
}

uint32_t arena_longest_free(const struct arena_pages *pages)
{
	uint32_t bit = 0;

	for (unsigned int level = pages->levels; level--;) {
		uint64_t word = pages->bitmap[level][bit];

		if (!word)
			return 0;
		bit = bit * 64 + 63 - __builtin_clzll(word);
	}
	return bit;
}

/*
 * Low addresses come first, so that high ones get a chance to coalesce; but no
 * more than some steps are spent on that.
 */
static void list_add(struct arena_pages *pages, uint32_t *head, uint32_t nr)
{
	uint32_t prev = 0, next = *head;

	for (int i = 0; i < SORT_STEPS && next && next < nr; i++) {
		prev = next;
		next = pages->page[next].next;
	}
	pages->page[nr].prev = prev;
	pages->page[nr].next = next;
	if (next)
		pages->page[next].prev = nr;
	if (prev)
		pages->page[prev].next = nr;
	else
		*head = nr;
}

static void list_remove(struct arena_pages *pages, uint32_t *head, uint32_t nr)
{
	const struct arena_page *page = &pages->page[nr];

	if (page->prev)
		pages->page[page->prev].next = page->next;
	else
		*head = page->next;
	if (page->next)
		pages->page[page->next].prev = page->prev;
}

static void span_add(struct arena_pages *pages, uint32_t nr, uint32_t count)
{
	struct arena_page *first = &pages->page[nr];
	struct arena_page *last = first + count - 1;

	first->free = true;
	first->pages = count;
	last->free = true;
	last->pages = count;
	if (!pages->span[count])
		bitmap_set(pages, count);
	list_add(pages, &pages->span[count], nr);
}

static void span_remove(struct arena_pages *pages, uint32_t nr)
{
	uint32_t count = pages->page[nr].pages;

	list_remove(pages, &pages->span[count], nr);
	if (!pages->span[count])
		bitmap_clear(pages, count);
}

int arena_pages_init(struct arena_pages *pages, void *base, size_t size)
{
	uint32_t words;

	pages->base = (uintptr_t)base;
	pages->count = size >> ARENA_PAGE_SHIFT;
	pages->page = calloc((size_t)pages->count + 2, sizeof(*pages->page));
	pages->span = calloc((size_t)pages->count + 1, sizeof(*pages->span));
	if (!pages->page || !pages->span)
		return -ENOMEM;
	words = pages->count;
	do {
		words = words / 64 + 1;
		pages->bitmap[pages->levels] = calloc(words, sizeof(uint64_t));
		if (!pages->bitmap[pages->levels])
			return -ENOMEM;
		pages->words[pages->levels++] = words;
	} while (words > 1);
	span_add(pages, 1, pages->count);
	return 0;
}

void arena_pages_free(struct arena_pages *pages)
{
	for (unsigned int level = 0; level < pages->levels; level++)
		free(pages->bitmap[level]);
	free(pages->span);
	free(pages->page);
}

static uint32_t page_to_granule(uint32_t nr)
{
	return (nr - 1) * ARENA_PAGE_GRANULES;
}

static uint32_t granule_to_page(uint32_t granule)
{
	return granule / ARENA_PAGE_GRANULES + 1;
}

/* How many pages lie between page @nr and the first aligned one? */
static uint64_t align_gap(const struct arena_pages *pages, uint32_t nr,
			  size_t align)
{
	uintptr_t addr = pages->base + ((uintptr_t)(nr - 1) << ARENA_PAGE_SHIFT);

	return (-addr & (align - 1)) >> ARENA_PAGE_SHIFT;
}

/*
 * The shortest span that is long enough. One that is long enough by itself may
 * be aligned; if it is not, one that is longer by the alignment always is.
 */
static uint32_t span_find(const struct arena_pages *pages, uint32_t count,
			  size_t align)
{
	uint32_t found = bitmap_next(pages, count);
	uint64_t more = count + (align >> ARENA_PAGE_SHIFT) - 1;
	uint32_t nr;

	if (!found)
		return 0;
	nr = pages->span[found];
	if (count + align_gap(pages, nr, align) <= found)
		return nr;
	found = more <= pages->count ? bitmap_next(pages, more) : 0;
	return found ? pages->span[found] : 0;
}

/* Returns the first page's number, or 0. */
static uint32_t span_take(struct arena_pages *pages, uint32_t count,
			  size_t align)
{
	uint32_t nr = span_find(pages, count, align);
	uint32_t gap, rest;

	if (!nr)
		return 0;
	gap = align_gap(pages, nr, align);
	rest = pages->page[nr].pages - gap - count;
	span_remove(pages, nr);
	if (gap)
		span_add(pages, nr, gap);
	nr += gap;
	if (rest)
		span_add(pages, nr + count, rest);
	pages->page[nr].pages = count;
	pages->page[nr].free = false;
	pages->page[nr + count - 1].free = false;
	pages->taken += count;
	if (pages->taken > pages->peak)
		pages->peak = pages->taken;
	return nr;
}

static void span_give(struct arena_pages *pages, uint32_t nr, uint32_t count)
{
	const struct arena_page *before = &pages->page[nr - 1];
	const struct arena_page *behind = &pages->page[nr + count];

	pages->taken -= count;
	if (behind->free) {
		span_remove(pages, nr + count);
		count += behind->pages;
	}
	if (before->free) {
		nr -= before->pages;
		count += before->pages;
		span_remove(pages, nr);
	}
	span_add(pages, nr, count);
}

static void set_class(struct arena_pages *pages, uint32_t nr,
		      unsigned int class)
{
	atomic_store_explicit(&pages->page[nr].class, class,
			      memory_order_relaxed);
}

int64_t arena_span_take(struct arena_pages *pages, uint32_t count, size_t align)
{
	uint32_t nr = span_take(pages, count, align);

	if (!nr)
		return -1;
	set_class(pages, nr, count <= CLASS_COUNT - CLASS_PAGE ?
			     CLASS_PAGE - 1 + count : CLASS_SPAN);
	return page_to_granule(nr);
}

size_t arena_span_size(const struct arena_pages *pages, uint32_t granule)
{
	return (size_t)pages->page[granule_to_page(granule)].pages
	       << ARENA_PAGE_SHIFT;
}

size_t arena_span_give(struct arena_pages *pages, uint32_t granule)
{
	size_t size = arena_span_size(pages, granule);

	span_give(pages, granule_to_page(granule), size >> ARENA_PAGE_SHIFT);
	return size;
}

/* A new run; a shorter one when there are not enough pages in one place */
static uint32_t run_make(struct arena_pages *pages, unsigned int class)
{
	uint32_t nr = 0;
	unsigned int length;

	for (length = RUN_PAGES; length && !nr; length /= 2)
		nr = span_take(pages, length, ARENA_PAGE_SIZE);
	if (!nr)
		return 0;
	length = pages->page[nr].pages;
	for (unsigned int i = 0; i < length; i++) {
		pages->page[nr + i].slots = 0;
		pages->page[nr + i].run.back = i;
		set_class(pages, nr + i, class);
	}
	for (unsigned int at = 0; at + class <= length * ARENA_PAGE_GRANULES;
	     at += class)
		pages->page[nr + at / ARENA_PAGE_GRANULES].slots |=
			1U << (at % ARENA_PAGE_GRANULES);
	pages->page[nr].run.pages = length;
	pages->page[nr].run.granules = class;
	pages->page[nr].run.taken = 0;
	list_add(pages, &pages->run[class], nr);
	return nr;
}

static unsigned int run_capacity(const struct arena_page *first)
{
	return first->run.pages * ARENA_PAGE_GRANULES / first->run.granules;
}

/* Take up to @want slots of a run that has some. */
static unsigned int run_take(struct arena_pages *pages, uint32_t nr,
			     uint32_t *granules, unsigned int want)
{
	struct arena_page *first = &pages->page[nr];
	unsigned int got = 0;

	for (unsigned int i = 0; i < first->run.pages && got < want; i++) {
		struct arena_page *page = first + i;

		for (; page->slots && got < want; page->slots &= page->slots - 1)
			granules[got++] = page_to_granule(nr + i) +
					  __builtin_ctz(page->slots);
	}
	first->run.taken += got;
	if (first->run.taken == run_capacity(first))
		list_remove(pages, &pages->run[first->run.granules], nr);
	return got;
}

static void run_give(struct arena_pages *pages, uint32_t granule)
{
	uint32_t nr = granule_to_page(granule);
	struct arena_page *page = &pages->page[nr];
	struct arena_page *first = page - page->run.back;
	uint32_t *head = &pages->run[first->run.granules];

	nr -= page->run.back;
	page->slots |= 1U << (granule % ARENA_PAGE_GRANULES);
	if (first->run.taken == run_capacity(first))
		list_add(pages, head, nr);
	if (--first->run.taken)
		return;
	list_remove(pages, head, nr);
	span_give(pages, nr, first->run.pages);
}

static unsigned int runs_take(struct arena_pages *pages, unsigned int class,
			      uint32_t *granules, unsigned int want)
{
	unsigned int got = 0;

	while (got < want) {
		uint32_t nr = pages->run[class];

		/* What was asked for is one; more must not cost a new run. */
		if (!nr && !got)
			nr = run_make(pages, class);
		if (!nr)
			break;
		got += run_take(pages, nr, granules + got, want - got);
	}
	return got;
}

unsigned int arena_class_take(struct arena_pages *pages, unsigned int class,
			      uint32_t *granules, unsigned int want)
{
	uint32_t nr;

	if (class < CLASS_PAGE)
		return runs_take(pages, class, granules, want);
	nr = span_take(pages, class - CLASS_PAGE + 1, ARENA_PAGE_SIZE);
	if (!nr)
		return 0;
	set_class(pages, nr, class);
	granules[0] = page_to_granule(nr);
	return 1;
}

void arena_class_give(struct arena_pages *pages, unsigned int class,
		      uint32_t granule)
{
	if (class < CLASS_PAGE)
		run_give(pages, granule);
	else
		span_give(pages, granule_to_page(granule),
			  class - CLASS_PAGE + 1);
}
