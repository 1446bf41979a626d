// SPDX-License-Identifier: GPL-2.0-only
/* The messages of a copy: what comes from the other end is not trusted. */
#include "wire.h"

#include "../../tools/copy_wire.h"

#define BUF_BYTES (COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX)

static void sample_failure(struct failure *f)
{
	f->status = CMD_FAILED;
	f->errnum = ENOSPC;
	strcpy(f->reason, "DESTINATION");
	strcpy(f->text, "It is full.");
	strcpy(f->remedy, "Make room.");
}

static void sample_file(struct copy_file *f)
{
	f->id = 7;
	f->source = COPY_SOURCES_MAX - 1;
	f->kind = COPY_KIND_FILE;
	f->mode = 04755;
	f->size = COPY_SIZE_MAX;
	f->atime_s = -1;
	f->mtime_s = INT64_MAX;
	f->mtime_ns = 999999999;
	strcpy(f->path, "sub/with\nnewline/\xff\xfe");
}

static void sample_hello(struct copy_hello *h)
{
	h->role = COPY_RECEIVER;
	h->flags = COPY_FLAGS;
	h->chunk_bytes = COPY_CHUNK_MAX;
	h->slots = COPY_SLOTS_MAX;
	h->sources = 3;
	h->gid_index = 2;
	h->ib_port = 1;
	strcpy(h->device, "rxe0");
	strcpy(h->memory, "nvme0");
	strcpy(h->dest, "/some where");
}

static void sample_endpoint(struct copy_endpoint *ep)
{
	ep->qp_num = 0xffffff;
	ep->psn = 0x123456;
	memset(ep->gid, 0xab, sizeof(ep->gid));
	ep->gid_kind = 2;
	ep->lid = 0x1234;
	ep->mtu = 3;
	ep->chunk_bytes = COPY_CHUNK_MIN;
	ep->slots = COPY_SLOTS_MIN;
	ep->total_bytes = 1ULL << 50;
	ep->rkey = 0xdeadbeef;
	ep->addr = 0x7f0012345000;
	ep->dense = true;
	ep->folder = 0x0123456789abcdef;
	memset(ep->token, 0xcd, sizeof(ep->token));
}

static void sample_stats(struct copy_stats *s)
{
	strcpy(s->memory, "nvme0");
	strcpy(s->why, "the drive that holds x");
	strcpy(s->host_why, "why not");
	s->peer_bytes = 1ULL << 40;
	s->host_bytes = 3;
	s->flushes = 5;
	s->cpu_us = 1000;
	s->sum_us = 10;
}

/* One valid message of each type */
static void sample(struct copy_msg *msg, enum copy_msg_type type)
{
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	switch (type) {
	case COPY_HELLO:
		sample_hello(&msg->u.hello);
		break;
	case COPY_SOURCE:
		strcpy(msg->u.source, "/a/b\tc");
		break;
	case COPY_WELCOME:
		strcpy(msg->u.version, "1.2.3");
		break;
	case COPY_ENDPOINT:
		sample_endpoint(&msg->u.endpoint);
		break;
	case COPY_FILE:
		sample_file(&msg->u.file);
		break;
	case COPY_HAVE:
		msg->u.have = (struct copy_have){ .id = 7, .offset = 8192 };
		break;
	case COPY_EXTENT:
		msg->u.extent = (struct copy_extent){
			.id = 7, .offset = 4096, .len = 5 };
		break;
	case COPY_REFUSE:
	case COPY_END:
	case COPY_DONE:
		msg->u.verdict.id = 7;
		msg->u.verdict.sum = 0x0123456789abcdef;
		sample_failure(&msg->u.verdict.why);
		break;
	case COPY_NOTE:
	case COPY_ERROR:
		sample_failure(&msg->u.failure);
		break;
	case COPY_FINISH:
		sample_stats(&msg->u.stats);
		break;
	default:
		break;
	}
}

static struct copy_msg *new_msg(void)
{
	struct copy_msg *msg = calloc(1, sizeof(*msg));

	assert_non_null(msg);
	return msg;
}

static int decode(enum copy_msg_type type, const uint8_t *payload, size_t len,
		  struct copy_msg *msg, char why[PACK_WHY_MAX])
{
	int ret;

	DECODE(ret, copy_wire_decode, type, payload, len, msg, why);
	return ret;
}

static void test_round_trip(void **state)
{
	struct copy_msg *in = new_msg(), *out = new_msg();
	enum copy_msg_type type, got;
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	size_t len, payload;

	(void)state;
	for (type = COPY_HELLO; type < COPY_MSG_TYPES; type++) {
		sample(in, type);
		len = copy_wire_encode(in, buf);
		assert_int_equal(copy_wire_decode_header(buf, &got, &payload,
							 why), 0);
		assert_int_equal(got, type);
		assert_int_equal(payload, len - COPY_WIRE_HEADER_BYTES);
		assert_int_equal(decode(type, buf + COPY_WIRE_HEADER_BYTES,
					payload, out, why), 0);
		assert_memory_equal(in, out, sizeof(*in));
		assert_string_not_equal(copy_msg_name(type), "unknown");
	}
	assert_string_equal(copy_msg_name(0), "unknown");
	assert_string_equal(copy_msg_name(COPY_MSG_TYPES), "unknown");
	free(in);
	free(out);
}

/* Network order is part of the protocol, so is each field's place */
static void test_bytes_are_fixed(void **state)
{
	static const uint8_t known[] = {
		0x70, 0x32, 0x63, 0x70, 0, 1, 0, 7, 0, 0, 0, 20,
		0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0x10, 0,
		0, 0, 0, 0, 0, 0, 0, 5,
	};
	struct copy_msg *msg = new_msg();
	uint8_t buf[BUF_BYTES];

	(void)state;
	sample(msg, COPY_EXTENT);
	assert_int_equal(copy_wire_encode(msg, buf), sizeof(known));
	assert_memory_equal(buf, known, sizeof(known));
	free(msg);
}

static void test_largest_fit(void **state)
{
	struct copy_msg *msg = new_msg(), *out = new_msg();
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	size_t len;

	(void)state;
	sample(msg, COPY_FILE);
	msg->u.file.kind = COPY_KIND_LINK;
	msg->u.file.size = 0;
	memset(msg->u.file.path, 'x', COPY_PATH_MAX - 1);
	memset(msg->u.file.target, 'y', COPY_PATH_MAX - 1);
	len = copy_wire_encode(msg, buf) - COPY_WIRE_HEADER_BYTES;
	assert_int_equal(decode(COPY_FILE, buf + COPY_WIRE_HEADER_BYTES, len,
				out, why), 0);
	assert_memory_equal(msg, out, sizeof(*msg));
	free(msg);
	free(out);
}

/* Not a byte less and not one more */
static void test_lengths(void **state)
{
	struct copy_msg *msg = new_msg();
	uint8_t buf[BUF_BYTES + 1] = { 0 };
	enum copy_msg_type type;
	char why[PACK_WHY_MAX];
	size_t len, cut;

	(void)state;
	for (type = COPY_HELLO; type < COPY_MSG_TYPES; type++) {
		sample(msg, type);
		len = copy_wire_encode(msg, buf) - COPY_WIRE_HEADER_BYTES;
		for (cut = 0; cut < len; cut++)
			assert_int_equal(decode(type, buf +
						COPY_WIRE_HEADER_BYTES, cut,
						msg, why), -EPROTO);
		buf[COPY_WIRE_HEADER_BYTES + len] = 0;
		assert_int_equal(decode(type, buf + COPY_WIRE_HEADER_BYTES,
					len + 1, msg, why), -EPROTO);
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
		{ 0, 'W', "no message" },
		{ 3, 0, "no message" },
		{ 5, 2, "version 2" },
		{ 7, 0, "type" },
		{ 7, COPY_MSG_TYPES, "type" },
		{ 6, 1, "type" },
		{ 8, 0xff, "length" },
		{ 10, 0x41, "length" },
	};
	struct copy_msg *msg = new_msg();
	enum copy_msg_type type;
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	size_t i, len;

	(void)state;
	sample(msg, COPY_PING);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		copy_wire_encode(msg, buf);
		buf[bad[i].at] = bad[i].val;
		assert_int_equal(copy_wire_decode_header(buf, &type, &len,
							 why), -EPROTO);
		assert_non_null(strstr(why, bad[i].why));
	}
	free(msg);
}

/* Encode what the decoder must refuse */
static void refused(const struct copy_msg *msg, const char *word)
{
	struct copy_msg *out = new_msg();
	uint8_t buf[BUF_BYTES];
	char why[PACK_WHY_MAX];
	size_t len = copy_wire_encode(msg, buf) - COPY_WIRE_HEADER_BYTES;

	assert_int_equal(decode(msg->type, buf + COPY_WIRE_HEADER_BYTES, len,
				out, why), -EPROTO);
	if (!strstr(why, word))
		print_error("no \"%s\" in: %s\n", word, why);
	assert_non_null(strstr(why, word));
	free(out);
}

#define REFUSED(what, field, value, word) do { \
	sample(msg, what); \
	msg->u.field = value; \
	refused(msg, word); \
} while (0)

static void test_bad_hello(void **state)
{
	struct copy_msg *msg = new_msg();

	(void)state;
	REFUSED(COPY_HELLO, hello.role, 2, "role");
	REFUSED(COPY_HELLO, hello.flags, COPY_FLAGS + 1, "flags");
	REFUSED(COPY_HELLO, hello.chunk_bytes, COPY_CHUNK_MIN - 4096, "chunk");
	REFUSED(COPY_HELLO, hello.chunk_bytes, COPY_CHUNK_MIN + 1, "chunk");
	REFUSED(COPY_HELLO, hello.chunk_bytes, UINT32_MAX, "chunk");
	REFUSED(COPY_HELLO, hello.slots, COPY_SLOTS_MIN - 1, "slots");
	REFUSED(COPY_HELLO, hello.slots, COPY_SLOTS_MAX + 1, "slots");
	REFUSED(COPY_HELLO, hello.sources, 0, "sources");
	REFUSED(COPY_HELLO, hello.sources, COPY_SOURCES_MAX + 1, "sources");
	REFUSED(COPY_HELLO, hello.ib_port, 0, "port");
	REFUSED(COPY_HELLO, hello.dest[0], '\0', "destination");
	REFUSED(COPY_HELLO, hello.role, COPY_SENDER, "destination");
	sample(msg, COPY_SOURCE);
	msg->u.source[0] = '\0';
	refused(msg, "without a name");
	free(msg);
}

static void test_bad_endpoints(void **state)
{
	struct copy_msg *msg = new_msg();

	(void)state;
	REFUSED(COPY_ENDPOINT, endpoint.qp_num, 0x1000000, "queue pair");
	REFUSED(COPY_ENDPOINT, endpoint.psn, 0x1000000, "PSN");
	REFUSED(COPY_ENDPOINT, endpoint.gid_kind, 3, "GID");
	REFUSED(COPY_ENDPOINT, endpoint.mtu, 0, "MTU");
	REFUSED(COPY_ENDPOINT, endpoint.mtu, 6, "MTU");
	REFUSED(COPY_ENDPOINT, endpoint.addr, UINT64_MAX - 100, "address space");
	REFUSED(COPY_ENDPOINT, endpoint.chunk_bytes, 0, "chunk");
	REFUSED(COPY_ENDPOINT, endpoint.slots, 0, "slots");
	free(msg);
}

static void test_bad_files(void **state)
{
	struct copy_msg *msg = new_msg();

	(void)state;
	REFUSED(COPY_FILE, file.source, COPY_SOURCES_MAX, "source");
	REFUSED(COPY_FILE, file.kind, COPY_KINDS, "kind");
	REFUSED(COPY_FILE, file.mode, 010000, "mode");
	REFUSED(COPY_FILE, file.size, COPY_SIZE_MAX + 1, "size");
	REFUSED(COPY_FILE, file.size, UINT64_MAX, "size");
	REFUSED(COPY_FILE, file.mtime_ns, 1000000000, "nanoseconds");
	REFUSED(COPY_FILE, file.atime_ns, UINT32_MAX, "nanoseconds");
	REFUSED(COPY_FILE, file.target[0], 'x', "target");
	REFUSED(COPY_FILE, file.kind, COPY_KIND_DIR, "no file");
	REFUSED(COPY_FILE, file.kind, COPY_KIND_LINK, "target");
	REFUSED(COPY_EXTENT, extent.len, 0, "length");
	REFUSED(COPY_EXTENT, extent.len, COPY_SIZE_MAX - 4095, "length");
	REFUSED(COPY_EXTENT, extent.len, UINT64_MAX, "length");
	REFUSED(COPY_EXTENT, extent.offset, COPY_SIZE_MAX + 1, "offset");
	REFUSED(COPY_EXTENT, extent.offset, 1, "within a block");
	REFUSED(COPY_HAVE, have.offset, 1, "within a block");
	REFUSED(COPY_HAVE, have.offset, UINT64_MAX, "offset");
	REFUSED(COPY_ERROR, failure.errnum, 4096, "errno");
	REFUSED(COPY_ERROR, failure.reason[0], '\0', "without a reason");
	REFUSED(COPY_NOTE, failure.reason[0], '\0', "without a reason");
	free(msg);
}

/* Names are any bytes but zero; texts go to terminals */
static void test_strings(void **state)
{
	struct copy_msg *msg = new_msg(), *out = new_msg();
	uint8_t buf[BUF_BYTES];
	uint8_t *text = buf + COPY_WIRE_HEADER_BYTES;
	char why[PACK_WHY_MAX];
	size_t len;

	(void)state;
	sample(msg, COPY_WELCOME);
	len = copy_wire_encode(msg, buf) - COPY_WIRE_HEADER_BYTES;
	text[3] = '\033';
	assert_int_equal(decode(COPY_WELCOME, text, len, out, why), -EPROTO);
	assert_non_null(strstr(why, "unprintable"));
	text[3] = '\0';
	assert_int_equal(decode(COPY_WELCOME, text, len, out, why), -EPROTO);
	assert_non_null(strstr(why, "a zero"));
	/* The whole buffer, without room for the end */
	memset(text, 'a', 2 + COPY_NAME_MAX);
	text[0] = 0;
	text[1] = COPY_NAME_MAX;
	assert_int_equal(decode(COPY_WELCOME, text, 2 + COPY_NAME_MAX, out,
				why), -EPROTO);
	assert_non_null(strstr(why, "64 bytes"));
	/* What we send is always something that we would take */
	sample(msg, COPY_ERROR);
	strcpy(msg->u.failure.text, "a\nb\xc3\xa9");
	memset(msg->u.failure.remedy, 'x', FAIL_REMEDY_MAX - 1);
	len = copy_wire_encode(msg, buf) - COPY_WIRE_HEADER_BYTES;
	assert_int_equal(decode(COPY_ERROR, text, len, out, why), 0);
	assert_string_equal(out->u.failure.text, "a?b??");
	free(msg);
	free(out);
}

/* Whatever is taken encodes again to the same bytes: nothing was misread */
static void test_garbage(void **state)
{
	struct copy_msg *msg = new_msg();
	uint8_t buf[BUF_BYTES], again[BUF_BYTES];
	char why[PACK_WHY_MAX];
	uint32_t seed = 1, i, j, hits;
	enum copy_msg_type type;
	size_t len;

	(void)state;
	for (i = 0; i < 12000; i++) {
		type = 1 + next_random(&seed) % (COPY_MSG_TYPES - 1);
		sample(msg, type);
		len = copy_wire_encode(msg, buf) - COPY_WIRE_HEADER_BYTES;
		hits = len ? 1 + next_random(&seed) % 3 : 0;
		for (j = 0; j < hits; j++)
			buf[COPY_WIRE_HEADER_BYTES +
			    next_random(&seed) % len] = next_random(&seed);
		if (decode(type, buf + COPY_WIRE_HEADER_BYTES, len, msg, why))
			continue;
		assert_int_equal(copy_wire_encode(msg, again),
				 COPY_WIRE_HEADER_BYTES + len);
		assert_memory_equal(buf + COPY_WIRE_HEADER_BYTES,
				    again + COPY_WIRE_HEADER_BYTES, len);
	}
	free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes_are_fixed),
		cmocka_unit_test(test_largest_fit),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_bad_hello),
		cmocka_unit_test(test_bad_endpoints),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
