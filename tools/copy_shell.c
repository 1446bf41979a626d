// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "copy_ctl.h"

#define WORDS_MAX 64
#define BLANKS " \t"
/* How long it may take to end when both of its pipes are closed */
#define END_MS 5000
/* And when it has closed them itself */
#define STATUS_MS 1000

/* The words of @shell, then @host and what is to run there; NULL: too many */
static char **make_argv(char *shell, const char *host, const char *program)
{
	const char *tail[] = { host, program, "copy", "--server", NULL };
	char **argv = calloc(WORDS_MAX + ARRAY_SIZE(tail), sizeof(*argv));
	char *save, *word;
	size_t n = 0, i;

	if (!argv) {
		fail_nomem();
		return NULL;
	}
	for (word = strtok_r(shell, BLANKS, &save); word && n < WORDS_MAX;
	     word = strtok_r(NULL, BLANKS, &save))
		argv[n++] = word;
	if (!n || word) {
		fail(CMD_USAGE, REASON_USAGE, EINVAL,
		     "Name a command, such as \"ssh -p 2222\".",
		     "-e was given %s.", n ? "too many words" : "no command");
		free(argv);
		return NULL;
	}
	/* exec takes pointers to what it does not change */
	for (i = 0; i < ARRAY_SIZE(tail); i++)
		memcpy(&argv[n + i], &tail[i], sizeof(*argv));
	return argv;
}

/* In the child: nothing here may return */
static void run(char **argv, int fd)
{
	static const int signals[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGBUS };
	size_t i;

	/* What is ignored stays so across exec, which no shell expects */
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	fprintf(stderr, "p2pmr copy: %s: %s\n", argv[0], strerror(errno));
	_exit(126);
}

int copy_shell_start(struct copy_ctl *ctl, const char *shell,
		     const char *host, const char *program)
{
	char *words = strdup(shell);
	char **argv = words ? make_argv(words, host, program) : NULL;
	int ret = -1;
	int fds[2];
	pid_t pid;

	if (!words)
		fail_nomem();
	if (!argv)
		goto out;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
		fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		     "socketpair() failed: %s.", strerror(errno));
		goto out;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		run(argv, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		fail(CMD_FAILED, REASON_SYSTEM, errno, "", "fork() failed: %s.",
		     strerror(errno));
		close(fds[0]);
		goto out;
	}
	ret = copy_ctl_init(ctl, fds[0], fds[0], host);
	ctl->shell = pid;
out:
	free(argv);
	free(words);
	return ret;
}

/* Its status within @timeout_ms, or -1 */
static int wait_status(struct copy_ctl *ctl, int timeout_ms)
{
	uint64_t end = clock_ms() + timeout_ms;
	int status;

	for (;;) {
		pid_t pid = waitpid(ctl->shell, &status, WNOHANG);

		if (pid == ctl->shell) {
			ctl->shell = 0;
			return status;
		}
		if ((pid < 0 && errno != EINTR) || clock_ms() >= end)
			return -1;
		usleep(10000);
	}
}

int copy_shell_lost(struct copy_ctl *ctl, int err)
{
	int status = ctl->shell ? wait_status(ctl, STATUS_MS) : -1;
	int code = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (code == 126 || code == 127)
		return fail(CMD_FAILED, REASON_CONNECT, ENOENT,
			    "Install it there, or say where it is with --remote-program.",
			    "The remote shell could not start p2pmr on %s.",
			    ctl->peer);
	if (code)
		return fail(CMD_FAILED, REASON_CONNECT, ECONNABORTED,
			    "See what it said above.",
			    "The remote shell to %s ended with status %d.",
			    ctl->peer, code);
	return fail(CMD_FAILED, REASON_PEER_LOST, err ? err : ECONNRESET,
		    "See why it ended on its side.",
		    "%s has gone away: it closed the control connection%s%s.",
		    ctl->peer, err ? ": " : " without a message",
		    err ? strerror(err) : "");
}

void copy_shell_end(struct copy_ctl *ctl)
{
	if (!ctl->shell || wait_status(ctl, END_MS) >= 0)
		return;
	kill(ctl->shell, SIGTERM);
	if (wait_status(ctl, STATUS_MS) >= 0)
		return;
	kill(ctl->shell, SIGKILL);
	wait_status(ctl, STATUS_MS);
	ctl->shell = 0;
}
