/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Building json-c objects without a test after every line: json_add_*() take
 * what they are given even when it is NULL, and return 0, or -1 when memory
 * ran out (the caller collects the results and tests once).
 */
#ifndef P2PMR_TOOLS_JSON_H
#define P2PMR_TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

/* Takes @val over, also on failure. A NULL @val is a failure */
int json_add(struct json_object *obj, const char *key,
	     struct json_object *val);

/* NULL becomes null */
int json_add_string(struct json_object *obj, const char *key, const char *val);
int json_add_u64(struct json_object *obj, const char *key, uint64_t val);
int json_add_int(struct json_object *obj, const char *key, int val);
int json_add_bool(struct json_object *obj, const char *key, bool val);
int json_add_null(struct json_object *obj, const char *key);

/* With @decimals digits; what is not a finite number becomes null */
int json_add_double(struct json_object *obj, const char *key, double val,
		    int decimals);

/* Append @val to an array; takes it over, also on failure */
int json_append(struct json_object *array, struct json_object *val);

/* One document on one line; returns -1 with errno when that failed */
int json_print_line(FILE *f, struct json_object *obj);

/* One document, made to be read by people, too; returns -1 with errno when that failed */
int json_print(FILE *f, struct json_object *obj);

#endif
