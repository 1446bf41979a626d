// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h> /* IWYU pragma: keep */
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "fail.h"
#include "plot.h"

#define GNUPLOT "gnuplot"
#define SVG_END "</svg>"
/* Of a child that could not be executed, where that is not known before */
#define EXIT_NOT_FOUND 127
/* Labels on the axis of sizes */
#define TICS_MAX 10

/* Dark enough for thin lines on white: the palette's yellow is left out */
static const char *const colours[PLOT_SERIES_MAX] = {
	"#0072b2", "#d55e00", "#009e73", "#cc79a7",
	"#56b4e9", "#e69f00", "#000000", "#7f7f7f",
};

/* ---- running gnuplot ------------------------------------------------------ */

/* A file without a name, in memory */
static FILE *scratch_file(void)
{
	int fd = memfd_create("p2pmr-plot", MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!f && fd >= 0)
		close(fd);
	if (!f)
		fail(CMD_FAILED, REASON_SYSTEM, errno, "",
		     "Cannot make a scratch file for the plot: %s.",
		     strerror(errno));
	return f;
}

static int spawn(pid_t *pid, char *const argv[], FILE *in, FILE *out, FILE *err)
{
	posix_spawn_file_actions_t actions;
	int ret;

	ret = posix_spawn_file_actions_init(&actions);
	if (ret)
		return ret;
	ret = posix_spawn_file_actions_adddup2(&actions, fileno(in),
					       STDIN_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, fileno(out),
						       STDOUT_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, fileno(err),
						       STDERR_FILENO);
	if (!ret)
		ret = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What gnuplot complains about is in a line of its own, after the place */
static int fail_gnuplot(FILE *err)
{
	char line[256], last[256] = "";

	rewind(err);
	while (fgets(line, sizeof(line), err)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[strspn(line, " \t^")])
			memcpy(last, line, sizeof(last));
	}
	return fail(CMD_FAILED, "PLOT", EIO,
		    "Run `gnuplot --version`; the package is gnuplot-nox.",
		    "gnuplot failed: %s", last[0] ? last : "it says nothing.");
}

static int fail_missing(void)
{
	return fail(CMD_IMPOSSIBLE, "NO_GNUPLOT", ENOENT,
		    "Install it (Debian: apt-get install gnuplot-nox), or take the numbers from --json.",
		    "gnuplot, which draws the plot, is not installed.");
}

static int outcome(int status, FILE *err)
{
	if (!status)
		return 0;
	return status == EXIT_NOT_FOUND ? fail_missing() : fail_gnuplot(err);
}

/* -d: nobody's own settings. 0 with what it made in @out, or -1 after fail() */
static int run_gnuplot(FILE *script, FILE *out)
{
	static char name[] = GNUPLOT, option[] = "-d";
	char *const argv[] = { name, option, NULL };
	FILE *err = scratch_file();
	pid_t pid;
	int ret;

	if (!err)
		return -1;
	ret = spawn(&pid, argv, script, out, err);
	if (ret && ret != ENOENT)
		ret = fail(CMD_FAILED, REASON_SYSTEM, ret, "",
			   "Cannot start gnuplot: %s.", strerror(ret));
	else
		ret = outcome(ret ? EXIT_NOT_FOUND : wait_for(pid), err);
	fclose(err);
	return ret;
}

/* Run on nothing, it draws nothing */
static int find_gnuplot(void)
{
	FILE *empty = scratch_file();
	int ret;

	if (!empty)
		return -1;
	ret = run_gnuplot(empty, empty);
	fclose(empty);
	return ret;
}

/* ---- the script ----------------------------------------------------------- */

/* In single quotes nothing but these means anything; a line ends in its line */
static void put_string(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', f);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
	}
	fputc('\'', f);
}

static unsigned int count_tics(double from, double to, double step)
{
	unsigned int n;

	for (n = 0; from <= to; from *= step)
		n++;
	return n;
}

/* gnuplot itself would write "kiB"; and not more of them than there is room for */
static void put_size_tics(FILE *f, const struct plot *plot)
{
	const char *comma = "";
	double step = 2;
	double at = 1;
	char text[32];

	while (at < plot->x_min)
		at *= 2;
	while (count_tics(at, plot->x_max, step) > TICS_MAX)
		step *= 2;
	fputs("set xtics (", f);
	for (; at <= plot->x_max; at *= step) {
		fprintf(f, "%s'%s' %.0f", comma,
			args_human_size(at, text, sizeof(text)), at);
		comma = ", ";
	}
	/* Room at the ends, or else the last one is rounded off */
	fprintf(f, ")\nset xrange [%g:%g]\n", plot->x_min / 1.1,
		plot->x_max * 1.1);
}

static void put_axis(FILE *f, char letter, const struct plot_axis *axis)
{
	fprintf(f, "set %clabel ", letter);
	put_string(f, axis->title);
	fputc('\n', f);
	if (axis->log_base)
		fprintf(f, "set logscale %c %d\n", letter, axis->log_base);
	else
		fprintf(f, "set %crange [0:*]\n", letter);
}

static void put_script(FILE *f, const struct plot *plot)
{
	size_t i;

	fputs("set terminal svg noenhanced size 800,500 font 'sans-serif,13' background '#ffffff'\n"
	      "set encoding utf8\n"
	      "set grid back lc rgb '#dddddd' lt 1\n"
	      "set border 3\nset tics nomirror\n"
	      "set key left top Left reverse\n"
	      "set title ", f);
	put_string(f, plot->title);
	fputc('\n', f);
	put_axis(f, 'x', &plot->x);
	put_axis(f, 'y', &plot->y);
	if (plot->x.log_base == 2)
		put_size_tics(f, plot);
	fputs(plot->text, f);
	fputs("EOD\nplot ", f);
	for (i = 0; i < plot->n_series; i++) {
		fprintf(f, "%s$s%zu using 1:2 with linespoints lw 2 ps 0.8 pt %zu lc rgb '%s' title ",
			i ? ", " : "", i, 4 + i, colours[i]);
		put_string(f, plot->names[i]);
	}
	fputc('\n', f);
}

/* ---- what it draws -------------------------------------------------------- */

int plot_open(struct plot *plot, const char *path)
{
	if (find_gnuplot())
		return -1;
	if (out_file_open(&plot->file, path, 0))
		return -1;
	plot->data = open_memstream(&plot->text, &plot->text_len);
	if (plot->data)
		return 0;
	plot_abandon(plot);
	return fail_nomem();
}

void plot_series(struct plot *plot, const char *name)
{
	if (!plot->data || plot->n_series == PLOT_SERIES_MAX)
		return;
	fprintf(plot->data, "%s$s%zu << EOD\n", plot->n_series ? "EOD\n" : "",
		plot->n_series);
	plot->names[plot->n_series++] = strdup(name);
}

void plot_point(struct plot *plot, double x, double y)
{
	if (!plot->data || !plot->n_series ||
	    (plot->x.log_base && x <= 0) || (plot->y.log_base && y <= 0))
		return;
	fprintf(plot->data, "%.17g %.17g\n", x, y);
	if (!plot->n_points || x < plot->x_min)
		plot->x_min = x;
	if (!plot->n_points || x > plot->x_max)
		plot->x_max = x;
	plot->n_points++;
}

/* gnuplot does not say when its output is cut off */
static int copy_whole(FILE *from, FILE *to)
{
	char *text = NULL;
	long len;
	int ret = -1;

	if (fseek(from, 0, SEEK_END))
		goto out;
	len = ftell(from);
	if (len < 0)
		goto out;
	rewind(from);
	text = calloc(1, len + 1);
	if (!text || fread(text, 1, len, from) != (size_t)len)
		goto out;
	if (!strstr(text, SVG_END))
		goto out;
	/* What cannot be written shows when the file is closed */
	fwrite(text, 1, len, to);
	ret = 0;
out:
	free(text);
	return ret;
}

static bool is_complete(const struct plot *plot)
{
	size_t i;

	for (i = 0; i < plot->n_series; i++) {
		if (!plot->names[i])
			return false;
	}
	return !ferror(plot->data);
}

static int draw(struct plot *plot)
{
	FILE *script = scratch_file();
	FILE *out = scratch_file();
	int ret = -1;

	if (!script || !out)
		goto out;
	put_script(script, plot);
	if (fflush(script) || ferror(script)) {
		fail_nomem();
		goto out;
	}
	rewind(script);
	ret = run_gnuplot(script, out);
	if (!ret && copy_whole(out, plot->file.stream))
		ret = fail(CMD_FAILED, "PLOT", EIO, "",
			   "gnuplot drew no whole picture.");
out:
	if (script)
		fclose(script);
	if (out)
		fclose(out);
	return ret;
}

int plot_close(struct plot *plot)
{
	int ret;

	if (fflush(plot->data) || !is_complete(plot))
		ret = fail_nomem();
	else if (!plot->n_points)
		ret = fail(CMD_FAILED, "PLOT", ENODATA, "",
			   "There is nothing to plot.");
	else
		ret = draw(plot);
	if (!ret)
		ret = out_file_close(&plot->file);
	plot_abandon(plot);
	return ret;
}

void plot_abandon(struct plot *plot)
{
	size_t i;

	if (plot->data)
		fclose(plot->data);
	free(plot->text);
	for (i = 0; i < plot->n_series; i++)
		free(plot->names[i]);
	out_file_abandon(&plot->file);
	plot->data = NULL;
	plot->text = NULL;
	plot->n_series = 0;
}
