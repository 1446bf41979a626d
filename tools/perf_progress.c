// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "perf_progress.h"
#include "clock.h"

#define SECOND_NS 1000000000ULL
/* Back to the start of the line, and clear it */
#define LINE_AGAIN "\r\033[K"

void perf_progress_init(struct perf_progress *pr, const struct perf_params *params,
		      bool wanted)
{
	memset(pr, 0, sizeof(*pr));
	pr->params = params;
	pr->tty = isatty(STDERR_FILENO);
	pr->on = wanted || pr->tty;
	pr->start_ns = clock_ns();
	pr->last_ns = pr->start_ns;
}

static void show_goal(const struct perf_progress *pr, uint64_t messages)
{
	const struct perf_params *p = pr->params;

	if (p->duration_s)
		fprintf(stderr, " of %u s, %llu messages", p->duration_s,
			(unsigned long long)messages);
	else
		fprintf(stderr, ", %llu of %llu messages",
			(unsigned long long)messages,
			(unsigned long long)(p->iterations * p->qps));
}

/* Of the time since the last line */
static void show_rate(const struct perf_progress *pr, uint64_t messages,
		      uint64_t ns)
{
	/* There and back, or there only: as the table has it */
	int parts = perf_is_ping_pong(pr->params) ? 2 : 1;

	if (pr->params->tool == PERF_BW)
		fprintf(stderr, ", %.2f MiB/s",
			messages * pr->params->size * 1e9 / ns / (1 << 20));
	else if (messages)
		fprintf(stderr, ", %.2f usec", ns / 1e3 / messages / parts);
}

void perf_progress_show(struct perf_progress *pr, uint64_t now_ns,
		      uint64_t messages)
{
	uint64_t ns = now_ns - pr->last_ns;

	if (!pr->on || ns < SECOND_NS)
		return;
	fprintf(stderr, "%s %llu s", pr->tty ? LINE_AGAIN : "",
		(unsigned long long)((now_ns - pr->start_ns) / SECOND_NS));
	show_goal(pr, messages);
	show_rate(pr, messages - pr->last_messages, ns);
	if (!pr->tty)
		fputc('\n', stderr);
	fflush(stderr);
	pr->last_ns = now_ns;
	pr->last_messages = messages;
	pr->shown = true;
}

void perf_progress_end(struct perf_progress *pr)
{
	if (pr->shown && pr->tty) {
		fputs(LINE_AGAIN, stderr);
		fflush(stderr);
	}
}
