// SPDX-License-Identifier: GPL-2.0-only
/*
 * What do the calls of the RDMA core make of an address that no verb gets to in
 * the lab? Writing "DEVICE ADDRESS LENGTH ACCESS" (numbers in hex) to a file in
 * /sys/kernel/debug/umem_probe makes the call on the writer's own memory; the
 * write returns what the call did.
 *
 * get: ib_umem_get(). Drivers call it for queue and doorbell buffers in user
 * memory, which must never be peer memory: no driver could give a queue back.
 * The software drivers of the lab have their queues in kernel memory.
 *
 * on_demand: an on-demand region, and a page fault of the device on all of it.
 * No device of the lab has such regions.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_umem_odp.h>

static struct dentry *dir;

/* A call, with the name of the file that makes it */
struct probe {
	const char *name;
	int (*call)(struct ib_device *dev, unsigned long addr, size_t len,
		    int access);
};

static int probe_get(struct ib_device *dev, unsigned long addr, size_t len,
		     int access)
{
	struct ib_umem *umem = ib_umem_get(dev, addr, len, access);

	if (IS_ERR(umem))
		return PTR_ERR(umem);
	ib_umem_release(umem);
	return 0;
}

/* As a driver does it, without a device that has to be told */
static bool on_demand_invalidate(struct mmu_interval_notifier *mni,
				 const struct mmu_notifier_range *range,
				 unsigned long seq)
{
	struct ib_umem_odp *umem =
		container_of(mni, struct ib_umem_odp, notifier);

	if (!mmu_notifier_range_blockable(range))
		return false;

	mutex_lock(&umem->umem_mutex);
	mmu_interval_set_seq(mni, seq);
	ib_umem_odp_unmap_dma_pages(umem, range->start, range->end);
	mutex_unlock(&umem->umem_mutex);
	return true;
}

static const struct mmu_interval_notifier_ops on_demand_ops = {
	.invalidate = on_demand_invalidate,
};

static int probe_on_demand(struct ib_device *dev, unsigned long addr,
			   size_t len, int access)
{
	u64 rights = ODP_READ_ALLOWED_BIT;
	struct ib_umem_odp *umem;
	int ret;

	umem = ib_umem_odp_get(dev, addr, len, access | IB_ACCESS_ON_DEMAND,
			       &on_demand_ops);
	if (IS_ERR(umem))
		return PTR_ERR(umem);

	if (umem->umem.writable)
		rights |= ODP_WRITE_ALLOWED_BIT;
	ret = ib_umem_odp_map_dma_and_lock(umem, addr, len, rights, true);
	if (ret >= 0) {
		mutex_unlock(&umem->umem_mutex);
		ret = 0;
	}
	ib_umem_odp_release(umem);
	return ret;
}

static const struct probe probes[] = {
	{ "get", probe_get },
	{ "on_demand", probe_on_demand },
};

static ssize_t umem_probe_write(struct file *filp, const char __user *ubuf,
				size_t count, loff_t *ppos)
{
	const struct probe *probe = file_inode(filp)->i_private;
	char buf[128], name[IB_DEVICE_NAME_MAX];
	unsigned long addr, len;
	struct ib_device *dev;
	unsigned int access;
	int ret;

	if (count >= sizeof(buf))
		return -E2BIG;
	if (copy_from_user(buf, ubuf, count))
		return -EFAULT;
	buf[count] = '\0';

	if (sscanf(buf, "%63s %lx %lx %x", name, &addr, &len, &access) != 4)
		return -EINVAL;

	dev = ib_device_get_by_name(name, RDMA_DRIVER_UNKNOWN);
	if (!dev)
		return -ENXIO;
	ret = probe->call(dev, addr, len, access);
	ib_device_put(dev);
	return ret ? ret : count;
}

static const struct file_operations umem_probe_fops = {
	.owner = THIS_MODULE,
	.write = umem_probe_write,
};

static int __init umem_probe_init(void)
{
	unsigned int i;

	dir = debugfs_create_dir("umem_probe", NULL);
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		debugfs_create_file(probes[i].name, 0200, dir,
				    (void *)&probes[i], &umem_probe_fops);
	return PTR_ERR_OR_ZERO(dir);
}

static void __exit umem_probe_exit(void)
{
	debugfs_remove(dir);
}

module_init(umem_probe_init);
module_exit(umem_probe_exit);
MODULE_DESCRIPTION("Try calls of the RDMA core on memory of user space");
MODULE_LICENSE("GPL");
