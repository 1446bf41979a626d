/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a machine has no peer memory. */
#ifndef P2PMR_TOOLS_NOTE_H
#define P2PMR_TOOLS_NOTE_H

struct failure;
struct p2pmr_context;

/* The library can explain it for a device that is named to it */
void note_no_provider(struct p2pmr_context *ctx, struct failure *note);

#endif
