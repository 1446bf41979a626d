/* SPDX-License-Identifier: GPL-2.0-only */
/* Which drive holds a file, and whose memory is near to it. */
#ifndef P2PMR_TOOLS_COPY_DRIVE_H
#define P2PMR_TOOLS_COPY_DRIVE_H

#include <sys/types.h>

#include <p2pmr/p2pmr.h>

#include "copy_wire.h"
#include "sysfs.h"

/**
 * struct copy_drive - what a file is stored on
 * @disk: the block device without a partition, "nvme0n1"; "": none
 * @pci_path: the way to it as p2pmr_provider_pci_path() gives it; "": none
 * @why_not: a sentence, when there is no single PCI device
 */
struct copy_drive {
	char disk[COPY_NAME_MAX];
	char pci_path[SYSFS_PATH_MAX];
	char why_not[COPY_WHY_MAX];
};

/* @dev: the file system's device (st_dev), or a block device's own (st_rdev) */
void copy_drive_find(dev_t dev, struct copy_drive *drive);

/* How near a provider is to a drive */
enum copy_near {
	COPY_NEAR_SAME,		/* the drive itself */
	COPY_NEAR_SWITCH,	/* below the same PCIe switch */
	COPY_NEAR_NOT,
};

enum copy_near copy_drive_near(const struct copy_drive *drive,
			       struct p2pmr_provider *provider);

/* How many PCI functions two ways have in common from the root port on */
unsigned int copy_drive_common(const char *path, const char *other);

#endif
