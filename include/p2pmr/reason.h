/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_REASON_H
#define P2PMR_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Why something failed. Each thread has one reason: that of its last failed
 * call. A call that succeeds leaves it alone, as it does errno.
 */

/**
 * enum p2pmr_reason - stable codes; a code never changes its meaning
 * @P2PMR_REASON_NONE: nothing has failed yet
 * @P2PMR_REASON_BAD_ARGUMENT: a NULL, zero or malformed argument
 * @P2PMR_REASON_BAD_OPTIONS: an option struct too short, or with unknown bytes
 * @P2PMR_REASON_OUT_OF_MEMORY: the process or the kernel has no memory left
 * @P2PMR_REASON_SYSTEM: an error of the system that has no code of its own;
 *	the text names call and errno
 * @P2PMR_REASON_NO_PROVIDER: no provider of that name
 * @P2PMR_REASON_PROVIDER_GONE: the provider was there and has left
 * @P2PMR_REASON_NO_PERMISSION: the provider's file may not be opened
 * @P2PMR_REASON_KERNEL_NO_P2PDMA: nothing of this machine offers peer memory: the
 *	kernel was built without PCI_P2PDMA, or no drive has a CMB that it takes;
 *	sysfs does not tell which
 * @P2PMR_REASON_POOL_EXHAUSTED: the provider has no such piece left
 * @P2PMR_REASON_TOO_LARGE: more than the provider has in all
 * @P2PMR_REASON_OUT_OF_RANGE: a range that does not lie within its buffer
 * @P2PMR_REASON_NOT_MAPPED: part of the range is not mapped
 * @P2PMR_REASON_KERNEL_NO_PIN: this kernel cannot pin peer memory for RDMA
 * @P2PMR_REASON_DEVICE_NO_OPTIN: this RDMA driver takes no peer memory
 * @P2PMR_REASON_PATH_NONE: the RDMA device cannot reach the provider
 * @P2PMR_REASON_MEMLOCK: RLIMIT_MEMLOCK is too small
 * @P2PMR_REASON_BAD_ACCESS: access flags that do not go together or with
 *	the mapping (write access to a read-only mapping)
 * @P2PMR_REASON_NO_RDMA_DEVICE: no RDMA device of that name
 * @P2PMR_REASON_NO_CHOICE: no provider that an RDMA device can reach is large
 *	enough
 * @P2PMR_REASON_ARENA_EXHAUSTED: the arena has no such piece left
 * @P2PMR_REASON_NOT_ALLOCATED: a pointer that is not the start of a piece in
 *	use of its arena
 * @P2PMR_REASON_FORKED: it was made before fork(), by a parent, and verbs
 *	objects do not survive that
 * @P2PMR_REASON_IN_USE: some of what was to end is still in use
 * @P2PMR_REASON_NOT_NVME: asked of an NVMe drive, but the provider is none
 * @P2PMR_REASON_NO_HUGE_PAGES: huge pages of that size are not reserved, or
 *	there are none at all in this kernel or memory
 * @P2PMR_REASON_FLUSH_FAILED: what has arrived could not be read back
 * @P2PMR_REASON_NO_PEER_ATOMICS: atomic operations of this RDMA device do not work on
 *	the provider's memory
 * @P2PMR_REASON_KERNEL_NO_DMABUF: this kernel does not export peer memory as dma-bufs
 * @P2PMR_REASON_DEVICE_NO_DMABUF: this RDMA device does not import dma-bufs
 * @P2PMR_REASON_DEVICE_NO_REVOKE: this RDMA driver imports dma-bufs, but cannot give
 *	them back
 * @P2PMR_REASON_NOT_DMABUF: it is no dma-buf
 * @P2PMR_REASON_KERNEL_NO_CDEV: this kernel does not map a drive's memory through
 *	the drive's own device
 */
enum p2pmr_reason {
	P2PMR_REASON_NONE = 0,
	P2PMR_REASON_BAD_ARGUMENT = 1,
	P2PMR_REASON_BAD_OPTIONS = 2,
	P2PMR_REASON_OUT_OF_MEMORY = 3,
	P2PMR_REASON_SYSTEM = 4,
	P2PMR_REASON_NO_PROVIDER = 5,
	P2PMR_REASON_PROVIDER_GONE = 6,
	P2PMR_REASON_NO_PERMISSION = 7,
	P2PMR_REASON_KERNEL_NO_P2PDMA = 8,
	P2PMR_REASON_POOL_EXHAUSTED = 9,
	P2PMR_REASON_TOO_LARGE = 10,
	P2PMR_REASON_OUT_OF_RANGE = 11,
	P2PMR_REASON_NOT_MAPPED = 12,
	P2PMR_REASON_KERNEL_NO_PIN = 13,
	P2PMR_REASON_DEVICE_NO_OPTIN = 14,
	P2PMR_REASON_PATH_NONE = 15,
	P2PMR_REASON_MEMLOCK = 16,
	P2PMR_REASON_BAD_ACCESS = 17,
	P2PMR_REASON_NO_RDMA_DEVICE = 18,
	P2PMR_REASON_NO_CHOICE = 19,
	P2PMR_REASON_ARENA_EXHAUSTED = 20,
	P2PMR_REASON_NOT_ALLOCATED = 21,
	P2PMR_REASON_FORKED = 22,
	P2PMR_REASON_IN_USE = 23,
	P2PMR_REASON_NOT_NVME = 24,
	P2PMR_REASON_NO_HUGE_PAGES = 25,
	P2PMR_REASON_FLUSH_FAILED = 26,
	P2PMR_REASON_NO_PEER_ATOMICS = 27,
	P2PMR_REASON_KERNEL_NO_DMABUF = 28,
	P2PMR_REASON_DEVICE_NO_DMABUF = 29,
	P2PMR_REASON_DEVICE_NO_REVOKE = 30,
	P2PMR_REASON_NOT_DMABUF = 31,
	P2PMR_REASON_KERNEL_NO_CDEV = 32,
};

/**
 * p2pmr_reason_code() - why the calling thread's last failed call failed
 *
 * Return: the code; P2PMR_REASON_NONE when nothing has failed yet.
 */
enum p2pmr_reason p2pmr_reason_code(void);

/**
 * p2pmr_reason_errno() - the errno value that goes with the reason
 *
 * Return: a positive errno value; 0 when nothing has failed yet.
 */
int p2pmr_reason_errno(void);

/**
 * p2pmr_reason_text() - one sentence: what happened, and why
 *
 * Names the objects and numbers involved. For people; it may be reworded in
 * any release.
 *
 * Return: a string that stays valid until the thread's next failed call.
 * Never NULL.
 */
const char *p2pmr_reason_text(void);

/**
 * p2pmr_reason_remedy() - one sentence: what to do about it
 *
 * Return: as p2pmr_reason_text().
 */
const char *p2pmr_reason_remedy(void);

/**
 * p2pmr_reason_name() - a code as a word
 * @reason: the code
 *
 * Return: the name without prefix, for example "KERNEL_NO_PIN"; "UNKNOWN" for
 * a code that this version does not know. Never NULL.
 */
const char *p2pmr_reason_name(enum p2pmr_reason reason);

#ifdef __cplusplus
}
#endif

#endif
