/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding what is named on the command line, or saying what may have been meant. */
#ifndef P2PMR_TOOLS_FIND_H
#define P2PMR_TOOLS_FIND_H

struct p2pmr_context;
struct p2pmr_provider;

enum find {
	FIND_NONE = -1,
	FIND_PROVIDER,
	FIND_DEVICE,
};

/*
 * As p2pmr_provider_find(); NULL: fail() was called, with the nearest names.
 *
 * @option: where @name was given, "--mem"
 */
struct p2pmr_provider *find_provider(struct p2pmr_context *ctx,
				     const char *option, const char *name);

/*
 * Is it a provider of peer memory, or one of @devices, which end with NULL?
 * FIND_NONE: fail() was called, with the nearest names.
 */
enum find find_end(struct p2pmr_context *ctx, char *const *devices,
		   const char *name);

#endif
