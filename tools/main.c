// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "near.h"

struct cmd {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

static const struct cmd cmds[] = {
	{ "list", "show the machine's peer memory", cmd_list },
	{ "topo", "show where it is in the PCI tree, and who reaches it", cmd_topo },
	{ "check", "find out whether RDMA can use it, and what to do if not", cmd_check },
	{ "verify", "prove with data that it reads and writes it right", cmd_verify },
	{ "bw", "measure RDMA bandwidth to and from peer memory", cmd_bw },
	{ "lat", "measure RDMA latency to and from peer memory", cmd_lat },
	{ "reg", "measure what it costs to register it", cmd_reg },
	{ "copy", "copy files between machines, from drive to drive", cmd_copy },
	{ "nvmet", "have an NVMe target serve from peer memory", cmd_nvmet },
	{ "monitor", "watch who uses it", cmd_monitor },
};

static void usage(FILE *f)
{
	size_t i;

	fputs("Usage: p2pmr COMMAND [OPTION...]\n\n"
	      "Memory on PCIe devices as RDMA memory regions.\n\n"
	      "Commands:\n", f);
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		fprintf(f, "  %-8s %s\n", cmds[i].name, cmds[i].summary);
	fputs("\nOptions:\n"
	      "  --help     show this help\n"
	      "  --version  show the version\n\n"
	      "'p2pmr COMMAND --help' and p2pmr-COMMAND(1) tell more about a command.\n",
	      f);
}

static const struct cmd *find_cmd(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		if (!strcmp(cmds[i].name, name))
			return &cmds[i];
	}
	return NULL;
}

static void no_such_cmd(const char *name)
{
	const char *names[ARRAY_SIZE(cmds)];
	char text[NEAR_TEXT_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		names[i] = cmds[i].name;
	fprintf(stderr,
		"p2pmr: there is no command \"%.64s\". %s 'p2pmr --help' tells what each does. [USAGE]\n",
		name, near_names(name, names, ARRAY_SIZE(cmds), text));
}

/* A full disk must not look like success, so the output is flushed here */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		perror("p2pmr: cannot write the output");
		return status == CMD_GOOD ? CMD_FAILED : status;
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct cmd *cmd;

	if (argc < 2) {
		usage(stderr);
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return finish(CMD_GOOD);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("p2pmr " P2PMR_VERSION);
		return finish(CMD_GOOD);
	}

	cmd = find_cmd(argv[1]);
	if (!cmd) {
		no_such_cmd(argv[1]);
		return CMD_USAGE;
	}
	return finish(cmd->run(argc - 1, argv + 1));
}
