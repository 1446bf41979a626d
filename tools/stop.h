/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ending early and in order: SIGINT, SIGTERM and SIGHUP set a flag that every
 * loop looks at.
 */
#ifndef P2PMR_TOOLS_STOP_H
#define P2PMR_TOOLS_STOP_H

#include <stdbool.h>

/* @cmd: name in messages. @json: failures go to stdout as JSON */
void stop_install(const char *cmd, bool json);

bool stop_requested(void);

/* -1 with the failure recorded when the user wants to end, else 0 */
int stop_check(void);

#endif
