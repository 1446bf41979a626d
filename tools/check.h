/* SPDX-License-Identifier: GPL-2.0-only */
/* "p2pmr check": one file per group of checks, which add lines to one report. */
#ifndef P2PMR_TOOLS_CHECK_H
#define P2PMR_TOOLS_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "fail.h"

struct json_object;
struct p2pmr_context;
struct topo_tree;

#define CHECK_OBJECT_MAX 64

/**
 * enum check_state - how a check ended
 * @CHECK_PASS: as it should be
 * @CHECK_SKIP: it cannot be checked here
 * @CHECK_WARN: it works, but not everywhere, or not as well as it could
 * @CHECK_FAIL: it does not work, which the remedy cures
 * @CHECK_NEVER: it does not work on this machine, with this kernel
 */
enum check_state {
	CHECK_PASS,
	CHECK_SKIP,
	CHECK_WARN,
	CHECK_FAIL,
	CHECK_NEVER,
};

/**
 * struct check_line - one line of the report
 * @state: how it ended
 * @check: what was looked at, one word
 * @object: of which device; empty: of the machine
 * @found: reason and sentences; the reason is empty where there is none
 */
struct check_line {
	enum check_state state;
	const char *check;
	char object[CHECK_OBJECT_MAX];
	struct failure found;
};

/**
 * struct check_report - all lines
 * @lines: in the order in which they were added
 * @n: how many
 * @out_of_memory: a line is missing
 */
struct check_report {
	struct check_line *lines;
	size_t n;
	bool out_of_memory;
};

/* @object: NULL: the machine. @remedy: "" when there is nothing to do */
__attribute__((format(printf, 6, 7)))
void check_add(struct check_report *report, enum check_state state,
	       const char *check, const char *object, const char *remedy,
	       const char *fmt, ...);

/* The same from a failure */
void check_add_failure(struct check_report *report, enum check_state state,
		       const char *check, const char *object,
		       const struct failure *failure);

enum cmd_status check_status(const struct check_report *report);
void check_print(const struct check_report *report);
struct json_object *check_json(const struct check_report *report);

/* A list in a sentence: "nvme0, nvme1", cut with "..." when it is long */
#define CHECK_LIST_MAX 512
void check_list_add(char list[CHECK_LIST_MAX], const char *name);

/* ---- the groups ---- */

/* Release, options, modules */
void check_kernel(struct check_report *report, const struct topo_tree *tree);

/* RLIMIT_MEMLOCK */
void check_limits(struct check_report *report, const struct topo_tree *tree);

/* Providers, CMBs, queues in them, permissions */
void check_providers(struct check_report *report, struct p2pmr_context *ctx,
		     const struct topo_tree *tree);

/* Paths, ACS, IOMMU */
void check_paths(struct check_report *report, const struct topo_tree *tree);

/* What RDMA devices say, and what registering really does */
void check_register(struct check_report *report, const struct topo_tree *tree);

#endif
