// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ordinary memory, for comparison: anonymous, and shared across fork() as peer
 * memory is.
 */
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int host_scan(struct p2pmr_context *ctx,
		     const struct p2pmr_provider_ops *self)
{
	const struct p2pmr_provider provider = {
		.ops = self,
		.name = "host",
		.numa_node = -1,
	};

	return p2pmr_provider_add(ctx, &provider);
}

static int fail_meminfo(int err)
{
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err, "Mount /proc.",
			  "How much memory the machine has cannot be read from /proc/meminfo: %s.",
			  p2pmr_errno_name(err));
}

static int host_space(const struct p2pmr_provider *provider,
		      struct p2pmr_provider_space *space)
{
	unsigned long long total = 0, available = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned int found = 0;
	char line[128];

	(void)provider;
	if (!file)
		return fail_meminfo(errno);
	while (fgets(line, sizeof(line), file)) {
		found += sscanf(line, "MemTotal: %llu kB", &total) == 1;
		found += sscanf(line, "MemAvailable: %llu kB", &available) == 1;
	}
	fclose(file);
	if (found != 2)
		return fail_meminfo(EBADMSG);
	*space = (struct p2pmr_provider_space){
		.size_bytes = total * 1024,
		.available_bytes = available * 1024,
	};
	return 0;
}

static int fail_call(const char *call, size_t size, int err)
{
	if (err == ENOMEM)
		return -ENOSPC;
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "See the call's manual page for this error.",
			  "Allocating %zu bytes of host memory failed in %s(): %s.",
			  size, call, p2pmr_errno_name(err));
}

/* @fd: of memfd_create(); closed, also on failure */
static int map_memfd(int fd, size_t size, void **addr)
{
	int ret = 0;

	if (fd < 0)
		return fail_call("memfd_create", size, errno);
	if (ftruncate(fd, size)) {
		ret = fail_call("ftruncate", size, errno);
		goto out;
	}
	*addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*addr == MAP_FAILED)
		ret = fail_call("mmap", size, errno);
out:
	close(fd);
	return ret;
}

static int host_map(struct p2pmr_provider *provider, size_t size, void **addr)
{
	(void)provider;
	return map_memfd(memfd_create("p2pmr", MFD_CLOEXEC), size, addr);
}

/* What the kernel says of its huge pages of one size; false: nothing */
static bool read_pool(const struct p2pmr_provider *provider, size_t page_bytes,
		      const char *what, uint64_t *pages)
{
	return !p2pmr_sysfs_read_u64(provider->ctx, pages,
				     "kernel/mm/hugepages/hugepages-%zukB/%s",
				     page_bytes / 1024, what);
}

static int fail_no_size(size_t page_bytes)
{
	return p2pmr_fail(P2PMR_REASON_NO_HUGE_PAGES, EINVAL,
			  "Use a size that /sys/kernel/mm/hugepages has; the kernel parameter hugepagesz= may add one.",
			  "This kernel has no huge pages of %zu bytes.",
			  page_bytes);
}

/*
 * The pages were promised to others, or never reserved. The kernel counts those
 * that are promised, but not yet used, as free.
 */
static int fail_pool(const struct p2pmr_provider *provider, size_t size,
		     size_t page_bytes)
{
	uint64_t all, unused, promised, needed = size / page_bytes;
	char remedy[512];

	if (!read_pool(provider, page_bytes, "nr_hugepages", &all) ||
	    !read_pool(provider, page_bytes, "free_hugepages", &unused) ||
	    !read_pool(provider, page_bytes, "resv_hugepages", &promised))
		all = unused = promised = 0;
	unused -= promised < unused ? promised : unused;
	if (unused >= needed)
		return p2pmr_fail(P2PMR_REASON_NO_HUGE_PAGES, ENOMEM,
				  "Try again, raise RLIMIT_AS or vm.max_map_count if the process uses them up, or ask for less.",
				  "%zu bytes were asked for in huge pages of %zu bytes, and could not be had, although %" PRIu64
				  " such pages are free now: others took them meanwhile, or the process may map no more.",
				  size, page_bytes, unused);
	snprintf(remedy, sizeof(remedy),
		 "Reserve them as root: echo %" PRIu64
		 " > /sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages, best soon after boot, while memory is in large pieces; or ask for less.",
		 all + needed - unused, page_bytes / 1024);
	return p2pmr_fail(P2PMR_REASON_NO_HUGE_PAGES, ENOMEM, remedy,
			  "%zu bytes take %" PRIu64
			  " huge pages of %zu bytes, but only %" PRIu64
			  " of the %" PRIu64 " that are reserved are free.",
			  size, needed, page_bytes, unused, all);
}

static int host_map_huge(struct p2pmr_provider *provider, size_t size,
			 size_t page_bytes, void **addr)
{
	unsigned int shift = __builtin_ctzll(page_bytes);
	int fd, ret;

	/* A shift of 0 would mean the kernel's default size. */
	if (!shift)
		return fail_no_size(page_bytes);
	fd = memfd_create("p2pmr", MFD_CLOEXEC | MFD_HUGETLB |
			  shift << MAP_HUGE_SHIFT);
	if (fd < 0 && (errno == ENODEV || errno == EINVAL || errno == ENOSYS))
		return fail_no_size(page_bytes);
	ret = map_memfd(fd, size, addr);
	return ret == -ENOSPC ? fail_pool(provider, size, page_bytes) : ret;
}

const struct p2pmr_provider_ops p2pmr_provider_host = {
	.type = "host",
	.is_peer = false,
	.scan = host_scan,
	.space = host_space,
	.map = host_map,
	.map_huge = host_map_huge,
};
