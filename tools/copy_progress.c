// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "copy_progress.h"

#define SECOND_NS 1000000000ULL
#define SIZE_TEXT_MAX 32
/* Back to the start of the line, and clear it */
#define LINE_AGAIN "\r\033[K"

void copy_progress_begin(struct copy_progress *pr, bool wanted, bool silent)
{
	memset(pr, 0, sizeof(*pr));
	pr->tty = isatty(STDERR_FILENO);
	pr->on = wanted || (pr->tty && !silent);
	pr->begin_ns = clock_ns();
	pr->last_ns = pr->begin_ns;
}

static void end_line(struct copy_progress *pr, uint64_t now)
{
	if (!pr->tty)
		fputc('\n', stderr);
	fflush(stderr);
	pr->last_ns = now;
	pr->shown = true;
}

void copy_progress_count(struct copy_progress *pr, uint64_t files)
{
	char total[SIZE_TEXT_MAX];
	uint64_t now;

	if (!pr->on)
		return;
	now = clock_ns();
	if (now - pr->last_ns < SECOND_NS)
		return;
	fprintf(stderr, "%s counting: %llu files, %s",
		pr->tty ? LINE_AGAIN : "", (unsigned long long)files,
		args_human_size(pr->total_bytes, total, sizeof(total)));
	end_line(pr, now);
}

void copy_progress_wait(struct copy_progress *pr)
{
	if (!pr->on)
		return;
	fprintf(stderr, "%s the other end counts its files",
		pr->tty ? LINE_AGAIN : "");
	end_line(pr, clock_ns());
}

void copy_progress_data(struct copy_progress *pr)
{
	pr->begin_ns = clock_ns();
	pr->last_ns = pr->begin_ns;
}

static void show_left(const struct copy_progress *pr, uint64_t bytes,
		      uint64_t ns)
{
	uint64_t left, s;

	if (!pr->total_bytes || !bytes)
		return;
	left = bytes < pr->total_bytes ? pr->total_bytes - bytes : 0;
	s = (double)left / bytes * ns / SECOND_NS;
	fprintf(stderr, ", %llu:%02llu:%02llu left",
		(unsigned long long)s / 3600,
		(unsigned long long)s / 60 % 60, (unsigned long long)s % 60);
}

void copy_progress_show(struct copy_progress *pr, uint64_t bytes)
{
	char done[SIZE_TEXT_MAX], total[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];
	uint64_t now, ns;

	if (!pr->on)
		return;
	now = clock_ns();
	ns = now - pr->last_ns;
	if (ns < SECOND_NS)
		return;
	fprintf(stderr, "%s %s", pr->tty ? LINE_AGAIN : "",
		args_human_size(bytes, done, sizeof(done)));
	if (pr->total_bytes)
		fprintf(stderr, " of %s (%u %%)",
			args_human_size(pr->total_bytes, total, sizeof(total)),
			(unsigned int)((double)bytes * 100 / pr->total_bytes));
	fprintf(stderr, ", %s/s",
		args_human_size((bytes - pr->last_bytes) * 1e9 / ns, rate,
				sizeof(rate)));
	show_left(pr, bytes, now - pr->begin_ns);
	end_line(pr, now);
	pr->last_bytes = bytes;
}

void copy_progress_clear(struct copy_progress *pr)
{
	if (pr->shown && pr->tty) {
		fputs(LINE_AGAIN, stderr);
		fflush(stderr);
	}
	pr->shown = false;
}
