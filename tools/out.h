/* SPDX-License-Identifier: GPL-2.0-only */
/* Standard output: what cannot be printed is a failure. */
#ifndef P2PMR_TOOLS_OUT_H
#define P2PMR_TOOLS_OUT_H

struct json_object;

/*
 * Print one document. Takes @obj over; NULL: memory ran out in making it.
 * @what names it: "the list". 0, or -1 after fail().
 */
int out_json(struct json_object *obj, const char *what);

#endif
