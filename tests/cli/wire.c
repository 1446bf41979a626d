// SPDX-License-Identifier: GPL-2.0-only
/* The control channel's messages: what comes from the network is not trusted. */
#include "wire.h"

#include "../../tools/perf_wire.h"

#define BUF_BYTES (WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX)

static void sample_endpoint(struct wire_endpoint *ep, uint32_t qps)
{
	uint32_t i;

	memset(ep->gid, 0xab, sizeof(ep->gid));
	ep->gid_kind = WIRE_GID_ROCE_V2;
	ep->lid = 0x1234;
	ep->mtu = 3;
	ep->rd_init = 16;
	ep->rd_resp = 128;
	ep->rkey = 0xdeadbeef;
	ep->addr = 0x7f0012345000;
	ep->area_bytes = 65600;
	strcpy(ep->memory, "nvme0");
	strcpy(ep->route, "umem");
	ep->qps = qps;
	for (i = 0; i < qps; i++) {
		ep->qp[i].num = 0xffffff - i;
		ep->qp[i].psn = i;
	}
}

static void sample_verdict(struct wire_verdict *v)
{
	v->received = 999;
	v->data.checked_bytes = 65600;
	v->data.wrong_bytes = 3;
	v->data.first_offset = 17;
	v->data.expected = 0xaa;
	v->data.got = 0x55;
}

static void sample_done(struct wire_done *done)
{
	uint32_t i;

	done->messages = 1000;
	done->elapsed_ns = 123456789;
	done->peak_bytes_per_s = 1;
	done->times.samples = 1000;
	done->times.avg_ps = 1500;
	done->qps = PERF_QPS_MAX;
	for (i = 0; i < done->qps; i++) {
		done->qp_messages[i] = i;
		if (i < PERF_PERCENTILES)
			done->times.percentile_ps[i] = i + 1;
	}
}

/* One valid message of each type */
static void sample(struct wire_msg *msg, enum wire_type type)
{
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	switch (type) {
	case WIRE_HELLO:
		strcpy(msg->u.hello.ident.version, "1.2.3");
		strcpy(msg->u.hello.ident.kernel, "6.12.0");
		strcpy(msg->u.hello.ident.device, "rxe0");
		strcpy(msg->u.hello.ident.memory, "host");
		msg->u.hello.params = (struct perf_params){
			.size = 65536, .iterations = 1000, .depth = 128,
			.rx_depth = 512, .qps = 2, .sl = 3, .tos = 32,
			.op = PERF_READ, .cm = true, .both = true,
			.verify = true,
		};
		msg->u.hello.passes = 2;
		break;
	case WIRE_WELCOME:
		strcpy(msg->u.welcome.version, "1.2.3");
		strcpy(msg->u.welcome.device, "mlx5_0");
		break;
	case WIRE_ERROR:
		msg->u.error.status = CMD_FAILED;
		msg->u.error.errnum = EINVAL;
		strcpy(msg->u.error.reason, "RDMA");
		strcpy(msg->u.error.text, "It did not work.");
		strcpy(msg->u.error.remedy, "Mend it.");
		break;
	case WIRE_BEGIN:
		msg->u.begin.seed = 0x0123456789abcdef;
		msg->u.begin.pass = 1;
		msg->u.begin.size = 4096;
		msg->u.begin.server_memory = PERF_MEMORY_HOST;
		sample_endpoint(&msg->u.begin.client, PERF_QPS_MAX);
		break;
	case WIRE_READY:
		sample_endpoint(&msg->u.ready, 3);
		break;
	case WIRE_DONE:
		sample_done(&msg->u.done);
		break;
	case WIRE_VERDICT:
		sample_verdict(&msg->u.verdict);
		break;
	case WIRE_GO:
	case WIRE_BYE:
		break;
	}
}

static int decode(enum wire_type type, const uint8_t *payload, size_t len,
		  struct wire_msg *msg, char why[PACK_WHY_MAX])
{
	int ret;

	DECODE(ret, wire_decode_payload, type, payload, len, msg, why);
	return ret;
}

static void test_round_trip(void **state)
{
	struct wire_msg *in = malloc(sizeof(*in)), *out = malloc(sizeof(*out));
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	enum wire_type type, got;
	size_t len, payload;

	(void)state;
	for (type = WIRE_HELLO; type <= WIRE_BYE; type++) {
		sample(in, type);
		len = wire_encode(in, buf);
		assert_int_equal(wire_decode_header(buf, &got, &payload, why),
				 0);
		assert_int_equal(got, type);
		assert_int_equal(payload, len - WIRE_HEADER_BYTES);
		assert_int_equal(decode(type, buf + WIRE_HEADER_BYTES, payload,
					out, why), 0);
		assert_memory_equal(in, out, sizeof(*in));
	}
	free(in);
	free(out);
}

/* Network order is part of the protocol, so is each field's place */
static void test_bytes_are_fixed(void **state)
{
	static const uint8_t known[WIRE_HEADER_BYTES + 34] = {
		0x70, 0x32, 0x62, 0x77, 0, 3, 0, 8, 0, 0, 0, 34,
		0, 0, 0, 0, 0, 0, 3, 0xe7,
		0, 0, 0, 0, 0, 1, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 3,
		0, 0, 0, 0, 0, 0, 0, 17, 0xaa, 0x55,
	};
	uint8_t buf[BUF_BYTES];
	struct wire_msg msg;

	(void)state;
	sample(&msg, WIRE_VERDICT);
	assert_int_equal(wire_encode(&msg, buf), WIRE_HEADER_BYTES + 34);
	assert_memory_equal(buf, known, WIRE_HEADER_BYTES + 34);
}

static void test_truncated(void **state)
{
	struct wire_msg *msg = malloc(sizeof(*msg));
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	enum wire_type type;
	size_t len, cut;

	(void)state;
	for (type = WIRE_HELLO; type <= WIRE_BYE; type++) {
		sample(msg, type);
		len = wire_encode(msg, buf) - WIRE_HEADER_BYTES;
		for (cut = 0; cut < len; cut++)
			assert_int_equal(decode(type, buf + WIRE_HEADER_BYTES,
						cut, msg, why), -EPROTO);
	}
	free(msg);
}

static void test_too_long(void **state)
{
	struct wire_msg *msg = malloc(sizeof(*msg));
	uint8_t buf[BUF_BYTES + 1] = { 0 };
	char why[PACK_WHY_MAX];
	enum wire_type type;
	size_t len;

	(void)state;
	for (type = WIRE_HELLO; type <= WIRE_BYE; type++) {
		sample(msg, type);
		len = wire_encode(msg, buf) - WIRE_HEADER_BYTES;
		buf[WIRE_HEADER_BYTES + len] = 0;
		assert_int_equal(decode(type, buf + WIRE_HEADER_BYTES, len + 1,
					msg, why), -EPROTO);
	}
	free(msg);
}

static void test_bad_headers(void **state)
{
	static const struct {
		int at;
		uint8_t val;
		const char *why;
	} bad[] = {
		{ 0, 'G', "no message" },
		{ 3, 0, "no message" },
		{ 5, 1, "version 1" },
		{ 4, 0xff, "version 65283" },
		{ 7, 0, "type" },
		{ 7, 10, "type" },
		{ 6, 1, "type" },
		{ 8, 0xff, "length" },
		{ 10, 0x41, "length" },
	};
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	struct wire_msg msg;
	enum wire_type type;
	size_t i, len;

	(void)state;
	sample(&msg, WIRE_BYE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		wire_encode(&msg, buf);
		buf[bad[i].at] = bad[i].val;
		assert_int_equal(wire_decode_header(buf, &type, &len, why),
				 -EPROTO);
		assert_non_null(strstr(why, bad[i].why));
	}
	/* The largest that is allowed */
	wire_encode(&msg, buf);
	buf[10] = WIRE_PAYLOAD_MAX >> 8;
	assert_int_equal(wire_decode_header(buf, &type, &len, why), 0);
	assert_int_equal(len, WIRE_PAYLOAD_MAX);
}

/* Encode what the decoder must refuse */
static void refused(const struct wire_msg *msg, const char *word)
{
	struct wire_msg *out = malloc(sizeof(*out));
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	size_t len = wire_encode(msg, buf) - WIRE_HEADER_BYTES;

	assert_int_equal(decode(msg->type, buf + WIRE_HEADER_BYTES, len, out,
				why), -EPROTO);
	if (!strstr(why, word))
		print_error("no \"%s\" in: %s\n", word, why);
	assert_non_null(strstr(why, word));
	free(out);
}

static void refused_params(struct perf_params params, const char *word)
{
	struct wire_msg msg;

	sample(&msg, WIRE_HELLO);
	msg.u.hello.params = params;
	refused(&msg, word);
}

#define PARAMS(...) ((struct perf_params){ .size = 65536, .iterations = 1000, \
	.depth = 128, .rx_depth = 512, .qps = 1, .op = PERF_WRITE, \
	.verify = true, ##__VA_ARGS__ })

static void test_bad_params(void **state)
{
	struct wire_msg msg;

	(void)state;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
	refused_params(PARAMS(.size = 0), "size");
	refused_params(PARAMS(.size = PERF_SIZE_MAX + 1), "size");
	refused_params(PARAMS(.size = UINT64_MAX), "size");
	refused_params(PARAMS(.iterations = 0), "iterations and duration");
	refused_params(PARAMS(.duration_s = 1), "iterations and duration");
	refused_params(PARAMS(.iterations = UINT64_MAX), "iterations");
	refused_params(PARAMS(.iterations = 0, .duration_s = UINT32_MAX),
		       "duration");
	refused_params(PARAMS(.depth = 0), "depth");
	refused_params(PARAMS(.depth = PERF_DEPTH_MAX + 1), "depth");
	refused_params(PARAMS(.qps = 0), "queue pairs");
	refused_params(PARAMS(.qps = PERF_QPS_MAX + 1), "queue pairs");
	refused_params(PARAMS(.size = PERF_SIZE_MAX, .qps = PERF_QPS_MAX),
		       "size times queue pairs");
	refused_params(PARAMS(.size = PERF_SIZE_MAX, .qps = 3, .both = true),
		       "size times queue pairs");
	refused_params(PARAMS(.rx_depth = PERF_DEPTH_MAX + 1), "receive depth");
	refused_params(PARAMS(.transport = PERF_UD), "UD can only send");
	refused_params(PARAMS(.op = PERF_ATOMIC), "8 bytes");
	refused_params(PARAMS(.op = PERF_ATOMIC, .size = 8, .sweep = true),
		       "one size");
	refused_params(PARAMS(.tool = PERF_LAT, .qps = 2), "one queue pair");
	refused_params(PARAMS(.tool = PERF_LAT, .both = true),
		       "one queue pair");
	refused_params(PARAMS(.tos = 8), "without rdma_cm");
	refused_params(PARAMS(.sl = 16), "service level");
#pragma GCC diagnostic pop
	sample(&msg, WIRE_HELLO);
	msg.u.hello.params.op = 4;
	refused(&msg, "operation");
	sample(&msg, WIRE_HELLO);
	msg.u.hello.passes = 0;
	refused(&msg, "passes");
	msg.u.hello.passes = WIRE_PASSES_MAX + 1;
	refused(&msg, "passes");
}

static void test_bad_endpoints(void **state)
{
	struct wire_msg *msg = malloc(sizeof(*msg));

	(void)state;
	sample(msg, WIRE_READY);
	msg->u.ready.gid_kind = 3;
	refused(msg, "GID");
	sample(msg, WIRE_READY);
	msg->u.ready.mtu = 0;
	refused(msg, "MTU");
	msg->u.ready.mtu = 6;
	refused(msg, "MTU");
	sample(msg, WIRE_READY);
	msg->u.ready.area_bytes = 0;
	refused(msg, "area");
	msg->u.ready.area_bytes = PERF_AREA_MAX + 1;
	refused(msg, "area");
	sample(msg, WIRE_READY);
	msg->u.ready.addr = UINT64_MAX - 100;
	refused(msg, "wraps");
	sample(msg, WIRE_READY);
	msg->u.ready.qp[2].num = 0x1000000;
	refused(msg, "QP number");
	sample(msg, WIRE_READY);
	msg->u.ready.qp[2].psn = 0x1000000;
	refused(msg, "PSN");
	sample(msg, WIRE_READY);
	msg->u.ready.qps = 0;
	refused(msg, "queue pairs");
	sample(msg, WIRE_BEGIN);
	msg->u.begin.server_memory = 2;
	refused(msg, "server memory");
	sample(msg, WIRE_BEGIN);
	msg->u.begin.size = 0;
	refused(msg, "size");
	msg->u.begin.size = PERF_SIZE_MAX + 1;
	refused(msg, "size");
	free(msg);
}

/* More queue pairs announced than the message holds, or than there may be */
static void test_bad_counts(void **state)
{
	struct wire_msg *msg = malloc(sizeof(*msg));
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	uint8_t *count;
	size_t len;

	(void)state;
	sample(msg, WIRE_READY);
	len = wire_encode(msg, buf);
	count = buf + len - 3 * 8 - 4;
	assert_int_equal(count[3], 3);
	count[3] = 4;
	assert_int_equal(decode(WIRE_READY, buf + WIRE_HEADER_BYTES,
				len - WIRE_HEADER_BYTES, msg, why), -EPROTO);
	memset(count, 0xff, 4);
	assert_int_equal(decode(WIRE_READY, buf + WIRE_HEADER_BYTES,
				len - WIRE_HEADER_BYTES, msg, why), -EPROTO);
	free(msg);
}

static void test_bad_texts(void **state)
{
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	struct wire_msg msg;
	uint8_t *text = buf + WIRE_HEADER_BYTES;
	size_t len;

	(void)state;
	sample(&msg, WIRE_WELCOME);
	len = wire_encode(&msg, buf) - WIRE_HEADER_BYTES;
	/* The whole buffer, without room for the end */
	assert_int_equal(text[1], strlen("1.2.3"));
	text[1] = WIRE_VERSION_MAX;
	assert_int_equal(decode(WIRE_WELCOME, text, len, &msg, why), -EPROTO);
	assert_non_null(strstr(why, "32 bytes"));
	text[1] = strlen("1.2.3");
	text[2] = '\033';
	assert_int_equal(decode(WIRE_WELCOME, text, len, &msg, why), -EPROTO);
	assert_non_null(strstr(why, "unprintable"));
	text[2] = 0xe9;
	assert_int_equal(decode(WIRE_WELCOME, text, len, &msg, why), -EPROTO);
	text[2] = '\0';
	assert_int_equal(decode(WIRE_WELCOME, text, len, &msg, why), -EPROTO);
	assert_non_null(strstr(why, "a zero"));
}

/* What we send is always something that we would take */
static void test_texts_are_cleaned(void **state)
{
	struct wire_msg msg, out;
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	size_t len;

	(void)state;
	sample(&msg, WIRE_ERROR);
	strcpy(msg.u.error.text, "a\nb\xc3\xa9");
	memset(msg.u.error.remedy, 'x', FAIL_REMEDY_MAX - 1);
	len = wire_encode(&msg, buf) - WIRE_HEADER_BYTES;
	assert_int_equal(decode(WIRE_ERROR, buf + WIRE_HEADER_BYTES, len, &out,
				why), 0);
	assert_string_equal(out.u.error.text, "a?b??");
	assert_int_equal(strlen(out.u.error.remedy), FAIL_REMEDY_MAX - 1);
}

static void test_bad_verdicts(void **state)
{
	struct wire_msg msg;

	(void)state;
	sample(&msg, WIRE_VERDICT);
	msg.u.verdict.data.wrong_bytes = msg.u.verdict.data.checked_bytes + 1;
	refused(&msg, "wrong bytes");
	sample(&msg, WIRE_VERDICT);
	msg.u.verdict.data.first_offset = UINT64_MAX;
	refused(&msg, "first wrong offset");
	sample(&msg, WIRE_VERDICT);
	msg.u.verdict.data.checked_bytes = PERF_AREA_MAX + 1;
	refused(&msg, "checked bytes");
	sample(&msg, WIRE_ERROR);
	msg.u.error.reason[0] = '\0';
	refused(&msg, "without a reason");
	sample(&msg, WIRE_ERROR);
	msg.u.error.errnum = 4096;
	refused(&msg, "errno");
}

/* Whatever is taken encodes again to the same bytes: nothing was misread */
static void check_taken(const struct wire_msg *msg, const uint8_t *payload,
			size_t len)
{
	uint8_t again[BUF_BYTES];

	assert_int_equal(wire_encode(msg, again), WIRE_HEADER_BYTES + len);
	assert_memory_equal(again + WIRE_HEADER_BYTES, payload, len);
}

static void test_garbage(void **state)
{
	struct wire_msg *msg = malloc(sizeof(*msg));
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	uint32_t seed = 1;
	uint32_t i, j, hits;
	size_t len;

	(void)state;
	for (i = 0; i < 3000; i++) {
		enum wire_type type = WIRE_HELLO + i % WIRE_BYE;
		uint8_t *payload = buf + WIRE_HEADER_BYTES;

		sample(msg, type);
		len = wire_encode(msg, buf) - WIRE_HEADER_BYTES;
		hits = len ? 1 + next_random(&seed) % 8 : 0;
		for (j = 0; j < hits; j++)
			payload[next_random(&seed) % (len < 300 ? len : 300)] =
				next_random(&seed);
		if (!decode(type, payload, len, msg, why))
			check_taken(msg, payload, len);
	}
	for (i = 0; i < 3000; i++) {
		len = next_random(&seed) % 600;
		for (j = 0; j < len; j++)
			buf[j] = next_random(&seed);
		if (!decode(WIRE_HELLO + i % WIRE_BYE, buf, len, msg, why))
			check_taken(msg, buf, len);
	}
	free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes_are_fixed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_bad_params),
		cmocka_unit_test(test_bad_endpoints),
		cmocka_unit_test(test_bad_counts),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_texts_are_cleaned),
		cmocka_unit_test(test_bad_verdicts),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
