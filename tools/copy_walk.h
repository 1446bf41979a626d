/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that are to be sent, one after the other. */
#ifndef P2PMR_TOOLS_COPY_WALK_H
#define P2PMR_TOOLS_COPY_WALK_H

#include <fts.h>
#include <stdbool.h>
#include <stdint.h>

#include "copy_wire.h"

/**
 * struct copy_walk - where in the sources it is
 * @sources: their names
 * @n: how many
 * @flags: enum copy_flag
 * @dirs_only: give the folders alone, what is in them before themselves
 * @at: the source in question
 * @fts: its tree, or NULL
 */
struct copy_walk {
	char *const *sources;
	uint32_t n;
	uint32_t flags;
	bool dirs_only;
	uint32_t at;
	FTS *fts;
};

void copy_walk_begin(struct copy_walk *walk, char *const *sources, uint32_t n,
		     uint32_t flags, bool dirs_only);

/*
 * The next one. 1: @file is filled in, but for its id, and @full is the name to
 * open it by until the next call. 2: something cannot be sent, @why says what
 * and why. 0: that is all. -1 after fail().
 */
int copy_walk_next(struct copy_walk *walk, struct copy_file *file,
		   const char **full, struct failure *why);

void copy_walk_end(struct copy_walk *walk);

#endif
