// SPDX-License-Identifier: GPL-2.0-only
/*
 * Publish a memory BAR of any PCI function, or a part of it, as peer memory.
 *
 * For cards whose own driver does not do it, or that have none: FPGAs, NVRAM,
 * accelerators. The driver knows no device; an administrator says what to
 * publish, and binds the function by its driver_override:
 *
 *   modprobe p2pmem_bar functions=0000:03:00.0/bar=2/offset=1G/size=512M
 *   echo p2pmem_bar > /sys/bus/pci/devices/0000:03:00.0/driver_override
 *   echo 0000:03:00.0 > /sys/bus/pci/drivers_probe
 *
 * "functions" is a list with commas, one entry for each function, and is read
 * when a function is bound: write it anew in /sys/module/p2pmem_bar/parameters
 * as often as needed; functions that are bound keep what they have. Without a
 * size it is the BAR's rest; without an offset, from its start.
 *
 * There is nothing here about taking memory back from those who have it
 * registered: where the kernel can do that, the core does it before a driver is
 * removed. Where it cannot, an unbind waits for them.
 */
#include <linux/ctype.h>
#include <linux/memremap.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *functions[64];
static unsigned int nr_functions;
module_param_array(functions, charp, &nr_functions, 0644);
MODULE_PARM_DESC(functions,
		 "What to publish: DDDD:BB:DD.F/bar=N[/offset=BYTES][/size=BYTES],...");

struct p2pmem_bar_part {
	u64 bar;
	u64 offset;
	u64 size;
};

/* What the parameter has for the function, without its address */
static char *find_entry(struct pci_dev *pdev)
{
	const char *name = pci_name(pdev);
	size_t len = strlen(name);
	char *entry = NULL;
	unsigned int i;

	kernel_param_lock(THIS_MODULE);
	for (i = 0; i < nr_functions && !entry; i++) {
		const char *text = skip_spaces(functions[i]);

		if (strncasecmp(text, name, len) || text[len] != '/')
			continue;

		entry = kstrdup(text + len + 1, GFP_KERNEL);
		if (!entry)
			entry = ERR_PTR(-ENOMEM);
	}
	kernel_param_unlock(THIS_MODULE);

	return entry;
}

/* "bar=2", "offset=1M", "size=64M" */
static int parse_option(char *option, struct p2pmem_bar_part *part)
{
	char *value, *end;
	u64 number;

	value = strchr(option, '=');
	if (!value || !isdigit(value[1]))
		return -EINVAL;

	*value++ = '\0';
	number = memparse(value, &end);
	if (*end)
		return -EINVAL;

	if (!strcmp(option, "bar"))
		part->bar = number;
	else if (!strcmp(option, "offset"))
		part->offset = number;
	else if (!strcmp(option, "size") && number)
		part->size = number;
	else
		return -EINVAL;

	return 0;
}

static int parse_entry(char *entry, struct p2pmem_bar_part *part)
{
	char *rest = strim(entry), *option;
	int ret;

	part->bar = U64_MAX;
	part->offset = 0;
	part->size = 0;

	while ((option = strsep(&rest, "/"))) {
		ret = parse_option(option, part);
		if (ret)
			return ret;
	}

	return part->bar == U64_MAX ? -EINVAL : 0;
}

static int find_part(struct pci_dev *pdev, struct p2pmem_bar_part *part)
{
	char *entry = find_entry(pdev);
	int ret;

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	if (!entry)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "which BAR? The parameter functions has no entry %s/bar=N\n",
				     pci_name(pdev));

	ret = parse_entry(entry, part);
	kfree(entry);
	if (ret)
		return dev_err_probe(&pdev->dev, ret,
				     "its entry in functions is not %s/bar=N[/offset=BYTES][/size=BYTES]\n",
				     pci_name(pdev));

	return 0;
}

/* Only memory will do, and only such as may be read ahead, and written late */
static int check_bar(struct pci_dev *pdev, u64 bar)
{
	struct device *dev = &pdev->dev;
	unsigned long flags;

	/* a bridge has its windows where a device has BARs */
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return dev_err_probe(dev, -EINVAL, "it is a bridge\n");

	if (bar >= PCI_STD_NUM_BARS || !pci_resource_len(pdev, bar))
		return dev_err_probe(dev, -EINVAL, "it has no BAR %llu\n", bar);

	flags = pci_resource_flags(pdev, bar);
	if (!(flags & IORESOURCE_MEM))
		return dev_err_probe(dev, -EINVAL,
				     "BAR %llu is I/O, not memory\n", bar);
	if (!(flags & IORESOURCE_PREFETCH))
		return dev_err_probe(dev, -EINVAL,
				     "BAR %llu is not prefetchable: an access may have side effects\n",
				     bar);

	return 0;
}

/* Struct pages come in sections; a size of 0 becomes the BAR's rest */
static int check_part(struct pci_dev *pdev, struct p2pmem_bar_part *part)
{
	u64 len = pci_resource_len(pdev, part->bar);
	u64 align = memremap_compat_align();
	struct device *dev = &pdev->dev;

	if (part->offset >= len || part->size > len - part->offset)
		return dev_err_probe(dev, -ERANGE,
				     "offset %#llx, size %#llx: BAR %llu ends at %#llx\n",
				     part->offset, part->size, part->bar, len);

	if (!part->size)
		part->size = len - part->offset;

	if (!IS_ALIGNED(pci_resource_start(pdev, part->bar) + part->offset, align) ||
	    !IS_ALIGNED(part->size, align))
		return dev_err_probe(dev, -EINVAL,
				     "offset %#llx, size %#llx of BAR %llu: not multiples of %#llx\n",
				     part->offset, part->size, part->bar, align);

	return 0;
}

/* Enabled, all of the BAR taken, and never a master of the bus */
static int claim(struct pci_dev *pdev, int bar)
{
	struct device *dev = &pdev->dev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return dev_err_probe(dev, ret, "it cannot be enabled\n");

	/* firmware, or a driver before this one, may have left it on */
	pci_clear_master(pdev);

	if (!devm_request_mem_region(dev, pci_resource_start(pdev, bar),
				     pci_resource_len(pdev, bar),
				     KBUILD_MODNAME))
		return dev_err_probe(dev, -EBUSY,
				     "BAR %d is in use: /proc/iomem says by whom\n",
				     bar);

	return 0;
}

static int p2pmem_bar_probe(struct pci_dev *pdev,
			    const struct pci_device_id *id)
{
	struct p2pmem_bar_part part;
	int ret;

	/* User space gets to the BAR, as by resourceN in sysfs */
	ret = security_locked_down(LOCKDOWN_PCI_ACCESS);
	if (ret)
		return dev_err_probe(&pdev->dev, ret,
				     "the kernel is locked down\n");

	ret = find_part(pdev, &part);
	if (ret)
		return ret;

	ret = check_bar(pdev, part.bar);
	if (ret)
		return ret;

	ret = check_part(pdev, &part);
	if (ret)
		return ret;

	ret = claim(pdev, part.bar);
	if (ret)
		return ret;

	ret = pci_p2pdma_add_resource(pdev, part.bar, part.size, part.offset);
	if (ret)
		return dev_err_probe(&pdev->dev, ret,
				     "BAR %llu cannot be peer memory\n",
				     part.bar);

	pci_p2pmem_publish(pdev, true);
	return 0;
}

static struct pci_driver p2pmem_bar = {
	.name = "p2pmem_bar",
	.id_table = NULL, /* by driver_override */
	.probe = p2pmem_bar_probe,
};
module_pci_driver(p2pmem_bar);

MODULE_DESCRIPTION("Publish a memory BAR of a PCI function as peer memory");
MODULE_LICENSE("GPL");
