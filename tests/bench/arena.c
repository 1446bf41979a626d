// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does an arena take, compared with malloc? How full does it get?
 *
 *   build/tests/bench/arena [ROUNDS]        (default: 50)
 *
 * First: one thread, then eight, each with 128 pieces of random sizes (64 B to
 * 64 KiB, log-uniform), of which it replaces one at random, again and again. One
 * thread: nothing else in the process; eight: all on the same arena. Then the
 * same with sizes of at most 1 KiB. Then one size at a time, allocated and freed
 * at once, which is what malloc's thread caches are best at. Both are called in
 * the same way, in their shared libraries. Rounds of malloc and of the arena
 * alternate. Each figure is the least of ROUNDS, in nanoseconds of a processor's
 * time for one allocation and one free of any thread: what threads share shows in
 * it, and what else the machine does hardly. A ratio below 1 says that the arena
 * is faster.
 *
 * At last how many of its 64 MiB are live when an allocation fails for the first
 * time, for ten seeds (tests/unit/churn.h says how).
 *
 * Exit status: 0 good; 1 malloc is faster with any of these sizes, or an arena
 * fails before it is filled to 85 %; 2 usage.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <p2pmr/p2pmr.h>

#include "churn.h"

#define SIZE ((size_t)64 << 20)
#define THREADS_MAX 8
#define LIVE 128
#define STEPS 50000
#define ROUNDS_MAX 1000
#define LEAST_FULL 0.85

/* Steps repeat after so many; prepared, so that no round pays for them */
#define PREPARED 8192

struct step {
	uint32_t which;
	uint32_t size;
};

struct worker {
	pthread_t thread;
	struct step *steps;
	void **live;
	double cpu;
};

struct allocator {
	void *(*alloc)(size_t size);
	void (*free)(void *ptr);
};

static struct p2pmr_arena *arena;
static const struct allocator *current;
static size_t most = CHURN_MOST;
static size_t one_size;
static pthread_barrier_t barrier;

static void *malloc_alloc(size_t size)
{
	void *ptr = malloc(size);

	if (!ptr)
		abort();
	return ptr;
}

static void malloc_free(void *ptr)
{
	free(ptr);
}

static void *arena_alloc(size_t size)
{
	void *ptr = p2pmr_arena_alloc(arena, size, 0);

	if (!ptr) {
		fprintf(stderr, "arena: %s\n", p2pmr_reason_text());
		exit(1);
	}
	return ptr;
}

static void arena_free(void *ptr)
{
	if (p2pmr_arena_free(arena, ptr))
		abort();
}

static const struct allocator allocators[] = {
	{ malloc_alloc, malloc_free },
	{ arena_alloc, arena_free },
};

/* Of the processor, for this thread */
static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static void begin(struct worker *worker)
{
	worker->cpu = -now_ns();
}

static void end(struct worker *worker)
{
	worker->cpu += now_ns();
}

static void replace(struct worker *worker, unsigned int steps)
{
	for (unsigned int i = 0; i < steps; i++) {
		const struct step *step = &worker->steps[i % PREPARED];
		void **piece = &worker->live[step->which];

		current->free(*piece);
		*piece = current->alloc(step->size % most + 1);
	}
}

static void *random_sizes(void *arg)
{
	struct worker *worker = arg;

	for (unsigned int i = 0; i < LIVE; i++)
		worker->live[i] = current->alloc(worker->steps[i].size % most + 1);
	/* Warm up, and wait for the others. */
	replace(worker, PREPARED);
	pthread_barrier_wait(&barrier);
	begin(worker);
	replace(worker, STEPS);
	end(worker);
	for (unsigned int i = 0; i < LIVE; i++)
		current->free(worker->live[i]);
	return NULL;
}

static void *same_size(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(&barrier);
	begin(worker);
	for (unsigned int i = 0; i < STEPS; i++)
		current->free(current->alloc(one_size));
	end(worker);
	return NULL;
}

/* Nanoseconds of a processor per step of any thread */
static double run(struct worker *workers, unsigned int threads,
		  void *(*work)(void *))
{
	double cpu = 0;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned int i = 0; threads > 1 && i < threads; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	if (threads == 1)
		work(&workers[0]);
	for (unsigned int i = 0; threads > 1 && i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	for (unsigned int i = 0; i < threads; i++)
		cpu += workers[i].cpu;
	return cpu / STEPS / threads;
}

/* Prints a line. Is the arena no slower? */
static bool measure(const char *what, struct worker *workers,
		      unsigned int threads, void *(*work)(void *),
		      unsigned int rounds)
{
	double ns[2] = { 0 };
	double ratio;

	for (unsigned int i = 0; i < 2 * rounds; i++) {
		double took;

		current = &allocators[i % 2];
		took = run(workers, threads, work);
		if (i < 2 || took < ns[i % 2])
			ns[i % 2] = took;
	}
	ratio = ns[1] / ns[0];
	printf("%-30s %12.1f %12.1f %8.2f\n", what, ns[0], ns[1], ratio);
	return ratio <= 1;
}

static void prepare(struct worker *worker, uint64_t seed)
{
	worker->steps = calloc(PREPARED, sizeof(*worker->steps));
	worker->live = calloc(LIVE, sizeof(*worker->live));
	if (!worker->steps || !worker->live)
		abort();
	for (unsigned int i = 0; i < PREPARED; i++) {
		worker->steps[i].which = churn_random(&seed) % LIVE;
		worker->steps[i].size = churn_size(&seed);
	}
}

static bool time_all(unsigned int rounds)
{
	struct worker workers[THREADS_MAX];
	char what[64];
	bool good;

	for (unsigned int i = 0; i < THREADS_MAX; i++)
		prepare(&workers[i], i + 1);
	printf("%-30s %12s %12s %8s\n", "alloc + free", "malloc [ns]",
	       "arena [ns]", "ratio");
	good = measure("random sizes, 1 thread", workers, 1, random_sizes,
		       rounds);
	good &= measure("random sizes, 8 threads", workers, 8, random_sizes,
			rounds);
	most = 1024;
	good &= measure("up to 1 KiB, 1 thread", workers, 1, random_sizes,
			rounds);
	good &= measure("up to 1 KiB, 8 threads", workers, 8, random_sizes,
			rounds);
	for (one_size = 64; one_size <= 65536; one_size *= 4) {
		snprintf(what, sizeof(what), "%zu bytes, 1 thread", one_size);
		good &= measure(what, workers, 1, same_size, rounds);
		snprintf(what, sizeof(what), "%zu bytes, 8 threads", one_size);
		good &= measure(what, workers, 8, same_size, rounds);
	}
	for (unsigned int i = 0; i < THREADS_MAX; i++) {
		free(workers[i].steps);
		free(workers[i].live);
	}
	return good;
}

static bool fill_all(void)
{
	bool good = true;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		double part = churn_until_failure(arena, SIZE, seed);

		printf("seed %-2d  first failure at %.2f %% live\n", (int)seed,
		       part * 100);
		good &= part >= LEAST_FULL;
	}
	return good;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 50;
	struct p2pmr_provider *host;
	struct p2pmr_context *ctx;
	struct p2pmr_buf *buf = NULL;
	bool good;

	if (argc > 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: arena [ROUNDS]\n");
		return 2;
	}
	ctx = p2pmr_open(NULL);
	host = ctx ? p2pmr_provider_find(ctx, "host") : NULL;
	if (host)
		buf = p2pmr_buf_alloc(host, SIZE);
	if (buf)
		arena = p2pmr_arena_create(buf, NULL);
	if (!arena) {
		fprintf(stderr, "arena: %s\n", p2pmr_reason_text());
		return 1;
	}
	good = time_all(rounds);
	good &= fill_all();
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	return !good;
}
