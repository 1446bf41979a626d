// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends lockdep, as its first report would, but without one: for tests of what the
 * base has a report of its own in, so that KASAN, kmemleak and DMA debugging still
 * look at the rest. There is no way back but to boot.
 */
#include <linux/debug_locks.h>
#include <linux/module.h>

static int __init no_lockdep_init(void)
{
	debug_locks_off();
	return 0;
}
module_init(no_lockdep_init);

static void __exit no_lockdep_exit(void)
{
}
module_exit(no_lockdep_exit);

MODULE_DESCRIPTION("Ends lockdep, for tests");
MODULE_LICENSE("GPL");
