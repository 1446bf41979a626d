// SPDX-License-Identifier: GPL-2.0-only
/*
 * An RDMA device that lies, for LD_PRELOAD: one request does something else than
 * it was told, and completes well. In the environment:
 *
 *	LIE=WHAT:N	the N-th request that can be lied about (from 0) is
 *	    short	a write, one byte too short
 *	    shift	a write, one byte further on the remote side
 *	    drop	a write of nothing
 *	    stale	a read of what is one byte further
 *	    swap	a compare-and-swap that compares with something else
 *	LIE=no-atomics	it says that it does no atomic operations
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/verbs.h>

static int (*real_post_send)(struct ibv_qp *qp, struct ibv_send_wr *wr,
			     struct ibv_send_wr **bad);
static unsigned long requests;

static enum ibv_wr_opcode opcode_of(const char *lie)
{
	return !strncmp(lie, "stale", 5) ? IBV_WR_RDMA_READ :
	       !strncmp(lie, "swap", 4) ? IBV_WR_ATOMIC_CMP_AND_SWP :
					  IBV_WR_RDMA_WRITE;
}

/* Reads of one byte are what p2pmr flushes with */
static int is_meant(const char *lie, const struct ibv_send_wr *wr)
{
	const char *colon = strchr(lie, ':');

	if (!colon || wr->opcode != opcode_of(lie) || wr->sg_list->length < 2)
		return 0;
	return requests++ == strtoul(colon + 1, NULL, 10);
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		     struct ibv_send_wr **bad)
{
	const char *lie = getenv("LIE");
	struct ibv_send_wr other = *wr;
	struct ibv_sge sge;

	if (!lie || !wr->num_sge || !is_meant(lie, wr))
		return real_post_send(qp, wr, bad);
	sge = *wr->sg_list;
	other.sg_list = &sge;
	fprintf(stderr, "liar: %s, a request of %u bytes\n", lie, sge.length);
	if (!strncmp(lie, "short", 5))
		sge.length--;
	else if (!strncmp(lie, "drop", 4))
		sge.length = 0;
	else if (!strncmp(lie, "swap", 4))
		other.wr.atomic.compare_add ^= 1;
	else
		other.wr.rdma.remote_addr++;
	return real_post_send(qp, &other, bad);
}

struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	__typeof__(ibv_open_device) *real = dlsym(RTLD_NEXT, "ibv_open_device");
	struct ibv_context *ctx = real(device);

	if (!ctx)
		return NULL;
	real_post_send = ctx->ops.post_send;
	ctx->ops.post_send = post_send;
	return ctx;
}

int ibv_query_device(struct ibv_context *ctx, struct ibv_device_attr *attr)
{
	__typeof__(ibv_query_device) *real = dlsym(RTLD_NEXT, "ibv_query_device");
	const char *lie = getenv("LIE");
	int ret = real(ctx, attr);

	if (lie && !strcmp(lie, "no-atomics"))
		attr->atomic_cap = IBV_ATOMIC_NONE;
	return ret;
}
