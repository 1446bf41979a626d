// SPDX-License-Identifier: GPL-2.0-only
/* What follows from the options, the parameters and what the device can do. */
#include <errno.h>

#include "fail.h"
#include "perf.h"

/* Slower than any device memory that was met, emulated ones included */
#define MEMORY_MIN_BYTES_PER_MS 256
#define MEMORY_BASE_MS 60000

int perf_memory_timeout_ms(const struct perf_layout *lay)
{
	return MEMORY_BASE_MS + lay->area_bytes / MEMORY_MIN_BYTES_PER_MS;
}

uint32_t perf_cq_mod(const struct perf_opts *opts, const struct perf_params *p)
{
	uint32_t mod = opts->cq_mod;

	/* Large messages are rare enough for a completion each */
	if (!mod)
		mod = p->size > PERF_CQ_MOD_SIZE ? 1 : PERF_CQ_MOD;
	/* A full send queue without a completion to come would never drain */
	return mod < p->depth ? mod : p->depth;
}

uint32_t perf_inline_bytes(const struct perf_opts *opts,
			   const struct perf_params *p, bool is_peer)
{
	if (p->op != PERF_WRITE && p->op != PERF_SEND)
		return 0;
	if (opts->inline_bytes != PERF_INLINE_CHOOSE)
		return opts->inline_bytes;
	/* What goes inline is read by the CPU, and not by the device */
	if (p->tool == PERF_BW || is_peer)
		return 0;
	if (p->op == PERF_WRITE)
		return 220;
	return p->transport == PERF_RC ? 236 : 188;
}

static int check_atomic(const struct perf_dev *dev)
{
	if (dev->attr.atomic_cap != IBV_ATOMIC_NONE)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EOPNOTSUPP,
		    "Use another --op.", "%s does no atomics.", dev->name);
}

int perf_check_params(const struct perf_dev *dev,
		      const struct perf_params *params)
{
	if (params->op == PERF_ATOMIC && check_atomic(dev))
		return -1;
	/* A sweep of datagrams ends at the MTU */
	if (params->transport == PERF_UD && params->sweep)
		return 0;
	if (params->size <= dev->port_attr.max_msg_sz)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EMSGSIZE,
		    "Choose a smaller -s.",
		    "Messages of %llu bytes are too large for %s: it takes at most %u bytes.",
		    (unsigned long long)params->size, dev->name,
		    dev->port_attr.max_msg_sz);
}

static int choose_mtu(struct wire_endpoint *ep, const struct perf_dev *dev,
		      const struct perf_opts *opts)
{
	ep->mtu = opts->mtu ? opts->mtu : dev->port_attr.active_mtu;
	if (ep->mtu <= dev->port_attr.active_mtu)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EMSGSIZE,
		    "Choose a smaller -m, or raise the MTU of its network interface.",
		    "An MTU of %u bytes is too large for %s port %u, whose active MTU is %u bytes.",
		    128U << ep->mtu, dev->name, dev->port,
		    128U << dev->port_attr.active_mtu);
}

static uint8_t at_most_255(int val)
{
	return val < 0 ? 0 : val > 255 ? 255 : val;
}

static int choose_outs(struct wire_endpoint *ep, const struct perf_dev *dev,
		       const struct perf_opts *opts)
{
	ep->rd_init = at_most_255(dev->attr.max_qp_init_rd_atom);
	ep->rd_resp = at_most_255(dev->attr.max_qp_rd_atom);
	if (!opts->outs)
		return 0;
	if (opts->outs > ep->rd_init)
		return fail(CMD_FAILED, REASON_RDMA_DEVICE, EINVAL,
			    "Choose a smaller -o.",
			    "%u outstanding reads are too many for %s: it issues at most %u.",
			    opts->outs, dev->name, ep->rd_init);
	ep->rd_init = opts->outs;
	return 0;
}

int perf_choose_limits(struct wire_endpoint *ep, const struct perf_dev *dev,
		       const struct perf_opts *opts)
{
	return choose_mtu(ep, dev, opts) || choose_outs(ep, dev, opts) ? -1 : 0;
}
