/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libp2pmr: memory on a PCIe device as RDMA memory regions.
 *
 * This header includes all the others. Rules that hold everywhere:
 *
 * - A function that returns int returns 0 or a negative errno value. One that
 *   returns a pointer returns NULL on failure and sets errno.
 * - Every failure also leaves a reason in the calling thread: what happened,
 *   why, and what to do (p2pmr/reason.h).
 * - Option structs start with size_t sz, which the P2PMR_OPTS() macro fills.
 *   Unknown tail bytes must be zero. NULL options mean the defaults.
 * - Structs that the library fills in and that may grow start with size_t sz,
 *   too: the caller sets it, and the library writes no further.
 * - Sizes, lengths and offsets are in bytes.
 * - Nothing is printed unless P2PMR_LOG is set.
 */
#ifndef P2PMR_P2PMR_H
#define P2PMR_P2PMR_H

#include <p2pmr/arena.h>
#include <p2pmr/buffer.h>
#include <p2pmr/cache.h>
#include <p2pmr/choice.h>
#include <p2pmr/context.h>
#include <p2pmr/event.h>
#include <p2pmr/flush.h>
#include <p2pmr/mr.h>
#include <p2pmr/nvme.h>
#include <p2pmr/path.h>
#include <p2pmr/provider.h>
#include <p2pmr/reason.h>
#include <p2pmr/topo.h>

#endif
