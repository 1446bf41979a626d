// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI driver, and what the RDMA core asks of a device
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <rdma/uverbs_ioctl.h>
#include "edu_rdma.h"

#define EDU_ABI_VERSION	1
#define EDU_LID		1

static int edu_query_device(struct ib_device *ibdev,
			    struct ib_device_attr *attr, struct ib_udata *udata)
{
	struct edu_dev *dev = to_edu_dev(ibdev);

	attr->sys_image_guid = ibdev->node_guid;
	attr->vendor_id = dev->pdev->vendor;
	attr->vendor_part_id = dev->pdev->device;
	attr->hw_ver = dev->pdev->revision;
	attr->max_mr_size = U64_MAX;
	attr->page_size_cap = PAGE_SIZE;
	attr->max_qp = EDU_MAX_QP;
	attr->max_qp_wr = EDU_MAX_WR;
	attr->max_send_sge = EDU_MAX_SGE;
	attr->max_recv_sge = EDU_MAX_SGE;
	attr->max_cq = INT_MAX;
	attr->max_cqe = EDU_MAX_CQE;
	attr->max_mr = EDU_MAX_MR;
	attr->max_pd = INT_MAX;
	attr->max_qp_rd_atom = 1;
	attr->max_qp_init_rd_atom = 1;
	attr->max_pkeys = 1;
	attr->atomic_cap = IB_ATOMIC_NONE;
	attr->device_cap_flags = edu_pins ? IB_DEVICE_PEER_MR : 0;
	return 0;
}

static int edu_query_port(struct ib_device *ibdev, u32 port,
			  struct ib_port_attr *attr)
{
	attr->state = IB_PORT_ACTIVE;
	attr->phys_state = IB_PORT_PHYS_STATE_LINK_UP;
	attr->max_mtu = IB_MTU_4096;
	attr->active_mtu = IB_MTU_4096;
	attr->active_width = IB_WIDTH_1X;
	attr->active_speed = IB_SPEED_SDR;
	attr->gid_tbl_len = 1;
	attr->pkey_tbl_len = 1;
	attr->max_msg_sz = SZ_1G;
	attr->lid = EDU_LID;
	return 0;
}

/* As InfiniBand does it, but with no one to manage it, and no one to connect to */
static int edu_get_port_immutable(struct ib_device *ibdev, u32 port,
				  struct ib_port_immutable *immutable)
{
	immutable->gid_tbl_len = 1;
	immutable->pkey_tbl_len = 1;
	immutable->core_cap_flags = RDMA_CORE_CAP_PROT_IB;
	return 0;
}

static int edu_query_gid(struct ib_device *ibdev, u32 port, int index,
			 union ib_gid *gid)
{
	gid->global.subnet_prefix = cpu_to_be64(0xfe80000000000000ULL);
	gid->global.interface_id = ibdev->node_guid;
	return 0;
}

static int edu_query_pkey(struct ib_device *ibdev, u32 port, u16 index,
			  u16 *pkey)
{
	*pkey = 0xffff;
	return 0;
}

static int edu_alloc_ucontext(struct ib_ucontext *context,
			      struct ib_udata *udata)
{
	return 0;
}

static void edu_dealloc_ucontext(struct ib_ucontext *context)
{
}

/* User space has mapped nothing of the device: it may go at any time */
static void edu_disassociate_ucontext(struct ib_ucontext *context)
{
}

static int edu_alloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}

static int edu_dealloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}

static const struct ib_device_ops edu_ops = {
	.owner = THIS_MODULE,
	.driver_id = RDMA_DRIVER_UNKNOWN,
	.uverbs_abi_ver = EDU_ABI_VERSION,

	.alloc_pd = edu_alloc_pd,
	.alloc_ucontext = edu_alloc_ucontext,
	.create_cq = edu_create_cq,
	.create_qp = edu_create_qp,
	.dealloc_pd = edu_dealloc_pd,
	.dealloc_ucontext = edu_dealloc_ucontext,
	.dereg_mr = edu_dereg_mr,
	.destroy_cq = edu_destroy_cq,
	.destroy_qp = edu_destroy_qp,
	.disassociate_ucontext = edu_disassociate_ucontext,
	.get_port_immutable = edu_get_port_immutable,
	.modify_qp = edu_modify_qp,
	.poll_cq = edu_poll_cq,
	.post_recv = edu_post_recv,
	.post_send = edu_post_send,
	.query_device = edu_query_device,
	.query_gid = edu_query_gid,
	.query_pkey = edu_query_pkey,
	.query_port = edu_query_port,
	.query_qp = edu_query_qp,
	.reg_user_mr = edu_reg_user_mr,
	.reg_user_mr_dmabuf = edu_reg_user_mr_dmabuf,
	.req_notify_cq = edu_req_notify_cq,

	INIT_RDMA_OBJ_SIZE(ib_cq, edu_cq, ib),
	INIT_RDMA_OBJ_SIZE(ib_pd, edu_pd, ib),
	INIT_RDMA_OBJ_SIZE(ib_qp, edu_qp, ib),
	INIT_RDMA_OBJ_SIZE(ib_ucontext, edu_ucontext, ib),
};

static int edu_register(struct edu_dev *dev)
{
	struct ib_device *ib = &dev->ib;

	ib->node_type = RDMA_NODE_IB_CA;
	ib->phys_port_cnt = 1;
	ib->num_comp_vectors = 1;
	ib->node_guid = cpu_to_be64(0x0200000000000000ULL | pci_dev_id(dev->pdev));
	ib->dev.parent = &dev->pdev->dev;
	ib->uverbs_cmd_mask |= BIT_ULL(IB_USER_VERBS_CMD_POLL_CQ) |
			       BIT_ULL(IB_USER_VERBS_CMD_POST_RECV) |
			       BIT_ULL(IB_USER_VERBS_CMD_POST_SEND) |
			       BIT_ULL(IB_USER_VERBS_CMD_REQ_NOTIFY_CQ);
	strscpy(ib->node_desc, "edu", sizeof(ib->node_desc));
	ib_set_device_ops(ib, &edu_ops);

	return ib_register_device(ib, "edu%d", &dev->pdev->dev);
}

static int edu_init_pci(struct edu_dev *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	ret = pcim_iomap_regions(pdev, BIT(0), "edu_rdma");
	if (ret)
		return ret;
	dev->regs = pcim_iomap_table(pdev)[0];

	/* the lab starts QEMU with -device edu,dma_mask=0xffffffffffffffff */
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, SZ_2G);
	pci_set_master(pdev);
	return 0;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu_dev *dev;
	int ret;

	dev = ib_alloc_device(edu_dev, ib);
	if (!dev)
		return -ENOMEM;

	dev->pdev = pdev;
	mutex_init(&dev->lock);
	xa_init_flags(&dev->mrs, XA_FLAGS_ALLOC1);
	xa_init_flags(&dev->qps, XA_FLAGS_ALLOC1);
	INIT_WORK(&dev->work, edu_work);

	ret = edu_init_pci(dev);
	if (ret)
		goto err_dealloc;

	ret = edu_engine_init(dev);
	if (ret)
		goto err_dealloc;

	dev->wq = alloc_ordered_workqueue("edu_rdma", WQ_MEM_RECLAIM);
	if (!dev->wq) {
		ret = -ENOMEM;
		goto err_engine;
	}

	ret = edu_register(dev);
	if (ret)
		goto err_wq;

	edu_regions_show(dev);
	pci_set_drvdata(pdev, dev);
	return 0;

err_wq:
	destroy_workqueue(dev->wq);
err_engine:
	edu_engine_exit(dev);
err_dealloc:
	ib_dealloc_device(&dev->ib);
	return ret;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu_dev *dev = pci_get_drvdata(pdev);

	edu_regions_hide(dev);
	ib_unregister_device(&dev->ib);
	destroy_workqueue(dev->wq);
	pci_clear_master(pdev);
	edu_engine_exit(dev);
	ib_dealloc_device(&dev->ib);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{}
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = "edu_rdma",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};

static int __init edu_module_init(void)
{
	struct dentry *debugfs = debugfs_create_dir("edu_rdma", NULL);
	int ret;

	ret = pci_register_driver(&edu_driver);
	if (ret)
		debugfs_remove(debugfs);
	return ret;
}

static void __exit edu_module_exit(void)
{
	pci_unregister_driver(&edu_driver);
	debugfs_lookup_and_remove("edu_rdma", NULL);
}

module_init(edu_module_init);
module_exit(edu_module_exit);
MODULE_DESCRIPTION("QEMU's edu device as an RDMA device, for tests");
MODULE_LICENSE("GPL");
