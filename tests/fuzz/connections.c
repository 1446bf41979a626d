// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server that serves for ever, and 1,000 clients, one after the other, that
 * leave at every point of the conversation, some of them after the last word.
 * It serves the last one as it did the first, with no more descriptors or memory
 * (which valgrind and the sanitizers see to).
 */
#include "../cli/port.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tools/stop.h"
#include "no-device.h"

#define CONNECTIONS 1000

/* How far a client goes */
enum leave {
	LEAVE_AT_ONCE,
	LEAVE_IN_HEADER,
	LEAVE_GARBAGE,
	LEAVE_OTHER_VERSION,
	LEAVE_HUGE_LENGTH,
	LEAVE_OTHER_TOOL,
	LEAVE_TOO_LARGE,
	LEAVE_AFTER_HELLO,
	LEAVE_WRONG_SIZE,
	LEAVE_IN_BEGIN,
	LEAVE_AFTER_BEGIN,
	LEAVE_OTHER_QPS,
	LEAVE_AFTER_GO,
	LEAVE_WITH_ERROR,
	LEAVE_AFTER_DONE,
	LEAVE_IN_ORDER,
	LEAVES,
};

static struct wire_msg hello(void)
{
	struct wire_msg msg = {
		.type = WIRE_HELLO,
		.u.hello = {
			.passes = 1,
			.params = {
				.tool = PERF_BW, .op = PERF_SEND,
				.size = 4096, .iterations = NO_DEVICE_MESSAGES,
				.depth = 16, .rx_depth = 16, .qps = 2,
			},
		},
	};

	return msg;
}

static struct wire_msg begin(void)
{
	struct wire_msg msg = { .type = WIRE_BEGIN, .u.begin.size = 4096 };
	struct wire_endpoint *ep = &msg.u.begin.client;
	struct perf_params params = hello().u.hello.params;
	struct perf_layout lay;

	assert_int_equal(perf_params_layout(&params, &lay), 0);
	ep->gid_kind = WIRE_GID_ROCE_V2;
	ep->mtu = IBV_MTU_1024;
	ep->area_bytes = lay.area_bytes;
	ep->qps = 2;
	return msg;
}

static void say(struct chan *ch, const struct wire_msg *msg)
{
	assert_int_equal(chan_send(ch, msg), 0);
}

static void say_type(struct chan *ch, enum wire_type type)
{
	struct wire_msg msg = { .type = type };

	say(ch, &msg);
}

static void hear(struct chan *ch, enum wire_type type)
{
	struct wire_msg msg;

	assert_int_equal(chan_recv(ch, type, &msg, CHAN_REPLY_MS), 0);
}

/* What it hears is not DONE or the like, but why not */
static void hear_error(struct chan *ch, const char *reason)
{
	struct wire_msg msg;

	assert_int_equal(chan_recv(ch, WIRE_BYE, &msg, CHAN_REPLY_MS), -1);
	assert_failed(reason);
}

/* As @msg, with one byte of its header, or what comes after, being another one */
static void say_changed(struct chan *ch, const struct wire_msg *msg, size_t at,
			uint8_t byte, size_t len)
{
	uint8_t buf[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX];
	size_t whole = wire_encode(msg, buf);

	buf[at] = byte;
	if (len > whole)
		len = whole;
	assert_int_equal(send(ch->fd, buf, len, MSG_NOSIGNAL), len);
}

static void leave_before_hello(struct chan *ch, enum leave leave)
{
	struct wire_msg msg = hello();

	switch (leave) {
	case LEAVE_IN_HEADER:
		say_changed(ch, &msg, 0, 0x70, 7);
		break;
	case LEAVE_GARBAGE:
		say_changed(ch, &msg, 0, 'G', 100);
		hear_error(ch, "PROTOCOL");
		break;
	case LEAVE_OTHER_VERSION:
		say_changed(ch, &msg, 5, WIRE_VERSION + 1, 100);
		hear_error(ch, "PROTOCOL");
		break;
	case LEAVE_HUGE_LENGTH:
		say_changed(ch, &msg, 8, 0xff, 100);
		hear_error(ch, "PROTOCOL");
		break;
	case LEAVE_OTHER_TOOL:
		msg.u.hello.params.tool = PERF_LAT;
		msg.u.hello.params.qps = 1;
		say(ch, &msg);
		hear_error(ch, "PARAMETER_MISMATCH");
		break;
	default:
		break;
	}
}

static void leave_before_go(struct chan *ch, enum leave leave)
{
	struct wire_msg msg = hello();

	if (leave == LEAVE_TOO_LARGE)
		msg.u.hello.params.size = 1 << 25;
	say(ch, &msg);
	hear(ch, WIRE_WELCOME);
	msg = begin();
	switch (leave) {
	case LEAVE_TOO_LARGE:
		msg.u.begin.size = 1 << 25;
		say(ch, &msg);
		hear_error(ch, "TOO_LARGE");
		break;
	case LEAVE_WRONG_SIZE:
		msg.u.begin.size = 4097;
		say(ch, &msg);
		hear_error(ch, "PROTOCOL");
		break;
	case LEAVE_IN_BEGIN:
		say_changed(ch, &msg, 0, 0x70, 99);
		break;
	case LEAVE_AFTER_BEGIN:
		say(ch, &msg);
		hear(ch, WIRE_READY);
		break;
	case LEAVE_OTHER_QPS:
		msg.u.begin.client.qps = 1;
		say(ch, &msg);
		hear_error(ch, "PROTOCOL");
		break;
	default:
		break;
	}
}

static void leave_after_go(struct chan *ch, enum leave leave)
{
	struct wire_msg msg = hello();

	say(ch, &msg);
	hear(ch, WIRE_WELCOME);
	msg = begin();
	say(ch, &msg);
	hear(ch, WIRE_READY);
	say_type(ch, WIRE_GO);
	if (leave == LEAVE_AFTER_GO)
		return;
	if (leave == LEAVE_WITH_ERROR) {
		fail(CMD_FAILED, "COMPLETION", EIO, "", "It broke.");
		return;
	}
	msg = (struct wire_msg){ .type = WIRE_DONE };
	msg.u.done.messages = NO_DEVICE_MESSAGES;
	msg.u.done.elapsed_ns = 1;
	msg.u.done.qps = 2;
	say(ch, &msg);
	if (leave == LEAVE_AFTER_DONE)
		return;
	hear(ch, WIRE_DONE);
	hear(ch, WIRE_VERDICT);
	say_type(ch, WIRE_VERDICT);
	say_type(ch, WIRE_BYE);
}

static void client(unsigned int port, enum leave leave)
{
	struct chan ch;

	assert_int_equal(chan_connect(&ch, "127.0.0.1", port), 0);
	if (leave <= LEAVE_OTHER_TOOL)
		leave_before_hello(&ch, leave);
	else if (leave <= LEAVE_OTHER_QPS)
		leave_before_go(&ch, leave);
	else
		leave_after_go(&ch, leave);
	chan_close(&ch);
	fail_clear();
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void clients(unsigned int port)
{
	unsigned int i;

	for (i = 0; i < CONNECTIONS; i++)
		client(port, i % LEAVES);
	/* And it still serves */
	client(port, LEAVE_IN_ORDER);
}

/* A process for them, and one that ends the server when they are through */
static pid_t start_clients(unsigned int port)
{
	pid_t server = getpid();
	pid_t pid = fork();
	int status;

	if (pid)
		return pid;
	pid = fork();
	if (!pid) {
		clients(port);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	kill(server, SIGINT);
	_exit(status != 0);
}

static void test_connections(void **state)
{
	struct server_opts opts = { .tool = PERF_BW, .forever = true };
	int before = count_descriptors();
	int out, err, status, ret;
	pid_t pid;

	(void)state;
	close(free_port(&opts.port));
	stop_install("p2pmr bw", false);
	pid = start_clients(opts.port);
	assert_true(pid > 0);
	/* Whatever it says of them is not for this test's output */
	out = dup(STDOUT_FILENO);
	err = dup(STDERR_FILENO);
	assert_non_null(freopen("/dev/null", "w", stdout));
	assert_non_null(freopen("/dev/null", "w", stderr));
	ret = no_device_server(&opts);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	assert_int_equal(ret, CMD_SIGNALED + SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
