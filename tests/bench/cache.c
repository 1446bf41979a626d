// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does a region cost that the registration cache has? Compares, within one
 * run, p2pmr_cache_get() that hits, and p2pmr_cache_put(), with locking and
 * unlocking an uncontended pthread mutex; then the same by several threads, each
 * with a buffer of its own, with one thread.
 *
 *   build/tests/bench/cache [THREADS]        (default: 2)
 *
 * Needs no device: the one registration of each buffer allocates memory. Exit
 * status: 0 a get that hits, with its put, costs at most three locks and
 * unlocks; 1 more.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <p2pmr/p2pmr.h>

#define CALLS 10000
#define ROUNDS 500
#define THREAD_CALLS 2000000
#define BUFFERS 64
#define LIMIT 3

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access);
int __wrap_ibv_dereg_mr(struct ibv_mr *mr);

static struct ibv_device device = { .name = "none" };
static struct ibv_context verbs = { .device = &device };
static struct ibv_pd pd = { .context = &verbs };
static struct p2pmr_cache *cache;
static struct p2pmr_buf *bufs[BUFFERS];

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *of, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access)
{
	struct ibv_mr *mr = calloc(1, sizeof(*mr));

	(void)iova;
	(void)access;
	if (!mr)
		abort();
	*mr = (struct ibv_mr){ .pd = of, .addr = addr, .length = length };
	return mr;
}

int __wrap_ibv_dereg_mr(struct ibv_mr *mr)
{
	free(mr);
	return 0;
}

static struct ibv_mr *get(struct p2pmr_buf *buf)
{
	struct ibv_mr *mr = p2pmr_cache_get(cache, &pd, buf, 0, 4096,
					    IBV_ACCESS_LOCAL_WRITE, NULL);

	if (!mr)
		abort();
	return mr;
}

/* ---- one thread: the operations, CALLS times each ----------------------- */

static void lock_unlock(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	for (int i = 0; i < CALLS; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
}

/* The one measures what the other puts back */
static struct ibv_mr *got;

static void get_only(void)
{
	for (int i = 0; i < CALLS; i++)
		got = get(bufs[0]);
}

static void put_only(void)
{
	for (int i = 0; i < CALLS; i++)
		p2pmr_cache_put(cache, got);
}

static void get_put(void)
{
	for (int i = 0; i < CALLS; i++)
		p2pmr_cache_put(cache, get(bufs[0]));
}

static void get_put_many(void)
{
	for (int i = 0; i < CALLS; i++)
		p2pmr_cache_put(cache, get(bufs[i % BUFFERS]));
}

static const struct {
	const char *name;
	void (*run)(void);
} operations[] = {
	{ "lock and unlock a mutex", lock_unlock },
	{ "p2pmr_cache_get() that hits", get_only },
	{ "p2pmr_cache_put()", put_only },
	{ "both", get_put },
	{ "both, on 64 buffers in turn", get_put_many },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/*
 * Nanoseconds per call: in turn, and the shortest of short rounds, as whatever
 * else the machine does can only add.
 */
static void measure(double best[OPERATIONS])
{
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < OPERATIONS; i++) {
			double start = now(CLOCK_MONOTONIC), took;

			operations[i].run();
			took = (now(CLOCK_MONOTONIC) - start) / CALLS;
			if (!round || took < best[i])
				best[i] = took;
		}
	}
}

/* ---- threads ------------------------------------------------------------ */

static pthread_barrier_t start_line;

struct thread {
	pthread_t id;
	struct p2pmr_buf *buf;
	double took;
};

static void *run_thread(void *arg)
{
	struct thread *thread = arg;
	double start;

	pthread_barrier_wait(&start_line);
	start = now(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < THREAD_CALLS; i++)
		p2pmr_cache_put(cache, get(thread->buf));
	thread->took = now(CLOCK_THREAD_CPUTIME_ID) - start;
	return NULL;
}

/*
 * Nanoseconds of a processor per get and put: what threads share shows in it,
 * and that the machine has other work does not.
 */
static double run_threads(int count)
{
	struct thread threads[BUFFERS];
	double took = 0;

	pthread_barrier_init(&start_line, NULL, count);
	for (int i = 0; i < count; i++) {
		threads[i].buf = bufs[i];
		if (pthread_create(&threads[i].id, NULL, run_thread,
				   &threads[i]))
			abort();
	}
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i].id, NULL);
		took += threads[i].took;
	}
	pthread_barrier_destroy(&start_line);
	return took / ((double)THREAD_CALLS * count);
}

/* glibc leaves out atomic operations as long as there is but one thread. */
static void *stay(void *arg)
{
	pthread_mutex_lock(arg);
	pthread_mutex_unlock(arg);
	return NULL;
}

static int report(int threads)
{
	double best[OPERATIONS], one, many;

	measure(best);
	for (size_t i = 0; i < OPERATIONS; i++)
		printf("%-34s %6.1f ns  %5.2f\n", operations[i].name,
		       best[i], best[i] / best[0]);
	one = run_threads(1);
	many = run_threads(threads);
	printf("%d threads, a buffer each: %.2f times the processor time of one\n",
	       threads, many / one);
	return best[3] > LIMIT * best[0] || best[4] > LIMIT * best[0];
}

int main(int argc, char **argv)
{
	pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
	int threads = argc > 1 ? atoi(argv[1]) : 2, status;
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *host;
	pthread_t other;

	if (threads < 1 || threads > BUFFERS) {
		fprintf(stderr, "usage: cache [THREADS], 1 to %d\n", BUFFERS);
		return 2;
	}
	host = ctx ? p2pmr_provider_find(ctx, "host") : NULL;
	cache = p2pmr_cache_create(NULL);
	for (int i = 0; host && i < BUFFERS; i++)
		bufs[i] = p2pmr_buf_alloc(host, 4096);
	pthread_mutex_lock(&hold);
	if (!cache || !host || !bufs[BUFFERS - 1] ||
	    pthread_create(&other, NULL, stay, &hold)) {
		fprintf(stderr, "%s\n", p2pmr_reason_text());
		return 1;
	}
	status = report(threads);
	pthread_mutex_unlock(&hold);
	pthread_join(other, NULL);
	return status;
}
