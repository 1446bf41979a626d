// SPDX-License-Identifier: GPL-2.0-only
#include "perf_params.h"

const char *perf_tool_name(enum perf_tool tool)
{
	return tool == PERF_BW ? "p2pmr bw" : "p2pmr lat";
}

const char *perf_op_name(enum perf_op op)
{
	static const char *const names[] = {
		[PERF_WRITE] = "write",
		[PERF_READ] = "read",
		[PERF_SEND] = "send",
		[PERF_ATOMIC] = "atomic",
	};

	return names[op];
}

const char *perf_atomic_name(enum perf_atomic atomic)
{
	return atomic == PERF_FETCH_ADD ? "FETCH_AND_ADD" : "CMP_AND_SWAP";
}

const char *perf_transport_name(enum perf_transport transport)
{
	return transport == PERF_RC ? "RC" : "UD";
}

/*
 * An unreliable datagram that is lost must not shift the others to slots that
 * are not theirs; and with one message under way at a time, one slot is all
 * that is needed.
 */
static uint32_t slots_max(const struct perf_params *p)
{
	return p->tool == PERF_LAT || p->transport == PERF_UD ? 1 : p->depth;
}

int perf_params_layout(const struct perf_params *p, struct perf_layout *lay)
{
	uint32_t lanes = p->both || perf_is_ping_pong(p) ? 2 : 1;

	return perf_layout_init(lay, p->size, slots_max(p), p->qps,
				p->iterations, lanes);
}

const char *perf_params_wrong(const struct perf_params *p)
{
	struct perf_layout lay;

	if (!p->iterations == !p->duration_s)
		return "not exactly one of iterations and duration";
	if (p->transport == PERF_UD && p->op != PERF_SEND)
		return "UD can only send";
	if (p->op == PERF_ATOMIC && p->size != PERF_ATOMIC_BYTES)
		return "an atomic operates on 8 bytes";
	if (p->op == PERF_ATOMIC && p->sweep)
		return "an atomic has one size";
	if (p->tool == PERF_LAT && (p->qps != 1 || p->both))
		return "latency is that of one queue pair";
	if (p->tos && !p->cm)
		return "a type of service without rdma_cm";
	if (perf_params_layout(p, &lay))
		return "size times queue pairs above 4 GiB";
	return NULL;
}
