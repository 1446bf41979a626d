/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a provider implements, and what it may use of the library. A provider
 * includes this header, the public ones and those of libibverbs and the
 * kernel; nothing else.
 */
#ifndef P2PMR_PROVIDER_OPS_H
#define P2PMR_PROVIDER_OPS_H

#include <dirent.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Everything is hidden, except what the public headers declare. */
#pragma GCC visibility push(default)
#include <p2pmr/p2pmr.h>
#pragma GCC visibility pop

#define P2PMR_NAME_LEN 64
#define P2PMR_PATH_LEN 4096

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/**
 * struct p2pmr_provider_ops - one kind of peer memory
 * @type: what p2pmr_provider_type() says
 * @is_peer: memory on a PCIe device?
 * @scan: call p2pmr_provider_add() for each provider there is, with @self as
 *	its kind; finding none is no failure. Returns 0, or -errno with a
 *	reason
 * @explain_missing: no provider is called @name: does this kind know why, say
 *	because the kernel keeps the device's memory to itself? Returns -errno
 *	with a reason, or 0 when it has nothing to say. May be NULL
 * @space: as p2pmr_provider_space(); arguments are not NULL
 * @map: allocate @size bytes (whole pages, not 0) and map them shared, so that
 *	munmap() alone gives them back. Returns 0, or -errno with a reason; but
 *	-ENOSPC without one for "no such piece left", which the caller explains
 * @map_huge: as @map, in huge pages of @page_bytes each: a power of two, of
 *	which @size is a multiple. Returns 0, or -errno with a reason. NULL: this
 *	memory has no huge pages
 * @exports: may @map_dmabuf be called by this user, as far as a look tells?
 *	May be NULL, which means no
 * @map_dmabuf: as @map, but as a dma-buf, whose descriptor goes to @fd: close()
 *	and munmap() together give the memory back. NULL: this memory is not to
 *	be had so
 */
struct p2pmr_provider_ops {
	const char *type;
	bool is_peer;
	int (*scan)(struct p2pmr_context *ctx,
		    const struct p2pmr_provider_ops *self);
	int (*explain_missing)(struct p2pmr_context *ctx, const char *name);
	int (*space)(const struct p2pmr_provider *provider,
		     struct p2pmr_provider_space *space);
	int (*map)(struct p2pmr_provider *provider, size_t size, void **addr);
	int (*map_huge)(struct p2pmr_provider *provider, size_t size,
			size_t page_bytes, void **addr);
	bool (*exports)(const struct p2pmr_provider *provider);
	int (*map_dmabuf)(struct p2pmr_provider *provider, size_t size, int *fd,
			  void **addr);
};

/* What the build linked in; ends with NULL. Written by p2pmr_providers(). */
extern const struct p2pmr_provider_ops *const p2pmr_provider_list[];

struct p2pmr_pci_address {
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int function;
};

/* A path through the PCI tree: more levels than any machine has */
#define P2PMR_PCI_PATH_LEN 512

/**
 * struct p2pmr_provider - one source of memory
 * @entry: set by p2pmr_provider_add()
 * @ctx: likewise
 * @ops: its kind
 * @name: for people
 * @by_name: not listed and not chosen, but found by this name: another way to
 *	memory that is listed already; empty: listed
 * @pci_address: as text; empty: it has none
 * @driver: kernel driver; empty: none
 * @numa_node: -1: unknown
 * @pci: @pci_address as numbers
 * @pci_path: set by p2pmr_provider_add(); empty: unknown
 * @epoch: how often it was seen to leave, by p2pmr_provider_left()
 * @priv: the provider's own; not freed
 */
struct p2pmr_provider {
	TAILQ_ENTRY(p2pmr_provider) entry;
	struct p2pmr_context *ctx;
	const struct p2pmr_provider_ops *ops;
	char name[P2PMR_NAME_LEN];
	char by_name[P2PMR_NAME_LEN];
	char pci_address[P2PMR_NAME_LEN];
	char driver[P2PMR_NAME_LEN];
	int numa_node;
	struct p2pmr_pci_address pci;
	char pci_path[P2PMR_PCI_PATH_LEN];
	atomic_uint epoch;
	void *priv;
};

/* Adds a copy of @provider to the context. 0, or -ENOMEM with a reason. */
int p2pmr_provider_add(struct p2pmr_context *ctx,
		       const struct p2pmr_provider *provider);

/* Is there any peer memory in this context? */
bool p2pmr_context_has_peer(const struct p2pmr_context *ctx);

/*
 * "0000:04:00.0" or "04:00.0", nothing before or after it. 0 or -EINVAL,
 * without a reason.
 */
int p2pmr_pci_parse(const char *text, struct p2pmr_pci_address *pci);

/* The text form; P2PMR_NAME_LEN bytes are enough. */
void p2pmr_pci_format(const struct p2pmr_pci_address *pci, char *text,
		      size_t size);

/* "nvme" and a number, nothing else: an NVMe controller's name */
bool p2pmr_nvme_is_name(const char *name);

/*
 * sysfs. Every path is made here, below the root of the context; with a NULL
 * context below the default root. Functions return 0 (or a descriptor), or
 * -errno without a reason: whether a missing file is a failure only the caller
 * knows. What sysfs says is not trusted: see each function.
 */
int p2pmr_sysfs_path(const struct p2pmr_context *ctx, char *path, size_t size,
		     const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* O_CLOEXEC is added to @flags. */
int p2pmr_sysfs_open(const struct p2pmr_context *ctx, int flags,
		     const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* NULL with errno on failure */
DIR *p2pmr_sysfs_opendir(const struct p2pmr_context *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool p2pmr_sysfs_exists(const struct p2pmr_context *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* One line without its newline; -EOVERFLOW when it does not fit. */
int p2pmr_sysfs_read(const struct p2pmr_context *ctx, char *line, size_t size,
		     const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A decimal number and nothing else; -EBADMSG otherwise. */
int p2pmr_sysfs_read_u64(const struct p2pmr_context *ctx, uint64_t *value,
			 const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What a symbolic link points to; -EOVERFLOW when it does not fit. */
int p2pmr_sysfs_readlink(const struct p2pmr_context *ctx, char *target,
			 size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The last component of what a symbolic link points to. */
int p2pmr_sysfs_link_name(const struct p2pmr_context *ctx, char *name,
			  size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Leave a reason in the calling thread, and set errno to @err.
 *
 * @err: positive
 * @remedy: what to do: one sentence
 * @fmt: what happened, and why: one sentence
 *
 * Returns -@err, so that a function can end with "return p2pmr_fail(...)".
 */
int p2pmr_fail(enum p2pmr_reason code, int err, const char *remedy,
	       const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The usual one: out of memory while making @what */
int p2pmr_fail_memory(const char *what);

/* "ENOENT"; never NULL */
const char *p2pmr_errno_name(int err);

enum p2pmr_log_level {
	P2PMR_LOG_NONE,
	P2PMR_LOG_ERROR,
	P2PMR_LOG_WARN,
	P2PMR_LOG_INFO,
	P2PMR_LOG_DEBUG,
};

/* To stderr, when P2PMR_LOG asks for this level. Leaves errno alone. */
void p2pmr_log(enum p2pmr_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define p2pmr_error(...) p2pmr_log(P2PMR_LOG_ERROR, __VA_ARGS__)
#define p2pmr_warn(...) p2pmr_log(P2PMR_LOG_WARN, __VA_ARGS__)
#define p2pmr_info(...) p2pmr_log(P2PMR_LOG_INFO, __VA_ARGS__)
#define p2pmr_debug(...) p2pmr_log(P2PMR_LOG_DEBUG, __VA_ARGS__)

#endif
