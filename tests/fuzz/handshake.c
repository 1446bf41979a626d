// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever a client says, the server of bw and lat ends in order: it reads
 * nothing that is not there, asks for nothing above its limits, keeps nothing,
 * does not wait for ever, and says why it failed. The first byte of the input says
 * which of the two it is; the rest is all that the client sends, before it hangs up.
 */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../tools/fail.h"
#include "no-device.h"

/* What the socket takes at once: more than a whole conversation */
#define INPUT_MAX 65536

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int __wrap_chan_listen(unsigned int port);
int __wrap_chan_accept(struct chan *ch, int listen_fd);
void __wrap_failure_print(const struct failure *f, const char *cmd);

/* Of the one client that comes */
static int client_fd = -1;

int __wrap_chan_listen(unsigned int port)
{
	(void)port;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int __wrap_chan_accept(struct chan *ch, int listen_fd)
{
	(void)listen_fd;
	*ch = (struct chan){ .fd = client_fd, .peer = "client" };
	if (client_fd < 0)
		return fail(CMD_FAILED, REASON_CONNECT, 0, "",
			    "That was the last one.");
	client_fd = -1;
	return 0;
}

void __wrap_failure_print(const struct failure *f, const char *cmd)
{
	assert(f->text[0] && f->reason[0] && cmd[0]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static FILE *nowhere;

	(void)argc;
	(void)argv;
	/* The fuzzer's own output goes to where stderr was, and not here */
	nowhere = fopen("/dev/null", "w");
	assert(nowhere);
	stdout = nowhere;
	stderr = nowhere;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct server_opts opts = { .tool = PERF_BW };
	int fd[2];

	if (len < 1 || len > INPUT_MAX)
		return 0;
	if (data[0] & 1)
		opts.tool = PERF_LAT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fd))
		return 0;
	if (write(fd[1], data + 1, len - 1) != (ssize_t)len - 1)
		assert(!"the socket is too small");
	shutdown(fd[1], SHUT_WR);
	client_fd = fd[0];
	no_device_server(&opts);
	close(fd[1]);
	return 0;
}
