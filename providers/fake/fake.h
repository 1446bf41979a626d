/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A provider for tests of error paths: anonymous memory, with a pool whose
 * size, state and failures the test sets. Never part of the library.
 */
#ifndef P2PMR_PROVIDER_FAKE_H
#define P2PMR_PROVIDER_FAKE_H

#include "ops.h" /* IWYU pragma: export */

/**
 * struct p2pmr_fake - how a fake provider behaves; change it at any time
 * @size: of the pool, in bytes
 * @available: what is left of it; goes down with each allocation
 * @fragmented: there are bytes, but never in one piece
 * @gone: the provider has left
 * @map_errno: allocating fails with this and reason SYSTEM; 0: it works
 * @space_errno: likewise, asking for the space
 */
struct p2pmr_fake {
	uint64_t size;
	uint64_t available;
	bool fragmented;
	bool gone;
	int map_errno;
	int space_errno;
};

/* @pci_address: also the name. @fake must outlive the context. */
int p2pmr_fake_add(struct p2pmr_context *ctx, const char *pci_address,
		   struct p2pmr_fake *fake);

#endif
