// SPDX-License-Identifier: GPL-2.0-only
/* The control channel itself: what the other end may do to it. */
#include "port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/perf_chan.h"
#include "../../tools/clock.h"

struct ends {
	struct chan ch;
	int other;
};

static void ends_open(struct ends *e)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	e->ch = (struct chan){ .fd = fd[0], .peer = "server" };
	e->other = fd[1];
}

static void ends_close(struct ends *e)
{
	chan_close(&e->ch);
	if (e->other >= 0)
		close(e->other);
	fail_clear();
}

static void say(struct ends *e, const void *bytes, size_t len)
{
	assert_int_equal(write(e->other, bytes, len), len);
}

static void hang_up(struct ends *e)
{
	close(e->other);
	e->other = -1;
}

static void say_msg(struct ends *e, const struct wire_msg *msg)
{
	uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX];

	say(e, buf, wire_encode(msg, buf));
}

static const struct wire_msg error_msg = {
	.type = WIRE_ERROR,
	.u.error = {
		.status = CMD_FAILED,
		.errnum = EFAULT,
		.reason = "KERNEL_NO_PIN",
		.text = "It cannot be pinned.",
		.remedy = "Boot another kernel.",
	},
};

static void test_garbage(void **state)
{
	struct wire_msg msg;
	struct ends e;

	(void)state;
	ends_open(&e);
	say(&e, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(chan_recv(&e.ch, WIRE_HELLO, &msg, 1000), -1);
	assert_failed("PROTOCOL");
	ends_close(&e);
}

static void test_huge_length(void **state)
{
	static const uint8_t header[WIRE_HEADER_BYTES] = {
		0x70, 0x32, 0x62, 0x77, 0, WIRE_VERSION, 0, 1,
		0xff, 0xff, 0xff, 0xff,
	};
	struct wire_msg msg;
	struct ends e;

	(void)state;
	ends_open(&e);
	say(&e, header, sizeof(header));
	assert_int_equal(chan_recv(&e.ch, WIRE_HELLO, &msg, 1000), -1);
	assert_failed("PROTOCOL");
	ends_close(&e);
}

/* It ends at any byte of a message */
static void test_hang_up(void **state)
{
	uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX];
	struct wire_msg msg = error_msg;
	size_t len = wire_encode(&msg, buf);
	struct ends e;
	size_t cut;

	(void)state;
	for (cut = 0; cut < len; cut += cut < 20 ? 1 : 97) {
		ends_open(&e);
		say(&e, buf, cut);
		hang_up(&e);
		assert_int_equal(chan_recv(&e.ch, WIRE_HELLO, &msg, 1000), -1);
		assert_failed("PEER_LOST");
		ends_close(&e);
	}
}

/* Seconds that go by each time somebody asks for the time */
static time_t leap, leapt;
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int ret = __real_clock_gettime(clock, now);

	leapt += leap;
	now->tv_sec += leapt;
	return ret;
}

/* A byte now and then: it does not take longer than one that says nothing */
static void test_drip(void **state)
{
	uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX];
	size_t len = wire_encode(&error_msg, buf), said = 1;
	struct wire_msg msg;
	struct ends e;
	pid_t pid;

	(void)state;
	ends_open(&e);
	/* what counts is what comes, or does not, behind the first */
	say(&e, buf, said);
	pid = fork();
	if (!pid) {
		close(e.ch.fd);
		while (said < len && send(e.other, buf + said, 1, MSG_NOSIGNAL) == 1) {
			said++;
			usleep(2000);
		}
		_exit(0);
	}
	assert_true(pid > 0);
	leap = 1;
	assert_int_equal(chan_recv(&e.ch, WIRE_HELLO, &msg, 1000), -1);
	leap = 0;
	assert_non_null(strstr(fail_get()->text, "in time"));
	assert_failed("PEER_LOST");
	ends_close(&e);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_silence(void **state)
{
	uint64_t start = clock_ms();
	struct wire_msg msg;
	struct ends e;

	(void)state;
	ends_open(&e);
	assert_int_equal(chan_recv(&e.ch, WIRE_HELLO, &msg, 300), -1);
	assert_true(clock_ms() - start >= 300 && clock_ms() - start < 5000);
	assert_failed("PEER_LOST");
	ends_close(&e);
}

/* The other end is of another version: it is told, and so are we */
static void test_other_version(void **state)
{
	static const uint8_t header[WIRE_HEADER_BYTES] = {
		0x70, 0x32, 0x62, 0x77, 0, 2, 0, 1, 0, 0, 0, 0,
	};
	struct wire_msg msg;
	struct ends e;

	(void)state;
	ends_open(&e);
	say(&e, header, sizeof(header));
	assert_int_equal(chan_recv(&e.ch, WIRE_HELLO, &msg, 1000), -1);
	assert_non_null(strstr(fail_get()->text, "version 2 of the protocol"));
	assert_non_null(strstr(fail_get()->text, "speaks version 3"));
	assert_non_null(strstr(fail_get()->remedy, "same version"));
	assert_failed("PROTOCOL");
	ends_close(&e);
}

static void test_wrong_type(void **state)
{
	struct wire_msg msg = { .type = WIRE_BYE };
	struct ends e;

	(void)state;
	ends_open(&e);
	say_msg(&e, &msg);
	assert_int_equal(chan_recv(&e.ch, WIRE_DONE, &msg, 1000), -1);
	assert_non_null(strstr(fail_get()->text, "BYE"));
	assert_failed("PROTOCOL");
	ends_close(&e);
}

/* The other end's failure becomes ours, word for word */
static void test_error(void **state)
{
	struct wire_msg msg;
	struct ends e;

	(void)state;
	ends_open(&e);
	say_msg(&e, &error_msg);
	assert_int_equal(chan_recv(&e.ch, WIRE_READY, &msg, 1000), -1);
	assert_non_null(strstr(fail_get()->text, "It cannot be pinned."));
	assert_string_equal(fail_get()->remedy, "Boot another kernel.");
	assert_int_equal(fail_get()->errnum, EFAULT);
	assert_int_equal(fail_get()->status, CMD_FAILED);
	assert_true(e.ch.peer_knows);
	assert_failed("KERNEL_NO_PIN");
	ends_close(&e);
}

static void test_watch(void **state)
{
	struct ends e;

	(void)state;
	ends_open(&e);
	assert_int_equal(chan_watch(&e.ch, 0), 0);
	say_msg(&e, &error_msg);
	assert_int_equal(chan_watch(&e.ch, 0), -1);
	assert_failed("KERNEL_NO_PIN");
	ends_close(&e);

	ends_open(&e);
	hang_up(&e);
	assert_int_equal(chan_watch(&e.ch, 0), -1);
	assert_failed("PEER_LOST");
	ends_close(&e);
}

/* DONE may come while we are busy ourselves, once, and is not lost */
static void test_early_done(void **state)
{
	struct wire_msg msg = { .type = WIRE_DONE, .u.done.messages = 7 };
	struct ends e;

	(void)state;
	ends_open(&e);
	say_msg(&e, &msg);
	assert_int_equal(chan_watch(&e.ch, 1000), 0);
	assert_true(e.ch.has_done);
	/* What comes after it stays where it is */
	msg.type = WIRE_VERDICT;
	say_msg(&e, &msg);
	assert_int_equal(chan_watch(&e.ch, 0), 0);
	memset(&msg, 0, sizeof(msg));
	assert_int_equal(chan_recv(&e.ch, WIRE_DONE, &msg, 0), 0);
	assert_int_equal(msg.u.done.messages, 7);
	assert_int_equal(chan_recv(&e.ch, WIRE_VERDICT, &msg, 1000), 0);

	ends_close(&e);
}

/* After it, what it has to say of a failure is heard, and that it has gone */
static void test_done_and_gone(void **state)
{
	const struct wire_msg done = { .type = WIRE_DONE };
	struct ends e;

	(void)state;
	ends_open(&e);
	say_msg(&e, &done);
	assert_int_equal(chan_watch(&e.ch, 1000), 0);
	say_msg(&e, &error_msg);
	hang_up(&e);
	assert_int_equal(chan_watch(&e.ch, 0), -1);
	assert_failed("KERNEL_NO_PIN");
	ends_close(&e);

	ends_open(&e);
	say_msg(&e, &done);
	assert_int_equal(chan_watch(&e.ch, 1000), 0);
	hang_up(&e);
	assert_int_equal(chan_watch(&e.ch, 0), -1);
	assert_failed("PEER_LOST");
	ends_close(&e);
}

/* Closing after a failure tells the other end, once */
static void test_close_tells(void **state)
{
	struct chan other;
	struct wire_msg msg;
	struct ends e;

	(void)state;
	ends_open(&e);
	fail(CMD_FAILED, "MEMLOCK", ENOMEM, "Raise it.", "Too small.");
	chan_close(&e.ch);
	fail_clear();
	other = (struct chan){ .fd = e.other, .peer = "client" };
	assert_int_equal(chan_recv(&other, WIRE_BYE, &msg, 1000), -1);
	assert_failed("MEMLOCK");
	assert_int_equal(chan_recv(&other, WIRE_BYE, &msg, 1000), -1);
	assert_failed("PEER_LOST");
	ends_close(&e);
}

static void test_no_server(void **state)
{
	uint64_t start = clock_ms();
	unsigned int port;
	struct chan ch;
	int fd;

	(void)state;
	/* Bound and not listening: nobody else can take it meanwhile */
	fd = free_port(&port);
	assert_int_equal(chan_connect(&ch, "127.0.0.1", port), -1);
	assert_int_equal(fail_get()->errnum, ECONNREFUSED);
	assert_int_equal(fail_get()->status, CMD_FAILED);
	assert_failed("CONNECT");
	assert_true(clock_ms() - start >= CHAN_CONNECT_MS);
	assert_true(clock_ms() - start < 3 * CHAN_CONNECT_MS);
	close(fd);
}

static void test_no_such_host(void **state)
{
	struct chan ch;

	(void)state;
	assert_int_equal(chan_connect(&ch, "no such host", 1), -1);
	assert_failed("CONNECT");
}

static void test_connection(const char *host)
{
	struct wire_msg bye = { .type = WIRE_BYE };
	struct chan client, server;
	unsigned int port;
	int fd;

	close(free_port(&port));
	fd = chan_listen(port);
	assert_true(fd >= 0);
	if (chan_connect(&client, host, port)) {
		/* A machine without IPv6 */
		close(fd);
		fail_clear();
		skip();
	}
	assert_int_equal(chan_accept(&server, fd), 0);
	assert_int_equal(chan_send(&client, &bye), 0);
	assert_int_equal(chan_recv(&server, WIRE_BYE, &bye, 1000), 0);
	chan_close(&client);
	assert_int_equal(chan_recv(&server, WIRE_BYE, &bye, 1000), -1);
	assert_failed("PEER_LOST");
	chan_close(&server);
	close(fd);
}

static void test_ipv4(void **state)
{
	(void)state;
	test_connection("127.0.0.1");
}

static void test_ipv6(void **state)
{
	(void)state;
	test_connection("::1");
}

static void test_port_taken(void **state)
{
	unsigned int port;
	int fd;

	(void)state;
	fd = free_port(&port);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(chan_listen(port), -1);
	assert_int_equal(fail_get()->errnum, EADDRINUSE);
	assert_failed("CONNECT");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_huge_length),
		cmocka_unit_test(test_hang_up),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_wrong_type),
		cmocka_unit_test(test_early_done),
		cmocka_unit_test(test_done_and_gone),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_close_tells),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_no_such_host),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_port_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
