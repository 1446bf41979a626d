/* SPDX-License-Identifier: GPL-2.0-only */
/* What is printed for others: what cannot be written is a failure. */
#ifndef P2PMR_TOOLS_OUT_H
#define P2PMR_TOOLS_OUT_H

#include <stdbool.h>
#include <sys/types.h>

struct json_object;

/*
 * What somebody else has chosen, a remote host or any process: it must neither send
 * sequences to a terminal nor make JSON invalid, so all that is no printable ASCII
 * becomes "?".
 */
void out_make_plain(char *text);

/* @what could not be printed: errno says why. Returns -1 after fail() */
int out_failed(const char *what);

/*
 * Print one document on standard output. Takes @obj over; NULL: memory ran out in making it.
 * @what names it: "the list". 0, or -1 after fail().
 */
int out_json(struct json_object *obj, const char *what);

/* The same on one line */
int out_json_line(struct json_object *obj, const char *what);

/* The same to a file, which is written whole or stays as it was; @mode: see out_file.h */
int out_json_file(struct json_object *obj, const char *path, mode_t mode);

/*
 * The end of a subcommand that reports: as JSON on standard output if @json, to
 * @json_file unless that is NULL, and what failed on standard error unless @report
 * says it there. Takes @report over; NULL: memory ran out in making it. Returns the
 * exit status.
 */
int out_end(const char *cmd, struct json_object *report, bool json,
	    const char *json_file);

#endif
