// SPDX-License-Identifier: GPL-2.0-only
/* Test data: laid out right, and every kind of wrong byte found. */
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <p2pmr/p2pmr.h>

#include "../../tools/perf_pattern.h"

static void test_layout(void **state)
{
	struct perf_layout lay;

	(void)state;
	assert_int_equal(perf_layout_init(&lay, 65536, 128, 1, 1000, 1), 0);
	assert_int_equal(lay.slots, 1);
	assert_int_equal(lay.stride, 65536);
	assert_int_equal(lay.area_bytes, 65536 + 64);

	assert_int_equal(perf_layout_init(&lay, 4097, 128, 3, 1000, 1), 0);
	assert_int_equal(lay.stride, 4160);
	assert_int_equal(lay.slots, 15);
	assert_int_equal(perf_layout_offset(&lay, 2, 16), 31 * 4160);

	/* No more than can be under way, and than there are messages */
	assert_int_equal(perf_layout_init(&lay, 1, 128, 1, 1000, 1), 0);
	assert_int_equal(lay.slots, 128);
	assert_int_equal(perf_layout_init(&lay, 1, 128, 1, 5, 1), 0);
	assert_int_equal(lay.slots, 5);
	assert_int_equal(perf_layout_init(&lay, 1, 128, 1, 0, 1), 0);
	assert_int_equal(lay.slots, 128);
}

static void test_layout_limits(void **state)
{
	struct perf_layout lay;

	(void)state;
	assert_int_equal(perf_layout_init(&lay, PERF_SIZE_MAX, 1, 3, 1, 1), 0);
	assert_int_equal(perf_layout_init(&lay, PERF_SIZE_MAX, 1, 4, 1, 1), -ERANGE);
	assert_int_equal(perf_layout_init(&lay, PERF_SIZE_MAX, PERF_DEPTH_MAX,
					PERF_QPS_MAX, 0, 1), -ERANGE);
	assert_int_equal(perf_layout_init(&lay, 1, PERF_DEPTH_MAX, PERF_QPS_MAX, 0,
					  1), 0);
	assert_int_equal(perf_layout_init(&lay, PERF_SIZE_MAX, 1, 2, 1, 2),
			 -ERANGE);
}

/* Pieces of any size make the same bytes as the whole */
static void test_fill_in_pieces(void **state)
{
	uint8_t whole[1000], pieces[1000];
	uint64_t key = perf_pattern_key(42, 0);
	size_t step, at, len;

	(void)state;
	perf_pattern_fill(key, PERF_FILL_DATA, 12345, whole, sizeof(whole));
	for (step = 1; step < 40; step++) {
		memset(pieces, 0, sizeof(pieces));
		for (at = 0; at < sizeof(pieces); at += len) {
			len = sizeof(pieces) - at;
			if (len > step)
				len = step;
			perf_pattern_fill(key, PERF_FILL_DATA, 12345 + at,
					pieces + at, len);
		}
		assert_memory_equal(whole, pieces, sizeof(whole));
	}
}

/* Both ends must agree, whatever machine and version they are */
static void test_bytes_are_fixed(void **state)
{
	static const uint8_t known[16] = {
		0xe0, 0x78, 0x4c, 0x45, 0x64, 0x55, 0x41, 0xd5,
		0x85, 0x12, 0x19, 0x71, 0x02, 0x67, 0x8b, 0x97,
	};
	uint8_t bytes[16];

	(void)state;
	perf_pattern_fill(perf_pattern_key(1, 2), PERF_FILL_DATA, 3, bytes,
			sizeof(bytes));
	assert_memory_equal(bytes, known, sizeof(known));
}

/* No byte of the guard equals the data's; no page looks like another one */
static void test_fills_differ(void **state)
{
	static uint8_t data[1 << 16], guard[1 << 16], next[1 << 16];
	uint64_t key = perf_pattern_key(7, 0);
	size_t i, j;

	(void)state;
	perf_pattern_fill(key, PERF_FILL_DATA, 0, data, sizeof(data));
	perf_pattern_fill(key, PERF_FILL_GUARD, 0, guard, sizeof(guard));
	for (i = 0; i < sizeof(data); i++)
		assert_int_equal(data[i] ^ guard[i], 0xff);
	for (i = 0; i < sizeof(data); i += 512) {
		for (j = 0; j < i; j += 512)
			assert_memory_not_equal(data + i, data + j, 512);
	}
	perf_pattern_fill(perf_pattern_key(7, 1), PERF_FILL_DATA, 0, next,
			sizeof(next));
	for (i = 0; i < sizeof(data); i += 512)
		assert_memory_not_equal(data + i, next + i, 512);
}

/* A receiver's area on host memory, as after a good run */
struct fixture {
	struct p2pmr_context *ctx;
	struct p2pmr_buf *buf;
	struct perf_layout lay;
	struct perf_expect ex;
	uint64_t key;
};

static void receive(struct fixture *f, uint64_t qp, uint64_t message)
{
	uint64_t offset = perf_layout_offset(&f->lay, qp, message);
	uint8_t *data = malloc(f->lay.size);

	assert_non_null(data);
	perf_pattern_fill(f->key, PERF_FILL_DATA, offset, data, f->lay.size);
	assert_int_equal(p2pmr_buf_write(f->buf, offset, data, f->lay.size),
			 0);
	free(data);
}

static void fixture_open(struct fixture *f, uint64_t size, uint32_t qps)
{
	uint64_t i, j;

	memset(&f->ex, 0, sizeof(f->ex));
	assert_int_equal(perf_layout_init(&f->lay, size, 16, qps, 100, 1), 0);
	f->key = perf_pattern_key(99, 1);
	f->ctx = p2pmr_open(NULL);
	assert_non_null(f->ctx);
	f->buf = p2pmr_buf_alloc(p2pmr_provider_find(f->ctx, "host"),
				 f->lay.area_bytes);
	assert_non_null(f->buf);
	assert_int_equal(perf_area_fill(f->buf, &f->lay, 0, f->key,
					PERF_FILL_GUARD),
			 0);
	for (i = 0; i < qps; i++) {
		for (j = 0; j < f->lay.slots; j++)
			receive(f, i, j);
	}
}

static void fixture_close(struct fixture *f)
{
	p2pmr_buf_free(f->buf);
	p2pmr_close(f->ctx);
}

static void check(struct fixture *f, struct perf_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	assert_int_equal(perf_area_check(f->buf, &f->lay, 0, f->key, &f->ex,
					 verdict), 0);
	assert_int_equal(verdict->checked_bytes, f->lay.area_bytes);
}

static void test_good_areas(void **state)
{
	static const uint64_t sizes[] = {
		1, 63, 64, 65, 4095, 4096, 4097, 65535, 65536, 65537, 1048576,
		1048577,
	};
	struct perf_verdict verdict;
	struct fixture f;
	uint32_t qps;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (qps = 1; qps <= 3; qps++) {
			fixture_open(&f, sizes[i], qps);
			check(&f, &verdict);
			assert_int_equal(verdict.wrong_bytes, 0);
			fixture_close(&f);
		}
	}
}

static void flip(struct fixture *f, uint64_t offset)
{
	uint8_t byte;

	assert_int_equal(p2pmr_buf_read(f->buf, offset, &byte, 1), 0);
	byte ^= 0x10;
	assert_int_equal(p2pmr_buf_write(f->buf, offset, &byte, 1), 0);
}

/* One bit anywhere: first byte, last of a message, in a gap, at the very end */
static void test_flipped_bits(void **state)
{
	struct perf_verdict verdict;
	struct fixture f;
	uint64_t offsets[5];
	size_t i;

	(void)state;
	fixture_open(&f, 4097, 2);
	offsets[0] = 0;
	offsets[1] = 4096;
	offsets[2] = 4097;
	offsets[3] = f.lay.stride * 7 + 100;
	offsets[4] = f.lay.area_bytes - 1;
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		flip(&f, offsets[i]);
		check(&f, &verdict);
		assert_int_equal(verdict.wrong_bytes, 1);
		assert_int_equal(verdict.first_offset, offsets[i]);
		assert_int_equal(verdict.expected ^ verdict.got, 0x10);
		flip(&f, offsets[i]);
	}
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 0);
	fixture_close(&f);
}

static void test_swapped_pages(void **state)
{
	uint8_t page[2][4096];
	struct perf_verdict verdict;
	struct fixture f;

	(void)state;
	fixture_open(&f, 65536, 1);
	p2pmr_buf_read(f.buf, 4096, page[0], 4096);
	p2pmr_buf_read(f.buf, 12288, page[1], 4096);
	p2pmr_buf_write(f.buf, 4096, page[1], 4096);
	p2pmr_buf_write(f.buf, 12288, page[0], 4096);
	check(&f, &verdict);
	assert_true(verdict.wrong_bytes > 8000);
	assert_true(verdict.first_offset >= 4096 &&
		    verdict.first_offset < 4096 + 64);
	fixture_close(&f);
}

/* A message that never came, or whose tail did not */
static void test_missing_messages(void **state)
{
	struct perf_verdict verdict;
	uint8_t guard[4097];
	struct fixture f;
	uint64_t offset;

	(void)state;
	fixture_open(&f, 4097, 2);
	offset = perf_layout_offset(&f.lay, 1, 3);
	perf_pattern_fill(f.key, PERF_FILL_GUARD, offset, guard, sizeof(guard));
	p2pmr_buf_write(f.buf, offset, guard, sizeof(guard));
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 4097);
	assert_int_equal(verdict.first_offset, offset);

	receive(&f, 1, 3);
	p2pmr_buf_write(f.buf, offset + 4096, guard + 4096, 1);
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 1);
	assert_int_equal(verdict.first_offset, offset + 4096);
	fixture_close(&f);
}

/* Data of another pass, which an area that was not filled anew may hold */
static void test_stale_data(void **state)
{
	struct perf_verdict verdict;
	struct fixture f;

	(void)state;
	fixture_open(&f, 4096, 1);
	f.key = perf_pattern_key(99, 0);
	check(&f, &verdict);
	assert_true(verdict.wrong_bytes > f.lay.area_bytes * 9 / 10);
	fixture_close(&f);
}

/* Two lanes, and wrong bytes in one are not those of the other */
static void test_lanes(void **state)
{
	struct perf_expect none = { 0 };
	struct perf_verdict verdict = { 0 };
	struct fixture f;

	(void)state;
	fixture_open(&f, 100, 2);
	p2pmr_buf_free(f.buf);
	assert_int_equal(perf_layout_init(&f.lay, 100, 16, 2, 100, 2), 0);
	assert_int_equal(f.lay.area_bytes, 2 * f.lay.lane_bytes);
	f.buf = p2pmr_buf_alloc(p2pmr_provider_find(f.ctx, "host"),
				f.lay.area_bytes);
	assert_non_null(f.buf);
	assert_int_equal(perf_area_fill(f.buf, &f.lay, 0, f.key,
					PERF_FILL_DATA), 0);
	assert_int_equal(perf_area_fill(f.buf, &f.lay, 1, f.key,
					PERF_FILL_GUARD), 0);
	assert_int_equal(perf_area_check(f.buf, &f.lay, 1, f.key, &none,
					 &verdict), 0);
	assert_int_equal(verdict.checked_bytes, f.lay.lane_bytes);
	assert_int_equal(verdict.wrong_bytes, 2 * 16 * 100);
	assert_int_equal(verdict.first_offset, f.lay.lane_bytes);
	fixture_close(&f);
}

static void add_to_word(struct fixture *f, uint64_t offset, uint64_t val)
{
	uint64_t word;

	p2pmr_buf_read(f->buf, offset, &word, sizeof(word));
	word += val;
	p2pmr_buf_write(f->buf, offset, &word, sizeof(word));
}

/* As after atomics: 20 of the first queue pair, 5 of the second; 16 slots */
static void test_atomics(void **state)
{
	static const uint64_t messages[] = { 20, 16 };
	struct perf_verdict verdict;
	struct fixture f;
	uint64_t i, offset;

	(void)state;
	fixture_open(&f, 8, 2);
	f.ex.qp_messages = messages;
	assert_int_equal(f.lay.slots, 16);
	/* The target was data, in gaps as well */
	perf_area_fill(f.buf, &f.lay, 0, f.key, PERF_FILL_DATA);
	for (i = 0; i < 36; i++)
		add_to_word(&f, perf_layout_offset(&f.lay, i / 20, i % 20), 1);
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 0);
	/* One too many */
	offset = perf_layout_offset(&f.lay, 1, 7);
	add_to_word(&f, offset, 1);
	check(&f, &verdict);
	assert_true(verdict.wrong_bytes >= 1);
	assert_int_equal(verdict.first_offset, offset);

	/* Where the results went: what was there before the last addition */
	f.ex.fetched = true;
	perf_area_fill(f.buf, &f.lay, 0, f.key, PERF_FILL_GUARD);
	for (i = 0; i < 32; i++)
		receive(&f, i / 16, i % 16);
	for (i = 0; i < 4; i++)
		add_to_word(&f, perf_layout_offset(&f.lay, 0, i), 1);
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 0);
	fixture_close(&f);
}

/* The last byte of a write that is waited for counts */
static void test_mark(void **state)
{
	struct perf_verdict verdict;
	struct fixture f;
	uint8_t mark = 0x42;

	(void)state;
	fixture_open(&f, 70000, 1);
	f.ex.marked = true;
	f.ex.mark = mark;
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 1);
	assert_int_equal(verdict.first_offset, 69999);
	p2pmr_buf_write(f.buf, 69999, &mark, 1);
	check(&f, &verdict);
	assert_int_equal(verdict.wrong_bytes, 0);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_limits),
		cmocka_unit_test(test_fill_in_pieces),
		cmocka_unit_test(test_bytes_are_fixed),
		cmocka_unit_test(test_fills_differ),
		cmocka_unit_test(test_good_areas),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_swapped_pages),
		cmocka_unit_test(test_missing_messages),
		cmocka_unit_test(test_stale_data),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
