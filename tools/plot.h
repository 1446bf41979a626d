/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A picture of a few series of points, drawn by gnuplot as SVG. Series differ in
 * colour and in the shape of their points; the colours are told apart by those
 * who are colour-blind (Okabe and Ito, "Color Universal Design", 2008).
 *
 *	struct plot plot = {
 *		.title = "...",
 *		.x = { .title = "message size [bytes]", .log_base = 2 },
 *		.y = { .title = "bandwidth [MiB/s]" },
 *	};
 *
 *	if (plot_open(&plot, path))			before measuring
 *		return -1;
 *	plot_series(&plot, "host");
 *	plot_point(&plot, 65536, 5123.4);
 *	...
 *	return plot_close(&plot);			or plot_abandon()
 */
#ifndef P2PMR_TOOLS_PLOT_H
#define P2PMR_TOOLS_PLOT_H

#include <stddef.h>

#include "out_file.h"

/* As many as have a colour of their own */
#define PLOT_SERIES_MAX 8

/**
 * struct plot_axis - one axis
 * @title: what is counted, and in what unit
 * @log_base: 0: linear, from zero on; 10: logarithmic; 2, of x: the same, and the
 *	numbers are sizes in bytes: 4 KiB, 1 MiB
 */
struct plot_axis {
	const char *title;
	int log_base;
};

/**
 * struct plot - a picture in the making
 * @title: above it
 * @x: from left to right
 * @y: upwards
 *
 * The rest is the functions' own. Strings must live until plot_close().
 */
struct plot {
	const char *title;
	struct plot_axis x;
	struct plot_axis y;

	struct out_file file;
	FILE *data;
	char *text;
	size_t text_len;
	char *names[PLOT_SERIES_MAX];
	size_t n_series;
	size_t n_points;
	double x_min;
	double x_max;
};

/*
 * Is gnuplot there, and can @path be written? Until plot_close() what was there
 * stays. "-" is standard output. 0, or -1 after fail(); without gnuplot that is
 * "not possible on this machine".
 */
int plot_open(struct plot *plot, const char *path);

/* The next points are of a series called @name; copied */
void plot_series(struct plot *plot, const char *name);

/* On a logarithmic axis, what is not above zero is left out */
void plot_point(struct plot *plot, double x, double y);

/* Draw it, and put it where it belongs. 0, or -1 after fail(), nothing changed */
int plot_close(struct plot *plot);

/* Give up, also before plot_open(): nothing changes */
void plot_abandon(struct plot *plot);

#endif
