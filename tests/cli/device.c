// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is decided without a device: GIDs, completions, disagreements, peaks,
 * percentiles.
 */
#include "tool.h"

#include <arpa/inet.h>
#include <string.h>

#include "../../tools/perf.h"
#include "../../tools/perf_hist.h"
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
	struct perf_params p = { .size = 65536, .depth = 128 };
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
	struct perf_params client = { .size = 65536, .iterations = 5,
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
	server.given = PERF_GIVEN_TRANSPORT;
	server.params.transport = PERF_UD;
	assert_int_equal(perf_params_agree(&server, &client), -1);
	assert_non_null(strstr(fail_get()->text, "the server UD"));
	assert_failed("PARAMETER_MISMATCH");
	/* Both send, and lists of the server are longer than its queues will be */
	server.given = 0;
	server.list = 64;
	client.depth = 16;
	assert_int_equal(perf_params_agree(&server, &client), 0);
	client.both = true;
	assert_int_equal(perf_params_agree(&server, &client), -1);
	assert_non_null(strstr(fail_get()->text, "lists of 64"));
	assert_failed("PARAMETER_MISMATCH");
	client.depth = 64;
	assert_int_equal(perf_params_agree(&server, &client), 0);
	/* Different commands */
	client.tool = PERF_LAT;
	assert_int_equal(perf_params_agree(&server, &client), -1);
	assert_non_null(strstr(fail_get()->text, "client is p2pmr lat"));
	assert_failed("PARAMETER_MISMATCH");
	client.tool = PERF_BW;
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
	bw_peak_posted(&peak, 0, 16, 1);
	bw_peak_completed(&peak, 1, 2);
	assert_int_equal(bw_peak_get(&peak), 0);
	bw_peak_free(&peak);
}

static void test_inline(void **state)
{
	struct perf_params p = { .tool = PERF_LAT, .op = PERF_WRITE };
	struct perf_opts opts = { .inline_bytes = PERF_INLINE_CHOOSE };

	(void)state;
	assert_int_equal(perf_inline_bytes(&opts, &p, false), 220);
	/* The CPU is not to read for the device what the device is to read */
	assert_int_equal(perf_inline_bytes(&opts, &p, true), 0);
	opts.inline_bytes = 64;
	assert_int_equal(perf_inline_bytes(&opts, &p, true), 64);
	p.op = PERF_READ;
	assert_int_equal(perf_inline_bytes(&opts, &p, false), 0);
}

static void near_ns(uint64_t ps, double ns)
{
	if (ps < ns * 999 || ps > ns * 1001)
		print_error("%llu ps, not %g ns\n", (unsigned long long)ps, ns);
	assert_in_range(ps, ns * 999, ns * 1001);
}

/* 1 to 100000 ns, in an order that is none */
static void test_percentiles(void **state)
{
	struct perf_times times;
	struct perf_hist hist;
	uint64_t i;

	(void)state;
	assert_int_equal(perf_hist_init(&hist), 0);
	perf_hist_get(&hist, 1, &times);
	assert_int_equal(times.samples, 0);
	for (i = 0; i < 100000; i++)
		perf_hist_add(&hist, i * 7919 % 100000 + 1);
	perf_hist_get(&hist, 1, &times);
	assert_int_equal(times.samples, 100000);
	assert_int_equal(times.min_ps, 1000);
	assert_int_equal(times.max_ps, 100000000);
	near_ns(times.avg_ps, 50000.5);
	near_ns(times.stdev_ps, 28867.5);
	near_ns(times.percentile_ps[0], 50000);
	near_ns(times.percentile_ps[1], 90000);
	near_ns(times.percentile_ps[2], 99000);
	near_ns(times.percentile_ps[3], 99900);
	near_ns(times.percentile_ps[4], 99990);
	perf_hist_get(&hist, 2, &times);
	near_ns(times.percentile_ps[0], 25000);
	near_ns(times.max_ps, 50000);
	perf_hist_free(&hist);
}

/* Any time at all: no bucket is outside, and each is where it belongs */
static void test_any_time(void **state)
{
	struct perf_times times;
	struct perf_hist hist;
	uint64_t ns;

	(void)state;
	for (ns = 1; ns < 1ULL << 40; ns += ns / 7 + 1) {
		assert_int_equal(perf_hist_init(&hist), 0);
		perf_hist_add(&hist, 0);
		perf_hist_add(&hist, ns);
		perf_hist_add(&hist, ns);
		perf_hist_add(&hist, UINT64_MAX / 4096);
		perf_hist_get(&hist, 1, &times);
		near_ns(times.percentile_ps[0], ns);
		perf_hist_free(&hist);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gid_order),
		cmocka_unit_test(test_first_of_equals),
		cmocka_unit_test(test_cq_mod),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
