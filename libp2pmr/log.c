// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages to stderr, for whoever sets P2PMR_LOG. */
#include "private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {
	[P2PMR_LOG_NONE] = "none",
	[P2PMR_LOG_ERROR] = "error",
	[P2PMR_LOG_WARN] = "warn",
	[P2PMR_LOG_INFO] = "info",
	[P2PMR_LOG_DEBUG] = "debug",
};

static enum p2pmr_log_level level_from_environment(void)
{
	const char *wanted = secure_getenv("P2PMR_LOG");

	for (size_t i = 0; wanted && i < ARRAY_SIZE(level_names); i++) {
		if (!strcmp(wanted, level_names[i]))
			return i;
	}
	return P2PMR_LOG_NONE;
}

/*
 * The environment is read once: getenv() is not safe beside a setenv() in
 * another thread. Two threads that both find it unread store the same value.
 */
static enum p2pmr_log_level current_level(void)
{
	static atomic_int cached = -1;
	int level = atomic_load_explicit(&cached, memory_order_relaxed);

	if (level < 0) {
		level = level_from_environment();
		atomic_store_explicit(&cached, level, memory_order_relaxed);
	}
	return level;
}

void p2pmr_log(enum p2pmr_log_level level, const char *fmt, ...)
{
	int saved_errno = errno;
	char text[2048];
	va_list args;

	if (level > current_level())
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* One call, so that the lines of several threads do not mix */
	fprintf(stderr, "p2pmr: %s: %s\n", level_names[level], text);
	errno = saved_errno;
}
