// SPDX-License-Identifier: GPL-2.0-only
/* What somebody may have meant who mistyped a name. */
#include "tool.h"

#include <string.h>

#include "../../tools/near.h"

static const char *const names[] = {
	"nvme0", "nvme1", "nvme10", "nvme11", "mlx5_0", "mlx5_bond_0", "rxe0",
	"0000:04:00.0", "host",
};

static char text[NEAR_TEXT_MAX];

#define assert_near(name, answer) \
	assert_string_equal(near_names(name, names, ARRAY_SIZE(names), text), \
			    answer)

static void test_nearest_first(void **state)
{
	(void)state;
	assert_near("nvme1O", "Did you mean nvme1, nvme10 or nvme11?");
	assert_near("mlx_0", "Did you mean mlx5_0?");
	assert_near("hots", "Did you mean host?");
	assert_near("rxe7", "Did you mean rxe0?");
	assert_near("000:04:00.0", "Did you mean 0000:04:00.0?");
	/* Of equals, the first that there are; never more than three */
	assert_near("nvme", "Did you mean nvme0, nvme1 or nvme10?");
}

static void test_nothing_like_it(void **state)
{
	(void)state;
	assert_near("sausage",
		    "There are: nvme0, nvme1, nvme10, nvme11, mlx5_0, mlx5_bond_0, rxe0, 0000:04:00.0, host.");
	assert_near("", "There are: nvme0, nvme1, nvme10, nvme11, mlx5_0, mlx5_bond_0, rxe0, 0000:04:00.0, host.");
	assert_string_equal(near_names("nvme0", NULL, 0, text),
			    "There is none.");
}

/* Any length, any number: the text has an end */
static void test_bounds(void **state)
{
	const char *many[1000];
	char longest[5001];
	size_t i;

	(void)state;
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = "mlx5_bond_0";
	near_names("sausage", many, ARRAY_SIZE(many), text);
	assert_true(strlen(text) < NEAR_TEXT_MAX);
	assert_string_equal(text + strlen(text) - 5, ", ...");
	assert_string_equal(near_names(longest, many, 1, text),
			    "There are: mlx5_bond_0.");
	many[0] = longest;
	many[1] = longest;
	near_names("nvme0", many, 2, text);
	assert_true(strlen(text) < NEAR_TEXT_MAX);
	near_names(longest, many, 2, text);
	assert_true(strlen(text) < NEAR_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest_first),
		cmocka_unit_test(test_nothing_like_it),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
