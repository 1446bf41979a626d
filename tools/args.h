/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line: argp, and numbers. Those are strict: the whole word must be the number, so
 * that "1O24", "-1" and "" are refused and nothing wraps around.
 */
#ifndef P2PMR_TOOLS_ARGS_H
#define P2PMR_TOOLS_ARGS_H

#include <argp.h>
#include <stdint.h>

/* Before argp_parse(): exit status, --version, and the name in messages */
void args_init(char **argv, char *name);

/*
 * What parsers do with the keys that they do not know: -h, and with
 * args_options_only() a word that is no option
 */
error_t args_help(int key, char *arg, struct argp_state *state);
error_t args_options_only(int key, char *arg, struct argp_state *state);

/* Parses -j (--json), which sets the bool that is the input, and -h; no more */
error_t args_json_only(int key, char *arg, struct argp_state *state);

/* Decimal, within [min, max]. Returns 0, -EINVAL or -ERANGE */
int args_u64(const char *word, uint64_t min, uint64_t max, uint64_t *val);

/* The same of @option; what is none ends the process, as usage errors do */
uint64_t args_number(struct argp_state *state, const char *option,
		     const char *word, uint64_t min, uint64_t max);

/* As args_u64(), with an optional suffix K, M or G (powers of 1024) */
int args_size(const char *word, uint64_t min, uint64_t max, uint64_t *val);

/* "64 KiB", "1.5 GiB", for people. Returns @text */
char *args_human_size(uint64_t bytes, char *text, int len);

#endif
