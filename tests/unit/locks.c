// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which locks the paths take that many threads are on: of an arena none, and of
 * a registration cache's hits and puts one each, of the entry's buckets.
 */
#include "tree.h"
#include "verbs.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache-table.h"
#include "churn.h"

#define THREADS 8
#define ARENA_SIZE ((size_t)64 << 20)
#define STEPS 20000
#define ENTRIES 128

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

/* Of this thread: how many it took, and which ones */
#define NOTED 64

static _Thread_local unsigned int taken;
static _Thread_local const pthread_mutex_t *noted[NOTED];

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (taken < NOTED)
		noted[taken] = mutex;
	taken++;
	return __real_pthread_mutex_lock(mutex);
}

static struct p2pmr_context *ctx;
static struct p2pmr_buf *buf;
static struct p2pmr_arena *arena;
static pthread_barrier_t barrier;

static void open_buf(size_t size)
{
	ctx = p2pmr_open(NULL);
	assert_non_null(ctx);
	buf = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), size);
	assert_non_null(buf);
}

static void close_buf(void)
{
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
}

static int setup_arena(void **state)
{
	(void)state;
	open_buf(ARENA_SIZE);
	arena = p2pmr_arena_create(buf, NULL);
	assert_non_null(arena);
	return 0;
}

static int teardown_arena(void **state)
{
	(void)state;
	p2pmr_arena_destroy(arena);
	close_buf();
	return 0;
}

static void must(bool good)
{
	/* cmocka's assertions are for the thread that runs the test. */
	if (!good)
		abort();
}

/* --- an arena -------------------------------------------------------------- */

#define LIVE 7

/* The same again for the same seed: what it needs then, it has */
static void use(uint64_t seed)
{
	void *live[LIVE] = { NULL };

	for (int i = 0; i < STEPS; i++) {
		void **ptr = &live[churn_random(&seed) % LIVE];

		must(!p2pmr_arena_free(arena, *ptr));
		*ptr = p2pmr_arena_alloc(arena, churn_random(&seed) % 4096 + 1, 0);
		must(*ptr);
	}
	for (int i = 0; i < LIVE; i++)
		must(!p2pmr_arena_free(arena, live[i]));
}

static void *use_own(void *arg)
{
	use((uintptr_t)arg);
	pthread_barrier_wait(&barrier);
	taken = 0;
	use((uintptr_t)arg);
	must(!taken);
	return NULL;
}

static void test_arena(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_own,
						(void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&barrier);
}

/* Pieces that one thread allocates and another frees: a lock for many of them */
#define BATCH 500
#define BATCHES 40
#define PER_LOCK 5

static void *batch[BATCH];

static void *free_batches(void *arg)
{
	(void)arg;
	for (int round = 0; round < BATCHES; round++) {
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < BATCH; i++)
			must(!p2pmr_arena_free(arena, batch[i]));
		pthread_barrier_wait(&barrier);
	}
	must(taken < BATCH * BATCHES / PER_LOCK);
	return NULL;
}

static void test_arena_freed_by_other(void **state)
{
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, free_batches, NULL), 0);
	taken = 0;
	for (int round = 0; round < BATCHES; round++) {
		for (int i = 0; i < BATCH; i++)
			batch[i] = p2pmr_arena_alloc(arena, 256, 0);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	assert_in_range(taken, 1, BATCH * BATCHES / PER_LOCK);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&barrier);
}

/* --- a cache ---------------------------------------------------------------- */

static struct p2pmr_cache *cache;

static int setup_cache(void **state)
{
	(void)state;
	verbs_reset();
	open_buf(ENTRIES * sysconf(_SC_PAGESIZE));
	cache = p2pmr_cache_create(NULL);
	assert_non_null(cache);
	return 0;
}

static int teardown_cache(void **state)
{
	(void)state;
	p2pmr_cache_destroy(cache);
	close_buf();
	return 0;
}

static void get_put(int entry)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct ibv_mr *mr = p2pmr_cache_get(cache, &verbs_pd[0], buf,
					    entry * page, page, ACCESS, NULL);

	assert_non_null(mr);
	assert_int_equal(p2pmr_cache_put(cache, mr), 0);
}

/* Two locks for each entry, which no other one has, nor do the lists. */
static void test_cache(void **state)
{
	const pthread_mutex_t *locks[2 * ENTRIES];

	(void)state;
	for (int i = 0; i < ENTRIES; i++)
		get_put(i);
	for (int i = 0; i < ENTRIES; i++) {
		taken = 0;
		get_put(i);
		assert_int_equal(taken, 2);
		memcpy(&locks[2 * i], noted, 2 * sizeof(*locks));
	}
	for (int i = 0; i < 2 * ENTRIES; i++) {
		assert_ptr_not_equal(locks[i], &p2pmr_cache_lists.lock);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(locks[i], locks[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arena, setup_arena,
						teardown_arena),
		cmocka_unit_test_setup_teardown(test_arena_freed_by_other,
						setup_arena, teardown_arena),
		cmocka_unit_test_setup_teardown(test_cache, setup_cache,
						teardown_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
