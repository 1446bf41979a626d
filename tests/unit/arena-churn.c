// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How full an arena gets before the first allocation fails; see churn.h */
#include "tree.h"

#include "churn.h"

#define SIZE ((size_t)64 << 20)
#define LEAST_FULL 0.85

static void test_until_failure(void **state)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_buf *buf =
		p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), SIZE);
	struct p2pmr_arena *arena = p2pmr_arena_create(buf, NULL);

	(void)state;
	assert_non_null(arena);
	for (uint64_t seed = 1; seed <= 10; seed++) {
		double part = churn_until_failure(arena, SIZE, seed);
		void *whole;

		print_message("seed %d: %.2f %% live\n", (int)seed, part * 100);
		if (part < LEAST_FULL)
			fail_msg("seed %d: failed at %.2f %%", (int)seed,
				 part * 100);
		whole = p2pmr_arena_alloc(arena, SIZE, 0);
		assert_ptr_equal(whole, p2pmr_buf_addr(buf));
		assert_int_equal(p2pmr_arena_free(arena, whole), 0);
	}
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_until_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
