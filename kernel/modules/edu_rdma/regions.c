// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: edu_rdma/DEVICE/regions has a line for each extent of each region,
 * key, bytes, DMA address, and whether that is "bus" or "mapped"; a region whose
 * memory was taken back has one that says "revoked".
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "edu_rdma.h"

static void edu_region_show(struct seq_file *s, const struct edu_mr *mr)
{
	unsigned int i;

	if (mr->revoked) {
		seq_printf(s, "%#x revoked\n", mr->ib.lkey);
		return;
	}

	for (i = 0; i < mr->nr_extents; i++)
		seq_printf(s, "%#x %llu %#llx %s\n", mr->ib.lkey,
			   mr->extents[i].len, (u64)mr->extents[i].addr,
			   mr->extents[i].bus ? "bus" : "mapped");
}

static int regions_show(struct seq_file *s, void *data)
{
	struct edu_dev *dev = s->private;
	struct edu_mr *mr;
	unsigned long i;

	mutex_lock(&dev->lock);
	xa_for_each(&dev->mrs, i, mr)
		edu_region_show(s, mr);
	mutex_unlock(&dev->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(regions);

void edu_regions_show(struct edu_dev *dev)
{
	struct dentry *top = debugfs_lookup("edu_rdma", NULL);

	dev->debugfs = debugfs_create_dir(dev_name(&dev->ib.dev), top);
	dput(top);
	debugfs_create_file("regions", 0400, dev->debugfs, dev, &regions_fops);
}

void edu_regions_hide(struct edu_dev *dev)
{
	debugfs_remove_recursive(dev->debugfs);
}
