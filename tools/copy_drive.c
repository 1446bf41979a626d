// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "copy_drive.h"

/* Device mapper on device mapper on ...: none that is real goes as deep */
#define STACK_MAX 16

__attribute__((format(printf, 2, 3)))
static void why_not(struct copy_drive *drive, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(drive->why_not, sizeof(drive->why_not), fmt, ap);
	va_end(ap);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void cut_last_part(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* What device mapper and md are made of. 1: went on; 0: a device of its own */
static int go_below(char path[SYSFS_PATH_MAX], struct copy_drive *drive)
{
	char folder[SYSFS_PATH_MAX + 8], below[SYSFS_PATH_MAX];
	char **names;
	int ret = 0;

	snprintf(folder, sizeof(folder), "%s/slaves", path);
	names = sysfs_names(folder);
	if (!names) {
		fail_clear();
		return 0;
	}
	if (names[0] && names[1]) {
		why_not(drive, "%s is spread over several devices",
			last_part(path));
		ret = -1;
	} else if (names[0] && !sysfs_resolve(below, "%s/%s", folder,
					      names[0])) {
		snprintf(path, SYSFS_PATH_MAX, "%s", below);
		ret = 1;
	}
	sysfs_free_names(names);
	return ret;
}

static bool is_pci_address(const char *part, size_t len)
{
	unsigned int domain, bus, dev, fn;
	int used = 0;

	return sscanf(part, "%x:%x:%x.%x%n", &domain, &bus, &dev, &fn,
		      &used) == 4 && (size_t)used == len;
}

/* "devices/pci0000:00/A/B/nvme/nvme0": "A/B" */
static void keep_pci_path(const char *path, char kept[SYSFS_PATH_MAX])
{
	size_t used = 0;

	kept[0] = '\0';
	while (*path) {
		size_t len = strcspn(path, "/");

		if (is_pci_address(path, len))
			used += snprintf(kept + used, SYSFS_PATH_MAX - used,
					 "%s%.*s", used ? "/" : "", (int)len,
					 path);
		path += len;
		path += *path == '/';
	}
}

/* An NVMe head belongs to a subsystem, and that to a controller on PCI */
static void find_controller(const char *path, struct copy_drive *drive)
{
	char folder[SYSFS_PATH_MAX], device[SYSFS_PATH_MAX];
	char **names;
	size_t i;

	snprintf(folder, sizeof(folder), "%s", path);
	cut_last_part(folder);
	names = sysfs_names(folder);
	if (!names) {
		fail_clear();
		return;
	}
	for (i = 0; names[i] && !drive->pci_path[0]; i++) {
		if (!strncmp(names[i], "nvme", 4) &&
		    !sysfs_resolve(device, "class/nvme/%s/device", names[i]))
			keep_pci_path(device, drive->pci_path);
	}
	sysfs_free_names(names);
}

void copy_drive_find(dev_t dev, struct copy_drive *drive)
{
	char path[SYSFS_PATH_MAX];
	int depth = STACK_MAX;
	int ret;

	memset(drive, 0, sizeof(*drive));
	if (sysfs_resolve(path, "dev/block/%u:%u", major(dev), minor(dev))) {
		why_not(drive, "its file system is on no block device");
		return;
	}
	do {
		if (sysfs_exists("%s/partition", path))
			cut_last_part(path);
		ret = go_below(path, drive);
	} while (ret > 0 && --depth);
	snprintf(drive->disk, sizeof(drive->disk), "%.*s",
		 COPY_NAME_MAX - 1, last_part(path));
	if (ret < 0)
		return;
	keep_pci_path(path, drive->pci_path);
	if (!drive->pci_path[0])
		find_controller(path, drive);
	if (!drive->pci_path[0])
		why_not(drive, "%s is no PCI device", drive->disk);
}

unsigned int copy_drive_common(const char *path, const char *other)
{
	unsigned int n = 0;

	for (;;) {
		size_t len = strcspn(path, "/");

		if (!len || len != strcspn(other, "/") ||
		    strncmp(path, other, len))
			return n;
		n++;
		path += len;
		other += len;
		if (!*path || !*other)
			return n;
		path++;
		other++;
	}
}

static bool has_namespace(struct p2pmr_provider *provider, const char *disk)
{
	char **names = p2pmr_provider_nvme_namespaces(provider);
	bool found = false;
	size_t i;

	for (i = 0; names && names[i] && !found; i++)
		found = !strcmp(names[i], disk);
	free(names);
	return found;
}

enum copy_near copy_drive_near(const struct copy_drive *drive,
			       struct p2pmr_provider *provider)
{
	const char *path = p2pmr_provider_pci_path(provider);

	if (drive->disk[0] && has_namespace(provider, drive->disk))
		return COPY_NEAR_SAME;
	if (!path || !drive->pci_path[0])
		return COPY_NEAR_NOT;
	if (!strcmp(path, drive->pci_path))
		return COPY_NEAR_SAME;
	/* A root port that both are below has a switch behind it */
	return copy_drive_common(path, drive->pci_path) ? COPY_NEAR_SWITCH :
							  COPY_NEAR_NOT;
}
