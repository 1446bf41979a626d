/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verbs without a device: registering allocates, deregistering frees, so that
 * sanitizers see a region that is used too long. For tests that wrap
 * ibv_reg_mr_iova2 and ibv_dereg_mr. Any thread.
 */
#ifndef P2PMR_TESTS_VERBS_H
#define P2PMR_TESTS_VERBS_H

#include "unit.h"

#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE)

/* Two protection domains of one device */
extern struct ibv_pd verbs_pd[2];

/* Regions that were registered so far, and that are there now */
extern atomic_int verbs_registered;
extern atomic_int verbs_live;

/* More than that many regions are ENOMEM; negative: any number is fine. */
extern int verbs_limit;

/* Registering fails so, unless 0. */
extern int verbs_errno;

/* Called in the middle of each registration, unless NULL */
extern void (*verbs_on_register)(void);

/* None has been registered, and nothing fails. */
void verbs_reset(void);

#endif
