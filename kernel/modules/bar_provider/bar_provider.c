// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2PDMA memory from another driver than NVMe's: BAR 2 of QEMU's ivshmem-plain.
 *
 * It is as small as such a driver can be, and has no word about taking memory
 * back. That it can be unloaded while its memory is registered shows that this
 * is the core's doing.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>

static int bar_provider_probe(struct pci_dev *pdev,
			      const struct pci_device_id *id)
{
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	ret = pci_p2pdma_add_resource(pdev, 2, 0, 0);
	if (ret)
		return ret;

	pci_p2pmem_publish(pdev, true);
	return 0;
}

static const struct pci_device_id bar_provider_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110) },
	{ }
};
MODULE_DEVICE_TABLE(pci, bar_provider_ids);

static struct pci_driver bar_provider = {
	.name = "bar_provider",
	.id_table = bar_provider_ids,
	.probe = bar_provider_probe,
};
module_pci_driver(bar_provider);

MODULE_DESCRIPTION("P2PDMA memory of QEMU's ivshmem-plain, for tests");
MODULE_LICENSE("GPL");
