// SPDX-License-Identifier: GPL-2.0-only
/* What is decided without a device: GIDs, completions, disagreements, peaks. */
#include "tool.h"

#include <arpa/inet.h>
#include <string.h>

#include "../../tools/perf.h"
#include "../../tools/bw_peak.h"

static struct ibv_gid_entry gid(const char *text, uint32_t type, uint32_t port)
{
	struct ibv_gid_entry entry = { .port_num = port, .gid_type = type };

	assert_int_equal(inet_pton(AF_INET6, text, entry.gid.raw), 1);
	return entry;
}

static void test_gid_order(void **state)
{
	/* From worst to best */
	const struct ibv_gid_entry list[] = {
		gid("::", IBV_GID_TYPE_ROCE_V2, 1),
		gid("fe80::1", IBV_GID_TYPE_ROCE_V1, 1),
		gid("::ffff:10.0.0.1", IBV_GID_TYPE_ROCE_V1, 1),
		gid("fe80::1", IBV_GID_TYPE_IB, 1),
		gid("fe80::1", IBV_GID_TYPE_ROCE_V2, 1),
		gid("2001:db8::1", IBV_GID_TYPE_ROCE_V2, 1),
		gid("::ffff:10.0.0.1", IBV_GID_TYPE_ROCE_V2, 1),
	};
	int n;

	(void)state;
	assert_int_equal(perf_gid_pick(list, 0, 1), -1);
	assert_int_equal(perf_gid_pick(list, 1, 1), -1);
	for (n = 2; n <= (int)ARRAY_SIZE(list); n++)
		assert_int_equal(perf_gid_pick(list, n, 1), n - 1);
	/* The best one is of another port */
	assert_int_equal(perf_gid_pick(list, ARRAY_SIZE(list), 2), -1);
}

static void test_first_of_equals(void **state)
{
	const struct ibv_gid_entry list[] = {
		gid("::ffff:10.0.0.1", IBV_GID_TYPE_ROCE_V2, 2),
		gid("::ffff:10.0.0.2", IBV_GID_TYPE_ROCE_V2, 1),
		gid("::ffff:10.0.0.3", IBV_GID_TYPE_ROCE_V2, 1),
	};

	(void)state;
	assert_int_equal(perf_gid_pick(list, ARRAY_SIZE(list), 1), 1);
}

static void test_cq_mod(void **state)
{
	struct wire_params p = { .size = 65536, .depth = 128 };
	struct perf_opts opts = { 0 };

	(void)state;
	assert_int_equal(perf_cq_mod(&opts, &p), 1);
	p.size = 8192;
	assert_int_equal(perf_cq_mod(&opts, &p), 100);
	p.depth = 16;
	assert_int_equal(perf_cq_mod(&opts, &p), 16);
	opts.cq_mod = 8;
	assert_int_equal(perf_cq_mod(&opts, &p), 8);
}

static void test_agreement(void **state)
{
	struct perf_opts server = { .params = { .size = 1, .op = PERF_READ } };
	struct wire_params client = { .size = 65536, .iterations = 5,
				      .depth = 128, .qps = 1 };

	(void)state;
	/* What the server was not given it takes as it comes */
	assert_int_equal(perf_params_agree(&server, &client), 0);
	server.given = PERF_GIVEN_SIZE;
	assert_int_equal(perf_params_agree(&server, &client), -1);
	assert_non_null(strstr(fail_get()->text, "the client 65536"));
	assert_non_null(strstr(fail_get()->text, "the server 1"));
	assert_failed("PARAMETER_MISMATCH");
	server.given = PERF_GIVEN_OP;
	assert_int_equal(perf_params_agree(&server, &client), -1);
	assert_non_null(strstr(fail_get()->text, "the server read"));
	assert_failed("PARAMETER_MISMATCH");
	/* Iterations here, a duration there */
	server.given = PERF_GIVEN_DURATION;
	server.params.duration_s = 3;
	assert_int_equal(perf_params_agree(&server, &client), -1);
	assert_failed("PARAMETER_MISMATCH");
}

static void test_peak(void **state)
{
	struct bw_peak peak;

	(void)state;
	assert_int_equal(bw_peak_init(&peak, 4, 1000), 0);
	/* Four messages: two completions, the second half twice as fast */
	peak.posted_ns[0] = 1000;
	peak.posted_ns[1] = 1000;
	peak.posted_ns[2] = 3000;
	peak.posted_ns[3] = 3000;
	peak.completed_ns[1] = 3000;
	peak.completed_ns[3] = 4000;
	assert_int_equal(bw_peak_get(&peak), 2 * 1000 * 1000000ULL);
	bw_peak_free(&peak);

	/* Too many, or nobody knows how many: not measured */
	assert_int_equal(bw_peak_init(&peak, BW_PEAK_MAX + 1, 1), 0);
	bw_peak_posted(&peak, 0, 16);
	bw_peak_completed(&peak, 1);
	assert_int_equal(bw_peak_get(&peak), 0);
	bw_peak_free(&peak);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gid_order),
		cmocka_unit_test(test_first_of_equals),
		cmocka_unit_test(test_cq_mod),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_peak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
