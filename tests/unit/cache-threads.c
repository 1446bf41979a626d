// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The registration cache: several threads, and processes. */
#include "tree.h"
#include "verbs.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 8
#define THREADS 8
#define ROUNDS 2000

static struct p2pmr_context *ctx;
static struct p2pmr_provider *host;
static struct p2pmr_cache *cache;
static struct p2pmr_buf *buf;
static struct tree tree;
static size_t page;

static int setup(void **state)
{
	(void)state;
	page = sysconf(_SC_PAGESIZE);
	tree_make(&tree);
	ctx = tree_open(&tree);
	host = p2pmr_provider_find(ctx, "host");
	buf = p2pmr_buf_alloc(host, PAGES * page);
	assert_non_null(buf);
	verbs_reset();
	cache = p2pmr_cache_create(NULL);
	assert_non_null(cache);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_cache_destroy(cache);
	assert_int_equal(verbs_live, 0);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static struct ibv_mr *get(size_t number)
{
	return p2pmr_cache_get(cache, &verbs_pd[0], buf, number * page, page,
			       ACCESS, NULL);
}

static void must(bool good)
{
	/* cmocka's assertions are for the thread that runs the test. */
	if (!good)
		abort();
}

static void start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	must(!pthread_create(thread, NULL, run, arg));
}

static void join(pthread_t thread)
{
	must(!pthread_join(thread, NULL));
}

/* ---- misses ------------------------------------------------------------- */

static pthread_barrier_t both;

static void wait_for_both(void)
{
	pthread_barrier_wait(&both);
}

static void *get_first_page(void *arg)
{
	struct ibv_mr **mr = arg;

	*mr = get(0);
	return NULL;
}

/* Both are in the middle of it at once. One region stays, and both have it. */
static void test_same_miss(void **state)
{
	struct p2pmr_cache_stats stats;
	struct ibv_mr *mrs[2];
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
	verbs_on_register = wait_for_both;
	start(&thread, get_first_page, &mrs[0]);
	mrs[1] = get(0);
	join(thread);
	verbs_on_register = NULL;
	pthread_barrier_destroy(&both);
	assert_non_null(mrs[0]);
	assert_ptr_equal(mrs[0], mrs[1]);
	assert_int_equal(verbs_registered, 2);
	assert_int_equal(verbs_live, 1);
	assert_int_equal(p2pmr_cache_stats(cache, &stats), 0);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.entries, 1);
	assert_int_equal(stats.bytes, page);
	assert_int_equal(p2pmr_cache_put(cache, mrs[0]), 0);
	assert_int_equal(p2pmr_cache_put(cache, mrs[1]), 0);
	assert_int_equal(p2pmr_cache_put(cache, mrs[1]), -EINVAL);
}

static sem_t registering, go_on;

static void wait_to_go_on(void)
{
	sem_post(&registering);
	sem_wait(&go_on);
}

/* A registration takes its time; who finds his region does not wait for it. */
static void test_hit_during_miss(void **state)
{
	struct ibv_mr *mr, *missed, *there = get(1);
	struct p2pmr_buf *other;
	pthread_t thread;

	(void)state;
	sem_init(&registering, 0, 0);
	sem_init(&go_on, 0, 0);
	other = p2pmr_buf_alloc(host, page);
	mr = p2pmr_cache_get(cache, &verbs_pd[0], other, 0, 1, ACCESS, NULL);
	assert_int_equal(p2pmr_cache_put(cache, mr), 0);

	verbs_on_register = wait_to_go_on;
	start(&thread, get_first_page, &missed);
	sem_wait(&registering);
	mr = get(1);
	assert_ptr_equal(mr, there);
	assert_int_equal(p2pmr_cache_put(cache, mr), 0);
	assert_int_equal(p2pmr_cache_put(cache, there), 0);
	/* Nor does one who frees a buffer */
	p2pmr_buf_free(other);
	assert_int_equal(verbs_live, 1);
	sem_post(&go_on);
	join(thread);
	verbs_on_register = NULL;
	assert_int_equal(p2pmr_cache_put(cache, missed), 0);
	sem_destroy(&registering);
	sem_destroy(&go_on);
}

/* ---- everything at once ------------------------------------------------- */

static atomic_uint seeds;

/* Use what was got as someone would who has it */
static void check(const struct ibv_mr *mr, const struct p2pmr_buf *of,
		  const struct ibv_pd *pd, size_t number)
{
	must(mr);
	must(mr->pd == pd);
	must(mr->addr == (char *)of->addr + number * page);
	must(mr->length == page);
}

/* Buffers come and go at the same few addresses, in both protection domains. */
static void *use_all(void *arg)
{
	unsigned int seed = atomic_fetch_add(&seeds, 1);
	struct p2pmr_buf *own = NULL;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned int dice = rand_r(&seed);
		struct ibv_pd *pd = &verbs_pd[dice >> 8 & 1];
		size_t number = dice % PAGES;
		struct p2pmr_buf *of = dice >> 9 & 1 ? buf : own;
		struct ibv_mr *mr;

		if (!own)
			own = p2pmr_buf_alloc(host, PAGES * page);
		if (!of)
			of = own;
		must(own);
		mr = p2pmr_cache_get(cache, pd, of, number * page, page,
				     ACCESS, NULL);
		check(mr, of, pd, number);
		if ((dice >> 10) % 50 == 0)
			p2pmr_provider_left(host);
		if ((dice >> 10) % 50 == 1)
			must(!p2pmr_cache_invalidate(cache, mr));
		if ((dice >> 10) % 50 == 2) {
			p2pmr_buf_free(own);
			if (of == own)
				of = NULL;
			own = NULL;
		}
		if (of)
			check(mr, of, pd, number);
		must(mr->pd == pd);
		must(!p2pmr_cache_put(cache, mr));
	}
	p2pmr_buf_free(own);
	return NULL;
}

static void *look_and_forget(void *arg)
{
	atomic_bool *done = arg;

	while (!atomic_load(done)) {
		struct p2pmr_cache_stats stats;
		int ret;

		must(!p2pmr_cache_stats(cache, &stats));
		must(stats.entries <= 16);
		ret = p2pmr_cache_forget_pd(cache, &verbs_pd[1]);
		must(!ret || ret == -EBUSY);
		usleep(100);
	}
	return NULL;
}

static void test_stress(void **state)
{
	struct p2pmr_cache_stats stats;
	atomic_bool done = false;
	pthread_t threads[THREADS], looker;

	(void)state;
	p2pmr_cache_destroy(cache);
	cache = p2pmr_cache_create(P2PMR_OPTS(p2pmr_cache_opts,
					      .max_entries = 16));
	assert_non_null(cache);
	start(&looker, look_and_forget, &done);
	for (int i = 0; i < THREADS; i++)
		start(&threads[i], use_all, NULL);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	atomic_store(&done, true);
	join(looker);

	assert_int_equal(p2pmr_cache_stats(cache, &stats), 0);
	assert_int_equal(stats.hits + stats.misses, THREADS * ROUNDS);
	assert_true(stats.hits && stats.evictions && stats.invalidated);
	assert_int_equal(stats.entries, verbs_live);
}

/* ---- fork --------------------------------------------------------------- */

/* In the child: the parent's regions are neither handed out nor ended. */
static bool child_is_good(struct ibv_mr *held)
{
	int live = verbs_live;
	struct p2pmr_cache_stats stats;
	struct p2pmr_buf *own;
	struct ibv_mr *mr;

	if (get(0) || errno != ECHILD ||
	    p2pmr_reason_code() != P2PMR_REASON_FORKED)
		return false;
	if (p2pmr_cache_put(cache, held) != -ECHILD ||
	    p2pmr_cache_invalidate(cache, held) != -ECHILD ||
	    p2pmr_cache_forget_pd(cache, &verbs_pd[0]) != -ECHILD ||
	    p2pmr_cache_stats(cache, &stats) != -ECHILD)
		return false;
	/* A cache of its own, on a buffer that it shares with the parent */
	struct p2pmr_cache *mine = p2pmr_cache_create(NULL);

	own = p2pmr_buf_alloc(host, page);
	mr = p2pmr_cache_get(mine, &verbs_pd[0], buf, 0, page, ACCESS, NULL);
	if (!own || own->generation == buf->generation || !mr || mr == held)
		return false;
	p2pmr_cache_put(mine, mr);
	p2pmr_buf_free(own);
	if (verbs_live != live + 1)
		return false;
	p2pmr_buf_free(buf);
	if (verbs_live != live)
		return false;
	p2pmr_cache_destroy(cache);
	p2pmr_cache_destroy(mine);
	return verbs_live == live;
}

static void run_child(struct ibv_mr *held)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(child_is_good(held) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_fork(void **state)
{
	struct ibv_mr *held = get(0), *mr;

	(void)state;
	mr = get(1);
	assert_int_equal(p2pmr_cache_put(cache, mr), 0);
	run_child(held);
	/* The parent's goes on as if nothing had been. */
	assert_ptr_equal(get(0), held);
	assert_ptr_equal(get(1), mr);
	assert_int_equal(p2pmr_cache_put(cache, held), 0);
	assert_int_equal(p2pmr_cache_put(cache, held), 0);
	assert_int_equal(p2pmr_cache_put(cache, mr), 0);
	assert_int_equal(verbs_live, 2);
}

/* The buffers' owner may be the cache's child, too. */
static void test_destroy_first_in_child(void **state)
{
	struct ibv_mr *mr = get(0);
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(p2pmr_cache_put(cache, mr), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		p2pmr_cache_destroy(cache);
		p2pmr_buf_free(buf);
		_exit(verbs_live == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *use_until_done(void *arg)
{
	atomic_bool *done = arg;
	unsigned int seed = 1;

	while (!atomic_load(done)) {
		struct ibv_mr *mr = get(rand_r(&seed) % PAGES);

		must(mr);
		if (rand_r(&seed) % 4 == 0)
			must(!p2pmr_cache_invalidate(cache, mr));
		must(!p2pmr_cache_put(cache, mr));
	}
	return NULL;
}

/* At whatever moment: a child does not wait for a thread that it has not. */
static void test_fork_in_between(void **state)
{
	struct ibv_mr *held = get(0);
	atomic_bool done = false;
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		start(&threads[i], use_until_done, &done);
	for (int i = 0; i < 50; i++)
		run_child(held);
	atomic_store(&done, true);
	for (int i = 0; i < 2; i++)
		join(threads[i]);
	assert_int_equal(p2pmr_cache_put(cache, held), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_miss),
		TEST(test_hit_during_miss),
		TEST(test_stress),
		TEST(test_fork),
		TEST(test_destroy_first_in_child),
		TEST(test_fork_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
