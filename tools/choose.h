/* SPDX-License-Identifier: GPL-2.0-only */
/* Which peer memory, when the command line names none. */
#ifndef P2PMR_TOOLS_CHOOSE_H
#define P2PMR_TOOLS_CHOOSE_H

#include <stdint.h>

struct ibv_device;
struct p2pmr_context;
struct p2pmr_provider;

/* The best for @device of which @size bytes are available; NULL after fail() */
struct p2pmr_provider *choose_provider(struct p2pmr_context *ctx,
				       struct ibv_device *device,
				       uint64_t size);

#endif
