// SPDX-License-Identifier: GPL-2.0-only
/* The control connection of a copy: what the other end may do to it. */
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../tools/copy_ctl.h"

struct ends {
	struct copy_ctl ctl;
	int other;
};

static struct ends *ends_open(void)
{
	struct ends *e = calloc(1, sizeof(*e));
	int fd[2];

	assert_non_null(e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(copy_ctl_init(&e->ctl, fd[0], fd[0], "there"), 0);
	e->other = fd[1];
	return e;
}

static void ends_close(struct ends *e)
{
	copy_ctl_close(&e->ctl);
	if (e->other >= 0)
		close(e->other);
	free(e);
	fail_clear();
}

static void say(struct ends *e, const void *bytes, size_t len)
{
	assert_int_equal(write(e->other, bytes, len), len);
}

static void say_msg(struct ends *e, const struct copy_msg *msg)
{
	uint8_t buf[COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX];

	say(e, buf, copy_wire_encode(msg, buf));
}

static void hang_up(struct ends *e)
{
	close(e->other);
	e->other = -1;
}

/* Allocations until one fails; 0: none does */
static int until_failure;

static bool fails(void)
{
	return until_failure && !--until_failure;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static const struct copy_msg ready = { .type = COPY_READY };
static const struct copy_msg ping = { .type = COPY_PING };
static const struct copy_msg error = {
	.type = COPY_ERROR,
	.u.failure = {
		.status = CMD_IMPOSSIBLE,
		.errnum = EFAULT,
		.reason = "KERNEL_NO_PIN",
		.text = "It cannot be pinned.",
		.remedy = "Boot another kernel.",
	},
};

static void test_messages(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	say_msg(e, &ping);
	say_msg(e, &ready);
	say_msg(e, &ready);
	say_msg(e, &ping);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_READY, &msg, 1000), 0);
	assert_int_equal(copy_ctl_next(&e->ctl, &msg), 1);
	assert_int_equal(msg.type, COPY_READY);
	assert_int_equal(copy_ctl_next(&e->ctl, &msg), 0);
	ends_close(e);
}

/* Byte by byte, as pipes may have it */
static void test_pieces(void **state)
{
	uint8_t buf[COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX];
	struct ends *e = ends_open();
	struct copy_msg msg;
	size_t len = copy_wire_encode(&error, buf), i;

	(void)state;
	for (i = 0; i + 1 < len; i++) {
		say(e, buf + i, 1);
		assert_int_equal(copy_ctl_work(&e->ctl), 0);
		assert_int_equal(copy_ctl_next(&e->ctl, &msg), 0);
	}
	say(e, buf + i, 1);
	assert_int_equal(copy_ctl_work(&e->ctl), 0);
	assert_int_equal(copy_ctl_next(&e->ctl, &msg), -1);
	assert_string_equal(fail_get()->text, "there: It cannot be pinned.");
	assert_int_equal(fail_get()->status, CMD_IMPOSSIBLE);
	assert_failed("KERNEL_NO_PIN");
	ends_close(e);
}

static void test_garbage(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	say(e, "Welcome, dear user\n", 19);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 1000), -1);
	assert_failed("PROTOCOL");
	ends_close(e);
	/* Less than a header is enough */
	e = ends_open();
	say(e, "p2pm", 4);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 1000), -1);
	assert_failed("PROTOCOL");
	ends_close(e);
}

static void test_wrong_message(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	say_msg(e, &ready);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 1000), -1);
	assert_non_null(strstr(fail_get()->text, "READY"));
	assert_failed("PROTOCOL");
	ends_close(e);
}

static void test_end(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	hang_up(e);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 1000), -1);
	assert_failed("PEER_LOST");
	ends_close(e);
}

/* What it said before it ended counts */
static void test_last_words(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	say_msg(e, &error);
	hang_up(e);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 1000), -1);
	assert_failed("KERNEL_NO_PIN");
	ends_close(e);
	/* A message that is cut off is none */
	e = ends_open();
	say(e, "p2cp", 4);
	hang_up(e);
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 1000), -1);
	assert_failed("PEER_LOST");
	ends_close(e);
}

static void test_silence(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_WELCOME, &msg, 300), -1);
	assert_non_null(strstr(fail_get()->text, "WELCOME"));
	assert_failed("PEER_LOST");
	e->ctl.last_in_ms -= COPY_CTL_SILENCE_MS + 1;
	assert_int_equal(copy_ctl_work(&e->ctl), -1);
	assert_failed("PEER_LOST");
	ends_close(e);
}

static void test_ping(void **state)
{
	struct ends *e = ends_open();
	uint8_t buf[100];

	(void)state;
	assert_int_equal(copy_ctl_work(&e->ctl), 0);
	assert_int_equal(e->ctl.out_used, 0);
	e->ctl.last_out_ms -= COPY_CTL_PING_MS;
	assert_int_equal(copy_ctl_work(&e->ctl), 0);
	assert_int_equal(copy_ctl_work(&e->ctl), 0);
	assert_int_equal(read(e->other, buf, sizeof(buf)),
			 COPY_WIRE_HEADER_BYTES);
	assert_int_equal(buf[7], COPY_PING);
	ends_close(e);
}

/* Who does not read may fill our buffer, and nothing else */
static void test_full(void **state)
{
	struct ends *e = ends_open();
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000 && copy_ctl_has_room(&e->ctl, 1); i++) {
		assert_int_equal(copy_ctl_send(&e->ctl, &error), 0);
		assert_int_equal(copy_ctl_work(&e->ctl), 0);
	}
	assert_true(i < 100000);
	assert_int_equal(copy_ctl_send(&e->ctl, &error), -1);
	assert_failed("PEER_LOST");
	ends_close(e);
}

/* And who says too much is not read until there is room */
static void test_flood(void **state)
{
	struct copy_msg msg = { .type = COPY_FILE };
	struct ends *e = ends_open();
	uint8_t buf[COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX];
	unsigned int i;
	size_t len;

	(void)state;
	memset(msg.u.file.path, 'x', sizeof(msg.u.file.path) - 1);
	len = copy_wire_encode(&msg, buf);
	for (i = 0; i < 4 * COPY_CTL_BUF_BYTES / len; i++) {
		if (send(e->other, buf, len, MSG_DONTWAIT) < 0)
			assert_int_equal(copy_ctl_work(&e->ctl), 0);
	}
	assert_int_equal(e->ctl.in_used, COPY_CTL_BUF_BYTES);
	while (e->ctl.in_used > len)
		assert_int_equal(copy_ctl_next(&e->ctl, &msg), 1);
	ends_close(e);
}

static void test_close_tells(void **state)
{
	uint8_t buf[COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX];
	struct ends *e = ends_open();
	enum copy_msg_type type;
	char why[PACK_WHY_MAX];
	struct copy_msg msg;
	size_t len;

	(void)state;
	fail(CMD_FAILED, "RDMA", EIO, "Mend it.", "It broke.");
	copy_ctl_close(&e->ctl);
	assert_true(read(e->other, buf, sizeof(buf)) >
		    COPY_WIRE_HEADER_BYTES);
	assert_int_equal(copy_wire_decode_header(buf, &type, &len, why), 0);
	assert_int_equal(type, COPY_ERROR);
	assert_int_equal(copy_wire_decode(type, buf + COPY_WIRE_HEADER_BYTES,
					  len, &msg, why), 0);
	assert_string_equal(msg.u.failure.text, "It broke.");
	ends_close(e);
}

static void start(struct ends *e, const char *shell)
{
	close(e->ctl.in);
	assert_int_equal(copy_shell_start(&e->ctl, shell, "host", "program"),
			 0);
}

static void test_shell(void **state)
{
	struct ends *e = ends_open();
	struct copy_msg msg;

	(void)state;
	/* What it is called with; it sends back what it is sent */
	start(e, "sh -c test\t$*=programcopy--server&&exec\tcat");
	copy_ctl_close(&e->ctl);
	fail_clear();
	start(e, "cat");
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_READY, &msg, 5000), -1);
	assert_failed("CONNECT");
	copy_ctl_close(&e->ctl);
	start(e, "/nonesuch/shell -x");
	assert_int_equal(copy_ctl_wait(&e->ctl, COPY_READY, &msg, 5000), -1);
	assert_non_null(strstr(fail_get()->text, "could not start"));
	assert_failed("CONNECT");
	copy_ctl_close(&e->ctl);
	assert_int_equal(copy_shell_start(&e->ctl, " ", "host", "program"),
			 -1);
	assert_failed("USAGE");
	ends_close(e);
}

static void test_no_memory(void **state)
{
	struct ends *e = ends_open();
	int i;

	(void)state;
	for (i = 1; i <= 2; i++) {
		until_failure = i;
		assert_int_equal(copy_shell_start(&e->ctl, "cat", "host",
						  "program"), -1);
		assert_int_equal(until_failure, 0);
		assert_failed("OUT_OF_MEMORY");
	}
	ends_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_wrong_message),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_close_tells),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
