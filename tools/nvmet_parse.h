/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration from a file: whatever is wrong with it, and where. */
#ifndef P2PMR_TOOLS_NVMET_PARSE_H
#define P2PMR_TOOLS_NVMET_PARSE_H

struct json_object;

/*
 * Read @file ("-": standard input), check it against the tables, and bring all
 * values into the kernel's form: strings. NULL after fail().
 */
struct json_object *nvmet_parse(const char *file);

/* The same of @conf, which was made from what is called @file in messages */
int nvmet_normalize(struct json_object *conf, const char *file);

#endif
