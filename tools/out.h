/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON for others to read: what cannot be written is a failure. */
#ifndef P2PMR_TOOLS_OUT_H
#define P2PMR_TOOLS_OUT_H

struct json_object;

/*
 * Print one document on standard output. Takes @obj over; NULL: memory ran out in making it.
 * @what names it: "the list". 0, or -1 after fail().
 */
int out_json(struct json_object *obj, const char *what);

/* The same on one line */
int out_json_line(struct json_object *obj, const char *what);

/* The same to a file, which is written whole or stays as it was (out_file.h) */
int out_json_file(struct json_object *obj, const char *path);

#endif
