// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding out what is between a provider and an RDMA device. */
#include "private.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "bus/pci/devices"
#define RDMA "class/infiniband"

/* The name of a PCI function as the kernel writes it, with its domain */
static bool is_function(const char *name, struct p2pmr_pci_address *pci)
{
	char canonical[P2PMR_NAME_LEN];

	if (p2pmr_pci_parse(name, pci))
		return false;
	p2pmr_pci_format(pci, canonical, sizeof(canonical));
	return !strcmp(name, canonical);
}

/*
 * What a path below the root really is, as a path below the root: links end
 * within the tree, or it is no tree of sysfs. @path has room for P2PMR_PATH_LEN
 * bytes.
 */
static int resolve(const struct p2pmr_context *ctx, const char *link,
		   char *path)
{
	char name[P2PMR_PATH_LEN], root[PATH_MAX], real[PATH_MAX];
	size_t len;
	int ret;

	ret = p2pmr_sysfs_path(ctx, name, sizeof(name), "%s", "");
	if (ret)
		return ret;
	if (!realpath(name, root))
		return -errno;
	ret = p2pmr_sysfs_path(ctx, name, sizeof(name), "%s", link);
	if (ret)
		return ret;
	if (!realpath(name, real))
		return -errno;
	len = strlen(root);
	if (strncmp(real, root, len) || real[len] != '/')
		return -EBADMSG;
	strcpy(path, real + len + 1);
	return 0;
}

/* @count bytes from @at on; how many there are, or -errno */
static ssize_t read_part(int fd, unsigned char *config, size_t at, size_t count)
{
	size_t used = 0;
	ssize_t got;

	while (used < count) {
		got = pread(fd, config + at + used, count - used, at + used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		used += got;
	}
	return used;
}

/*
 * Of the extended space what the search for ACS looks at: a device takes about
 * a microsecond for each four bytes. Where these end, or -errno
 */
static ssize_t read_extended(int fd, unsigned char *config)
{
	size_t at = P2PMR_CONFIG_FIRST, count;
	ssize_t got;

	for (unsigned int i = 0; at && i < P2PMR_EXT_CAPS_MAX; i++) {
		count = P2PMR_CONFIG_SIZE - at < 8 ? P2PMR_CONFIG_SIZE - at : 8;
		got = read_part(fd, config, at, count);
		if (got < 0)
			return got;
		if ((size_t)got < count)
			return at + got;
		at = p2pmr_acs_next(config, at);
	}
	return P2PMR_CONFIG_SIZE;
}

/*
 * As much of the configuration space as is needed, the rest being zero; how
 * far it is readable, or -errno
 */
static ssize_t read_config(const struct p2pmr_context *ctx, const char *path,
			   unsigned char *config, size_t *file_size)
{
	/* A tree that is not sysfs may have a pipe there. */
	int fd = p2pmr_sysfs_open(ctx, O_RDONLY | O_NONBLOCK, "%s/config",
				  path);
	ssize_t used = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		used = -errno;
	else if (!S_ISREG(st.st_mode))
		used = -EBADMSG;
	memset(config, 0, P2PMR_CONFIG_SIZE);
	if (!used)
		used = read_part(fd, config, 0, P2PMR_CONFIG_FIRST);
	if (used == P2PMR_CONFIG_FIRST && st.st_size >= P2PMR_CONFIG_SIZE)
		used = read_extended(fd, config);
	close(fd);
	*file_size = st.st_size;
	return used;
}

static void read_acs(const struct p2pmr_context *ctx, struct p2pmr_hop *hop)
{
	unsigned char config[P2PMR_CONFIG_SIZE];
	char path[P2PMR_NAME_LEN * 2];
	size_t file_size;
	ssize_t len;
	int ret;

	snprintf(path, sizeof(path), DEVICES "/%s", hop->address);
	len = read_config(ctx, path, config, &file_size);
	ret = len < 0 ? len : p2pmr_acs_scan(config, len, file_size, &hop->acs);
	hop->acs_err = -ret;
	if (ret)
		hop->acs = P2PMR_ACS_UNKNOWN;
}

void p2pmr_hop_gather(struct p2pmr_topo *topo, struct p2pmr_hop *hop)
{
	if (p2pmr_topo_find_hop(topo, hop))
		return;
	read_acs(topo->ctx, hop);
	p2pmr_topo_keep_hop(topo, hop);
}

/* "0x8086" and nothing else */
static int read_id(const struct p2pmr_context *ctx, const char *path,
		   const char *name, unsigned int *id)
{
	char line[8], *end;
	int ret = p2pmr_sysfs_read(ctx, line, sizeof(line), "%s/%s", path,
				   name);

	if (ret)
		return ret;
	if (strlen(line) != 6 || strncmp(line, "0x", 2))
		return -EBADMSG;
	*id = strtoul(line + 2, &end, 16);
	/* strtoul() would also take a sign or blanks in these four places. */
	return *end || strspn(line + 2, "0123456789abcdefABCDEF") != 4 ?
	       -EBADMSG : 0;
}

/*
 * The first function of a root bus. The kernel's list is in the order in which
 * it found them, sysfs is in none: the lowest address is the first one, except
 * where one was plugged in later.
 */
static int find_first(const struct p2pmr_context *ctx, const char *folder,
		      const struct p2pmr_pci_address *bus,
		      struct p2pmr_pci_address *first)
{
	DIR *dir = p2pmr_sysfs_opendir(ctx, "%s", folder);
	struct p2pmr_pci_address pci;
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!is_function(entry->d_name, &pci) ||
		    pci.domain != bus->domain || pci.bus != bus->bus)
			continue;
		if (found && (pci.device > first->device ||
			      (pci.device == first->device &&
			       pci.function > first->function)))
			continue;
		*first = pci;
		found = true;
	}
	closedir(dir);
	return found ? 0 : -ENODEV;
}

/* @path: a function that is not at 00.0 */
static int check_root_port(const struct p2pmr_context *ctx, const char *path)
{
	unsigned char config[P2PMR_CONFIG_SIZE];
	size_t file_size;
	ssize_t len = read_config(ctx, path, config, &file_size);
	int ret = len < 0 ? len : p2pmr_is_root_port(config, len);

	if (ret < 0)
		return ret;
	return ret ? 0 : -ENODEV;
}

/* @folder: of the root bus, its last component being "pci" and its number */
static int gather_host(const struct p2pmr_context *ctx, const char *folder,
		       struct p2pmr_host_bridge *host)
{
	const char *name = strrchr(folder, '/');
	char text[P2PMR_NAME_LEN], path[P2PMR_PATH_LEN];
	struct p2pmr_pci_address bus, first;
	int ret;

	name = name ? name + 1 : folder;
	if (strncmp(name, "pci", 3) || strlen(name) >= sizeof(host->name) - 5)
		return -EBADMSG;
	snprintf(text, sizeof(text), "%.*s:00.0", P2PMR_NAME_LEN - 6, name + 3);
	if (!is_function(text, &bus))
		return -EBADMSG;
	strcpy(host->name, name);
	ret = find_first(ctx, folder, &bus, &first);
	if (ret)
		return ret;
	p2pmr_pci_format(&first, text, sizeof(text));
	if (snprintf(path, sizeof(path), "%s/%s", folder, text) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	if (first.device || first.function)
		ret = check_root_port(ctx, path);
	if (!ret)
		ret = read_id(ctx, path, "vendor", &host->vendor);
	if (!ret)
		ret = read_id(ctx, path, "device", &host->device);
	if (!ret)
		snprintf(host->ids, sizeof(host->ids), "%04x:%04x",
			 host->vendor & 0xffff, host->device & 0xffff);
	return ret;
}

static enum p2pmr_iommu gather_iommu(const struct p2pmr_context *ctx,
				     const char *address)
{
	static const struct {
		const char *type;
		enum p2pmr_iommu mode;
	} modes[] = {
		{ "identity", P2PMR_IOMMU_IDENTITY },
		{ "DMA", P2PMR_IOMMU_DMA },
		{ "DMA-FQ", P2PMR_IOMMU_DMA_FQ },
	};
	char group[16], type[16];
	int ret;

	ret = p2pmr_sysfs_link_name(ctx, group, sizeof(group),
				    DEVICES "/%s/iommu_group", address);
	if (ret == -ENOENT)
		return P2PMR_IOMMU_NONE;
	if (ret || !*group ||
	    strspn(group, "0123456789") != strlen(group) ||
	    p2pmr_sysfs_read(ctx, type, sizeof(type),
			     "kernel/iommu_groups/%s/type", group))
		return P2PMR_IOMMU_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!strcmp(type, modes[i].type))
			return modes[i].mode;
	}
	return P2PMR_IOMMU_UNKNOWN;
}

/* One more function above those that are known */
static int add_hop(struct p2pmr_side_facts *side, const char *address)
{
	if (side->count == P2PMR_HOPS_MAX || strlen(address) >= P2PMR_NAME_LEN)
		return -EOVERFLOW;
	/* A tree in which a function is above itself is none. */
	for (unsigned int i = 0; i < side->count; i++) {
		if (!strcmp(side->hops[i].address, address))
			return -ELOOP;
	}
	strcpy(side->hops[side->count++].address, address);
	return 0;
}

/*
 * Up the tree: what is no PCI function is left out until there is one, then
 * what is none is the root bus. Cuts @path down to that.
 */
static int climb(char *path, struct p2pmr_side_facts *side)
{
	struct p2pmr_pci_address pci;
	char *name;
	int ret;

	for (;;) {
		name = strrchr(path, '/');
		name = name ? name + 1 : path;
		if (is_function(name, &pci)) {
			ret = add_hop(side, name);
			if (ret)
				return ret;
		} else if (side->count) {
			return 0;
		}
		if (name == path)
			return side->count ? -EBADMSG : -ENODEV;
		name[-1] = '\0';
	}
}

/* Not there at all, as opposed to there but not readable or not as expected */
static bool is_missing(const struct p2pmr_context *ctx, const char *link)
{
	char name[P2PMR_NAME_LEN];

	return p2pmr_sysfs_link_name(ctx, name, sizeof(name), "%s", link) ==
	       -ENOENT;
}

/* @link: below the root, to the device or the function itself */
static void gather_side(struct p2pmr_topo *topo, const char *link,
			struct p2pmr_side_facts *side)
{
	const struct p2pmr_context *ctx = topo->ctx;
	char path[P2PMR_PATH_LEN];
	int ret = resolve(ctx, link, path);

	if (!ret)
		ret = climb(path, side);
	side->err = -ret;
	if (ret) {
		side->count = 0;
		return;
	}
	for (unsigned int i = 0; i < side->count; i++)
		p2pmr_hop_gather(topo, &side->hops[i]);
	side->host.err = -gather_host(ctx, path, &side->host);
	side->iommu = gather_iommu(ctx, side->hops[0].address);
}

/* rxe and siw have had no parent device since Linux 5.11. */
static enum p2pmr_rdma_type software_type(const struct p2pmr_context *ctx,
					  const char *link)
{
	char type[32];

	if (p2pmr_sysfs_read(ctx, type, sizeof(type), "%s/node_type", link))
		return P2PMR_RDMA_VIRTUAL;
	/* rxe names the network device that it is on. siw alone is iWARP. */
	if (!strcmp(type, "1: CA") &&
	    p2pmr_sysfs_exists(ctx, "%s/parent", link))
		return P2PMR_RDMA_RXE;
	return !strcmp(type, "4: RNIC") ? P2PMR_RDMA_SIW : P2PMR_RDMA_VIRTUAL;
}

/* @end->link: of the RDMA device */
static void gather_rdma(struct p2pmr_topo *topo, struct p2pmr_end *end)
{
	char link[P2PMR_NAME_LEN * 2 + 8], path[P2PMR_PATH_LEN];

	end->rdma = P2PMR_RDMA_PCI;
	end->side.err = -resolve(topo->ctx, end->link, path);
	if (end->side.err)
		return;
	snprintf(link, sizeof(link), "%s/device", end->link);
	if (is_missing(topo->ctx, link)) {
		end->rdma = software_type(topo->ctx, end->link);
		return;
	}
	gather_side(topo, link, &end->side);
	if (end->side.err == ENODEV)
		end->rdma = P2PMR_RDMA_PLATFORM;
}

int p2pmr_cpu_is_zen(FILE *cpuinfo)
{
	bool amd = false, any = false;
	unsigned int family = 0, number;
	char line[512];

	/* The kernel asks the first processor. */
	while (fgets(line, sizeof(line), cpuinfo) && *line != '\n') {
		char vendor[32];

		any = true;
		if (sscanf(line, "vendor_id : %31s", vendor) == 1)
			amd = !strcmp(vendor, "AuthenticAMD");
		if (sscanf(line, "cpu family : %9u", &number) == 1)
			family = number;
	}
	if (!any || (amd && !family))
		return -1;
	return amd && family >= 0x17;
}

/* Beside the sysfs root, as /proc/cpuinfo is beside /sys */
static int read_cpu(const struct p2pmr_context *ctx)
{
	int fd = p2pmr_sysfs_open(ctx, O_RDONLY | O_NONBLOCK,
				  "../proc/cpuinfo");
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	int zen;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	zen = p2pmr_cpu_is_zen(file);
	fclose(file);
	return zen;
}

static int fail_device(const char *name)
{
	return p2pmr_fail(P2PMR_REASON_NO_RDMA_DEVICE, ENODEV,
			  "Take one of those that \"ls /sys/class/infiniband\" lists; if it lists none, load the RDMA device's driver.",
			  "There is no RDMA device \"%s\".", name);
}

static int gather_cpu(struct p2pmr_topo *topo)
{
	if (!topo->asked_zen)
		topo->zen = read_cpu(topo->ctx);
	topo->asked_zen = true;
	return topo->zen;
}

static int fail_provider(const struct p2pmr_provider *provider)
{
	return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
			  "Bring the device and its driver back, and call p2pmr_open() again.",
			  "%s (%s) was there at p2pmr_open() and has left.",
			  provider->name, provider->pci_address);
}

/* The provider, or NULL with a reason */
static const struct p2pmr_end *
gather_provider(struct p2pmr_topo *topo, const struct p2pmr_provider *provider)
{
	char link[P2PMR_NAME_LEN * 2];
	struct p2pmr_end *end;

	snprintf(link, sizeof(link), DEVICES "/%s", provider->pci_address);
	end = p2pmr_topo_find_end(topo, link);
	if (end)
		return end;
	if (is_missing(topo->ctx, link)) {
		fail_provider(provider);
		return NULL;
	}
	end = p2pmr_topo_new_end(topo, link);
	if (!end)
		return NULL;
	gather_side(topo, link, &end->side);
	if (end->side.count &&
	    strcmp(end->side.hops[0].address, provider->pci_address))
		end->side.err = EBADMSG;
	return end;
}

/* The RDMA device, or NULL with a reason */
static const struct p2pmr_end *gather_device(struct p2pmr_topo *topo,
					     const char *name)
{
	char link[P2PMR_NAME_LEN * 2];
	struct p2pmr_end *end;

	snprintf(link, sizeof(link), RDMA "/%s", name);
	end = p2pmr_topo_find_end(topo, link);
	if (end)
		return end;
	if (is_missing(topo->ctx, link)) {
		fail_device(name);
		return NULL;
	}
	end = p2pmr_topo_new_end(topo, link);
	if (end)
		gather_rdma(topo, end);
	return end;
}

int p2pmr_path_facts_gather(struct p2pmr_topo *topo,
			    const struct p2pmr_provider *provider,
			    const char *rdma_device,
			    struct p2pmr_path_facts *facts)
{
	const struct p2pmr_end *end;

	memset(facts, 0, sizeof(*facts));
	strcpy(facts->provider_name, provider->name);
	snprintf(facts->rdma_name, sizeof(facts->rdma_name), "%s", rdma_device);
	end = gather_provider(topo, provider);
	if (!end)
		return -errno;
	facts->provider = end->side;
	end = gather_device(topo, facts->rdma_name);
	if (!end)
		return -errno;
	facts->rdma = end->rdma;
	facts->device = end->side;
	facts->zen = gather_cpu(topo);
	return 0;
}
