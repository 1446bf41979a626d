// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ordinary memory, for comparison: anonymous, and shared across fork() as peer
 * memory is.
 */
#include "ops.h"

#include <stdio.h>
#include <string.h>
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

static int host_map(struct p2pmr_provider *provider, size_t size, void **addr)
{
	int fd = memfd_create("p2pmr", MFD_CLOEXEC);
	int ret = 0;

	(void)provider;
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

const struct p2pmr_provider_ops p2pmr_provider_host = {
	.type = "host",
	.is_peer = false,
	.scan = host_scan,
	.space = host_space,
	.map = host_map,
};
