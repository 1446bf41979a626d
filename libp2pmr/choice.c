// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Choice: the best provider for an RDMA device. */
#include "private.h"

#include <stdlib.h>

struct p2pmr_choice {
	size_t count;
	struct p2pmr_candidate list[];
};

/* Of the kinds of path, the better ones first */
static unsigned int rank_kind(enum p2pmr_path_kind kind)
{
	static const unsigned int ranks[] = {
		[P2PMR_PATH_BUS] = 0,
		[P2PMR_PATH_BRIDGE] = 1,
		[P2PMR_PATH_CPU] = 2,
		[P2PMR_PATH_UNKNOWN] = 3,
		[P2PMR_PATH_NONE] = 4,
	};

	return ranks[kind];
}

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int p2pmr_candidate_compare(const void *left, const void *right)
{
	const struct p2pmr_candidate *a = left, *b = right;
	int ret = order(!a->is_peer, !b->is_peer);

	if (!ret)
		ret = order(rank_kind(a->kind), rank_kind(b->kind));
	/* no distance, -1, is the longest */
	if (!ret)
		ret = order((unsigned int)a->distance, (unsigned int)b->distance);
	if (!ret)
		ret = order(!a->near, !b->near);
	if (!ret)
		ret = order(b->available, a->available);
	return ret ? ret : order(a->place, b->place);
}

static int read_numa_node(const struct p2pmr_context *ctx, const char *device)
{
	uint64_t node;

	/* -1, for a machine that does not say, is no number here */
	if (p2pmr_sysfs_read_u64(ctx, &node, "class/infiniband/%s/device/numa_node",
				 device) || node > INT32_MAX)
		return -1;
	return node;
}

/* Fills in how the device reaches it. Returns 0 or -errno with a reason. */
static int find_path(struct p2pmr_candidate *candidate, const char *device)
{
	struct p2pmr_path *path;

	candidate->kind = P2PMR_PATH_CPU;
	candidate->distance = -1;
	if (!candidate->is_peer)
		return 0;
	path = p2pmr_path_query_name(candidate->provider, device);
	if (!path)
		return -errno;
	candidate->kind = p2pmr_path_kind(path);
	candidate->distance = p2pmr_path_distance(path);
	p2pmr_path_free(path);
	return 0;
}

/* 1: it will do, 0: it will not, else -errno with a reason */
static int consider(struct p2pmr_candidate *candidate, const char *device,
		    int node, size_t size_bytes)
{
	const struct p2pmr_provider *provider = candidate->provider;
	struct p2pmr_provider_space space;
	int ret;

	if (provider->ops->space(provider, &space) ||
	    space.available_bytes < size_bytes || size_bytes > PTRDIFF_MAX)
		return 0;
	candidate->is_peer = provider->ops->is_peer;
	candidate->available = space.available_bytes;
	candidate->near = node >= 0 && provider->numa_node == node;
	ret = find_path(candidate, device);
	/* since it was asked for its space */
	if (ret == -ENODEV && p2pmr_reason_code() == P2PMR_REASON_PROVIDER_GONE)
		return 0;
	return ret ? ret : candidate->kind != P2PMR_PATH_NONE;
}

static int collect(struct p2pmr_choice *choice, struct p2pmr_context *ctx,
		   const char *device, size_t size_bytes, bool host)
{
	int ret, node = read_numa_node(ctx, device);
	struct p2pmr_provider *provider;
	struct p2pmr_candidate *next;
	size_t place = 0;

	TAILQ_FOREACH(provider, &ctx->providers, entry) {
		if (*provider->by_name || (!provider->ops->is_peer && !host))
			continue;
		next = &choice->list[choice->count];
		*next = (struct p2pmr_candidate){ .provider = provider,
						  .place = place++ };
		ret = consider(next, device, node, size_bytes);
		if (ret < 0)
			return ret;
		choice->count += ret;
	}
	qsort(choice->list, choice->count, sizeof(choice->list[0]),
	      p2pmr_candidate_compare);
	return 0;
}

static size_t count_providers(struct p2pmr_context *ctx)
{
	struct p2pmr_provider *provider;
	size_t count = 0;

	TAILQ_FOREACH(provider, &ctx->providers, entry)
		count++;
	return count;
}

struct p2pmr_choice *p2pmr_choice_by_name(struct p2pmr_context *ctx,
					  const char *device, size_t size_bytes,
					  bool host)
{
	struct p2pmr_reason_record before;
	int saved_errno = errno;
	struct p2pmr_choice *choice;
	int ret;

	p2pmr_reason_save(&before);
	choice = calloc(1, sizeof(*choice) +
			count_providers(ctx) * sizeof(choice->list[0]));
	if (!choice) {
		p2pmr_fail_memory("a choice");
		return NULL;
	}
	ret = collect(choice, ctx, device, size_bytes, host);
	if (ret) {
		free(choice);
		errno = -ret;
		return NULL;
	}
	/* a provider that has just left was no failure */
	p2pmr_reason_restore(&before);
	errno = saved_errno;
	return choice;
}

/* 0, or -errno with a reason */
static int check(const char *function, struct p2pmr_context *ctx,
		 struct ibv_device *device, size_t size_bytes,
		 const struct p2pmr_choice_opts *opts, bool *host)
{
	struct p2pmr_choice_opts known;

	if (!ctx || !device || !size_bytes)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a context, an RDMA device and a size of at least 1.",
				  "%s() was given %s.", function,
				  !ctx ? "a NULL context" :
				  !device ? "a NULL device" : "a size of 0");
	if (p2pmr_opts_read(opts, "p2pmr_choice_opts", sizeof(known), &known,
			    sizeof(known)))
		return -EINVAL;
	if (known.flags & ~P2PMR_CHOICE_HOST)
		return p2pmr_fail(P2PMR_REASON_BAD_OPTIONS, EINVAL,
				  "Use the library's newer release that knows the flag, or leave it out.",
				  "%s() was given flags %#llx, of which this release of the library does not know all.",
				  function, (unsigned long long)known.flags);
	*host = known.flags & P2PMR_CHOICE_HOST;
	return 0;
}

struct p2pmr_choice *p2pmr_choice_make(struct p2pmr_context *ctx,
				       struct ibv_device *device,
				       size_t size_bytes,
				       const struct p2pmr_choice_opts *opts)
{
	bool host;

	if (check("p2pmr_choice_make", ctx, device, size_bytes, opts, &host))
		return NULL;
	return p2pmr_choice_by_name(ctx, ibv_get_device_name(device), size_bytes,
				    host);
}

void p2pmr_choice_free(struct p2pmr_choice *choice)
{
	int saved_errno = errno;

	free(choice);
	errno = saved_errno;
}

size_t p2pmr_choice_count(const struct p2pmr_choice *choice)
{
	return choice->count;
}

struct p2pmr_provider *p2pmr_choice_provider(const struct p2pmr_choice *choice,
					     size_t rank)
{
	return rank < choice->count ? choice->list[rank].provider : NULL;
}

enum p2pmr_path_kind p2pmr_choice_kind(const struct p2pmr_choice *choice,
				       size_t rank)
{
	return rank < choice->count ? choice->list[rank].kind : P2PMR_PATH_NONE;
}

static void fail_empty(struct p2pmr_context *ctx, const char *device,
		       size_t size_bytes, bool host)
{
	if (!p2pmr_context_has_peer(ctx))
		p2pmr_fail(P2PMR_REASON_NO_CHOICE, ENODEV,
			   "See p2pmr_provider_find() for a drive that should be there.",
			   "No provider will do for %s: there is no peer memory at all%s.",
			   device, host ? ", and too little host memory" : "");
	else
		p2pmr_fail(P2PMR_REASON_NO_CHOICE, ENODEV,
			   "Look at p2pmr_path_query() of each provider, ask for less, or allow host memory.",
			   "No provider will do for %s: none that it can reach has %zu bytes available.",
			   device, size_bytes);
}

/* The first one that gives memory; if none does, the best one's reason counts */
static struct p2pmr_buf *try_each(const struct p2pmr_choice *choice,
				  size_t size_bytes)
{
	struct p2pmr_reason_record best;
	struct p2pmr_buf *buf;

	for (size_t i = 0; i < choice->count; i++) {
		buf = p2pmr_buf_alloc(choice->list[i].provider, size_bytes);
		if (buf)
			return buf;
		p2pmr_info("%s: %s", choice->list[i].provider->name,
			   p2pmr_reason_text());
		if (!i)
			p2pmr_reason_save(&best);
	}
	p2pmr_reason_restore(&best);
	errno = best.err;
	return NULL;
}

struct p2pmr_buf *p2pmr_buf_alloc_for(struct p2pmr_context *ctx,
				      struct ibv_device *device,
				      size_t size_bytes,
				      const struct p2pmr_choice_opts *opts)
{
	struct p2pmr_reason_record before;
	int saved_errno = errno;
	struct p2pmr_choice *choice;
	struct p2pmr_buf *buf = NULL;
	bool host;

	p2pmr_reason_save(&before);
	if (check("p2pmr_buf_alloc_for", ctx, device, size_bytes, opts, &host))
		return NULL;
	choice = p2pmr_choice_by_name(ctx, ibv_get_device_name(device),
				      size_bytes, host);
	if (!choice)
		return NULL;
	if (choice->count)
		buf = try_each(choice, size_bytes);
	else
		fail_empty(ctx, ibv_get_device_name(device), size_bytes, host);
	p2pmr_choice_free(choice);
	if (!buf)
		return NULL;
	if (!p2pmr_buf_provider(buf)->ops->is_peer) {
		atomic_fetch_add(&ctx->fallbacks, 1);
		p2pmr_warn("%zu bytes of host memory instead of peer memory",
			   size_bytes);
	}
	/* what was tried in vain is nobody's business */
	p2pmr_reason_restore(&before);
	errno = saved_errno;
	return buf;
}

uint64_t p2pmr_context_fallbacks(const struct p2pmr_context *ctx)
{
	return atomic_load(&ctx->fallbacks);
}
