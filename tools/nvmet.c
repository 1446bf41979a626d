// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <string.h>

#include "args.h"
#include "cmd.h"
#include "nvmet.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} actions[] = {
	{ "set", nvmet_set },
	{ "show", nvmet_show },
	{ "save", nvmet_save },
	{ "restore", nvmet_restore },
	{ "clear", nvmet_clear },
};

/**
 * struct choice - an action, and the words that are for it
 * @run: the action
 * @argc: of @argv
 * @argv: its name first
 */
struct choice {
	int (*run)(int argc, char **argv);
	int argc;
	char **argv;
};

static error_t choose(struct choice *choice, const char *name,
		      struct argp_state *state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, name))
			continue;
		choice->run = actions[i].run;
		choice->argc = state->argc - state->next + 1;
		choice->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	}
	argp_error(state, "%s: is no action [USAGE]", name);
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		return choose(state->input, arg, state);
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no action [USAGE]");
		return EINVAL;
	default:
		return args_help(key, arg, state);
	}
}

static const struct argp_option options[] = {
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "ACTION [OPTION...]",
	.doc = "Have the kernel's NVMe over Fabrics target serve from peer memory."
	       "\vActions:\n\n"
	       "  set       make a target\n"
	       "  show      show what is configured\n"
	       "  save      write all that is configured to a file\n"
	       "  restore   make what such a file holds\n"
	       "  clear     take down what was made, and nothing else\n\n"
	       "'p2pmr nvmet ACTION --help' and p2pmr-nvmet(1) tell more.",
};

int cmd_nvmet(int argc, char **argv)
{
	static char name[] = "p2pmr nvmet";
	struct choice choice = { 0 };

	args_init(argv, name);
	/* In order: options after the action are the action's */
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice))
		return CMD_USAGE;
	return choice.run(choice.argc, choice.argv);
}
