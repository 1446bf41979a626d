/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_CONTEXT_H
#define P2PMR_CONTEXT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p2pmr_context;

/**
 * P2PMR_OPTS() - an option struct with its size filled in
 * @type: name of the struct, without the keyword
 *
 * The remaining arguments are designated initialisers, for example
 * P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = "/tmp/tree").
 */
#define P2PMR_OPTS(type, ...) \
	(&(const struct type){ .sz = sizeof(struct type), ##__VA_ARGS__ })

/**
 * struct p2pmr_open_opts - options of p2pmr_open()
 * @sz: sizeof(struct p2pmr_open_opts)
 * @sysfs_root: directory to read instead of /sys; NULL: the environment
 *	variable P2PMR_SYSFS_ROOT, else /sys. A recorded tree has proc/cpuinfo
 *	beside it
 */
struct p2pmr_open_opts {
	size_t sz;
	const char *sysfs_root;
};

/**
 * p2pmr_open() - take stock of the machine's peer memory
 * @opts: options, or NULL
 *
 * Reads sysfs once and keeps the list of providers that it found. A machine
 * without any peer memory is no failure: the list then holds "host" alone.
 *
 * Thread-safety: any thread, at any time.
 *
 * Return: the context, or NULL with errno EINVAL (bad options), ENOMEM, or
 * the error of reading the sysfs root.
 */
struct p2pmr_context *p2pmr_open(const struct p2pmr_open_opts *opts);

/**
 * p2pmr_close() - free a context
 * @ctx: the context, or NULL
 *
 * Providers of the context go with it. All its buffers must have been freed;
 * ones that are left keep their memory until the process ends, and the log
 * says so.
 *
 * Thread-safety: no other thread may use the context any more.
 */
void p2pmr_close(struct p2pmr_context *ctx);

#ifdef __cplusplus
}
#endif

#endif
