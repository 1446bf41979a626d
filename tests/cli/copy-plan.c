// SPDX-License-Identifier: GPL-2.0-only
/* Which parts of a file are sent. */
#include "tool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/copy_plan.h"

#define PIECE (8U * COPY_BLOCK)

/* tmpfs knows of holes, in pages */
static int new_file(uint64_t size)
{
	int fd = memfd_create("plan", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void put(int fd, uint64_t offset)
{
	assert_int_equal(pwrite(fd, "x", 1, offset), 1);
}

/* Pieces: in order, on blocks, not too long, and all data is in one */
static uint64_t check(int fd, uint64_t size, bool dense, unsigned int *pieces)
{
	uint64_t offset, len, end = 0, total = 0;
	struct copy_plan plan;

	copy_plan_init(&plan, fd, size, PIECE, dense);
	for (*pieces = 0; copy_plan_next(&plan, &offset, &len); ++*pieces) {
		assert_int_equal(offset % COPY_BLOCK, 0);
		assert_true(offset >= end);
		assert_in_range(len, 1, PIECE);
		end = offset + len;
		assert_true(end <= size);
		total += len;
	}
	assert_false(copy_plan_next(&plan, &offset, &len));
	return total;
}

static uint64_t check_plan(int fd, uint64_t size, unsigned int *pieces)
{
	return check(fd, size, false, pieces);
}

static void test_dense(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, COPY_BLOCK - 1, COPY_BLOCK, COPY_BLOCK + 1, PIECE - 1,
		PIECE, PIECE + 1, 3 * PIECE + 5,
	};
	unsigned int pieces;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = new_file(0);
		char *data = calloc(1, sizes[i] + 1);

		assert_int_equal(write(fd, data, sizes[i]), sizes[i]);
		assert_int_equal(check_plan(fd, sizes[i], &pieces), sizes[i]);
		assert_int_equal(pieces, copy_plan_chunks(sizes[i], PIECE));
		free(data);
		close(fd);
	}
}

static void test_holes(void **state)
{
	const uint64_t size = 1ULL << 40;
	int fd = new_file(size);
	unsigned int pieces;

	(void)state;
	assert_int_equal(check_plan(fd, size, &pieces), 0);
	put(fd, 5 * COPY_BLOCK + 17);
	put(fd, 1ULL << 39);
	put(fd, size - 1);
	assert_int_equal(check_plan(fd, size, &pieces), 3 * COPY_BLOCK);
	assert_int_equal(pieces, 3);
	assert_int_equal(check(fd, 9 * PIECE, true, &pieces), 9 * PIECE);
	assert_int_equal(pieces, 9);
	/* A file that became shorter ends earlier */
	assert_int_equal(ftruncate(fd, 6 * COPY_BLOCK), 0);
	assert_int_equal(check_plan(fd, size, &pieces), COPY_BLOCK);
	close(fd);
}

static void test_tail(void **state)
{
	const uint64_t size = 10 * COPY_BLOCK + 5;
	int fd = new_file(size);
	unsigned int pieces;

	(void)state;
	put(fd, size - 1);
	assert_int_equal(check_plan(fd, size, &pieces), 5);
	close(fd);
}

/* What has no holes to ask for is all data */
static void test_no_holes(void **state)
{
	int fds[2];
	unsigned int pieces;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(check_plan(fds[0], 100000, &pieces), 100000);
	close(fds[0]);
	close(fds[1]);
}

static void test_chunks(void **state)
{
	(void)state;
	assert_int_equal(copy_plan_chunks(1, 65536), 1);
	assert_int_equal(copy_plan_chunks(65536, 65536), 1);
	assert_int_equal(copy_plan_chunks(65537, 65536), 2);
	assert_int_equal(copy_plan_chunks(UINT64_MAX, 65536), 1ULL << 48);
	assert_int_equal(copy_plan_chunk_len(65537, 65536, 0), 65536);
	assert_int_equal(copy_plan_chunk_len(65537, 65536, 1), 1);
	assert_int_equal(copy_plan_chunk_len(5, 65536, 0), 5);
	assert_int_equal(copy_whole_blocks(0), 0);
	assert_int_equal(copy_whole_blocks(1), COPY_BLOCK);
	assert_int_equal(copy_whole_blocks(COPY_BLOCK), COPY_BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_no_holes),
		cmocka_unit_test(test_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
