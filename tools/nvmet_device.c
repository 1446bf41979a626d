// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux 6.12 wants of a namespace with p2pmem (nvmet_p2pmem_ns_enable() in
 * drivers/nvme/target/core.c): a block device whose queue takes peer memory and
 * that has a PCI function above it. Of all drivers only nvme sets the queue's
 * flag, for drives on PCI; sysfs does not show the flag.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fail.h"
#include "nvmet.h"
#include "nvmet_device.h"
#include "nvmet_fs.h"

static int fail_p2pdma(const char *path, const char *why, const char *remedy)
{
	return fail(CMD_FAILED, REASON_DEVICE_NO_P2PDMA, EINVAL, remedy,
		    "%s cannot be served from peer memory: %s.", path, why);
}

/* ".../0000:04:00.0/nvme/nvme1/nvme1n1", and a partition's one folder more */
static int check_p2pdma(const char *path, dev_t number)
{
	char link[NVMET_PATH_MAX], device[PATH_MAX];

	snprintf(link, sizeof(link), "%s/dev/block/%u:%u", nvmet_sysfs_root(),
		 major(number), minor(number));
	if (!realpath(link, device))
		return fail(CMD_FAILED, REASON_NO_DEVICE, errno, "",
			    "%s leads to no device: %s: %s.", path, link,
			    strerror(errno));
	if (strstr(device, "/nvme/nvme"))
		return 0;
	if (strstr(device, "/nvme-subsystem/"))
		return fail_p2pdma(path,
				   "with NVMe multipathing its block device belongs to no PCI function",
				   "Boot with nvme_core.multipath=N, or load nvme_core so.");
	return fail_p2pdma(path, "it is no NVMe drive on PCI",
			   "Name a namespace of an NVMe drive, such as /dev/nvme0n1, or a partition of it; or use --p2pmem=off (\"p2pmem\": \"0\" in a file).");
}

int nvmet_device_check(const char *path, bool p2pmem, const char *where)
{
	struct stat st;

	if (path[0] != '/')
		return fail(CMD_FAILED, REASON_BAD_CONFIG, EINVAL,
			    "Give the device's path from the root.",
			    "%s: \"%s\" does not start with \"/\".", where, path);
	if (stat(path, &st))
		return fail(CMD_FAILED, REASON_NO_DEVICE, errno,
			    "See `lsblk` for the block devices there are.",
			    "%s: %s: %s.", where, path, strerror(errno));
	if (S_ISBLK(st.st_mode))
		return p2pmem ? check_p2pdma(path, st.st_rdev) : 0;
	if (!S_ISREG(st.st_mode))
		return fail(CMD_FAILED, REASON_NO_DEVICE, ENOTBLK,
			    "See `lsblk` for the block devices there are.",
			    "%s: %s is neither a block device nor a file.",
			    where, path);
	return p2pmem ?
	       fail_p2pdma(path, "it is a file",
			   "Name a namespace of an NVMe drive, such as /dev/nvme0n1; or use --p2pmem=off (\"p2pmem\": \"0\" in a file).") :
	       0;
}
