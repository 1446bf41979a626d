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
 *   EACCES, EPERM	no permission to open its file (NO_PERMISSION), or EROFS:
 *		it is on a file system that is mounted read-only
 *   EOPNOTSUPP	the kernel does not map memory through a drive's own device
 *		(KERNEL_NO_CDEV), or, before 6.2, for processes at all (SYSTEM)
 */
struct p2pmr_buf *p2pmr_buf_alloc(struct p2pmr_provider *provider,
				  size_t size_bytes);

/*
 * Bits of struct p2pmr_buf_opts.flags.
 *
 * P2PMR_BUF_DMABUF: have it as a dma-buf, which can be registered by the route
 *	P2PMR_ROUTE_DMABUF, and passed to another process
 */
#define P2PMR_BUF_DMABUF 1u

/**
 * struct p2pmr_buf_opts - options of p2pmr_buf_alloc_opts()
 * @sz: sizeof(struct p2pmr_buf_opts)
 * @huge_page_bytes: take huge pages of this size, for example 2 << 20; "host"
 *	alone has them. 0: the ordinary pages
 * @flags: P2PMR_BUF_* bits
 */
struct p2pmr_buf_opts {
	size_t sz;
	size_t huge_page_bytes;
	uint64_t flags;
};

/**
 * p2pmr_buf_alloc_opts() - allocate memory from a provider, with options
 * @provider: where from
 * @size_bytes: how much; at least 1, rounded up to whole pages of the size
 *	that the options ask for
 * @opts: options, or NULL
 *
 * As p2pmr_buf_alloc(). Huge pages have to be reserved by the administrator
 * (nr_hugepages in /sys/kernel/mm/hugepages); the buffer is never made of
 * other pages instead. Where a control group limits huge pages further than
 * that, the first access beyond its limit raises SIGBUS.
 *
 * A dma-buf comes from the provider's device node, /dev/p2pmem/ADDRESS (Linux
 * with the p2p series: drivers/pci/p2pdma_dmabuf.c). Without P2PMR_BUF_DMABUF,
 * the buffer is a mapping of p2pmem/allocate (of a provider of type "nvme_cdev":
 * of the drive's own device), unless only the node may be opened,
 * or no RDMA device of the machine pins peer memory: then it is a dma-buf, too.
 * p2pmr_buf_dmabuf() tells.
 *
 * Thread-safety: any thread.
 *
 * Return: the buffer, or NULL with errno as for p2pmr_buf_alloc(), or
 *   EINVAL	bad options (BAD_OPTIONS); a page size that is no power of two
 *		(BAD_ARGUMENT), that this kernel does not have, or asked of peer
 *		memory (NO_HUGE_PAGES); unknown flags, or a dma-buf of other than
 *		peer memory (BAD_ARGUMENT)
 *   ENOMEM	not enough huge pages are reserved and free (NO_HUGE_PAGES)
 *   EOPNOTSUPP	the kernel has no dma-bufs of peer memory (KERNEL_NO_DMABUF)
 */
struct p2pmr_buf *p2pmr_buf_alloc_opts(struct p2pmr_provider *provider,
				       size_t size_bytes,
				       const struct p2pmr_buf_opts *opts);

/**
 * p2pmr_buf_import() - have somebody else's dma-buf as a buffer
 * @provider: whose memory it is; the one called "host" for ordinary memory
 *	(udmabuf), and for memory of a device that is no provider
 * @fd: a descriptor of the dma-buf, open for reading and writing. It stays the
 *	caller's, who may close it at once
 *
 * All of the dma-buf is mapped and becomes the buffer. It can be registered by
 * the route P2PMR_ROUTE_DMABUF alone. @provider is taken at the caller's word:
 * it is what reasons speak of, and when it leaves, the buffer counts as revoked.
 *
 * Thread-safety: any thread.
 *
 * Return: the buffer, or NULL with errno
 *   EINVAL	@provider is NULL, @fd negative (BAD_ARGUMENT); @fd is no dma-buf
 *		(NOT_DMABUF)
 *   EBADF	@fd is not open (BAD_ARGUMENT)
 *   EACCES	@fd is not open for writing (NO_PERMISSION)
 *   ENOMEM	out of memory
 *   or what mmap() says: not every exporter lets the CPU at its memory (SYSTEM)
 */
struct p2pmr_buf *p2pmr_buf_import(struct p2pmr_provider *provider, int fd);

/**
 * p2pmr_buf_dmabuf() - the dma-buf that a buffer is
 * @buf: the buffer
 *
 * Pass it to another process by SCM_RIGHTS, say, where p2pmr_buf_import() takes
 * it, or to another driver. The memory stays as long as anybody has it.
 *
 * Return: its descriptor, which is the buffer's: dup() what is to outlive that.
 * -1 when the buffer is no dma-buf, which is not a failure.
 */
int p2pmr_buf_dmabuf(const struct p2pmr_buf *buf);

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
 * p2pmr_buf_is_revoked() - is the buffer known to have lost its memory?
 * @buf: the buffer
 *
 * From P2PMR_EVENT_LEAVING, or P2PMR_EVENT_LEFT, of its provider on, as soon as
 * p2pmr_events_next() has returned it: memory regions on the buffer are revoked
 * then, and an access by the CPU raises SIGBUS. It never gets its memory back;
 * free it and allocate another one when the provider has arrived again. Who reads
 * no events is told false for ever.
 *
 * An event counts for all buffers that are there when it is read. So read all that
 * there are (until -EAGAIN) before allocating anew: a buffer that is allocated with
 * an event of an earlier departure still unread counts as revoked from then on,
 * although it has its memory.
 *
 * Thread-safety: any thread.
 *
 * Return: true if so.
 */
bool p2pmr_buf_is_revoked(const struct p2pmr_buf *buf);

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
 * Return: the size in bytes: what was asked for, rounded up to whole pages of
 * the size that was asked for.
 */
size_t p2pmr_buf_size(const struct p2pmr_buf *buf);

/**
 * p2pmr_buf_provider() - where the buffer came from
 * @buf: the buffer
 *
 * Return: the provider. Never NULL.
 */
struct p2pmr_provider *p2pmr_buf_provider(const struct p2pmr_buf *buf);

/*
 * Access by the CPU. The four functions below are right on a device's BAR:
 * they access each byte of the range once and nothing outside of it, by
 * naturally aligned loads or stores of 8 bytes, and of 4, 2 and 1 byte at the
 * ends; they never read what they are to write.
 *
 * What it costs: the kernel maps peer memory uncached, so that each access is
 * a bus transaction: at most @len_bytes / 8 + 6 of them. A store is sent off; a
 * load waits for the device's answer before the next one starts. That is the
 * way to put in a header or to check a result. For bulk data use the drive's
 * own DMA or RDMA.
 *
 * On a buffer that is a dma-buf, each of them is two system calls more
 * (DMA_BUF_IOCTL_SYNC), by which its exporter makes what the CPU and what devices
 * see the same.
 */

/**
 * p2pmr_buf_write() - copy from ordinary memory into a buffer, by the CPU
 * @buf: the buffer
 * @offset: where in the buffer
 * @src: what to copy
 * @len_bytes: how much; 0 is allowed
 *
 * When it returns, the stores have left the CPU's write buffers; a device may
 * still see them only after it is told to look.
 *
 * Thread-safety: any thread; overlapping copies at the same time mix.
 *
 * Return: 0, or -EINVAL when a pointer is NULL or the range does not lie
 * within the buffer (OUT_OF_RANGE); -ENODEV when p2pmr_buf_is_revoked()
 * (PROVIDER_GONE), or a dma-buf has lost its memory. When the provider has left
 * and nobody has read that event yet, or leaves meanwhile, the kernel raises
 * SIGBUS.
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
 * Thread-safety: any thread.
 *
 * Return: 0, or -EINVAL or -ENODEV as for p2pmr_buf_write().
 */
int p2pmr_buf_read(const struct p2pmr_buf *buf, size_t offset, void *dst,
		   size_t len_bytes);

/**
 * p2pmr_buf_fill() - set bytes of a buffer to one value, by the CPU
 * @buf: the buffer
 * @offset: where in the buffer
 * @byte: the value
 * @len_bytes: how many; 0 is allowed
 *
 * As p2pmr_buf_write(), also as to when the stores are done.
 *
 * Thread-safety: any thread.
 *
 * Return: 0, or -EINVAL or -ENODEV as for p2pmr_buf_write().
 */
int p2pmr_buf_fill(struct p2pmr_buf *buf, size_t offset, unsigned char byte,
		   size_t len_bytes);

/**
 * p2pmr_buf_compare() - compare a buffer with ordinary memory, by the CPU
 * @buf: the buffer
 * @offset: where in the buffer
 * @with: what to compare it with
 * @len_bytes: how much; 0 is allowed
 * @first_difference: set to where the first byte that differs is, counted
 *	from @offset in bytes; to @len_bytes when all are equal
 *
 * Reads no further than to the first difference. That the bytes differ is no
 * failure: look at @first_difference, not at what is returned.
 *
 * Thread-safety: any thread.
 *
 * Return: 0, or -EINVAL or -ENODEV as for p2pmr_buf_write(); then
 * @first_difference means nothing.
 */
int p2pmr_buf_compare(const struct p2pmr_buf *buf, size_t offset,
		      const void *with, size_t len_bytes,
		      size_t *first_difference);

#ifdef __cplusplus
}
#endif

#endif
