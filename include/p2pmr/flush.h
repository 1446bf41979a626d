/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_FLUSH_H
#define P2PMR_FLUSH_H

#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A completion says that data was sent on its way into peer memory, not that it
 * is there: the completion lies in host memory, and the data goes to another
 * device on another way. A CPU does not notice, as its own reads of that memory
 * push the data on; a drive that is told to write out what has arrived does.
 * What the same RDMA device reads there comes after all that it wrote there (PCI
 * Express Base Specification, transaction ordering: a read does not pass
 * posted writes). So a read by that device is what flushes, from either end:
 *
 * - who received it, by a send or by the other side's RDMA write: p2pmr_flush()
 * - who wrote it, before telling the other side: p2pmr_flush_post()
 */
struct p2pmr_flush;

/**
 * struct p2pmr_flush_opts - options of p2pmr_flush_create()
 * @sz: sizeof(struct p2pmr_flush_opts)
 * @gid_index: index in the port's GID table, plus 1; 0: the first RoCE v2 one
 * @port_num: port of the RDMA device; 0: port 1
 */
struct p2pmr_flush_opts {
	size_t sz;
	uint32_t gid_index;
	uint32_t port_num;
};

/**
 * p2pmr_flush_create() - be able to flush what an RDMA device wrote
 * @pd: protection domain of the memory regions that are to be flushed
 * @opts: options, or NULL
 *
 * Makes a queue pair that is connected to itself. It and the result go before
 * @pd does.
 *
 * Thread-safety: any thread.
 *
 * Return: the result, or NULL with errno EINVAL, ENOMEM, ENODEV (the port has
 * no usable address: is it up?), or the error of the verb that failed.
 */
struct p2pmr_flush *p2pmr_flush_create(struct ibv_pd *pd,
				       const struct p2pmr_flush_opts *opts);

/**
 * p2pmr_flush() - have all that has arrived in a region be where it belongs
 * @flush: what p2pmr_flush_create() returned
 * @mr: the region; registered with IBV_ACCESS_REMOTE_READ
 * @addr: start of what has arrived
 * @len_bytes: length of what has arrived; at least 1
 *
 * To be called after the completion, on the side where the memory is. When it
 * returns 0, other devices see the data. Waits for the RDMA device, which takes
 * as long as a read of one byte over its loopback.
 *
 * Thread-safety: one thread at a time for each @flush.
 *
 * Return: 0; -EINVAL (NULL, or a range that does not lie in the region:
 * OUT_OF_RANGE); -EIO (reason FLUSH_FAILED): the region cannot be read, because
 * it was registered without the flag, or has been revoked, or the RDMA device
 * answered nothing for a minute; or the negative error of the verb that failed.
 * @flush can be used on.
 */
int p2pmr_flush(struct p2pmr_flush *flush, const struct ibv_mr *mr,
		const void *addr, size_t len_bytes);

/**
 * p2pmr_flush_destroy() - end what p2pmr_flush_create() made
 * @flush: or NULL
 *
 * Thread-safety: no other thread may use it any more.
 */
void p2pmr_flush_destroy(struct p2pmr_flush *flush);

/**
 * p2pmr_flush_post() - flush what was written to the other side
 * @qp: the queue pair that the RDMA writes were posted to; connected (RC)
 * @wr_id: of the completion, which is a signalled one of IBV_WC_RDMA_READ
 * @scratch: host memory of this side, at least 1 byte, in a region with
 *	IBV_ACCESS_LOCAL_WRITE
 * @remote_addr: start of what was written
 * @len_bytes: its length; at least 1
 * @rkey: key of the other side's region, which allows remote reads
 *
 * Posts an RDMA read of the last byte. When it has completed, all that was
 * posted to @qp before is where it belongs, and the other side may be told.
 *
 * Thread-safety: as ibv_post_send().
 *
 * Return: 0, -EINVAL, or the error of ibv_post_send() (-ENOMEM: the send queue
 * is full).
 */
int p2pmr_flush_post(struct ibv_qp *qp, uint64_t wr_id,
		     const struct ibv_sge *scratch, uint64_t remote_addr,
		     size_t len_bytes, uint32_t rkey);

#ifdef __cplusplus
}
#endif

#endif
