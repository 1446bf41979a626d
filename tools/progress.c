// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "progress.h"

#define SECOND_NS 1000000000ULL
/* Back to the start of the line, and clear it */
#define LINE_AGAIN "\r\033[K"

void progress_init(struct progress *progress, bool wanted)
{
	memset(progress, 0, sizeof(*progress));
	progress->tty = isatty(STDERR_FILENO);
	progress->on = wanted || progress->tty;
	progress->next_ns = clock_ns() + (wanted ? 1 : 2) * SECOND_NS;
}

bool progress_is_due(const struct progress *progress)
{
	return progress->on && clock_ns() >= progress->next_ns;
}

void progress_show(struct progress *progress, const char *fmt, ...)
{
	va_list ap;

	if (progress->tty)
		fputs(LINE_AGAIN, stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (!progress->tty)
		fputc('\n', stderr);
	fflush(stderr);
	progress->shown = true;
	progress->next_ns = clock_ns() + SECOND_NS;
}

void progress_end(struct progress *progress)
{
	if (progress->shown && progress->tty) {
		fputs(LINE_AGAIN, stderr);
		fflush(stderr);
	}
	progress->shown = false;
}
