// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reason of a thread's last failed call. */
#include "private.h"

#include <stdarg.h>
#include <string.h>

static _Thread_local struct p2pmr_reason_record last;

static const char *const names[] = {
	[P2PMR_REASON_NONE] = "NONE",
	[P2PMR_REASON_BAD_ARGUMENT] = "BAD_ARGUMENT",
	[P2PMR_REASON_BAD_OPTIONS] = "BAD_OPTIONS",
	[P2PMR_REASON_OUT_OF_MEMORY] = "OUT_OF_MEMORY",
	[P2PMR_REASON_SYSTEM] = "SYSTEM",
	[P2PMR_REASON_NO_PROVIDER] = "NO_PROVIDER",
	[P2PMR_REASON_PROVIDER_GONE] = "PROVIDER_GONE",
	[P2PMR_REASON_NO_PERMISSION] = "NO_PERMISSION",
	[P2PMR_REASON_KERNEL_NO_P2PDMA] = "KERNEL_NO_P2PDMA",
	[P2PMR_REASON_POOL_EXHAUSTED] = "POOL_EXHAUSTED",
	[P2PMR_REASON_TOO_LARGE] = "TOO_LARGE",
	[P2PMR_REASON_OUT_OF_RANGE] = "OUT_OF_RANGE",
	[P2PMR_REASON_NOT_MAPPED] = "NOT_MAPPED",
	[P2PMR_REASON_KERNEL_NO_PIN] = "KERNEL_NO_PIN",
	[P2PMR_REASON_DEVICE_NO_OPTIN] = "DEVICE_NO_OPTIN",
	[P2PMR_REASON_PATH_NONE] = "PATH_NONE",
	[P2PMR_REASON_MEMLOCK] = "MEMLOCK",
	[P2PMR_REASON_BAD_ACCESS] = "BAD_ACCESS",
	[P2PMR_REASON_NO_RDMA_DEVICE] = "NO_RDMA_DEVICE",
	[P2PMR_REASON_NO_CHOICE] = "NO_CHOICE",
	[P2PMR_REASON_ARENA_EXHAUSTED] = "ARENA_EXHAUSTED",
	[P2PMR_REASON_NOT_ALLOCATED] = "NOT_ALLOCATED",
	[P2PMR_REASON_FORKED] = "FORKED",
	[P2PMR_REASON_IN_USE] = "IN_USE",
	[P2PMR_REASON_NOT_NVME] = "NOT_NVME",
	[P2PMR_REASON_NO_HUGE_PAGES] = "NO_HUGE_PAGES",
	[P2PMR_REASON_FLUSH_FAILED] = "FLUSH_FAILED",
	[P2PMR_REASON_NO_PEER_ATOMICS] = "NO_PEER_ATOMICS",
	[P2PMR_REASON_KERNEL_NO_DMABUF] = "KERNEL_NO_DMABUF",
	[P2PMR_REASON_DEVICE_NO_DMABUF] = "DEVICE_NO_DMABUF",
	[P2PMR_REASON_DEVICE_NO_REVOKE] = "DEVICE_NO_REVOKE",
	[P2PMR_REASON_NOT_DMABUF] = "NOT_DMABUF",
	[P2PMR_REASON_KERNEL_NO_CDEV] = "KERNEL_NO_CDEV",
};

enum p2pmr_reason p2pmr_reason_code(void)
{
	return last.code;
}

int p2pmr_reason_errno(void)
{
	return last.err;
}

const char *p2pmr_reason_text(void)
{
	return last.text;
}

const char *p2pmr_reason_remedy(void)
{
	return last.remedy;
}

const char *p2pmr_reason_name(enum p2pmr_reason reason)
{
	/* A caller may pass any number, also a negative one. */
	if ((size_t)reason >= ARRAY_SIZE(names) || !names[reason])
		return "UNKNOWN";
	return names[reason];
}

const char *p2pmr_errno_name(int err)
{
#ifdef __GLIBC__
	const char *name = strerrorname_np(err);
#else
	const char *name = strerror(err);
#endif

	return name ? name : "an unknown error";
}

int p2pmr_reason_set(const struct p2pmr_reason_record *record)
{
	last = *record;
	p2pmr_error("%s: %s %s", p2pmr_reason_name(last.code), last.text,
		    last.remedy);
	errno = last.err;
	return -last.err;
}

void p2pmr_reason_save(struct p2pmr_reason_record *record)
{
	*record = last;
}

void p2pmr_reason_restore(const struct p2pmr_reason_record *record)
{
	last = *record;
}

int p2pmr_fail(enum p2pmr_reason code, int err, const char *remedy,
	       const char *fmt, ...)
{
	struct p2pmr_reason_record record = { .code = code, .err = err };
	va_list args;

	va_start(args, fmt);
	vsnprintf(record.text, sizeof(record.text), fmt, args);
	va_end(args);
	snprintf(record.remedy, sizeof(record.remedy), "%s", remedy);
	return p2pmr_reason_set(&record);
}

int p2pmr_fail_memory(const char *what)
{
	return p2pmr_fail(P2PMR_REASON_OUT_OF_MEMORY, ENOMEM,
			  "Free memory, or raise the process's memory limit.",
			  "The process has no memory left for %s.", what);
}
