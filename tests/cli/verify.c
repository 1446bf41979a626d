// SPDX-License-Identifier: GPL-2.0-only
/*
 * p2pmr verify without RDMA: the messages that it plans, and what it makes of a
 * device that moves them wrong.
 */
#include "tool.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/verify.h"

/* Tools and providers know nothing of each other; both have it */
#undef ARRAY_SIZE
#include "../../providers/fake/fake.h"

#define PAGE 4096

/* How a device can lie */
enum lie {
	HONEST,
	FLIP,		/* a bit of the last byte is wrong */
	SHORT,		/* the last byte does not arrive */
	LONG,		/* one byte too many does */
	SHIFT,		/* all of it arrives one byte further */
	DROP,		/* nothing arrives */
	STRAY,		/* a byte far away changes, too */
	BAD_OLD,	/* an atomic brings back what was not there */
	BAD_NEW,	/* an atomic loses its carry */
	ALWAYS_SWAPS,	/* although the comparison fails */
};

/* The @at-th message of @way is a lie of that kind; @at counts from 0 */
struct liar {
	struct verify_run *run;
	enum lie lie;
	enum verify_way way;
	uint64_t at;
	uint64_t stray_at;
	uint64_t count[VERIFY_WAYS];
	struct verify_case lied;
};

static bool lies(struct liar *liar, enum verify_way way)
{
	return liar->count[way]++ == liar->at && way == liar->way;
}

static void move_one(struct liar *liar, enum verify_way way,
		     const struct verify_case *c)
{
	uint8_t *near = p2pmr_buf_addr(liar->run->near.buf);
	uint8_t *far = p2pmr_buf_addr(liar->run->far.buf);
	bool in = verify_way_is_in(way);
	uint8_t *to = in ? near + c->offset : far + c->far_offset;
	const uint8_t *from = in ? far + c->far_offset : near + c->offset;
	enum lie lie = lies(liar, way) ? liar->lie : HONEST;
	uint64_t len = c->len_bytes;

	if (lie != HONEST)
		liar->lied = *c;
	if (lie == SHIFT)
		to++;
	if (lie == SHORT)
		len--;
	else if (lie == LONG)
		len++;
	else if (lie == DROP)
		len = 0;
	memcpy(to, from, len);
	if (lie == FLIP)
		to[len - 1] ^= 0x10;
	else if (lie == STRAY)
		(in ? near : far)[liar->stray_at] ^= 0x01;
}

static int move(void *arg, enum verify_way way, const struct verify_case *c,
		size_t n)
{
	size_t i;

	assert_true(n >= 1 && n <= VERIFY_BATCH_MAX);
	for (i = 0; i < n; i++)
		move_one(arg, way, &c[i]);
	return 0;
}

static int atomic(void *arg, enum verify_atomic op, uint64_t offset,
		  uint64_t val, uint64_t compare, uint64_t *old)
{
	struct liar *liar = arg;
	uint8_t *at = (uint8_t *)p2pmr_buf_addr(liar->run->near.buf) + offset;
	bool lie = lies(liar, VERIFY_REMOTE_ATOMIC);
	uint64_t now;

	memcpy(old, at, sizeof(*old));
	now = op == VERIFY_FETCH_ADD ? *old + val :
	      *old == compare || (lie && liar->lie == ALWAYS_SWAPS) ? val :
								      *old;
	if (lie && liar->lie == BAD_NEW)
		now -= 1ULL << 32;
	memcpy(at, &now, sizeof(now));
	if (lie && liar->lie == BAD_OLD)
		*old ^= 0x100;
	return 0;
}

/* ---- what a run finds ----------------------------------------------------- */

struct fixture {
	struct p2pmr_fake fake;
	struct p2pmr_context *ctx;
	struct verify_run run;
	struct liar liar;
};

static void open_fixture(struct fixture *f, uint64_t size, enum lie lie,
			 enum verify_way way, uint64_t at)
{
	memset(f, 0, sizeof(*f));
	f->fake.size = 64 << 20;
	f->fake.available = f->fake.size;
	f->ctx = p2pmr_open(NULL);
	assert_non_null(f->ctx);
	assert_int_equal(p2pmr_fake_add(f->ctx, "fa4e:01:00.0", &f->fake), 0);
	assert_int_equal(verify_side_open(&f->run.near,
					  p2pmr_provider_find(f->ctx, "fa4e:01:00.0"),
					  size), 0);
	assert_int_equal(verify_side_open(&f->run.far,
					  p2pmr_provider_find(f->ctx, "host"),
					  verify_far_size(f->run.near.size)), 0);
	f->liar = (struct liar){ .run = &f->run, .lie = lie, .way = way,
				 .at = at };
	f->run.mover = (struct verify_mover){ &f->liar, move, atomic };
	f->run.atomics = true;
	f->run.seed = 42;
}

static void close_fixture(struct fixture *f)
{
	verify_run_free(&f->run);
	verify_side_close(&f->run.near);
	verify_side_close(&f->run.far);
	p2pmr_close(f->ctx);
}

static void test_honest(void **state)
{
	static const uint64_t sizes[] = { 1, PAGE, PAGE + 1, 65536, 3 << 20 };
	struct fixture f;
	size_t i;
	int way;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		open_fixture(&f, sizes[i], HONEST, 0, 0);
		assert_int_equal(f.run.near.size,
				 (sizes[i] + PAGE - 1) / PAGE * PAGE);
		assert_int_equal(verify_run(&f.run), 0);
		assert_false(f.run.wrong.found);
		for (way = 0; way < VERIFY_WAYS; way++)
			assert_true(f.run.count[way].messages > 50);
		close_fixture(&f);
	}
}

static void test_no_atomics(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, PAGE, HONEST, 0, 0);
	f.run.atomics = false;
	assert_int_equal(verify_run(&f.run), 0);
	assert_int_equal(f.run.count[VERIFY_REMOTE_ATOMIC].messages, 0);
	close_fixture(&f);
}

/* A lie in the @at-th message of that way is found there, not later */
static void finds(enum lie lie, enum verify_way way, uint64_t at)
{
	const struct verify_case *c;
	const struct perf_verdict *v;
	uint64_t start;
	struct fixture f;

	open_fixture(&f, 4 * PAGE, lie, way, at);
	assert_int_equal(verify_run(&f.run), -1);
	assert_failed("DATA_MISMATCH");
	assert_true(f.run.wrong.found);
	assert_true(f.run.count[way].wrong);
	assert_int_equal(f.run.wrong.way, way);
	assert_in_range(f.run.count[way].messages, at + 1,
			at + VERIFY_BATCH_MAX);
	assert_false(f.run.wrong.whole);
	assert_int_equal(f.run.wrong.far, !verify_way_is_in(way));

	c = &f.run.wrong.c;
	assert_int_equal(c->offset, f.liar.lied.offset);
	assert_int_equal(c->far_offset, f.liar.lied.far_offset);
	assert_int_equal(c->len_bytes, f.liar.lied.len_bytes);
	v = &f.run.wrong.verdict;
	start = verify_way_is_in(way) ? c->offset : c->far_offset;
	switch (lie) {
	case FLIP:
		assert_int_equal(v->wrong_bytes, 1);
		assert_int_equal(v->first_offset, start + c->len_bytes - 1);
		assert_int_equal(v->expected ^ v->got, 0x10);
		break;
	case SHORT:
		assert_int_equal(v->wrong_bytes, 1);
		assert_int_equal(v->first_offset, start + c->len_bytes - 1);
		assert_int_equal(v->expected ^ v->got, 0xff);
		break;
	case LONG:
		assert_int_equal(v->wrong_bytes, 1);
		assert_int_equal(v->first_offset, start + c->len_bytes);
		break;
	case DROP:
		assert_int_equal(v->wrong_bytes, c->len_bytes);
		assert_int_equal(v->first_offset, start);
		break;
	default:
		assert_true(v->first_offset >= start);
		assert_true(v->first_offset <= start + c->len_bytes);
		break;
	}
	close_fixture(&f);
}

static void test_every_lie(void **state)
{
	static const enum lie kinds[] = { FLIP, SHORT, LONG, SHIFT, DROP };
	/* The first, one amid alignments, one at a boundary */
	static const uint64_t at[] = { 0, 777, 1100 };
	size_t i, j;
	int way;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (j = 0; j < ARRAY_SIZE(at); j++) {
			for (way = 0; way < VERIFY_REMOTE_ATOMIC; way++)
				finds(kinds[i], way, at[j]);
		}
	}
}

static uint64_t messages_of(uint64_t size, enum verify_way way)
{
	struct fixture f;
	uint64_t n;

	open_fixture(&f, size, HONEST, 0, 0);
	assert_int_equal(verify_run(&f.run), 0);
	n = f.run.count[way].messages;
	close_fixture(&f);
	return n;
}

/* The very last message is as much looked at as the first */
static void test_the_last_message(void **state)
{
	int way;

	(void)state;
	for (way = 0; way < VERIFY_REMOTE_ATOMIC; way++)
		finds(FLIP, way, messages_of(4 * PAGE, way) - 1);
}

/* What no message was near is found at the end of the step */
static void test_stray(void **state)
{
	static const enum verify_way ways[] = {
		VERIFY_LOCAL_WRITE, VERIFY_LOCAL_READ,
	};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		open_fixture(&f, 64 * PAGE, STRAY, ways[i], 1087);
		f.liar.stray_at = 50 * PAGE + 17;
		assert_int_equal(verify_run(&f.run), -1);
		assert_non_null(strstr(fail_get()->text,
				       "where no message of the alignments"));
		assert_failed("DATA_MISMATCH");
		assert_true(f.run.wrong.whole);
		assert_int_equal(f.run.wrong.far,
				 ways[i] == VERIFY_LOCAL_READ);
		assert_int_equal(f.run.wrong.verdict.wrong_bytes, 1);
		assert_int_equal(f.run.wrong.verdict.first_offset,
				 f.liar.stray_at);
		close_fixture(&f);
	}
}

static void finds_atomic(enum lie lie, uint64_t at, bool far)
{
	struct fixture f;

	open_fixture(&f, 2 * PAGE, lie, VERIFY_REMOTE_ATOMIC, at);
	assert_int_equal(verify_run(&f.run), -1);
	assert_failed("DATA_MISMATCH");
	assert_int_equal(f.run.wrong.way, VERIFY_REMOTE_ATOMIC);
	assert_int_equal(f.run.wrong.far, far);
	assert_int_equal(f.run.count[VERIFY_REMOTE_ATOMIC].messages, at + 1);
	close_fixture(&f);
}

static void test_atomics(void **state)
{
	uint64_t last;

	(void)state;
	last = messages_of(2 * PAGE, VERIFY_REMOTE_ATOMIC) - 1;
	finds_atomic(BAD_OLD, 0, true);
	finds_atomic(BAD_OLD, last, true);
	finds_atomic(BAD_NEW, 0, false);
	finds_atomic(BAD_NEW, 3, false);
	finds_atomic(BAD_NEW, last, false);
	/* The second one of each three must not swap */
	finds_atomic(ALWAYS_SWAPS, 1, false);
}

/* ---- the plan ------------------------------------------------------------- */

static bool has(const struct verify_plan *plan, uint64_t alignment,
		uint64_t len)
{
	size_t i;

	for (i = 0; i < plan->n; i++) {
		if (plan->cases[i].offset % 64 == alignment &&
		    plan->cases[i].len_bytes == len)
			return true;
	}
	return false;
}

static bool crosses(const struct verify_plan *plan, uint64_t boundary)
{
	size_t i;

	for (i = 0; i < plan->n; i++) {
		const struct verify_case *c = &plan->cases[i];

		if (c->phase == VERIFY_BOUNDARIES && c->offset / boundary !=
		    (c->offset + c->len_bytes - 1) / boundary)
			return true;
	}
	return false;
}

static bool apart(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a + a_len + 2 * VERIFY_MARGIN <= b ||
	       b + b_len + 2 * VERIFY_MARGIN <= a;
}

/* Ranges that are looked at by themselves, on both sides; not one by one, though */
static void test_batches(void **state)
{
	const struct verify_case *c;
	struct verify_plan plan;
	size_t i, j, k, n, batches = 0;

	(void)state;
	assert_int_equal(verify_plan_make(&plan, 1 << 20), 0);
	for (i = 0; i < plan.n; i += n) {
		c = &plan.cases[i];
		n = verify_plan_batch(c, plan.n - i);
		assert_in_range(n, 1, VERIFY_BATCH_MAX);
		for (j = 0; j < n; j++) {
			assert_int_equal(c[j].phase, c->phase);
			for (k = 0; k < j; k++) {
				assert_true(apart(c[j].offset, c[j].len_bytes,
						  c[k].offset, c[k].len_bytes));
				assert_true(apart(c[j].far_offset,
						  c[j].len_bytes,
						  c[k].far_offset,
						  c[k].len_bytes));
			}
		}
		batches++;
	}
	assert_true(batches < 150);
	verify_plan_free(&plan);
}

static void test_plan(void **state)
{
	static const uint64_t sizes[] = {
		PAGE, 2 * PAGE, 65536, 1 << 20, (2 << 20) + PAGE,
	};
	static const uint64_t lens[] = { 1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 65 };
	struct verify_plan plan;
	uint64_t far_mask;
	size_t i, j, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(verify_plan_make(&plan, sizes[i]), 0);
		far_mask = 0;
		for (j = 0; j < plan.n; j++) {
			const struct verify_case *c = &plan.cases[j];

			assert_true(c->len_bytes > 0);
			assert_true(c->offset + c->len_bytes <= sizes[i]);
			assert_true(c->far_offset >= VERIFY_MARGIN);
			assert_true(verify_far_size(sizes[i]) >=
				    c->far_offset + c->len_bytes + VERIFY_MARGIN);
			far_mask |= 1ULL << c->far_offset % 64;
		}
		assert_true(far_mask == UINT64_MAX);
		for (j = 0; j < 64; j++) {
			for (k = 0; k < ARRAY_SIZE(lens); k++)
				assert_true(has(&plan, j, lens[k]));
		}
		assert_int_equal(plan.cases[plan.n - 1].offset, 0);
		assert_int_equal(plan.cases[plan.n - 1].len_bytes, sizes[i]);
		assert_int_equal(crosses(&plan, PAGE), sizes[i] > PAGE);
		assert_int_equal(crosses(&plan, 65536), sizes[i] > 65536);
		assert_int_equal(crosses(&plan, 2 << 20), sizes[i] > 2 << 20);
		verify_plan_free(&plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_no_atomics),
		cmocka_unit_test(test_every_lie),
		cmocka_unit_test(test_the_last_message),
		cmocka_unit_test(test_stray),
		cmocka_unit_test(test_atomics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
