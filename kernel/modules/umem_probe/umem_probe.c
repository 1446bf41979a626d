// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does ib_umem_get() make of an address?
 *
 * Drivers call it for queue and doorbell buffers in user memory, which must
 * never be peer memory: no driver could give a queue back. The software
 * drivers of the lab have their queues in kernel memory, so no verb gets to
 * this call there. Writing "DEVICE ADDRESS LENGTH ACCESS" (numbers in hex) to
 * /sys/kernel/debug/umem_probe makes the call on the writer's own memory; the
 * write returns what the call did.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <rdma/ib_umem.h>

static struct dentry *file;

static int probe(const char *name, unsigned long addr, size_t len, int access)
{
	struct ib_device *dev;
	struct ib_umem *umem;
	int ret = 0;

	dev = ib_device_get_by_name(name, RDMA_DRIVER_UNKNOWN);
	if (!dev)
		return -ENXIO;

	umem = ib_umem_get(dev, addr, len, access);
	if (IS_ERR(umem))
		ret = PTR_ERR(umem);
	else
		ib_umem_release(umem);

	ib_device_put(dev);
	return ret;
}

static ssize_t umem_probe_write(struct file *filp, const char __user *ubuf,
				size_t count, loff_t *ppos)
{
	char buf[128], name[IB_DEVICE_NAME_MAX];
	unsigned long addr, len;
	unsigned int access;
	int ret;

	if (count >= sizeof(buf))
		return -E2BIG;
	if (copy_from_user(buf, ubuf, count))
		return -EFAULT;
	buf[count] = '\0';

	if (sscanf(buf, "%63s %lx %lx %x", name, &addr, &len, &access) != 4)
		return -EINVAL;

	ret = probe(name, addr, len, access);
	return ret ? ret : count;
}

static const struct file_operations umem_probe_fops = {
	.owner = THIS_MODULE,
	.write = umem_probe_write,
};

static int __init umem_probe_init(void)
{
	file = debugfs_create_file("umem_probe", 0200, NULL, NULL,
				   &umem_probe_fops);
	return PTR_ERR_OR_ZERO(file);
}

static void __exit umem_probe_exit(void)
{
	debugfs_remove(file);
}

module_init(umem_probe_init);
module_exit(umem_probe_exit);
MODULE_DESCRIPTION("Try ib_umem_get() on memory of user space");
MODULE_LICENSE("GPL");
