/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's "edu" PCI device as an RDMA device: what a memory region's DMA
 * addresses are worth is shown by a device that has nothing but those. Queue
 * pairs connect to queue pairs of the same device; everything they move goes
 * through the device's DMA engine, into its buffer and out again.
 */
#ifndef EDU_RDMA_H
#define EDU_RDMA_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>

#define EDU_MAX_WR	4096
#define EDU_MAX_SGE	4
#define EDU_MAX_CQE	4096
#define EDU_MAX_QP	1024
#define EDU_MAX_MR	SZ_64K

/* As much as QEMU 7.2 moves at once: one byte more, and it gives up */
#define EDU_ENGINE_MAX	4095

/**
 * struct edu_dev - an edu device
 * @ib: as the RDMA core knows it
 * @pdev: as PCI knows it
 * @regs: BAR 0
 * @lock: the engine's, and of all that it looks at: regions, queue pairs, their
 *	queues. Held for one step at a time, that is for two transfers at most.
 * @transferred: the engine has interrupted
 * @broken: it has not, when it should have; nothing more is asked of it
 * @mrs: regions by the upper part of their keys
 * @qps: queue pairs by number
 * @wq: runs @work
 * @work: goes on where there is something to do
 * @debugfs: the device's directory
 */
struct edu_dev {
	struct ib_device ib;
	struct pci_dev *pdev;
	void __iomem *regs;
	struct mutex lock; /* see above */
	struct completion transferred;
	bool broken;
	struct xarray mrs;
	struct xarray qps;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct dentry *debugfs;
};

struct edu_pd {
	struct ib_pd ib;
};

struct edu_ucontext {
	struct ib_ucontext ib;
};

/**
 * struct edu_extent - a range of a region that is one for the engine
 * @addr: DMA address
 * @len: bytes
 * @bus: @addr is on the PCI bus as it is: no host bridge, no IOMMU
 */
struct edu_extent {
	dma_addr_t addr;
	u64 len;
	bool bus;
};

/**
 * struct edu_mr - a memory region
 * @ib: as the RDMA core knows it
 * @index: in &struct edu_dev.mrs
 * @umem: its memory
 * @iova: what work requests call its first byte
 * @length: bytes
 * @access: what may be done to it
 * @offset: of the first byte in @extents
 * @nr_extents: how many
 * @extents: where it is
 * @revoked: the memory has been taken back
 */
struct edu_mr {
	struct ib_mr ib;
	u32 index;
	struct ib_umem *umem;
	u64 iova;
	u64 length;
	int access;
	u64 offset;
	unsigned int nr_extents;
	struct edu_extent *extents;
	bool revoked;
};

/**
 * struct edu_place - where the engine reads or writes next
 * @key: the region's
 * @addr: an address in it
 * @len: how many bytes there are from there on
 */
struct edu_place {
	u32 key;
	u64 addr;
	u64 len;
};

struct edu_cq {
	struct ib_cq ib;
	spinlock_t lock; /* all below */
	struct ib_wc *wcs; /* a ring of ib.cqe entries */
	unsigned int first, count;
	enum ib_cq_notify_flags notify;
	bool overrun;
};

/* A work request in a queue */
struct edu_wr {
	struct list_head entry;
	u64 id;
	enum ib_wr_opcode opcode;
	int flags;
	__be32 imm;
	u32 rkey;
	u64 remote_addr;
	u64 total; /* bytes */
	u64 done; /* bytes */
	int num_sge;
	struct ib_sge sge[EDU_MAX_SGE];
};

struct edu_qp {
	struct ib_qp ib;
	struct ib_qp_init_attr init;
	struct ib_qp_attr attr;
	enum ib_qp_state state;
	spinlock_t queues; /* both of them */
	struct list_head sq, rq;
	u32 sq_len, rq_len;
};

static inline struct edu_dev *to_edu_dev(struct ib_device *ib)
{
	return container_of(ib, struct edu_dev, ib);
}

static inline struct edu_mr *to_edu_mr(struct ib_mr *ib)
{
	return container_of(ib, struct edu_mr, ib);
}

static inline struct edu_cq *to_edu_cq(struct ib_cq *ib)
{
	return container_of(ib, struct edu_cq, ib);
}

static inline struct edu_qp *to_edu_qp(struct ib_qp *ib)
{
	return container_of(ib, struct edu_qp, ib);
}

/* engine.c */
int edu_engine_init(struct edu_dev *dev);
void edu_engine_exit(struct edu_dev *dev);
int edu_engine_copy(struct edu_dev *dev, dma_addr_t dst, dma_addr_t src,
		    u32 len);

/* mr.c */
extern bool edu_pins; /* peer memory, in regions of user memory */
struct ib_mr *edu_reg_user_mr(struct ib_pd *pd, u64 start, u64 length, u64 iova,
			      int access, struct ib_udata *udata);
struct ib_mr *edu_reg_user_mr_dmabuf(struct ib_pd *pd, u64 offset, u64 length,
				     u64 iova, int fd, int access,
				     struct uverbs_attr_bundle *attrs);
int edu_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata);
int edu_mr_find(struct edu_dev *dev, struct ib_pd *pd, int access,
		struct edu_place *place, dma_addr_t *addr);

/* cq.c */
int edu_create_cq(struct ib_cq *ibcq, const struct ib_cq_init_attr *attr,
		  struct uverbs_attr_bundle *attrs);
int edu_destroy_cq(struct ib_cq *ibcq, struct ib_udata *udata);
int edu_poll_cq(struct ib_cq *ibcq, int n, struct ib_wc *wc);
int edu_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags);
void edu_cq_add(struct ib_cq *ibcq, const struct ib_wc *wc, bool solicited);
void edu_cq_forget(struct ib_cq *ibcq, struct ib_qp *qp);

/* qp.c */
int edu_create_qp(struct ib_qp *ibqp, struct ib_qp_init_attr *init,
		  struct ib_udata *udata);
int edu_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		  struct ib_udata *udata);
int edu_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		 struct ib_qp_init_attr *init);
int edu_destroy_qp(struct ib_qp *ibqp, struct ib_udata *udata);
int edu_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
		  const struct ib_send_wr **bad);
int edu_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
		  const struct ib_recv_wr **bad);
void edu_work(struct work_struct *work);

/* regions.c */
void edu_regions_show(struct edu_dev *dev);
void edu_regions_hide(struct edu_dev *dev);

#endif
