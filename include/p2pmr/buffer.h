/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_BUFFER_H
#define P2PMR_BUFFER_H

#include <stddef.h>

#include <p2pmr/provider.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory allocated from a provider and mapped into this process */
struct p2pmr_buf;

/**
 * p2pmr_buf_alloc() - allocate memory from a provider and map it
 * @provider: where from
 * @size_bytes: how much; at least 1, rounded up to whole pages
 *
 * The memory is one contiguous range of the provider and reads as zero, as
 * far as the kernel clears it (the p2p kernel series does; an unpatched
 * kernel hands out what its last owner left). It is shared with children
 * across fork().
 *
 * Thread-safety: any thread.
 *
 * Return: the buffer, or NULL with errno
 *   EINVAL	@provider is NULL or @size_bytes is 0
 *   ENOMEM	the pool has no such piece left (reason POOL_EXHAUSTED, or
 *		TOO_LARGE when the whole pool is smaller)
 *   ENODEV	the provider has left since p2pmr_open() (PROVIDER_GONE)
 *   EACCES, EPERM	no permission to open its file (NO_PERMISSION)
 */
struct p2pmr_buf *p2pmr_buf_alloc(struct p2pmr_provider *provider,
				  size_t size_bytes);

/**
 * p2pmr_buf_free() - unmap a buffer and give its memory back
 * @buf: the buffer, or NULL
 *
 * Memory regions that were registered on it are the caller's to deregister
 * first; one that is left keeps the memory from going back to its pool.
 * Caches drop theirs: idle ones are deregistered before the memory is unmapped,
 * others when they are put back.
 *
 * Thread-safety: no other thread may use the buffer any more.
 */
void p2pmr_buf_free(struct p2pmr_buf *buf);

/**
 * p2pmr_buf_addr() - where the buffer is mapped
 * @buf: the buffer
 *
 * For verbs (sge addresses, remote addresses). A CPU that reads or writes peer
 * memory through it pays one bus transaction per access, and must not use
 * unaligned or overlapping accesses everywhere: prefer p2pmr_buf_write() and
 * p2pmr_buf_read().
 *
 * Return: a page-aligned address. Never NULL.
 */
void *p2pmr_buf_addr(const struct p2pmr_buf *buf);

/**
 * p2pmr_buf_size() - how large the buffer is
 * @buf: the buffer
 *
 * Return: the size in bytes: what was asked for, rounded up to whole pages.
 */
size_t p2pmr_buf_size(const struct p2pmr_buf *buf);

/**
 * p2pmr_buf_provider() - where the buffer came from
 * @buf: the buffer
 *
 * Return: the provider. Never NULL.
 */
struct p2pmr_provider *p2pmr_buf_provider(const struct p2pmr_buf *buf);

/**
 * p2pmr_buf_write() - copy from ordinary memory into a buffer, by the CPU
 * @buf: the buffer
 * @offset: where in the buffer
 * @src: what to copy
 * @len_bytes: how much; 0 is allowed
 *
 * Uses naturally aligned stores of at most 8 bytes, which every device BAR
 * takes. When it returns, the stores have left the CPU's write buffers; a
 * device may still see them only after it is told to look.
 *
 * Thread-safety: any thread; overlapping copies at the same time mix.
 *
 * Return: 0, or -EINVAL when a pointer is NULL or the range does not lie
 * within the buffer (OUT_OF_RANGE). When the provider leaves meanwhile, the
 * kernel raises SIGBUS.
 */
int p2pmr_buf_write(struct p2pmr_buf *buf, size_t offset, const void *src,
		    size_t len_bytes);

/**
 * p2pmr_buf_read() - copy from a buffer into ordinary memory, by the CPU
 * @buf: the buffer
 * @offset: where in the buffer
 * @dst: where to
 * @len_bytes: how much; 0 is allowed
 *
 * Naturally aligned loads of at most 8 bytes. Reads of a BAR are slow (each
 * one waits for the device).
 *
 * Thread-safety: any thread.
 *
 * Return: 0, or -EINVAL as for p2pmr_buf_write().
 */
int p2pmr_buf_read(const struct p2pmr_buf *buf, size_t offset, void *dst,
		   size_t len_bytes);

#ifdef __cplusplus
}
#endif

#endif
