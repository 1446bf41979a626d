// SPDX-License-Identifier: GPL-2.0-only
/*
 * A terminal that understands the ANSI sequences, as all do that are in use. The
 * other screen is drawn on, so that nothing is lost of the first.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "monitor.h"
#include "stop.h"

#define OTHER_SCREEN "\033[?1049h\033[?25l"
#define FIRST_SCREEN "\033[?25h\033[?1049l"
#define TOP_LEFT "\033[H"
#define END_OF_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

#define DEFAULT_WIDTH 80
#define DEFAULT_HEIGHT 24

static struct termios saved;
static bool is_open;
static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

bool monitor_term_is_there(void)
{
	const char *type = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && type &&
	       strcmp(type, "dumb");
}

int monitor_term_open(void)
{
	struct sigaction act = { .sa_handler = on_resize };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved))
		goto err;
	raw = saved;
	/* Keys at once and unseen; Ctrl-C stays a signal, Ctrl-Z does nothing */
	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		goto err;
	sigaction(SIGWINCH, &act, NULL);
	is_open = true;
	fputs(OTHER_SCREEN, stdout);
	return 0;
err:
	return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		    "Cannot set up the terminal: %s.", strerror(errno));
}

void monitor_term_close(void)
{
	if (!is_open)
		return;
	fputs(FIRST_SCREEN, stdout);
	fflush(stdout);
	/* What was typed meanwhile was for this command */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
	is_open = false;
}

static struct winsize term_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		memset(&size, 0, sizeof(size));
	if (!size.ws_col)
		size.ws_col = DEFAULT_WIDTH;
	if (!size.ws_row)
		size.ws_row = DEFAULT_HEIGHT;
	return size;
}

unsigned int monitor_term_width(void)
{
	return term_size().ws_col;
}

void monitor_term_draw(const char *text)
{
	struct winsize size = term_size();
	unsigned int row;
	int len;

	fputs(TOP_LEFT, stdout);
	for (row = 0; row < size.ws_row && *text; row++) {
		len = strcspn(text, "\n");
		/* All of it is ASCII: a byte is a column */
		printf("%s%.*s" END_OF_LINE, row ? "\n" : "",
		       len < size.ws_col ? len : size.ws_col, text);
		text += len;
		text += *text == '\n';
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

enum monitor_key monitor_term_wait(int timeout_ms)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t end = clock_ms() + timeout_ms;
	uint64_t now;
	char key;

	while (!stop_requested() && (now = clock_ms()) < end) {
		if (resized) {
			resized = 0;
			return MONITOR_KEY_REDRAW;
		}
		if (poll(&pfd, 1, end - now < MONITOR_LOOK_MS ? end - now :
			 MONITOR_LOOK_MS) <= 0)
			continue;
		/* The terminal itself is gone */
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' ||
		    key == 'Q')
			return MONITOR_KEY_QUIT;
	}
	return MONITOR_KEY_NONE;
}
