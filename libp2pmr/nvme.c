// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What sysfs says of a provider that is an NVMe drive: its namespaces, and the
 * registers that describe its CMB.
 */
#include "private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONTROLLER "bus/pci/devices/%s/nvme/%s"

bool p2pmr_nvme_is_name(const char *name)
{
	if (strncmp(name, "nvme", 4) || !name[4])
		return false;
	return strspn(name + 4, "0123456789") == strlen(name + 4);
}

static bool is_there(const struct p2pmr_provider *provider)
{
	return p2pmr_sysfs_exists(provider->ctx, CONTROLLER,
				  provider->pci_address, provider->name);
}

static int fail_gone(const struct p2pmr_provider *provider)
{
	return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
			  "Bring the drive and its driver back, and call p2pmr_open() again.",
			  "%s (%s) was there at p2pmr_open() and has left: its driver was unbound, or the drive removed.",
			  provider->name, provider->pci_address);
}

static int check_drive(const struct p2pmr_provider *provider)
{
	if (!p2pmr_nvme_is_name(provider->name))
		return p2pmr_fail(P2PMR_REASON_NOT_NVME, ENOTSUP,
				  "Ask this of NVMe drives alone; their names start with \"nvme\".",
				  "%s is no NVMe drive: no controller of the nvme driver belonged to it at p2pmr_open().",
				  provider->name);
	return is_there(provider) ? 0 : fail_gone(provider);
}

/* A register that the driver does not show reads as 0. */
static int read_register(const struct p2pmr_provider *provider,
			 const char *name, uint64_t *value)
{
	int ret = p2pmr_sysfs_read_u64(provider->ctx, value, CONTROLLER "/%s",
				       provider->pci_address, provider->name,
				       name);

	if (!ret && *value > UINT32_MAX)
		ret = -EBADMSG;
	if (!ret)
		return 0;
	if (!is_there(provider))
		return fail_gone(provider);
	*value = 0;
	if (ret == -ENOENT)
		return 0;
	return p2pmr_fail(P2PMR_REASON_SYSTEM, -ret,
			  ret == -EBADMSG ?
			  "Report it with the file's content: the nvme driver writes a 32-bit number there." :
			  "Let the process read sysfs.",
			  "The file %s of %s (%s) %s: %s.", name,
			  provider->name, provider->pci_address,
			  ret == -EBADMSG ? "does not hold a 32-bit number" :
			  "cannot be read", p2pmr_errno_name(-ret));
}

static int fail_registers(const struct p2pmr_provider *provider,
			  uint64_t cmbsz, uint64_t cmbloc, const char *what)
{
	return p2pmr_fail(P2PMR_REASON_SYSTEM, EBADMSG,
			  "Report it to the drive's vendor, or update its firmware.",
			  "%s (%s) describes its CMB by CMBSZ %#" PRIx64
			  " and CMBLOC %#" PRIx64 ", in which %s is not one that the NVMe specification has.",
			  provider->name, provider->pci_address, cmbsz, cmbloc,
			  what);
}

/*
 * NVM Express Base Specification, CMBLOC and CMBSZ:
 *   CMBLOC 31:12 offset, in units of CMBSZ.SZU; 2:0 BAR (1, 6 and 7 are none)
 *   CMBSZ  31:12 size; 11:8 unit, 4 KiB * 16^SZU, up to 64 GiB; 4:0 uses
 */
static int read_cmb(const struct p2pmr_provider *provider,
		    struct p2pmr_nvme_info *info)
{
	uint64_t cmbsz, cmbloc, unit, bar;
	int ret = read_register(provider, "cmbsz", &cmbsz);

	if (!ret)
		ret = read_register(provider, "cmbloc", &cmbloc);
	if (ret || !cmbsz)
		return ret;
	unit = cmbsz >> 8 & 0xf;
	bar = cmbloc & 0x7;
	if (unit > 6)
		return fail_registers(provider, cmbsz, cmbloc, "the unit");
	if (!(cmbsz >> 12))
		return fail_registers(provider, cmbsz, cmbloc, "the size");
	if (bar == 1 || bar > 5)
		return fail_registers(provider, cmbsz, cmbloc, "the BAR");
	/* 20 bits times at most 2^36: neither can wrap. */
	info->cmb_size_bytes = (cmbsz >> 12) << (12 + 4 * unit);
	info->cmb_offset_bytes = (cmbloc >> 12) << (12 + 4 * unit);
	info->cmb_uses = cmbsz & 0x1f;
	info->cmb_bar = bar;
	return 0;
}

/*
 * The driver takes memory for queues from the pool that all others take theirs
 * from, so that sysfs can only ever show that there are none.
 */
static int read_queues(const struct p2pmr_provider *provider,
		       struct p2pmr_nvme_info *info)
{
	struct p2pmr_provider_space space;
	char use_cmb_sqes[4];
	int ret = provider->ops->space(provider, &space);

	if (ret)
		return ret;
	if (space.available_bytes == space.size_bytes ||
	    (info->cmb_size_bytes && !(info->cmb_uses & P2PMR_NVME_CMB_SQS)))
		info->queues = P2PMR_NVME_QUEUES_NONE;
	else if (!p2pmr_sysfs_read(provider->ctx, use_cmb_sqes,
				   sizeof(use_cmb_sqes),
				   "module/nvme/parameters/use_cmb_sqes") &&
		 !strcmp(use_cmb_sqes, "N"))
		info->queues = P2PMR_NVME_QUEUES_NONE;
	return 0;
}

int p2pmr_provider_nvme_info(const struct p2pmr_provider *provider,
			     struct p2pmr_nvme_info *info)
{
	struct p2pmr_nvme_info known = { 0 };
	int saved_errno = errno;
	int ret;

	if (!provider || !info)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a provider and a struct to fill in.",
				  "p2pmr_provider_nvme_info() was given a NULL %s.",
				  provider ? "info" : "provider");
	if (info->sz < sizeof(known))
		return p2pmr_fail(P2PMR_REASON_BAD_OPTIONS, EINVAL,
				  "Set the member sz to the size of the struct.",
				  "struct p2pmr_nvme_info says that it is %zu bytes long, which is less than the %zu bytes of its first release.",
				  info->sz, sizeof(known));
	ret = check_drive(provider);
	if (!ret)
		ret = read_cmb(provider, &known);
	if (!ret)
		ret = read_queues(provider, &known);
	if (ret)
		return ret;
	known.sz = info->sz;
	memset(info, 0, info->sz);
	memcpy(info, &known, sizeof(known));
	errno = saved_errno;
	return 0;
}

/* As the kernel numbers them: @name is nvme<subsystem>n<number>. */
struct namespace {
	unsigned int subsystem;
	unsigned int number;
};

struct namespaces {
	struct namespace *array;
	size_t count;
};

/* A decimal number of at most 9 digits; NULL when there is none */
static const char *parse_number(const char *text, unsigned int *value)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;

	*value = 0;
	if (!digits || digits > 9)
		return NULL;
	for (; digits; digits--)
		*value = *value * 10 + (*text++ - '0');
	return text;
}

/*
 * "nvme0n1", or "nvme0c0n1", which is one path to nvme0n1 and hidden. False
 * for all else that is in a controller's folder, and for what cannot be
 * opened: a multipath device has no node before it has a usable path.
 */
static bool parse_namespace(const struct p2pmr_context *ctx, const char *name,
			    struct namespace *ns)
{
	const char *rest = NULL;
	unsigned int path;
	uint64_t hidden;

	if (!strncmp(name, "nvme", 4))
		rest = parse_number(name + 4, &ns->subsystem);
	if (rest && *rest == 'c')
		rest = parse_number(rest + 1, &path);
	if (!rest || *rest != 'n')
		return false;
	rest = parse_number(rest + 1, &ns->number);
	if (!rest || *rest)
		return false;
	if (!p2pmr_sysfs_exists(ctx, "class/block/nvme%un%u", ns->subsystem,
				ns->number))
		return false;
	return p2pmr_sysfs_read_u64(ctx, &hidden,
				    "class/block/nvme%un%u/hidden",
				    ns->subsystem, ns->number) || !hidden;
}

static int append(struct namespaces *list, const struct namespace *ns)
{
	struct namespace *array = realloc(list->array, (list->count + 1) *
					  sizeof(*array));

	if (!array)
		return p2pmr_fail_memory("a list of namespaces");
	array[list->count++] = *ns;
	list->array = array;
	return 0;
}

static int read_namespaces(const struct p2pmr_provider *provider,
			   struct namespaces *list)
{
	DIR *dir = p2pmr_sysfs_opendir(provider->ctx, CONTROLLER,
				       provider->pci_address, provider->name);
	struct dirent *entry;
	int err = errno;
	int ret = 0;

	if (!dir && !is_there(provider))
		return fail_gone(provider);
	if (!dir)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "Let the process read sysfs, and have more files open.",
				  "The folder of %s (%s) in sysfs cannot be read: %s.",
				  provider->name, provider->pci_address,
				  p2pmr_errno_name(err));
	while (!ret && (entry = readdir(dir))) {
		struct namespace ns;

		if (parse_namespace(provider->ctx, entry->d_name, &ns))
			ret = append(list, &ns);
	}
	closedir(dir);
	return ret;
}

static int compare(const void *a, const void *b)
{
	const struct namespace *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->subsystem > y->subsystem) - (x->subsystem < y->subsystem);
}

/* One block of memory: the pointers, then the strings */
static char **make_names(const struct namespaces *list)
{
	const size_t each = sizeof(char *) + sizeof("nvme999999999n999999999");
	char **names = malloc((list->count + 1) * each);
	char *text;

	if (!names) {
		p2pmr_fail_memory("a list of namespaces");
		return NULL;
	}
	text = (char *)(names + list->count + 1);
	for (size_t i = 0; i < list->count; i++) {
		names[i] = text;
		text += sprintf(text, "nvme%un%u", list->array[i].subsystem,
				list->array[i].number) + 1;
	}
	names[list->count] = NULL;
	return names;
}

char **p2pmr_provider_nvme_namespaces(const struct p2pmr_provider *provider)
{
	struct namespaces list = { 0 };
	int saved_errno = errno;
	char **names = NULL;

	if (!provider) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a provider.",
			   "p2pmr_provider_nvme_namespaces() was given a NULL provider.");
		return NULL;
	}
	if (check_drive(provider))
		return NULL;
	if (!read_namespaces(provider, &list)) {
		if (list.count)
			qsort(list.array, list.count, sizeof(*list.array),
			      compare);
		names = make_names(&list);
	}
	if (!names)
		saved_errno = errno;
	free(list.array);
	errno = saved_errno;
	return names;
}
