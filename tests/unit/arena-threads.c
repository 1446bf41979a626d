// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Arenas, many threads. Built three times: as test-arena-threads, as
 * test-arena-fence, in which membarrier(2) does not work, and as
 * test-arena-fence-late, in which it works for a while.
 */
#include "tree.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena-private.h"
#include "churn.h"

#define SIZE ((size_t)1 << 20)
#define THREADS 8

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* How often it works */
static int membarrier_works(void)
{
	const char *name = program_invocation_short_name;

	return strstr(name, "late") ? 20 : strstr(name, "fence") ? 0 : INT_MAX;
}

/* The library makes no other system call by its number. */
long __wrap_syscall(long number, ...)
{
	static atomic_int calls;
	va_list args;
	int command;

	assert_int_equal(number, SYS_membarrier);
	va_start(args, number);
	command = va_arg(args, int);
	va_end(args);
	if (atomic_fetch_add(&calls, 1) < membarrier_works())
		return __real_syscall(number, command, 0, 0);
	errno = ENOSYS;
	return -1;
}

static struct p2pmr_context *ctx;
static struct p2pmr_buf *buf;
static struct p2pmr_arena *arena;
static pthread_barrier_t barrier;

static int setup(void **state)
{
	(void)state;
	ctx = p2pmr_open(NULL);
	buf = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), SIZE);
	arena = p2pmr_arena_create(buf, NULL);
	assert_non_null(arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return 0;
}

static void assert_all_free(void)
{
	struct p2pmr_arena_stats stats;
	void *whole;

	assert_int_equal(p2pmr_arena_stats(arena, &stats), 0);
	assert_int_equal(stats.live_pieces, 0);
	assert_int_equal(stats.live_bytes, 0);
	assert_int_equal(stats.largest_free_bytes, SIZE);
	whole = p2pmr_arena_alloc(arena, SIZE, 0);
	assert_ptr_equal(whole, p2pmr_buf_addr(buf));
	assert_int_equal(p2pmr_arena_free(arena, whole), 0);
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	assert_int_equal(pthread_create(thread, NULL, run, arg), 0);
}

static void join(pthread_t thread)
{
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* --- pieces that go from hand to hand ------------------------------------ */

#define SHARED 384
/* the thread sanitizer needs no luck to see a race, and takes its time */
#ifdef __SANITIZE_THREAD__
#define ROUNDS 6000
#define RACES 10
#define SPINS 1000
#else
#define ROUNDS 30000
#define RACES 40
#define SPINS 100000
#endif

static _Atomic(uint64_t *) shared[SHARED];

/* Each piece begins and ends with its own address; who frees it looks. */
static void release(uint64_t *ptr)
{
	size_t words = p2pmr_arena_size_of(arena, ptr) / sizeof(*ptr);

	assert_in_range(words, 8, SIZE / sizeof(*ptr));
	assert_int_equal(ptr[0], (uintptr_t)ptr);
	assert_int_equal(ptr[words - 1], (uintptr_t)ptr);
	ptr[0] = 0;
	ptr[words - 1] = 0;
	assert_int_equal(p2pmr_arena_free(arena, ptr), 0);
}

static uint64_t *obtain(uint64_t *random, size_t most)
{
	size_t size = churn_size(random) % most + 1;
	size_t align = churn_random(random) % 16 ? 0 : 4096;
	uint64_t *ptr = p2pmr_arena_alloc(arena, size, align);
	size_t words;

	if (!ptr)
		return NULL;
	words = p2pmr_arena_size_of(arena, ptr) / sizeof(*ptr);
	ptr[0] = (uintptr_t)ptr;
	ptr[words - 1] = (uintptr_t)ptr;
	return ptr;
}

static void *pass_on(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	struct p2pmr_arena_stats stats;

	for (int i = 0; i < ROUNDS; i++) {
		size_t at = churn_random(&random) % SHARED;
		uint64_t *ptr = i % 3 ? obtain(&random, 32768) : NULL;

		ptr = atomic_exchange(&shared[at], ptr);
		if (ptr)
			release(ptr);
		if (i % 1000 == 0) {
			assert_int_equal(p2pmr_arena_stats(arena, &stats), 0);
			assert_in_range(stats.live_bytes, 0, SIZE);
		}
	}
	return NULL;
}

/* The arena is too small for all of them, so that caches are taken back. */
static void test_pass_on(void **state)
{
	struct p2pmr_arena_stats stats;
	pthread_t threads[THREADS];

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		start(&threads[i], pass_on, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	assert_int_equal(p2pmr_arena_stats(arena, &stats), 0);
	assert_in_range(stats.failed_allocs, 1, UINT64_MAX);
	for (int i = 0; i < SHARED; i++) {
		if (shared[i])
			release(shared[i]);
		shared[i] = NULL;
	}
	assert_all_free();
}

/* --- threads that free the same pieces: one of them does ----------------- */

#define RACED 500

static void *raced[RACED];
static atomic_uint arrived;
static atomic_uint winners;

/*
 * A barrier's wake-ups are too far apart for a race, and even so who comes last
 * goes on first; so both wait for some more nanoseconds.
 */
static void wait_for_other(unsigned int arrivals, uint64_t *random)
{
	unsigned int delay = churn_random(random) % 256;
	unsigned int spins = 0;

	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < arrivals) {
		if (spins++ > SPINS)
			sched_yield();
	}
	while (delay--)
		atomic_load(&arrived);
}

static void *race(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	unsigned int arrivals = 0;

	for (unsigned int i = 0; i < RACES; i++) {
		pthread_barrier_wait(&barrier);
		for (unsigned int j = 0; j < RACED; j++) {
			int ret;

			wait_for_other(arrivals += 2, &random);
			ret = p2pmr_arena_free(arena, raced[j]);
			if (!ret)
				atomic_fetch_add(&winners, 1);
			else
				assert_int_equal(ret, -EINVAL);
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void test_double_free_at_once(void **state)
{
	pthread_t threads[2];

	(void)state;
	atomic_store(&arrived, 0);
	pthread_barrier_init(&barrier, NULL, 3);
	start(&threads[0], race, (void *)1);
	start(&threads[1], race, (void *)2);
	for (int i = 0; i < RACES; i++) {
		for (int j = 0; j < RACED; j++) {
			raced[j] = p2pmr_arena_alloc(arena, 64, 0);
			assert_non_null(raced[j]);
		}
		winners = 0;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		assert_int_equal(winners, RACED);
	}
	join(threads[0]);
	join(threads[1]);
	pthread_barrier_destroy(&barrier);
	assert_all_free();
}

/* On a busy machine two threads may share a processor, and then never race. */
static void run_on(int nr)
{
	cpu_set_t all, one;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || nr--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	}
}

static void free_raced(void)
{
	if (!p2pmr_arena_free(arena, raced[0]))
		atomic_fetch_add(&winners, 1);
}

static void *race_other(void *arg)
{
	unsigned int arrivals = 0;
	uint64_t random = 4;

	(void)arg;
	run_on(1);
	for (unsigned int i = 0; i < RACES * RACED; i++) {
		wait_for_other(arrivals += 2, &random);
		free_raced();
		wait_for_other(arrivals += 2, &random);
	}
	return NULL;
}

static void *race_owner(void *arg)
{
	struct p2pmr_arena_stats stats;
	unsigned int arrivals = 0;
	uint64_t random = 3;

	(void)arg;
	run_on(0);
	for (unsigned int i = 0; i < RACES * RACED; i++) {
		if (i % 2)
			assert_int_equal(p2pmr_arena_stats(arena, &stats), 0);
		raced[0] = p2pmr_arena_alloc(arena, 64, 0);
		atomic_store(&winners, 0);
		wait_for_other(arrivals += 2, &random);
		free_raced();
		wait_for_other(arrivals += 2, &random);
		assert_int_equal(winners, 1);
	}
	return NULL;
}

/*
 * The thread that allocated a piece and another one. Until another one comes
 * nobody but the owner can free the owner's pieces, and p2pmr_arena_stats()
 * makes that so again; half of the time.
 */
static void test_double_free_by_owner(void **state)
{
	pthread_t threads[2];

	(void)state;
	atomic_store(&arrived, 0);
	start(&threads[0], race_owner, NULL);
	start(&threads[1], race_other, NULL);
	join(threads[0]);
	join(threads[1]);
	assert_all_free();
}

/* --- taking back what a thread keeps while the thread is at it ----------- */

static atomic_bool done;
static atomic_uint pumped;

static void *pump(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	uint64_t *ptr[16] = { NULL };

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; !atomic_load(&done); i++) {
		if (ptr[i % 16])
			release(ptr[i % 16]);
		ptr[i % 16] = obtain(&random, 1024);
		assert_non_null(ptr[i % 16]);
		atomic_fetch_add(&pumped, 1);
	}
	for (int i = 0; i < 16; i++) {
		if (ptr[i])
			release(ptr[i]);
	}
	return NULL;
}

static void test_take_back(void **state)
{
	struct p2pmr_arena_stats stats;
	pthread_t threads[2];
	uint64_t random = 1;

	(void)state;
	atomic_store(&done, false);
	pthread_barrier_init(&barrier, NULL, 3);
	start(&threads[0], pump, (void *)1);
	start(&threads[1], pump, (void *)2);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 500; i++) {
		unsigned int until = atomic_load(&pumped);

		/* They must have something in their caches again. */
		until += churn_random(&random) % 100;
		while ((int)(atomic_load(&pumped) - until) < 0)
			sched_yield();
		assert_int_equal(p2pmr_arena_stats(arena, &stats), 0);
	}
	atomic_store(&done, true);
	join(threads[0]);
	join(threads[1]);
	pthread_barrier_destroy(&barrier);
	assert_all_free();
}

/* --- what idle and ended threads keep ------------------------------------ */

/* Leaves pieces of many sizes in the thread's cache. */
static void fill_cache(struct p2pmr_arena *which)
{
	void *ptr[100];

	for (size_t i = 0; i < ARRAY_SIZE(ptr); i++)
		ptr[i] = p2pmr_arena_alloc(which, 64 + i * 32, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ptr); i++)
		assert_int_equal(p2pmr_arena_free(which, ptr[i]), 0);
}

static void *fill_and_wait(void *arg)
{
	fill_cache(arg);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	fill_cache(arg);
	return NULL;
}

static void test_idle_threads(void **state)
{
	pthread_t threads[THREADS];
	void *whole;

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		start(&threads[i], fill_and_wait, arena);
	pthread_barrier_wait(&barrier);
	/* Without the help of p2pmr_arena_stats(), which would do the same */
	whole = p2pmr_arena_alloc(arena, SIZE, 0);
	assert_ptr_equal(whole, p2pmr_buf_addr(buf));
	assert_int_equal(p2pmr_arena_free(arena, whole), 0);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	pthread_barrier_destroy(&barrier);
	assert_all_free();
}

/* In a child nothing is left of the other threads, but of their caches. */
static void test_fork_with_threads(void **state)
{
	pthread_t threads[THREADS];
	int status;
	pid_t pid;

	(void)state;
	fill_cache(arena);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		start(&threads[i], fill_and_wait, arena);
	pthread_barrier_wait(&barrier);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		p2pmr_arena_destroy(arena);
		arena = p2pmr_arena_create(buf, NULL);
		fill_cache(arena);
		assert_all_free();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	pthread_barrier_destroy(&barrier);
	assert_all_free();
}

static void *fill_and_end(void *arg)
{
	fill_cache(arg);
	return NULL;
}

static void test_ended_threads(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		pthread_t thread;

		start(&thread, fill_and_end, arena);
		join(thread);
		assert_int_equal(arena->cache_count, 0);
		assert_int_equal(arena->pages.taken, 0);
	}
	assert_all_free();
}

/* --- more threads than there are labels ---------------------------------- */

#define MANY (LABEL_COUNT + 50)

static void *many[MANY];

static void *take_one(void *arg)
{
	void **mine = arg;

	fill_cache(arena);
	*mine = p2pmr_arena_alloc(arena, 100, 0);
	assert_non_null(*mine);
	return NULL;
}

static void *take_one_and_wait(void *arg)
{
	void **mine = arg;
	void **next = mine + 1 < many + MANY ? mine + 1 : many;

	take_one(arg);
	pthread_barrier_wait(&barrier);
	assert_int_equal(p2pmr_arena_free(arena, *next), 0);
	assert_int_equal(p2pmr_arena_free(arena, *next), -EINVAL);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void test_many_at_once(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	pthread_barrier_init(&barrier, NULL, MANY);
	for (int i = 0; i < MANY; i++)
		start(&threads[i], take_one_and_wait, &many[i]);
	for (int i = 0; i < MANY; i++)
		join(threads[i]);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(arena->cache_count, 0);
	assert_all_free();
}

/* Pieces live on after their thread, and threads come that have its label. */
static void *free_others(void *arg)
{
	void **ptr = arg;

	fill_cache(arena);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(p2pmr_arena_free(arena, ptr[i]), 0);
		assert_int_equal(p2pmr_arena_free(arena, ptr[i]), -EINVAL);
	}
	return NULL;
}

static void test_many_in_turn(void **state)
{
	pthread_t thread;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			start(&thread, take_one, &many[i]);
			join(thread);
		}
		for (int i = 0; i + 20 <= MANY; i += 20) {
			start(&thread, free_others, &many[i]);
			join(thread);
		}
		for (int i = MANY / 20 * 20; i < MANY; i++)
			assert_int_equal(p2pmr_arena_free(arena, many[i]), 0);
		assert_all_free();
	}
}

static void *outlive(void *arg)
{
	fill_cache(arg);
	pthread_barrier_wait(&barrier);
	/* The arena is destroyed, and another one made. */
	pthread_barrier_wait(&barrier);
	fill_cache(arena);
	return NULL;
}

static void test_arena_ends_before_thread(void **state)
{
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&barrier, NULL, 2);
	start(&thread, outlive, arena);
	pthread_barrier_wait(&barrier);
	p2pmr_arena_destroy(arena);
	arena = p2pmr_arena_create(buf, NULL);
	pthread_barrier_wait(&barrier);
	join(thread);
	pthread_barrier_destroy(&barrier);
	assert_all_free();
}

static pthread_key_t late_key;

static void free_late(void *ptr)
{
	assert_int_equal(p2pmr_arena_free(arena, ptr), 0);
	fill_cache(arena);
}

static void *leave_to_destructor(void *arg)
{
	(void)arg;
	fill_cache(arena);
	pthread_setspecific(late_key, p2pmr_arena_alloc(arena, 100, 0));
	return NULL;
}

/* A destructor of the thread that runs after the library's */
static void test_destructors(void **state)
{
	pthread_t thread;

	(void)state;
	fill_cache(arena);
	pthread_key_create(&late_key, free_late);
	start(&thread, leave_to_destructor, NULL);
	join(thread);
	pthread_key_delete(late_key);
	assert_int_equal(arena->cache_count, 1);
	assert_all_free();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pass_on),
		TEST(test_double_free_at_once),
		TEST(test_double_free_by_owner),
		TEST(test_take_back),
		TEST(test_idle_threads),
		TEST(test_fork_with_threads),
		TEST(test_ended_threads),
		TEST(test_many_at_once),
		TEST(test_many_in_turn),
		TEST(test_arena_ends_before_thread),
		TEST(test_destructors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
