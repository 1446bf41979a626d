// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whatever the files of a sysfs tree hold, be it a container's or a recorded one:
 * the library answers or says why it does not. The tree is a drive and an RDMA
 * device below two root ports. The input is what some of the files hold, each as
 *
 *   the file's number below, a byte; the length, two bytes, the higher first;
 *   the content
 *
 * and the others hold what they do on a machine.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

#include "../../libp2pmr/private.h"

#define DRIVE "devices/pci0000:00/0000:00:01.0/0000:01:00.0"
#define NIC "devices/pci0000:00/0000:00:02.0/0000:02:00.0"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
	const char *path;
	const char *content;
} files[] = {
	{ DRIVE "/p2pmem/size", "67108864\n" },
	{ DRIVE "/p2pmem/available", "67108864\n" },
	{ DRIVE "/p2pmem/published", "1\n" },
	{ DRIVE "/p2pmem/allocate", "" },
	{ DRIVE "/numa_node", "0\n" },
	{ DRIVE "/config", "" },
	{ DRIVE "/nvme/nvme0/cmbloc", "2\n" },
	{ DRIVE "/nvme/nvme0/cmbsz", "262671\n" },
	{ DRIVE "/nvme/nvme0/cmb", "cmbloc : x00000002\ncmbsz  : x0004020f\n" },
	{ DRIVE "/nvme/nvme0/nvme0n1/size", "1\n" },
	{ NIC "/config", "" },
	{ NIC "/numa_node", "-1\n" },
	{ NIC "/infiniband/mlx5_0/node_type", "1: CA\n" },
	{ "devices/pci0000:00/0000:00:00.0/vendor", "0x8086\n" },
	{ "devices/pci0000:00/0000:00:00.0/device", "0x2020\n" },
	{ "devices/pci0000:00/0000:00:00.0/config", "" },
	{ "devices/pci0000:00/0000:00:01.0/config", "" },
	{ "devices/pci0000:00/0000:00:02.0/config", "" },
	{ "module/nvme/parameters/use_cmb_sqes", "Y\n" },
	{ "kernel/iommu_groups/1/type", "DMA\n" },
	{ "../proc/cpuinfo", "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n" },
};

static const struct {
	const char *path;
	const char *target;
} links[] = {
	{ "bus/pci/devices/0000:00:00.0", "../../../devices/pci0000:00/0000:00:00.0" },
	{ "bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0" },
	{ "bus/pci/devices/0000:00:02.0", "../../../devices/pci0000:00/0000:00:02.0" },
	{ "bus/pci/devices/0000:01:00.0", "../../../" DRIVE },
	{ "bus/pci/devices/0000:02:00.0", "../../../" NIC },
	{ "class/nvme/nvme0", "../../" DRIVE "/nvme/nvme0" },
	{ DRIVE "/nvme/nvme0/device", "../.." },
	{ DRIVE "/iommu_group", "../../../../kernel/iommu_groups/1" },
	{ "class/infiniband/mlx5_0", "../../" NIC "/infiniband/mlx5_0" },
	{ NIC "/infiniband/mlx5_0/device", "../.." },
};

#define FILES (sizeof(files) / sizeof(files[0]))

static char folder[] = "/tmp/p2pmr-fuzz-sysfs.XXXXXX";
static bool changed[FILES];

/* Below the root; the folders above it are made */
static char *full(const char *path)
{
	static char name[512];
	char *slash;

	snprintf(name, sizeof(name), "%s/sys/%s", folder, path);
	for (slash = name + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(name, 0755) && errno != EEXIST)
			abort();
		*slash = '/';
	}
	return name;
}

static void fill(size_t i, const void *content, size_t len)
{
	FILE *f = fopen(full(files[i].path), "w");

	if (!f || fwrite(content, 1, len, f) != len || fclose(f))
		abort();
}

static void restore(size_t i)
{
	fill(i, files[i].content, strlen(files[i].content));
	changed[i] = false;
}

static void remove_tree(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		perror(command);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t i;

	(void)argc;
	(void)argv;
	if (!mkdtemp(folder))
		abort();
	atexit(remove_tree);
	for (i = 0; i < FILES; i++)
		restore(i);
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlink(links[i].target, full(links[i].path)))
			abort();
	}
	return 0;
}

static void change(const uint8_t *data, size_t len)
{
	size_t content, i;

	while (len >= 3) {
		i = data[0] % FILES;
		content = (size_t)data[1] << 8 | data[2];
		data += 3;
		len -= 3;
		if (content > len)
			content = len;
		fill(i, data, content);
		changed[i] = true;
		data += content;
		len -= content;
	}
}

/* What failed has said why; and what comes next may not pass that off as its own */
static void said(bool good)
{
	static const struct p2pmr_reason_record none;

	assert(good || (p2pmr_reason_code() != P2PMR_REASON_NONE &&
			p2pmr_reason_text()[0] && p2pmr_reason_remedy()));
	p2pmr_reason_restore(&none);
}

static void ask_drive(const struct p2pmr_provider *provider)
{
	struct p2pmr_nvme_info info = { .sz = sizeof(info) };
	char **list;

	said(!p2pmr_provider_nvme_info(provider, &info));
	list = p2pmr_provider_nvme_namespaces(provider);
	said(list);
	free(list);
}

static void ask(struct p2pmr_provider *provider)
{
	struct p2pmr_provider_space space;
	struct p2pmr_path *path;

	assert(p2pmr_provider_name(provider)[0]);
	said(!p2pmr_provider_space(provider, &space));
	if (!p2pmr_provider_is_peer(provider))
		return;
	ask_drive(provider);
	path = p2pmr_path_query_name(provider, "mlx5_0");
	said(path);
	p2pmr_path_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct p2pmr_provider *provider = NULL;
	struct p2pmr_context *ctx;
	char root[64];
	size_t i;

	change(data, len);
	snprintf(root, sizeof(root), "%s/sys", folder);
	ctx = p2pmr_open(P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = root));
	said(ctx);
	while (ctx && (provider = p2pmr_provider_next(ctx, provider)))
		ask(provider);
	if (ctx)
		p2pmr_close(ctx);
	for (i = 0; i < FILES; i++) {
		if (changed[i])
			restore(i);
	}
	return 0;
}
