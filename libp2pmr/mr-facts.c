// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding out, after ibv_reg_mr() has failed, what may be behind it. */
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

void p2pmr_limits_scan(FILE *status, FILE *uid_map,
		       struct p2pmr_limit_facts *limits)
{
	uint64_t inside, outside, count, caps = 0, kilobytes = 0;
	unsigned int found = 0;
	char line[512];

	while (fgets(line, sizeof(line), status)) {
		found += sscanf(line, "VmPin: %" SCNu64 " kB", &kilobytes) == 1;
		found += sscanf(line, "CapEff: %" SCNx64, &caps) == 1;
	}
	limits->known = found == 2;
	limits->pinned = kilobytes * 1024;
	/*
	 * The kernel asks for the capability in the initial user namespace,
	 * which maps all ids to themselves; in another one it counts nothing.
	 */
	limits->exempt = (caps & (1ULL << CAP_IPC_LOCK)) && uid_map &&
			 fscanf(uid_map, "%" SCNu64 " %" SCNu64 " %" SCNu64,
				&inside, &outside, &count) == 3 &&
			 !inside && !outside && count == UINT32_MAX;
}

static void gather_limits(struct p2pmr_limit_facts *limits)
{
	FILE *status = fopen("/proc/self/status", "re");
	FILE *uid_map = fopen("/proc/self/uid_map", "re");
	struct rlimit memlock;

	if (status)
		p2pmr_limits_scan(status, uid_map, limits);
	if (getrlimit(RLIMIT_MEMLOCK, &memlock))
		limits->known = false;
	else if (memlock.rlim_cur == RLIM_INFINITY)
		limits->memlock = UINT64_MAX;
	else
		limits->memlock = memlock.rlim_cur;
	if (status)
		fclose(status);
	if (uid_map)
		fclose(uid_map);
}

/* Is a page of ours mapped? When that cannot be told, it is. */
static bool is_present(uint64_t addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry, at = addr / sysconf(_SC_PAGESIZE) * sizeof(entry);
	bool told;

	if (fd < 0)
		return true;
	told = pread(fd, &entry, sizeof(entry), at) == sizeof(entry);
	close(fd);
	return !told || entry >> 63;
}

/*
 * A mapping whose provider has left stays in the list. Its file is gone then,
 * or, if the provider came back, another one of the same name. Where the file
 * is nowhere, it tells that none of the memory is left in the mapping.
 */
static bool has_left(const struct p2pmr_range_facts *range)
{
	struct stat now;

	if (range->peer_path[0] != '/')
		return !is_present(range->peer_at);
	if (stat(range->peer_path, &now))
		return errno == ENOENT || errno == ENOTDIR;
	return now.st_ino != range->peer_inode;
}

void p2pmr_range_gather(uint64_t start, uint64_t len,
			struct p2pmr_range_facts *range)
{
	FILE *maps = fopen("/proc/self/maps", "re");

	if (!maps) {
		memset(range, 0, sizeof(*range));
		return;
	}
	p2pmr_maps_scan(maps, start, len, range);
	fclose(maps);
	if (range->peer && !range->peer_gone)
		range->peer_gone = has_left(range);
}

/* Its driver is asked; a kernel that has no such question has no answer. */
static void gather_caps(struct ibv_pd *pd, struct p2pmr_mr_facts *facts)
{
	struct p2pmr_reason_record before;
	unsigned int caps = 0;

	p2pmr_reason_save(&before);
	if (p2pmr_device_caps(pd->context, &caps))
		p2pmr_reason_restore(&before);
	facts->peer_mr = caps & P2PMR_CAP_PEER_MR;
	facts->peer_atomic = caps & P2PMR_CAP_PEER_ATOMIC;
}

static void gather_device(const struct p2pmr_context *ctx, struct ibv_pd *pd,
			  struct p2pmr_mr_facts *facts)
{
	const char *name = ibv_get_device_name(pd->context->device);

	snprintf(facts->device, sizeof(facts->device), "%s",
		 name ? name : "the RDMA device");
	/* rxe and siw have had no parent device since Linux 5.11. */
	facts->software = !p2pmr_sysfs_exists(ctx, "class/infiniband/%s/device",
					      facts->device);
	if (p2pmr_sysfs_link_name(ctx, facts->driver, sizeof(facts->driver),
				  "class/infiniband/%s/device/driver",
				  facts->device))
		facts->driver[0] = '\0';
}

void p2pmr_mr_facts_gather(const struct p2pmr_context *ctx, struct ibv_pd *pd,
			   const void *addr, size_t len, int access,
			   struct p2pmr_mr_facts *facts)
{
	struct utsname system;

	memset(facts, 0, sizeof(*facts));
	facts->start = (uintptr_t)addr;
	facts->len = len;
	facts->access = access;
	facts->page_size = sysconf(_SC_PAGESIZE);
	if (!uname(&system))
		snprintf(facts->kernel, sizeof(facts->kernel), "%.63s",
			 system.release);
	gather_device(ctx, pd, facts);
	if (access & IBV_ACCESS_REMOTE_ATOMIC)
		gather_caps(pd, facts);
	p2pmr_range_gather(facts->start, len, &facts->range);
	gather_limits(&facts->limits);
}
