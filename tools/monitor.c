// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "clock.h"
#include "monitor.h"
#include "out.h"
#include "stop.h"

struct monitor_opts {
	uint64_t interval_s;
	uint64_t count;		/* 0: without end */
	bool json;
};

static const struct argp_option options[] = {
	{ "interval", 'i', "SECONDS", 0, "from one look to the next (2)", 0 },
	{ "count", 'n', "COUNT", 0, "look that often (without end)", 0 },
	{ "json", 'j', NULL, 0, "each look as one line of JSON", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct monitor_opts *opts = state->input;

	switch (key) {
	case 'i':
		opts->interval_s = args_number(state, "-i", arg, 1, 86400);
		return 0;
	case 'n':
		opts->count = args_number(state, "-n", arg, 1, UINT32_MAX);
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	default:
		return args_options_only(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Watch peer memory: how much of it is in use, who has memory registered, and what RDMA devices count."
	       "\vOn a terminal it is shown in place; q ends it.",
};

/* ---- on a terminal -------------------------------------------------------- */

static int draw(const struct monitor_sample *sample)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!f)
		return fail_nomem();
	ret = monitor_print(sample, f, monitor_term_width());
	if (fclose(f) && !ret)
		ret = fail_nomem();
	if (!ret)
		monitor_term_draw(text);
	free(text);
	return ret;
}

/* Until the next look is due. 1: no more looks */
static int wait_on_term(const struct monitor_sample *sample, uint64_t due_ms)
{
	uint64_t now;

	while (!stop_requested() && (now = clock_ms()) < due_ms) {
		switch (monitor_term_wait(due_ms - now)) {
		case MONITOR_KEY_QUIT:
			return 1;
		case MONITOR_KEY_REDRAW:
			if (draw(sample))
				return -1;
			break;
		default:
			break;
		}
	}
	return 0;
}

/* ---- anywhere ------------------------------------------------------------- */

static int show(const struct monitor_sample *sample,
		const struct monitor_opts *opts, bool term)
{
	if (opts->json)
		return out_json_line(monitor_json(sample), "what was seen");
	if (term)
		return draw(sample);
	if (monitor_print(sample, stdout, 0))
		return -1;
	return fflush(stdout) ? out_failed("what was seen") : 0;
}

static int wait_for_next(const struct monitor_sample *sample, uint64_t due_ms,
			 bool term)
{
	uint64_t now;

	if (term)
		return wait_on_term(sample, due_ms);
	while (!stop_requested() && (now = clock_ms()) < due_ms)
		poll(NULL, 0, due_ms - now < MONITOR_LOOK_MS ?
		     due_ms - now : MONITOR_LOOK_MS);
	return 0;
}

static int watch(const struct monitor_opts *opts, bool term)
{
	struct monitor_sample sample = { 0 }, before;
	uint64_t due_ms = clock_ms();
	uint64_t n;
	int ret = 0;

	for (n = 0; !ret; n++) {
		before = sample;
		ret = monitor_sample_take(&sample, n ? &before : NULL);
		monitor_sample_free(&before);
		if (!ret)
			ret = show(&sample, opts, term);
		if (!ret)
			ret = stop_check();
		if (ret || n + 1 == opts->count)
			break;
		due_ms += opts->interval_s * 1000;
		ret = wait_for_next(&sample, due_ms, term);
		if (!ret)
			ret = stop_check();
	}
	monitor_sample_free(&sample);
	return ret < 0 ? -1 : 0;
}

int cmd_monitor(int argc, char **argv)
{
	static char name[] = MONITOR_CMD;
	struct monitor_opts opts = { .interval_s = 2 };
	bool term;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &opts))
		return CMD_USAGE;
	stop_install(MONITOR_CMD, opts.json);
	term = !opts.json && monitor_term_is_there();
	ret = term ? monitor_term_open() : 0;
	if (!ret)
		ret = watch(&opts, term);
	monitor_term_close();
	if (!ret)
		return CMD_GOOD;
	/* Ctrl-C is how to end it: nothing to complain about */
	if (stop_requested())
		return fail_get()->status;
	return fail_report(MONITOR_CMD, opts.json);
}
