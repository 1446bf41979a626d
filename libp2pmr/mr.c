// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory regions: registering, and saying why it failed. */
#include "private.h"

#include <inttypes.h>
#include <string.h>

static const char *const route_names[] = {
	[P2PMR_ROUTE_NONE] = "none",
	[P2PMR_ROUTE_UMEM] = "umem",
	[P2PMR_ROUTE_DMABUF] = "dmabuf",
	[P2PMR_ROUTE_HOST] = "host",
};

const char *p2pmr_route_name(enum p2pmr_route route)
{
	if ((size_t)route >= ARRAY_SIZE(route_names))
		return "unknown";
	return route_names[route];
}

struct ibv_mr *p2pmr_mr_try(struct ibv_pd *pd, void *addr, size_t len,
			    int access)
{
	int saved_errno = errno;
	struct ibv_mr *mr;

	/* A verbs driver may fail without saying why. */
	errno = 0;
	mr = ibv_reg_mr(pd, addr, len, access);
	if (!mr) {
		if (!errno)
			errno = EIO;
		return NULL;
	}
	p2pmr_info("registered %zu bytes at %p with %s", len, addr,
		   ibv_get_device_name(pd->context->device));
	errno = saved_errno;
	return mr;
}

void p2pmr_mr_explain(const struct p2pmr_provider *provider, struct ibv_pd *pd,
		      const void *addr, size_t len, int access, int err)
{
	struct p2pmr_provider_space space;
	struct p2pmr_reason_record reason;
	struct p2pmr_mr_facts facts;

	p2pmr_mr_facts_gather(provider ? provider->ctx : NULL, pd, addr, len,
			      access, &facts);
	/* Even when /proc cannot be read, a buffer knows what it is. */
	if (provider && provider->ops->is_peer && !facts.range.peer) {
		facts.range.peer = true;
		facts.range.peer_at = facts.start;
		facts.range.peer_bytes = len;
		strcpy(facts.range.peer_pci, provider->pci_address);
		facts.range.peer_gone =
			provider->ops->space(provider, &space) == -ENODEV;
	}
	p2pmr_mr_diagnose(err, &facts, &reason);
	p2pmr_reason_set(&reason);
}

/* @provider: what the memory is known to come from, or NULL */
static struct ibv_mr *reg(const struct p2pmr_provider *provider,
			  struct ibv_pd *pd, void *addr, size_t len, int access)
{
	struct ibv_mr *mr = p2pmr_mr_try(pd, addr, len, access);

	if (!mr)
		p2pmr_mr_explain(provider, pd, addr, len, access, errno);
	return mr;
}

enum p2pmr_route p2pmr_mr_route(const struct p2pmr_provider *provider)
{
	return provider->ops->is_peer ? P2PMR_ROUTE_UMEM : P2PMR_ROUTE_HOST;
}

static enum p2pmr_route find_route(const void *addr, size_t len)
{
	struct p2pmr_range_facts range;
	int saved_errno = errno;

	p2pmr_range_gather((uintptr_t)addr, len, &range);
	if (!range.known)
		p2pmr_warn("/proc/self/maps cannot be read: route taken as host");
	errno = saved_errno;
	return range.peer ? P2PMR_ROUTE_UMEM : P2PMR_ROUTE_HOST;
}

struct ibv_mr *p2pmr_reg_mr(struct ibv_pd *pd, struct p2pmr_buf *buf,
			    int access, enum p2pmr_route *route)
{
	struct ibv_mr *mr;

	if (route)
		*route = P2PMR_ROUTE_NONE;
	if (!pd || !buf) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a protection domain and a buffer.",
			   "p2pmr_reg_mr() was given a NULL %s.",
			   pd ? "buffer" : "protection domain");
		return NULL;
	}
	mr = reg(buf->provider, pd, buf->addr, buf->size, access);
	if (mr && route)
		*route = p2pmr_mr_route(buf->provider);
	return mr;
}

struct ibv_mr *p2pmr_reg_addr(struct ibv_pd *pd, void *addr, size_t len_bytes,
			      int access, enum p2pmr_route *route)
{
	struct ibv_mr *mr;

	if (route)
		*route = P2PMR_ROUTE_NONE;
	if (!pd || !addr || !len_bytes) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a protection domain, an address and a length of at least 1.",
			   "p2pmr_reg_addr() was given a %s.",
			   !pd ? "NULL protection domain" :
			   !addr ? "NULL address" : "length of 0");
		return NULL;
	}
	if (len_bytes - 1 > UINTPTR_MAX - (uintptr_t)addr) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Correct the length.",
			   "%zu bytes from %p on reach beyond the end of the address space.",
			   len_bytes, addr);
		return NULL;
	}
	mr = reg(NULL, pd, addr, len_bytes, access);
	if (mr && route)
		*route = find_route(addr, len_bytes);
	return mr;
}

/* include/uapi/rdma/ib_user_verbs.h of a kernel with the series */
#define DEVICE_PEER_MR (UINT64_C(1) << 41)
#define DEVICE_PEER_ATOMIC (UINT64_C(1) << 42)

int p2pmr_device_caps(struct ibv_context *verbs, unsigned int *caps)
{
	int saved_errno = errno;
	struct ibv_device_attr_ex attr;
	int err;

	if (!verbs || !caps)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass an opened RDMA device and where to put the answer.",
				  "p2pmr_device_caps() was given a NULL %s.",
				  verbs ? "answer" : "device");
	err = ibv_query_device_ex(verbs, NULL, &attr);
	if (err)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "See ibv_query_device_ex(3) for this error.",
				  "%s cannot be asked what it is capable of: %s.",
				  ibv_get_device_name(verbs->device),
				  p2pmr_errno_name(err));
	*caps = (attr.device_cap_flags_ex & DEVICE_PEER_MR ?
		 P2PMR_CAP_PEER_MR : 0) |
		(attr.device_cap_flags_ex & DEVICE_PEER_ATOMIC ?
		 P2PMR_CAP_PEER_ATOMIC : 0);
	errno = saved_errno;
	return 0;
}
