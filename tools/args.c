// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "cmd.h"

void args_init(char **argv, char *name)
{
	argp_err_exit_status = CMD_USAGE;
	argp_program_version = "p2pmr " P2PMR_VERSION;
	/* argp names the program after argv[0], which is the subcommand here */
	argv[0] = name;
}

error_t args_help(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'h')
		return ARGP_ERR_UNKNOWN;
	argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	return 0;
}

error_t args_options_only(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return args_help(key, arg, state);
	argp_error(state, "%s: takes options only [USAGE]", arg);
	return EINVAL;
}

error_t args_json_only(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	default:
		return args_options_only(key, arg, state);
	}
}

/* The number at the start of @word; @end is set behind it */
static int leading_number(const char *word, uint64_t *val, char **end)
{
	/* strtoull() itself takes blanks and signs, and negates */
	if (!isdigit((unsigned char)word[0]))
		return -EINVAL;
	errno = 0;
	*val = strtoull(word, end, 10);
	return errno ? -ERANGE : 0;
}

int args_u64(const char *word, uint64_t min, uint64_t max, uint64_t *val)
{
	uint64_t num;
	char *end;
	int ret;

	ret = leading_number(word, &num, &end);
	if (ret)
		return ret;
	if (*end)
		return -EINVAL;
	if (num < min || num > max)
		return -ERANGE;
	*val = num;
	return 0;
}

uint64_t args_number(struct argp_state *state, const char *option,
		     const char *word, uint64_t min, uint64_t max)
{
	uint64_t val = 0;

	if (args_u64(word, min, max, &val))
		argp_error(state,
			   "%s %s: must be a whole number from %llu to %llu [USAGE]",
			   option, word, (unsigned long long)min,
			   (unsigned long long)max);
	return val;
}

static int suffix_shift(const char *suffix)
{
	if (!suffix[0])
		return 0;
	if (suffix[1])
		return -EINVAL;
	switch (toupper((unsigned char)suffix[0])) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return -EINVAL;
	}
}

int args_size(const char *word, uint64_t min, uint64_t max, uint64_t *val)
{
	uint64_t num;
	char *end;
	int shift;
	int ret;

	ret = leading_number(word, &num, &end);
	if (ret)
		return ret;
	shift = suffix_shift(end);
	if (shift < 0)
		return shift;
	if (num > UINT64_MAX >> shift)
		return -ERANGE;
	num <<= shift;
	if (num < min || num > max)
		return -ERANGE;
	*val = num;
	return 0;
}

char *args_human_size(uint64_t bytes, char *text, int len)
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	double val = bytes;
	int i = 0;

	while (val >= 1024 && i < 6) {
		val /= 1024;
		i++;
	}
	/* One decimal, and none where it would be a zero */
	if ((uint64_t)(val * 10 + 0.5) % 10)
		snprintf(text, len, "%.1f %s", val, units[i]);
	else
		snprintf(text, len, "%.0f %s", val, units[i]);
	return text;
}
