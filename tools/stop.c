// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "stop.h"

#define GONE_TEXT "The device left while the CPU was using its memory."
#define GONE_REMEDY "See `dmesg` for why it left, and start again once it is back."

static volatile sig_atomic_t requested;
static char gone_text[512];
static size_t gone_len;
static int gone_fd;

static void on_stop(int sig)
{
	requested = sig;
}

/* Memory of a device that was unplugged under our hands cannot be resumed */
static void on_bus_error(int sig)
{
	(void)sig;
	/* Nothing can be done about a message that cannot be written */
	if (write(gone_fd, gone_text, gone_len) < 0)
		_exit(CMD_FAILED);
	_exit(CMD_FAILED);
}

/* A signal handler cannot format, so the message is made beforehand */
static void prepare_gone_text(const char *cmd, bool json)
{
	if (json)
		snprintf(gone_text, sizeof(gone_text),
			 "{\"error\": {\"reason\": \"PROVIDER_GONE\", \"errno\": \"ENODEV\", \"text\": \"%s\", \"remedy\": \"%s\"}}\n",
			 GONE_TEXT, GONE_REMEDY);
	else
		snprintf(gone_text, sizeof(gone_text),
			 "%s: " GONE_TEXT " " GONE_REMEDY " [PROVIDER_GONE]\n",
			 cmd);
	gone_len = strlen(gone_text);
	gone_fd = json ? STDOUT_FILENO : STDERR_FILENO;
}

void stop_install(const char *cmd, bool json)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = on_stop };
	size_t i;

	/* A second Ctrl-C ends the process at once, whatever hangs */
	act.sa_flags = SA_RESETHAND;
	for (i = 0; i < ARRAY_SIZE(stops); i++)
		sigaction(stops[i], &act, NULL);

	prepare_gone_text(cmd, json);
	act.sa_handler = on_bus_error;
	sigaction(SIGBUS, &act, NULL);

	/* The other end may close its socket at any time */
	act.sa_handler = SIG_IGN;
	act.sa_flags = 0;
	sigaction(SIGPIPE, &act, NULL);
}

bool stop_requested(void)
{
	return requested;
}

int stop_check(void)
{
	if (!requested)
		return 0;
	return fail(CMD_SIGNALED + requested, REASON_INTERRUPTED, EINTR, "",
		    "Ended by signal %d (%s).", (int)requested,
		    strsignal(requested));
}
