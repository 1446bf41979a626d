// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Arenas, one thread. The buffers here may be neither read nor written, so an
 * arena that keeps anything in them ends with SIGSEGV.
 */
#include "tree.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "churn.h"
#include "fake/fake.h"

#define SIZE ((size_t)1 << 20)
#define GRANULE 64

static struct p2pmr_context *ctx;
static struct p2pmr_buf *buf;
static struct p2pmr_arena *arena;
static char *base;

static struct p2pmr_buf *make_buf(size_t size)
{
	struct p2pmr_buf *new =
		p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), size);

	assert_non_null(new);
	assert_int_equal(mprotect(p2pmr_buf_addr(new), size, PROT_NONE), 0);
	return new;
}

static int setup(void **state)
{
	(void)state;
	ctx = p2pmr_open(NULL);
	assert_non_null(ctx);
	buf = make_buf(SIZE);
	base = p2pmr_buf_addr(buf);
	assert_leaves_errno(arena = p2pmr_arena_create(buf, NULL));
	assert_non_null(arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_leaves_errno(p2pmr_arena_destroy(arena));
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return 0;
}

static char *take(size_t size, size_t align)
{
	char *ptr;

	assert_leaves_errno(ptr = p2pmr_arena_alloc(arena, size, align));
	assert_non_null(ptr);
	assert_true(ptr >= base && ptr + size <= base + SIZE);
	assert_int_equal((uintptr_t)ptr % (align > GRANULE ? align : GRANULE), 0);
	assert_in_range(p2pmr_arena_size_of(arena, ptr), size, SIZE);
	return ptr;
}

static void give(void *ptr)
{
	int ret;

	assert_leaves_errno(ret = p2pmr_arena_free(arena, ptr));
	assert_int_equal(ret, 0);
}

static struct p2pmr_arena_stats stats(void)
{
	struct p2pmr_arena_stats now;
	int ret;

	assert_leaves_errno(ret = p2pmr_arena_stats(arena, &now));
	assert_int_equal(ret, 0);
	return now;
}

/* Everything is free, and in one piece. */
static void assert_all_free(void)
{
	struct p2pmr_arena_stats now = stats();
	char *whole;

	assert_int_equal(now.live_pieces, 0);
	assert_int_equal(now.live_bytes, 0);
	assert_int_equal(now.largest_free_bytes, SIZE);
	whole = take(SIZE, 0);
	assert_ptr_equal(whole, base);
	assert_int_equal(stats().largest_free_bytes, 0);
	give(whole);
}

static void test_bad_create(void **state)
{
	struct {
		struct p2pmr_arena_opts opts;
		size_t newer;
	} longer = { .opts.sz = sizeof(longer), .newer = 1 };

	(void)state;
	assert_null(p2pmr_arena_create(NULL, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_arena_create(buf, &(struct p2pmr_arena_opts){ 1 }));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	assert_null(p2pmr_arena_create(buf, &longer.opts));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	p2pmr_arena_destroy(NULL);
}

static void test_options(void **state)
{
	struct p2pmr_buf *other = make_buf(4096);
	struct p2pmr_arena *second =
		p2pmr_arena_create(other, P2PMR_OPTS(p2pmr_arena_opts));

	(void)state;
	assert_non_null(second);
	p2pmr_arena_destroy(second);
	p2pmr_buf_free(other);
}

/* The numbers of granules end there. Nobody maps that much: it is made up. */
static void test_larger_than_an_arena(void **state)
{
	struct p2pmr_buf big = *buf;

	(void)state;
	/* where size_t has 32 bits, nothing is that large */
	if (sizeof(size_t) < 8)
		return;
	big.size = (size_t)256 << 30;
	assert_null(p2pmr_arena_create(&big, NULL));
	assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
}

static void test_bad_arguments(void **state)
{
	struct p2pmr_arena_stats now;

	(void)state;
	assert_null(p2pmr_arena_alloc(NULL, 1, 0));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_arena_alloc(arena, 0, 0));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	for (size_t align = 3; align < 100; align += 2) {
		assert_null(p2pmr_arena_alloc(arena, 1, align));
		assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	}
	assert_int_equal(p2pmr_arena_free(NULL, base), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_arena_size_of(NULL, base), 0);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_arena_size_of(arena, NULL), 0);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_arena_stats(NULL, &now), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_arena_stats(arena, NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_leaves_errno(p2pmr_arena_free(arena, NULL));
	assert_int_equal(p2pmr_arena_free(arena, NULL), 0);
	assert_all_free();
}

static void test_every_size(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 70000; size += size < 5000 ? 1 : 997) {
		size_t unit = size <= 1024 ? 64 : 1024;
		char *ptr = take(size, 0);

		assert_int_equal(p2pmr_arena_size_of(arena, ptr),
				 (size + unit - 1) / unit * unit);
		give(ptr);
	}
	assert_all_free();
}

static void test_every_alignment(void **state)
{
	static const size_t sizes[] = { 1, 64, 65, 100, 1000, 1024, 1025, 5000,
					65536, 65537, 100000 };
	char *ptr[ARRAY_SIZE(sizes)];

	(void)state;
	for (size_t align = 1; align <= SIZE / 16; align *= 2) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			ptr[i] = take(sizes[i], align);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			give(ptr[i]);
		assert_all_free();
	}
}

/* An alignment that no address of the buffer has, up to the largest there is */
static void test_impossible_alignment(void **state)
{
	size_t align = SIZE;

	(void)state;
	while (align && (-(uintptr_t)base & (align - 1)) < SIZE)
		align *= 2;
	for (; align; align *= 2) {
		assert_null(p2pmr_arena_alloc(arena, 1, align));
		assert_reason(P2PMR_REASON_ARENA_EXHAUSTED, ENOMEM);
	}
	assert_all_free();
}

static void test_too_large(void **state)
{
	(void)state;
	assert_null(p2pmr_arena_alloc(arena, SIZE + 1, 0));
	assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
	assert_null(p2pmr_arena_alloc(arena, SIZE_MAX, 0));
	assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
	assert_null(p2pmr_arena_alloc(arena, SIZE_MAX, 4096));
	assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
}

/* Of each size there are as many as fit, and then none. */
static void test_exhausted(void **state)
{
	static const size_t sizes[] = { 64, 128, 1024, 4096, 65536, SIZE / 4 };
	void *ptr[SIZE / 64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t count = SIZE / sizes[i];

		for (size_t j = 0; j < count; j++)
			ptr[j] = take(sizes[i], 0);
		assert_int_equal(stats().live_bytes, SIZE);
		assert_int_equal(stats().live_pieces, count);
		assert_null(p2pmr_arena_alloc(arena, 1, 0));
		assert_reason(P2PMR_REASON_ARENA_EXHAUSTED, ENOMEM);
		assert_contains(p2pmr_reason_text(), "has 0 bytes");
		assert_int_equal(stats().failed_allocs, i + 1);
		for (size_t j = 0; j < count; j++)
			give(ptr[j]);
		assert_all_free();
		assert_int_equal(stats().peak_bytes, SIZE);
	}
}

/* Small pieces fill what is left between large ones, however short it is. */
static void test_short_runs(void **state)
{
	void *ptr[SIZE / 2048];
	size_t count = 0, small = 0;

	(void)state;
	for (; count < ARRAY_SIZE(ptr); count++) {
		ptr[count] = take(1024, 0);
		take(1024, 0);
	}
	while (count)
		give(ptr[--count]);
	while (p2pmr_arena_alloc(arena, 960, 0))
		small++;
	assert_int_equal(small, ARRAY_SIZE(ptr));
}

static void test_bad_pointers(void **state)
{
	static const size_t sizes[] = { 64, 100, 960, 1024, 5000, 65536, 100000 };
	int local;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *before = take(sizes[i], 0), *ptr = take(sizes[i], 0);
		struct p2pmr_arena_stats was = stats();
		size_t size = p2pmr_arena_size_of(arena, ptr);
		char *bad[] = {
			ptr + 1,	      ptr + size / 2 + 3,
			ptr + size - 1,	      ptr - 1,
			(char *)&local,	      base - 64,
			base + SIZE,	      (char *)UINTPTR_MAX,
			(char *)UINTPTR_MAX - 63, (char *)1,
			base + SIZE - 64,
		};

		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			assert_int_equal(p2pmr_arena_free(arena, bad[j]),
					 -EINVAL);
			assert_reason(P2PMR_REASON_NOT_ALLOCATED, EINVAL);
			assert_int_equal(p2pmr_arena_size_of(arena, bad[j]), 0);
			assert_reason(P2PMR_REASON_NOT_ALLOCATED, EINVAL);
		}
		for (size_t at = GRANULE; at < size; at += GRANULE) {
			assert_int_equal(p2pmr_arena_free(arena, ptr + at),
					 -EINVAL);
			assert_reason(P2PMR_REASON_NOT_ALLOCATED, EINVAL);
		}
		assert_int_equal(stats().live_bytes, was.live_bytes);
		assert_int_equal(stats().live_pieces, was.live_pieces);

		give(ptr);
		for (int j = 0; j < 3; j++) {
			assert_int_equal(p2pmr_arena_free(arena, ptr), -EINVAL);
			assert_reason(P2PMR_REASON_NOT_ALLOCATED, EINVAL);
		}
		give(before);
		/* It went back to the pages meanwhile. */
		assert_all_free();
		assert_int_equal(p2pmr_arena_free(arena, ptr), -EINVAL);
		assert_reason(P2PMR_REASON_NOT_ALLOCATED, EINVAL);
		assert_all_free();
	}
}

/* --- against a model: which piece each granule belongs to ---------------- */

#define STEPS 60000
#define PIECES 400

struct piece {
	char *ptr;
	size_t size;
};

static uint16_t owner[SIZE / GRANULE];

static void claim(const struct piece *piece, uint16_t from, uint16_t to)
{
	size_t first = (piece->ptr - base) / GRANULE;

	for (size_t i = 0; i < piece->size / GRANULE; i++) {
		assert_int_equal(owner[first + i], from);
		owner[first + i] = to;
	}
}

static size_t random_size(uint64_t *random)
{
	/* Some are larger than what threads keep. */
	if (churn_random(random) % 50 == 0)
		return churn_random(random) % (SIZE / 4) + 1;
	return churn_size(random);
}

static bool take_random(struct piece *piece, uint16_t nr, uint64_t *random)
{
	size_t size = random_size(random);
	size_t align = churn_random(random) % 4 ? 0 :
		       1UL << churn_random(random) % 15;

	piece->ptr = p2pmr_arena_alloc(arena, size, align);
	if (!piece->ptr) {
		assert_reason(P2PMR_REASON_ARENA_EXHAUSTED, ENOMEM);
		return false;
	}
	assert_int_equal((uintptr_t)piece->ptr % (align > GRANULE ? align :
								    GRANULE), 0);
	piece->size = p2pmr_arena_size_of(arena, piece->ptr);
	assert_in_range(piece->size, size, SIZE);
	assert_true(piece->ptr >= base &&
		    piece->ptr + piece->size <= base + SIZE);
	claim(piece, 0, nr + 1);
	return true;
}

/* What is free in a row, by the model */
static size_t longest_free(void)
{
	size_t longest = 0, row = 0;

	for (size_t i = 0; i < ARRAY_SIZE(owner); i++) {
		row = owner[i] ? 0 : row + 1;
		if (row > longest)
			longest = row;
	}
	return longest * GRANULE;
}

static void compare(size_t bytes, size_t pieces, size_t failed)
{
	struct p2pmr_arena_stats now = stats();

	assert_int_equal(now.size_bytes, SIZE);
	assert_int_equal(now.live_bytes, bytes);
	assert_int_equal(now.live_pieces, pieces);
	assert_int_equal(now.failed_allocs, failed);
	assert_in_range(now.peak_bytes, bytes, SIZE);
	assert_in_range(now.largest_free_bytes, 0, longest_free());
	if (now.largest_free_bytes)
		give(take(now.largest_free_bytes, 0));
}

static void test_model(void **state)
{
	static struct piece pieces[PIECES];
	size_t bytes = 0, live = 0, failed = 0;
	uint64_t random = 4711;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		uint16_t nr = churn_random(&random) % PIECES;
		struct piece *piece = &pieces[nr];

		if (piece->ptr) {
			claim(piece, nr + 1, 0);
			give(piece->ptr);
			bytes -= piece->size;
			live--;
			piece->ptr = NULL;
		} else if (take_random(piece, nr, &random)) {
			bytes += piece->size;
			live++;
		} else {
			failed++;
		}
		if (step % 500 == 0)
			compare(bytes, live, failed);
	}
	assert_in_range(failed, 100, STEPS / 2);
	for (int nr = 0; nr < PIECES; nr++)
		give(pieces[nr].ptr);
	memset(pieces, 0, sizeof(pieces));
	memset(owner, 0, sizeof(owner));
	assert_all_free();
}

/* --- other arenas, other processes --------------------------------------- */

static void test_one_page(void **state)
{
	struct p2pmr_buf *small = make_buf(4096);
	struct p2pmr_arena *other = p2pmr_arena_create(small, NULL);
	void *ptr[64];

	(void)state;
	assert_non_null(other);
	for (int i = 0; i < 64; i++)
		assert_non_null(ptr[i] = p2pmr_arena_alloc(other, 64, 0));
	assert_null(p2pmr_arena_alloc(other, 64, 0));
	assert_reason(P2PMR_REASON_ARENA_EXHAUSTED, ENOMEM);
	for (int i = 0; i < 64; i++)
		assert_int_equal(p2pmr_arena_free(other, ptr[i]), 0);
	ptr[0] = p2pmr_arena_alloc(other, 4096, 4096);
	assert_ptr_equal(ptr[0], p2pmr_buf_addr(small));
	/* A piece of one arena is foreign to another. */
	assert_int_equal(p2pmr_arena_free(arena, ptr[0]), -EINVAL);
	assert_reason(P2PMR_REASON_NOT_ALLOCATED, EINVAL);
	p2pmr_arena_destroy(other);
	p2pmr_buf_free(small);
}

static void test_fake_provider(void **state)
{
	struct p2pmr_fake fake = { .size = 65536, .available = 65536 };
	struct p2pmr_arena *other;
	struct p2pmr_buf *peer;

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	peer = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "01:00.0"), 65536);
	assert_non_null(peer);
	other = p2pmr_arena_create(peer, NULL);
	assert_non_null(other);
	assert_ptr_equal(p2pmr_arena_alloc(other, 65536, 0),
			 p2pmr_buf_addr(peer));
	p2pmr_arena_destroy(other);
	p2pmr_buf_free(peer);
}

/* More arenas than a thread knows by heart, and new ones at old addresses */
static void test_many_arenas(void **state)
{
	struct p2pmr_arena *other[40];
	struct p2pmr_buf *small[40];
	void *ptr[40];

	(void)state;
	for (int i = 0; i < 40; i++)
		small[i] = make_buf(65536);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 40; i++)
			other[i] = p2pmr_arena_create(small[i], NULL);
		for (int use = 0; use < 10; use++) {
			for (int i = 0; i < 40; i++)
				ptr[i] = p2pmr_arena_alloc(other[i], 64, 0);
			for (int i = 0; i < 40; i++)
				assert_int_equal(p2pmr_arena_free(other[i],
								  ptr[i]), 0);
		}
		for (int i = 0; i < 40; i++) {
			ptr[i] = p2pmr_arena_alloc(other[i], 65536, 0);
			assert_non_null(ptr[i]);
			p2pmr_arena_destroy(other[i]);
		}
	}
	for (int i = 0; i < 40; i++)
		p2pmr_buf_free(small[i]);
}

static void child(void *ptr)
{
	struct p2pmr_arena_stats now;

	assert_null(p2pmr_arena_alloc(arena, 64, 0));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_contains(p2pmr_reason_text(), "fork");
	assert_null(p2pmr_arena_alloc(arena, 65536, 4096));
	assert_int_equal(p2pmr_arena_free(arena, ptr), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_arena_size_of(arena, ptr), 0);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_arena_stats(arena, &now), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	p2pmr_arena_destroy(arena);

	/* One of its own it may make. */
	arena = p2pmr_arena_create(buf, NULL);
	give(take(64, 0));
	assert_all_free();
	p2pmr_arena_destroy(arena);
	_exit(0);
}

static void test_fork(void **state)
{
	char *ptr = take(64, 0);
	int status;
	pid_t pid;

	(void)state;
	give(take(64, 0));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		child(ptr);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_int_equal(stats().live_pieces, 1);
	give(ptr);
	assert_all_free();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_create),
		TEST(test_options),
		TEST(test_larger_than_an_arena),
		TEST(test_bad_arguments),
		TEST(test_every_size),
		TEST(test_every_alignment),
		TEST(test_impossible_alignment),
		TEST(test_too_large),
		TEST(test_exhausted),
		TEST(test_short_runs),
		TEST(test_bad_pointers),
		TEST(test_model),
		TEST(test_one_page),
		TEST(test_fake_provider),
		TEST(test_many_arenas),
		TEST(test_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
