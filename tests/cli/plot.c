// SPDX-License-Identifier: GPL-2.0-only
/* Plots: drawn by the real gnuplot, or refused with the old picture kept. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/plot.h"

static char path[64];
static char *old_path;

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/p2pmr-plot.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	old_path = strdup(getenv("PATH"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	setenv("PATH", old_path, 1);
	free(old_path);
	return 0;
}

/* What the file holds now; the caller's */
static char *content(void)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void assert_old(void)
{
	char *text = content();

	assert_string_equal(text, "old");
	free(text);
}

static bool has_gnuplot(void)
{
	return !system("command -v gnuplot >/dev/null");
}

static struct plot new_plot(void)
{
	return (struct plot){
		.title = "it's 100 % & <more>",
		.x = { .title = "size [bytes]", .log_base = 2 },
		.y = { .title = "time [us]", .log_base = 10 },
	};
}

static void test_draws(void **state)
{
	struct plot plot = new_plot();
	char *text;
	int i;

	(void)state;
	if (!has_gnuplot())
		skip();
	assert_int_equal(plot_open(&plot, path), 0);
	plot_series(&plot, "nvme_0");
	for (i = 12; i < 30; i++)
		plot_point(&plot, 1 << i, i * 1.5);
	plot_series(&plot, "a 'host'\nEOD");
	plot_point(&plot, 4096, 0);
	plot_point(&plot, 4096, 3);
	assert_old();
	assert_int_equal(plot_close(&plot), 0);
	text = content();
	assert_non_null(strstr(text, "it's 100 % &amp; &lt;more"));
	assert_non_null(strstr(text, ">nvme_0<"));
	assert_non_null(strstr(text, ">a 'host' EOD<"));
	assert_non_null(strstr(text, ">4 KiB<"));
	assert_non_null(strstr(text, ">1 MiB<"));
	assert_non_null(strstr(text, "size [bytes]"));
	/* "rgb(  0, 114, 178)" in this release, "#0072b2" in others */
	assert_true(strstr(text, "114, 178") || strstr(text, "0072b2") ||
		    strstr(text, "0072B2"));
	assert_non_null(strstr(text, "</svg>"));
	free(text);
}

/* A linear axis begins at zero */
static void test_linear(void **state)
{
	struct plot plot = new_plot();
	char *text;

	(void)state;
	if (!has_gnuplot())
		skip();
	plot.y.log_base = 0;
	assert_int_equal(plot_open(&plot, path), 0);
	plot_series(&plot, "one");
	plot_point(&plot, 1024, 1000);
	plot_point(&plot, 2048, 1001);
	assert_int_equal(plot_close(&plot), 0);
	text = content();
	assert_non_null(strstr(text, "> 0<"));
	free(text);
}

static void test_no_gnuplot(void **state)
{
	struct plot plot = new_plot();

	(void)state;
	setenv("PATH", "/nowhere", 1);
	assert_int_equal(plot_open(&plot, path), -1);
	assert_int_equal(fail_get()->status, CMD_IMPOSSIBLE);
	assert_non_null(strstr(fail_get()->remedy, "gnuplot-nox"));
	assert_failed("NO_GNUPLOT");
	plot_abandon(&plot);
	assert_old();
}

/* A gnuplot that fails, and one that draws half a picture */
static void fake_gnuplot(char dir[32], const char *script)
{
	char file[64];
	FILE *f;

	strcpy(dir, "/tmp/p2pmr-gnuplot.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/gnuplot", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nread -r line || exit 0\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod(file, 0700), 0);
	setenv("PATH", dir, 1);
}

static void fails_by(const char *script, const char *text)
{
	struct plot plot = new_plot();
	char dir[32], file[64];

	fake_gnuplot(dir, script);
	assert_int_equal(plot_open(&plot, path), 0);
	plot_series(&plot, "one");
	plot_point(&plot, 1, 1);
	assert_int_equal(plot_close(&plot), -1);
	assert_non_null(strstr(fail_get()->text, text));
	assert_failed("PLOT");
	assert_old();
	snprintf(file, sizeof(file), "%s/gnuplot", dir);
	unlink(file);
	rmdir(dir);
	setenv("PATH", old_path, 1);
}

static void test_gnuplot_fails(void **state)
{
	(void)state;
	fails_by("echo 'line 1: it broke' >&2; exit 3", "line 1: it broke");
	fails_by("exit 1", "says nothing");
	fails_by("kill -9 $$", "says nothing");
	fails_by("echo '<svg>half of'", "no whole picture");
}

static void test_nothing(void **state)
{
	struct plot plot = new_plot();

	(void)state;
	if (!has_gnuplot())
		skip();
	assert_int_equal(plot_open(&plot, path), 0);
	plot_series(&plot, "one");
	plot_point(&plot, 0, 1);
	assert_int_equal(plot_close(&plot), -1);
	assert_failed("PLOT");
	assert_old();
}

static void test_unwritable(void **state)
{
	struct plot plot = new_plot();

	(void)state;
	if (!has_gnuplot())
		skip();
	assert_int_equal(plot_open(&plot, "/nowhere/plot.svg"), -1);
	assert_non_null(strstr(fail_get()->text, "/nowhere/plot.svg"));
	assert_failed("SYSTEM");
	plot_abandon(&plot);

	assert_int_equal(plot_open(&plot, "/dev/full"), 0);
	plot_series(&plot, "one");
	plot_point(&plot, 1, 1);
	assert_int_equal(plot_close(&plot), -1);
	assert_failed("SYSTEM");
}

static void test_abandoned(void **state)
{
	struct plot plot = new_plot();

	(void)state;
	plot_abandon(&plot);
	if (!has_gnuplot())
		skip();
	assert_int_equal(plot_open(&plot, path), 0);
	plot_series(&plot, "one");
	plot_point(&plot, 1, 1);
	plot_abandon(&plot);
	assert_old();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_draws),
		TEST(test_linear),
		TEST(test_no_gnuplot),
		TEST(test_gnuplot_fails),
		TEST(test_nothing),
		TEST(test_unwritable),
		TEST(test_abandoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
