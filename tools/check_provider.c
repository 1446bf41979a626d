// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "check.h"
#include "note.h"
#include "sysfs.h"
#include "topo_tree.h"

#define NUMBER_MAX 32

static void add_space(struct check_report *report, const struct topo_end *end)
{
	const struct p2pmr_provider_space *space = &end->space;
	char size[NUMBER_MAX], available[NUMBER_MAX];

	args_human_size(space->size_bytes, size, sizeof(size));
	args_human_size(space->available_bytes, available, sizeof(available));
	if (!space->available_bytes)
		check_add(report, CHECK_WARN, "provider", end->name,
			  "Find who uses it: grep -lE 'p2pmem[/:]|/dmabuf:' /proc/[0-9]*/maps.",
			  "All of its %s are taken.", size);
	else if (!space->published)
		check_add(report, CHECK_WARN, "provider", end->name,
			  "Nothing need be done for RDMA by processes; a drive publishes a CMB that takes data of both directions.",
			  "%s, %s of them available, but not published: the NVMe over Fabrics target does not use it.",
			  size, available);
	else
		check_add(report, CHECK_PASS, "provider", end->name, "",
			  "%s, %s of them available, published.", size,
			  available);
}

/* What the drive says against what the kernel made of it */
static void add_cmb(struct check_report *report, const struct topo_end *end,
		    const struct p2pmr_nvme_info *info)
{
	char cmb[NUMBER_MAX], size[NUMBER_MAX];
	const uint64_t data = P2PMR_NVME_CMB_RDS | P2PMR_NVME_CMB_WDS;

	args_human_size(info->cmb_size_bytes, cmb, sizeof(cmb));
	args_human_size(end->space.size_bytes, size, sizeof(size));
	if (info->cmb_size_bytes > end->space.size_bytes)
		check_add(report, CHECK_WARN, "cmb", end->name,
			  "Ask the drive's vendor for firmware with a larger BAR.",
			  "The drive has a CMB of %s, but its BAR holds only %s of it.",
			  cmb, size);
	else if ((info->cmb_uses & data) != data)
		check_add(report, CHECK_WARN, "cmb", end->name,
			  "Use it for RDMA alone, or use another drive.",
			  "The drive does not take data of its own commands in its CMB in both directions.");
	else
		check_add(report, CHECK_PASS, "cmb", end->name, "",
			  "%s in BAR %u, which takes data of both directions.",
			  cmb, (unsigned int)info->cmb_bar);
}

static void add_drive(struct check_report *report, const struct topo_end *end)
{
	struct p2pmr_nvme_info info = { .sz = sizeof(info) };
	struct failure why;

	if (p2pmr_provider_nvme_info(end->provider, &info)) {
		failure_from_lib(&why, "");
		if (p2pmr_reason_code() != P2PMR_REASON_NOT_NVME)
			check_add_failure(report, CHECK_WARN, "cmb", end->name,
					  &why);
		return;
	}
	if (info.cmb_size_bytes)
		add_cmb(report, end, &info);
	if (info.queues != P2PMR_NVME_QUEUES_NONE)
		check_add(report, CHECK_WARN, "queues", end->name,
			  "Keep queues out of it: nvme.use_cmb_sqes=0 on the kernel's command line, or modprobe nvme use_cmb_sqes=0.",
			  "Part of it is taken: the nvme driver may keep its queues there.");
}

/* As the library would have it: a plain mapping, or the node's dma-bufs */
static bool may_allocate(const struct topo_end *end, char file[SYSFS_PATH_MAX])
{
	const char *address = p2pmr_provider_pci_address(end->provider);
	char node[SYSFS_PATH_MAX];

	if (!strcmp(p2pmr_provider_type(end->provider), "nvme_cdev"))
		snprintf(file, SYSFS_PATH_MAX, "/dev/%s", end->name);
	else
		snprintf(file, SYSFS_PATH_MAX,
			 "%s/bus/pci/devices/%s/p2pmem/allocate", sysfs_root(),
			 address);
	if (!faccessat(AT_FDCWD, file, R_OK | W_OK, AT_EACCESS))
		return true;
	snprintf(node, sizeof(node), "/dev/p2pmem/%s", address);
	if (!sysfs_exists("class/pci_p2pmem/%s", address) ||
	    faccessat(AT_FDCWD, node, R_OK | W_OK, AT_EACCESS))
		return false;
	strcpy(file, node);
	return true;
}

static void add_permission(struct check_report *report,
			   const struct topo_end *end)
{
	char file[SYSFS_PATH_MAX];

	if (may_allocate(end, file)) {
		check_add(report, CHECK_PASS, "access", end->name, "",
			  "User %u may allocate it, through %.200s.",
			  (unsigned int)geteuid(), file);
		return;
	}
	check_add(report, CHECK_FAIL, "access", end->name,
		  "Run as root, or as a member of the group p2pmem (usermod -aG p2pmem USER, and log in anew); containers need /dev/p2pmem passed in (--device), where the kernel has it.",
		  "User %u may not open %.200s for reading and writing.",
		  (unsigned int)geteuid(), file);
}

/*
 * Drives that the kernel left alone: too small a CMB, not aligned, or none; but
 * for the first @told of them.
 */
static void add_others(struct check_report *report, struct p2pmr_context *ctx,
		       size_t told)
{
	char **names = sysfs_names("class/nvme");
	struct failure why;
	size_t i;

	for (i = 0; names && names[i]; i++) {
		if (i < told)
			continue;
		if (p2pmr_provider_find(ctx, names[i]))
			continue;
		failure_from_lib(&why, "");
		check_add_failure(report, CHECK_WARN, "cmb", names[i], &why);
	}
	sysfs_free_names(names);
}

void check_providers(struct check_report *report, struct p2pmr_context *ctx,
		     const struct topo_tree *tree)
{
	struct failure none;
	size_t i;

	if (!tree->n_providers) {
		note_no_provider(ctx, &none);
		check_add_failure(report, CHECK_NEVER, "provider", NULL, &none);
		/* the first drive is what that speaks of, if there is one */
		add_others(report, ctx, 1);
		return;
	}
	for (i = 0; i < tree->n_providers; i++) {
		add_space(report, &tree->providers[i]);
		add_drive(report, &tree->providers[i]);
		if (!sysfs_is_recorded())
			add_permission(report, &tree->providers[i]);
	}
	add_others(report, ctx, 0);
}
