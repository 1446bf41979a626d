/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_MR_H
#define P2PMR_MR_H

#include <stddef.h>

#include <infiniband/verbs.h>

#include <p2pmr/buffer.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum p2pmr_route - how memory became a memory region
 * @P2PMR_ROUTE_NONE: it did not
 * @P2PMR_ROUTE_UMEM: ibv_reg_mr() pinned the peer memory itself
 * @P2PMR_ROUTE_DMABUF: ibv_reg_dmabuf_mr() imported it
 * @P2PMR_ROUTE_HOST: it is host memory, pinned by ibv_reg_mr()
 */
enum p2pmr_route {
	P2PMR_ROUTE_NONE = 0,
	P2PMR_ROUTE_UMEM = 1,
	P2PMR_ROUTE_DMABUF = 2,
	P2PMR_ROUTE_HOST = 3,
};

/**
 * p2pmr_route_name() - a route as a word
 * @route: the route
 *
 * Return: "none", "umem", "dmabuf" or "host"; "unknown" for anything else.
 */
const char *p2pmr_route_name(enum p2pmr_route route);

/**
 * p2pmr_reg_mr() - register a whole buffer as a memory region
 * @pd: the protection domain
 * @buf: the buffer
 * @access: IBV_ACCESS_* flags, as for ibv_reg_mr()
 * @route: set to the route that was taken, to P2PMR_ROUTE_NONE on failure;
 *	may be NULL
 *
 * The result is an ordinary memory region: use it with any verb and end it
 * with ibv_dereg_mr(). Never falls back to other memory. A buffer that is a
 * dma-buf may be registered as one: see p2pmr_reg_mr_opts().
 *
 * Thread-safety: any thread.
 *
 * Return: the memory region, or NULL with errno and a reason that tells the
 * cases apart:
 *   EINVAL	bad arguments or access flags
 *   EFAULT	the kernel cannot pin peer memory (KERNEL_NO_PIN)
 *   EOPNOTSUPP	the RDMA device's driver did not opt in (DEVICE_NO_OPTIN), or
 *		atomics do not work there (NO_PEER_ATOMICS)
 *   EREMOTEIO	the RDMA device cannot reach the provider (PATH_NONE), or the
 *		kernel cannot pin peer memory (KERNEL_NO_PIN)
 *   ENOMEM	RLIMIT_MEMLOCK (MEMLOCK), or the kernel is out of memory
 *   ENODEV	the provider is gone (PROVIDER_GONE)
 */
struct ibv_mr *p2pmr_reg_mr(struct ibv_pd *pd, struct p2pmr_buf *buf,
			    int access, enum p2pmr_route *route);

/**
 * struct p2pmr_reg_opts - options of p2pmr_reg_mr_opts()
 * @sz: sizeof(struct p2pmr_reg_opts)
 * @route: the route to take, P2PMR_ROUTE_UMEM or P2PMR_ROUTE_DMABUF;
 *	P2PMR_ROUTE_NONE: whichever works
 * @reserved: 0
 */
struct p2pmr_reg_opts {
	size_t sz;
	enum p2pmr_route route;
	unsigned int reserved;
};

/**
 * p2pmr_reg_mr_opts() - register a whole buffer, with options
 * @pd: the protection domain
 * @buf: the buffer
 * @access: IBV_ACCESS_* flags, as for ibv_reg_mr()
 * @opts: options, or NULL
 * @route: as for p2pmr_reg_mr()
 *
 * As p2pmr_reg_mr(), which takes the route that works: ibv_reg_mr() first, and
 * if the kernel or the RDMA device's driver cannot pin peer memory,
 * ibv_reg_dmabuf_mr(), provided that the buffer is a dma-buf (p2pmr_buf_dmabuf()).
 * A dma-buf of p2pmr_buf_import() is always taken by ibv_reg_dmabuf_mr().
 *
 * By either route, addresses in the region are those of the buffer.
 *
 * Thread-safety: any thread.
 *
 * Return: as p2pmr_reg_mr(); also NULL with errno
 *   EINVAL	bad options (BAD_OPTIONS); another route than these (BAD_ARGUMENT);
 *		the route P2PMR_ROUTE_DMABUF for a buffer that is none, or
 *		P2PMR_ROUTE_UMEM for one that was imported (NOT_DMABUF)
 * and by the route P2PMR_ROUTE_DMABUF
 *   EOPNOTSUPP	the RDMA device does not import dma-bufs (DEVICE_NO_DMABUF), or
 *		cannot give them back (DEVICE_NO_REVOKE)
 *   EREMOTEIO	the RDMA device cannot reach the memory (PATH_NONE)
 *   ENODEV	the provider is gone (PROVIDER_GONE)
 */
struct ibv_mr *p2pmr_reg_mr_opts(struct ibv_pd *pd, struct p2pmr_buf *buf,
				 int access, const struct p2pmr_reg_opts *opts,
				 enum p2pmr_route *route);

/**
 * p2pmr_reg_addr() - register any range of memory, with a reason on failure
 * @pd: the protection domain
 * @addr: start of the range
 * @len_bytes: length of the range
 * @access: IBV_ACCESS_* flags
 * @route: as for p2pmr_reg_mr()
 *
 * For memory that did not come from p2pmr_buf_alloc(): a part of a buffer, a
 * mapping of p2pmem/allocate that the application made itself, a range that
 * is half peer memory and half host memory. The route is P2PMR_ROUTE_UMEM
 * when any page of the range is peer memory. That goes for mappings of dma-bufs
 * as well: ibv_reg_mr() takes those of peer memory alone.
 *
 * Thread-safety: any thread.
 *
 * Return: as p2pmr_reg_mr(); also errno EFAULT with reason NOT_MAPPED when
 * part of the range is not mapped.
 */
struct ibv_mr *p2pmr_reg_addr(struct ibv_pd *pd, void *addr, size_t len_bytes,
			      int access, enum p2pmr_route *route);

/*
 * What an RDMA device says about peer memory; bits of p2pmr_device_caps().
 * Whether it reaches a given provider is another question.
 *
 * P2PMR_CAP_PEER_MR: memory regions may be on peer memory, which is taken back
 *	when the provider leaves
 * P2PMR_CAP_PEER_ATOMIC: atomic operations work there. They are atomic as far
 *	as the device's atomic_cap says, never against the provider's own accesses
 */
#define P2PMR_CAP_PEER_MR 1u
#define P2PMR_CAP_PEER_ATOMIC 2u

/**
 * p2pmr_device_caps() - what an RDMA device says about peer memory
 * @verbs: the opened device
 * @caps: set to P2PMR_CAP_* bits
 *
 * Asks the driver (Linux with the p2p series: IB_UVERBS_DEVICE_PEER_MR and
 * IB_UVERBS_DEVICE_PEER_ATOMIC, shown by ibv_query_device_ex()). On a kernel
 * without that question no bit is set, which then means nothing: dma-bufs may
 * work there.
 *
 * Thread-safety: any thread.
 *
 * Return: 0; -EINVAL; or the error of ibv_query_device_ex().
 */
int p2pmr_device_caps(struct ibv_context *verbs, unsigned int *caps);

#ifdef __cplusplus
}
#endif

#endif
