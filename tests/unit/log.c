// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* P2PMR_LOG: what reaches stderr at which level. */
#include "unit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, as the level is read once per process: one line of each level. */
static void speak(const char *level, int fd)
{
	if (level)
		setenv("P2PMR_LOG", level, 1);
	else
		unsetenv("P2PMR_LOG");
	dup2(fd, STDERR_FILENO);
	errno = EBUSY;
	p2pmr_error("one %d", 1);
	p2pmr_warn("two");
	p2pmr_info("three");
	p2pmr_debug("four");
	_exit(errno != EBUSY);
}

static void hear(const char *level, char *out, size_t size)
{
	size_t used = 0;
	int fds[2], status;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		speak(level, fds[1]);
	close(fds[1]);
	while ((got = read(fds[0], out + used, size - 1 - used)) > 0)
		used += got;
	out[used] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void test_silent_by_default(void **state)
{
	static const char *const silent[] = { NULL, "", "none", "loud", "3" };
	char out[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		hear(silent[i], out, sizeof(out));
		assert_string_equal(out, "");
	}
}

static void test_levels(void **state)
{
	char out[256];

	(void)state;
	hear("error", out, sizeof(out));
	assert_string_equal(out, "p2pmr: error: one 1\n");
	hear("warn", out, sizeof(out));
	assert_string_equal(out, "p2pmr: error: one 1\np2pmr: warn: two\n");
	hear("info", out, sizeof(out));
	assert_contains(out, "p2pmr: info: three\n");
	assert_null(strstr(out, "four"));
	hear("debug", out, sizeof(out));
	assert_contains(out, "p2pmr: debug: four\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_by_default),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
