// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory regions: what the RDMA core pins and maps, as extents of DMA addresses,
 * good until the memory is taken back.
 */
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>
#include "edu_rdma.h"

#define EDU_ACCESS	(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE | \
			 IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_ATOMIC | \
			 IB_ACCESS_OPTIONAL)

bool edu_pins = true;
module_param_named(pin, edu_pins, bool, 0644);
MODULE_PARM_DESC(pin, "Take peer memory in regions of user memory");

static bool edu_revokes = true;
module_param_named(revoke, edu_revokes, bool, 0644);
MODULE_PARM_DESC(revoke, "Be able to give dma-bufs back");

/*
 * The engine works with the lock held, and looks at the region when it has it:
 * who gets the lock after it finds it idle, and the region untouched from now on.
 */
static void edu_mr_invalidate(void *priv)
{
	struct edu_mr *mr = priv;
	struct edu_dev *dev = to_edu_dev(mr->ib.device);

	mutex_lock(&dev->lock);
	mr->revoked = true;
	mutex_unlock(&dev->lock);
}

static const struct ib_umem_revoke_ops edu_mr_revoke_ops = {
	.invalidate = edu_mr_invalidate,
};

static int edu_mr_fill(struct edu_mr *mr)
{
	struct sg_table *sgt = &mr->umem->sgt_append.sgt;
	struct edu_extent *extent;
	struct scatterlist *sg;
	int i;

	mr->extents = kvcalloc(sgt->nents, sizeof(*mr->extents), GFP_KERNEL);
	if (!mr->extents)
		return -ENOMEM;

	extent = mr->extents;
	for_each_sgtable_dma_sg(sgt, sg, i) {
		extent->addr = sg_dma_address(sg);
		extent->len = sg_dma_len(sg);
		extent->bus = sg_dma_is_bus_address(sg);
		extent++;
	}

	mr->nr_extents = sgt->nents;
	mr->offset = ib_umem_offset(mr->umem);
	return 0;
}

/*
 * Would an AtomicOp of the device get there, and be done there? The memory's
 * device has to say that it completes them, and a switch that it passes them on.
 * PCI looks at the way up to the root port, which says no for edu: it is no PCIe
 * device, and sends none.
 */
static int edu_check_atomics(struct edu_dev *dev, struct ib_umem *umem)
{
	struct pci_dev *provider;
	struct scatterlist *sg;
	u32 cap;
	int i;

	/* its pages are not for importers to look at */
	if (umem->is_dmabuf)
		return -EOPNOTSUPP;

	for_each_sgtable_sg(&umem->sgt_append.sgt, sg, i) {
		provider = pci_p2pdma_page_provider(sg_page(sg));
		if (!provider)
			continue;
		pcie_capability_read_dword(provider, PCI_EXP_DEVCAP2, &cap);
		if (!(cap & PCI_EXP_DEVCAP2_ATOMIC_COMP64)) {
			ibdev_dbg(&dev->ib, "%s completes no AtomicOps\n",
				  pci_name(provider));
			return -EOPNOTSUPP;
		}
	}

	if (pci_enable_atomic_ops_to_root(dev->pdev,
					  PCI_EXP_DEVCAP2_ATOMIC_COMP64)) {
		ibdev_dbg(&dev->ib, "no AtomicOps on the way to the root\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* With the umem locked; it is released if this fails */
static struct ib_mr *edu_mr_create(struct ib_pd *pd, struct ib_umem *umem,
				   u64 length, u64 iova, int access)
{
	struct edu_dev *dev = to_edu_dev(pd->device);
	struct edu_mr *mr;
	int ret = 0;

	if (access & IB_ACCESS_REMOTE_ATOMIC)
		ret = edu_check_atomics(dev, umem);
	if (ret)
		goto err_umem;

	ret = -ENOMEM;
	mr = kzalloc(sizeof(*mr), GFP_KERNEL);
	if (!mr)
		goto err_umem;

	mr->ib.device = pd->device;
	mr->ib.pd = pd;
	mr->ib.type = IB_MR_TYPE_USER;
	mr->umem = umem;
	mr->iova = iova;
	mr->length = length;
	mr->access = access;

	ret = edu_mr_fill(mr);
	if (ret)
		goto err_free;

	ret = xa_alloc(&dev->mrs, &mr->index, mr,
		       XA_LIMIT(1, EDU_MAX_MR), GFP_KERNEL);
	if (ret)
		goto err_extents;

	/* the lower part tells a region from the next one of the same index */
	mr->ib.lkey = mr->index << 8 | (get_random_u32() & 0xff);
	mr->ib.rkey = mr->ib.lkey;
	ib_umem_revoke_unlock(umem, mr);
	return &mr->ib;

err_extents:
	kvfree(mr->extents);
err_free:
	kfree(mr);
err_umem:
	ib_umem_revoke_unlock(umem, NULL);
	ib_umem_release(umem);
	return ERR_PTR(ret);
}

struct ib_mr *edu_reg_user_mr(struct ib_pd *pd, u64 start, u64 length, u64 iova,
			      int access, struct ib_udata *udata)
{
	struct ib_umem *umem;

	if (access & ~EDU_ACCESS)
		return ERR_PTR(-EOPNOTSUPP);

	if (edu_pins)
		umem = ib_umem_get_revocable_and_lock(pd->device, start, length,
						      access, &edu_mr_revoke_ops);
	else
		umem = ib_umem_get(pd->device, start, length, access);
	if (IS_ERR(umem))
		return ERR_CAST(umem);

	return edu_mr_create(pd, umem, length, iova, access);
}

struct ib_mr *edu_reg_user_mr_dmabuf(struct ib_pd *pd, u64 offset, u64 length,
				     u64 iova, int fd, int access,
				     struct uverbs_attr_bundle *attrs)
{
	const struct ib_umem_revoke_ops *ops = &edu_mr_revoke_ops;
	struct ib_umem_dmabuf *umem_dmabuf;
	struct ib_device *dev = pd->device;

	if (access & ~EDU_ACCESS)
		return ERR_PTR(-EOPNOTSUPP);

	if (edu_revokes)
		umem_dmabuf = ib_umem_dmabuf_get_pinned_revocable_and_lock(dev, offset,
									   length, fd,
									   access, ops);
	else
		umem_dmabuf = ib_umem_dmabuf_get_pinned(dev, offset, length, fd,
							access);
	if (IS_ERR(umem_dmabuf))
		return ERR_CAST(umem_dmabuf);

	return edu_mr_create(pd, &umem_dmabuf->umem, length, iova, access);
}

int edu_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata)
{
	struct edu_dev *dev = to_edu_dev(ibmr->device);
	struct edu_mr *mr = to_edu_mr(ibmr);

	mutex_lock(&dev->lock);
	xa_erase(&dev->mrs, mr->index);
	mutex_unlock(&dev->lock);

	ib_umem_release(mr->umem);
	kvfree(mr->extents);
	kfree(mr);
	return 0;
}

/*
 * May this be done to that place? If so, *addr is its DMA address, and
 * place->len no longer than the extent goes on from there.
 */
int edu_mr_find(struct edu_dev *dev, struct ib_pd *pd, int access,
		struct edu_place *place, dma_addr_t *addr)
{
	struct edu_mr *mr = xa_load(&dev->mrs, place->key >> 8);
	struct edu_extent *extent;
	u64 begin, end, at;

	lockdep_assert_held(&dev->lock);
	if (!mr || mr->ib.lkey != place->key || mr->ib.pd != pd)
		return -EACCES;
	if (mr->revoked || (access & ~mr->access))
		return -EACCES;
	if (check_sub_overflow(place->addr, mr->iova, &begin) ||
	    check_add_overflow(begin, place->len, &end) || end > mr->length)
		return -EACCES;

	at = mr->offset + begin;
	for (extent = mr->extents; extent < mr->extents + mr->nr_extents;
	     extent++) {
		if (at < extent->len) {
			*addr = extent->addr + at;
			place->len = min(place->len, extent->len - at);
			return 0;
		}
		at -= extent->len;
	}
	return -EACCES;
}
