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

static struct ibv_mr *try_umem(const struct p2pmr_mr_request *request)
{
	/* A verbs driver may fail without saying why. */
	errno = 0;
	return ibv_reg_mr(request->pd, request->addr, request->len,
			  request->access);
}

static struct ibv_mr *try_dmabuf(const struct p2pmr_mr_request *request)
{
	const struct p2pmr_buf *buf = request->buf;
	struct ibv_mr *mr;

	errno = 0;
	mr = ibv_reg_dmabuf_mr(request->pd,
			       (char *)request->addr - (char *)buf->addr,
			       request->len, (uintptr_t)request->addr,
			       buf->dmabuf, request->access);
	/* libibverbs has the offset there, which is of no use to anybody */
	if (mr)
		mr->addr = request->addr;
	return mr;
}

/* Did the kernel, or the driver, just refuse to pin what is peer memory? */
static bool is_not_pinned(int err)
{
	return err == EFAULT || err == EREMOTEIO || err == EOPNOTSUPP;
}

struct ibv_mr *p2pmr_mr_try(const struct p2pmr_mr_request *request,
			    enum p2pmr_route *taken)
{
	const struct p2pmr_buf *buf = request->buf;
	int saved_errno = errno;
	struct ibv_mr *mr;

	*taken = P2PMR_ROUTE_NONE;
	if (request->route != P2PMR_ROUTE_DMABUF && !(buf && buf->imported)) {
		if (buf)
			*taken = buf->provider->ops->is_peer ?
				 P2PMR_ROUTE_UMEM : P2PMR_ROUTE_HOST;
		mr = try_umem(request);
		if (mr || !buf || buf->dmabuf < 0 ||
		    request->route == P2PMR_ROUTE_UMEM || !is_not_pinned(errno))
			goto out;
	}
	*taken = P2PMR_ROUTE_DMABUF;
	mr = try_dmabuf(request);
out:
	if (!mr) {
		if (!errno)
			errno = EIO;
		return NULL;
	}
	p2pmr_info("registered %zu bytes at %p with %s", request->len,
		   request->addr,
		   ibv_get_device_name(request->pd->context->device));
	errno = saved_errno;
	return mr;
}

/* Even when /proc cannot be read, a buffer knows what it is. */
static void add_buffer_facts(const struct p2pmr_buf *buf,
			     struct p2pmr_mr_facts *facts)
{
	const struct p2pmr_provider *provider = buf->provider;
	struct p2pmr_provider_space space;

	if (!provider->ops->is_peer || facts->range.peer)
		return;
	facts->range.peer = true;
	facts->range.peer_at = facts->start;
	facts->range.peer_bytes = facts->len;
	strcpy(facts->range.peer_pci, provider->pci_address);
	facts->range.peer_gone =
		provider->ops->space(provider, &space) == -ENODEV;
}

void p2pmr_mr_explain(const struct p2pmr_mr_request *request,
		      enum p2pmr_route tried, int err)
{
	const struct p2pmr_buf *buf = request->buf;
	struct p2pmr_reason_record reason;
	struct p2pmr_mr_facts facts;

	p2pmr_mr_facts_gather(buf ? buf->provider->ctx : NULL, request->pd,
			      request->addr, request->len, request->access,
			      &facts);
	if (buf)
		add_buffer_facts(buf, &facts);
	facts.dmabuf = tried == P2PMR_ROUTE_DMABUF;
	facts.imports = facts.dmabuf && p2pmr_dmabuf_imports(request->pd);
	p2pmr_mr_diagnose(err, &facts, &reason);
	p2pmr_reason_set(&reason);
}

static struct ibv_mr *reg(const struct p2pmr_mr_request *request,
			  enum p2pmr_route *route)
{
	enum p2pmr_route taken;
	struct ibv_mr *mr = p2pmr_mr_try(request, &taken);

	if (!mr)
		p2pmr_mr_explain(request, taken, errno);
	else if (route)
		*route = taken;
	return mr;
}

static enum p2pmr_route find_route(const void *addr, size_t len)
{
	struct p2pmr_range_facts range;
	int saved_errno = errno;

	p2pmr_range_gather((uintptr_t)addr, len, &range);
	if (!range.known)
		p2pmr_warn("/proc/self/maps cannot be read: route taken as host");
	errno = saved_errno;
	/* of dma-bufs, the kernel pins those of peer memory alone */
	return range.peer || range.dmabuf ? P2PMR_ROUTE_UMEM : P2PMR_ROUTE_HOST;
}

struct ibv_mr *p2pmr_reg_mr(struct ibv_pd *pd, struct p2pmr_buf *buf,
			    int access, enum p2pmr_route *route)
{
	return p2pmr_reg_mr_opts(pd, buf, access, NULL, route);
}

static int check_reg_opts(const struct p2pmr_buf *buf,
			  const struct p2pmr_reg_opts *opts)
{
	if (opts->reserved)
		return p2pmr_fail(P2PMR_REASON_BAD_OPTIONS, EINVAL,
				  "Set the field to 0.",
				  "The field reserved of p2pmr_reg_opts is %u.",
				  opts->reserved);
	switch (opts->route) {
	case P2PMR_ROUTE_NONE:
		return 0;
	case P2PMR_ROUTE_UMEM:
		if (!buf->imported)
			return 0;
		return p2pmr_fail(P2PMR_REASON_NOT_DMABUF, EINVAL,
				  "Leave the route out, or ask for \"dmabuf\".",
				  "The route \"umem\" was asked for, but the buffer came as a dma-buf, whose memory ibv_reg_mr() need not be able to pin.");
	case P2PMR_ROUTE_DMABUF:
		if (buf->dmabuf >= 0)
			return 0;
		return p2pmr_fail(P2PMR_REASON_NOT_DMABUF, EINVAL,
				  "Allocate the buffer with P2PMR_BUF_DMABUF, or leave the route out.",
				  "The route \"dmabuf\" was asked for, but the buffer of %s is no dma-buf.",
				  buf->provider->name);
	default:
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Ask for P2PMR_ROUTE_UMEM or P2PMR_ROUTE_DMABUF, or leave the route out.",
				  "The route %u (%s) cannot be asked for.",
				  (unsigned int)opts->route,
				  p2pmr_route_name(opts->route));
	}
}

struct ibv_mr *p2pmr_reg_mr_opts(struct ibv_pd *pd, struct p2pmr_buf *buf,
				 int access, const struct p2pmr_reg_opts *opts,
				 enum p2pmr_route *route)
{
	struct p2pmr_mr_request request;
	struct p2pmr_reg_opts known;

	if (route)
		*route = P2PMR_ROUTE_NONE;
	if (!pd || !buf) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a protection domain and a buffer.",
			   "p2pmr_reg_mr() was given a NULL %s.",
			   pd ? "buffer" : "protection domain");
		return NULL;
	}
	if (p2pmr_opts_read(opts, "p2pmr_reg_opts", sizeof(known), &known,
			    sizeof(known)) ||
	    check_reg_opts(buf, &known))
		return NULL;
	request = (struct p2pmr_mr_request){
		.pd = pd,
		.buf = buf,
		.addr = buf->addr,
		.len = buf->size,
		.access = access,
		.route = known.route,
	};
	return reg(&request, route);
}

struct ibv_mr *p2pmr_reg_addr(struct ibv_pd *pd, void *addr, size_t len_bytes,
			      int access, enum p2pmr_route *route)
{
	const struct p2pmr_mr_request request = {
		.pd = pd,
		.addr = addr,
		.len = len_bytes,
		.access = access,
	};
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
	mr = reg(&request, NULL);
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
