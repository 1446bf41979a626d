// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hold a piece of a BAR whose function has no driver, as firmware's frame buffer
 * does: what does a driver say that is bound to the function?
 */
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/pci.h>

static char *function;
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "whose BAR: DDDD:BB:DD.F");

static int bar;
module_param(bar, int, 0444);
MODULE_PARM_DESC(bar, "which BAR");

static unsigned int size;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "how much of it, from its start, in bytes");

static struct resource *busy;

static int __init busy_bar_init(void)
{
	struct device *dev;
	struct pci_dev *pdev;

	if (!function || !size || bar < 0 || bar >= PCI_STD_NUM_BARS)
		return -EINVAL;

	dev = bus_find_device_by_name(&pci_bus_type, NULL, function);
	if (!dev)
		return -ENODEV;

	pdev = to_pci_dev(dev);
	busy = request_mem_region(pci_resource_start(pdev, bar),
				  size, "busy_bar");
	put_device(dev);

	return busy ? 0 : -EBUSY;
}
module_init(busy_bar_init);

static void __exit busy_bar_exit(void)
{
	release_mem_region(busy->start, resource_size(busy));
}
module_exit(busy_bar_exit);

MODULE_DESCRIPTION("Hold a BAR, for tests");
MODULE_LICENSE("GPL");
