/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The p2pmr command: one file per subcommand, each with one entry point.
 */
#ifndef P2PMR_TOOLS_CMD_H
#define P2PMR_TOOLS_CMD_H

/* Exit statuses, the same for every subcommand */
enum cmd_status {
	CMD_GOOD = 0,
	CMD_FAILED = 1,		/* the thing asked for failed */
	CMD_USAGE = 2,
	CMD_IMPOSSIBLE = 77,	/* not possible on this machine */
	CMD_SIGNALED = 128,	/* plus the signal's number: ended by it */
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#ifndef P2PMR_VERSION
#define P2PMR_VERSION "0.0.0"
#endif

int cmd_list(int argc, char **argv);
int cmd_topo(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_bw(int argc, char **argv);
int cmd_lat(int argc, char **argv);
int cmd_reg(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_copy(int argc, char **argv);
int cmd_nvmet(int argc, char **argv);

#endif
