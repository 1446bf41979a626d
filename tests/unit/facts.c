// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recorded /proc/self/status and uid_map: what the process may pin. */
#include "unit.h"

static const char root_status[] =
	"Name:\tcat\nVmLck:\t       0 kB\nVmPin:\t    2048 kB\n"
	"CapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\n";
static const char user_status[] =
	"Name:\tcat\nVmPin:\t       0 kB\nCapEff:\t0000000000000000\n";
static const char initial[] = "         0          0 4294967295\n";
static const char container[] = "         0     100000      65536\n";

static struct p2pmr_limit_facts scan(const char *status, const char *uid_map)
{
	FILE *status_file = fmemopen((void *)status, strlen(status), "r");
	FILE *map_file = uid_map ?
		fmemopen((void *)uid_map, strlen(uid_map), "r") : NULL;
	struct p2pmr_limit_facts limits = { 0 };

	assert_non_null(status_file);
	p2pmr_limits_scan(status_file, map_file, &limits);
	fclose(status_file);
	if (map_file)
		fclose(map_file);
	return limits;
}

static void test_limits(void **state)
{
	struct p2pmr_limit_facts limits = scan(root_status, initial);

	(void)state;
	assert_true(limits.known);
	assert_true(limits.exempt);
	assert_int_equal(limits.pinned, 2048 * 1024);

	limits = scan(user_status, initial);
	assert_true(limits.known);
	assert_false(limits.exempt);
	assert_int_equal(limits.pinned, 0);
}

/* Root of a container has the capability, but not where it counts. */
static void test_user_namespace(void **state)
{
	(void)state;
	assert_false(scan(root_status, container).exempt);
	assert_false(scan(root_status, NULL).exempt);
	assert_false(scan(root_status, "garbage").exempt);
}

static void test_garbage(void **state)
{
	(void)state;
	assert_false(scan("Name:\tcat\n", initial).known);
	assert_false(scan("VmPin:\tmany kB\nCapEff:\tall\n", initial).known);
	assert_false(scan("VmPin:\t1 kB\n", initial).known);
}

static void test_access_that_writes(void **state)
{
	(void)state;
	assert_false(p2pmr_access_writes(0));
	assert_false(p2pmr_access_writes(IBV_ACCESS_REMOTE_READ));
	assert_true(p2pmr_access_writes(IBV_ACCESS_LOCAL_WRITE));
	assert_true(p2pmr_access_writes(IBV_ACCESS_REMOTE_WRITE));
	assert_true(p2pmr_access_writes(IBV_ACCESS_REMOTE_ATOMIC));
	assert_true(p2pmr_access_writes(IBV_ACCESS_MW_BIND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_access_that_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
