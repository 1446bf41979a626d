// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Paths: asking for one, and what it has to say. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct p2pmr_path {
	struct p2pmr_path_facts facts;
	struct p2pmr_path_verdict verdict;
	/* What the RDMA device says of itself, if it was asked */
	bool asked;
	unsigned int caps;
};

static const char *const kind_names[] = {
	[P2PMR_PATH_UNKNOWN] = "unknown",
	[P2PMR_PATH_BUS] = "bus",
	[P2PMR_PATH_BRIDGE] = "bridge",
	[P2PMR_PATH_CPU] = "cpu",
	[P2PMR_PATH_NONE] = "none",
};

static const char *const iommu_names[] = {
	[P2PMR_IOMMU_UNKNOWN] = "unknown",
	[P2PMR_IOMMU_NONE] = "none",
	[P2PMR_IOMMU_IDENTITY] = "identity",
	[P2PMR_IOMMU_DMA] = "DMA",
	[P2PMR_IOMMU_DMA_FQ] = "DMA-FQ",
};

/* It becomes part of a file name. */
static bool is_rdma_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < P2PMR_NAME_LEN && name[0] != '.' &&
	       !strchr(name, '/');
}

static int check_provider(const struct p2pmr_provider *provider,
			  const char *function, const void *device)
{
	if (!provider || !device)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a provider and an RDMA device.",
				  "%s() was given a NULL %s.", function,
				  provider ? "device" : "provider");
	if (!*provider->pci_address)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Ask about peer memory only; every RDMA device reaches host memory.",
				  "%s() was given the provider \"%s\", which is no PCIe device.",
				  function, provider->name);
	return 0;
}

static bool check_name(const char *rdma_device)
{
	if (is_rdma_name(rdma_device))
		return true;
	p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
		   "Pass a name such as \"mlx5_0\".",
		   "\"%.64s\" cannot be the name of an RDMA device.",
		   rdma_device);
	return false;
}

struct p2pmr_path *p2pmr_path_from_topo(struct p2pmr_topo *topo,
					const struct p2pmr_provider *provider,
					const char *rdma_device)
{
	int saved_errno = errno;
	struct p2pmr_path *path;

	if (!check_name(rdma_device))
		return NULL;
	path = calloc(1, sizeof(*path));
	if (!path) {
		p2pmr_fail_memory("a path");
		return NULL;
	}
	if (p2pmr_path_facts_gather(topo, provider, rdma_device,
				    &path->facts)) {
		int err = errno;

		free(path);
		errno = err;
		return NULL;
	}
	p2pmr_path_decide(&path->facts, &path->verdict);
	p2pmr_info("path from %s to %s: %s", rdma_device, provider->name,
		   p2pmr_path_kind_name(path->verdict.kind));
	errno = saved_errno;
	return path;
}

struct p2pmr_path *p2pmr_path_query_name(struct p2pmr_provider *provider,
					 const char *rdma_device)
{
	struct p2pmr_topo topo = { 0 };
	struct p2pmr_path *path;

	if (check_provider(provider, "p2pmr_path_query_name", rdma_device))
		return NULL;
	topo.ctx = provider->ctx;
	path = p2pmr_path_from_topo(&topo, provider, rdma_device);
	p2pmr_topo_clear(&topo);
	return path;
}

struct p2pmr_path *p2pmr_topo_path(struct p2pmr_topo *topo,
				   struct p2pmr_provider *provider,
				   const char *rdma_device)
{
	if (check_provider(provider, "p2pmr_topo_path", rdma_device))
		return NULL;
	if (!topo || topo->ctx != provider->ctx) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a topology and a provider of the same context.",
			   "p2pmr_topo_path() was given %s.",
			   topo ? "a provider of another context" :
				  "a NULL topology");
		return NULL;
	}
	return p2pmr_path_from_topo(topo, provider, rdma_device);
}

/* A device that cannot be asked leaves the question open: no failure. */
static void ask(struct p2pmr_path *path, struct ibv_device *device)
{
	struct ibv_context *verbs = ibv_open_device(device);
	struct p2pmr_reason_record before;

	if (verbs) {
		p2pmr_reason_save(&before);
		path->asked = !p2pmr_device_caps(verbs, &path->caps);
		p2pmr_reason_restore(&before);
		ibv_close_device(verbs);
	}
	if (!path->asked)
		p2pmr_info("%s could not be asked what it is capable of",
			   path->facts.rdma_name);
}

struct p2pmr_path *p2pmr_path_query(struct p2pmr_provider *provider,
				    struct ibv_device *device)
{
	int saved_errno = errno;
	struct p2pmr_path *path;

	if (check_provider(provider, "p2pmr_path_query", device))
		return NULL;
	path = p2pmr_path_query_name(provider, ibv_get_device_name(device));
	if (path) {
		ask(path, device);
		errno = saved_errno;
	}
	return path;
}

void p2pmr_path_free(struct p2pmr_path *path)
{
	int saved_errno = errno;

	free(path);
	errno = saved_errno;
}

enum p2pmr_path_kind p2pmr_path_kind(const struct p2pmr_path *path)
{
	return path->verdict.kind;
}

const char *p2pmr_path_kind_name(enum p2pmr_path_kind kind)
{
	if ((size_t)kind >= ARRAY_SIZE(kind_names))
		return "unknown";
	return kind_names[kind];
}

int p2pmr_path_distance(const struct p2pmr_path *path)
{
	return path->verdict.distance;
}

const char *p2pmr_path_explanation(const struct p2pmr_path *path)
{
	return path->verdict.explanation;
}

const char *p2pmr_path_remedy(const struct p2pmr_path *path)
{
	return *path->verdict.remedy ? path->verdict.remedy : NULL;
}

unsigned int p2pmr_path_hops(const struct p2pmr_path *path)
{
	const struct p2pmr_path_verdict *verdict = &path->verdict;

	return verdict->provider_hops + verdict->common + verdict->device_hops;
}

static const struct p2pmr_hop *get_hop(const struct p2pmr_path *path,
				       unsigned int hop)
{
	return hop < p2pmr_path_hops(path) ?
	       p2pmr_path_get_hop(&path->facts, &path->verdict, hop) : NULL;
}

const char *p2pmr_path_hop_address(const struct p2pmr_path *path,
				   unsigned int hop)
{
	const struct p2pmr_hop *found = get_hop(path, hop);

	return found ? found->address : NULL;
}

enum p2pmr_path_side p2pmr_path_hop_side(const struct p2pmr_path *path,
					 unsigned int hop)
{
	if (hop < path->verdict.provider_hops)
		return P2PMR_PATH_SIDE_PROVIDER;
	if (hop < path->verdict.provider_hops + path->verdict.common)
		return P2PMR_PATH_SIDE_COMMON;
	return P2PMR_PATH_SIDE_DEVICE;
}

unsigned int p2pmr_path_hop_acs(const struct p2pmr_path *path, unsigned int hop)
{
	const struct p2pmr_hop *found = get_hop(path, hop);

	return found ? found->acs : P2PMR_ACS_UNKNOWN;
}

/* NULL: there is nothing known of that side */
static const struct p2pmr_side_facts *get_side(const struct p2pmr_path *path,
					       enum p2pmr_path_side side)
{
	if (side == P2PMR_PATH_SIDE_PROVIDER)
		return &path->facts.provider;
	if (side == P2PMR_PATH_SIDE_DEVICE)
		return &path->facts.device;
	return NULL;
}

enum p2pmr_iommu p2pmr_path_iommu(const struct p2pmr_path *path,
				  enum p2pmr_path_side side)
{
	const struct p2pmr_side_facts *found = get_side(path, side);

	return found ? found->iommu : P2PMR_IOMMU_UNKNOWN;
}

const char *p2pmr_path_iommu_name(enum p2pmr_iommu mode)
{
	if ((size_t)mode >= ARRAY_SIZE(iommu_names))
		return "unknown";
	return iommu_names[mode];
}

const char *p2pmr_path_host_bridge(const struct p2pmr_path *path,
				   enum p2pmr_path_side side)
{
	const struct p2pmr_side_facts *found = get_side(path, side);

	return found && *found->host.ids ? found->host.ids : NULL;
}

int p2pmr_path_bridge_allowed(const struct p2pmr_path *path)
{
	return path->verdict.allowed;
}

static int has_cap(const struct p2pmr_path *path, unsigned int cap)
{
	return path->asked ? !!(path->caps & cap) : -1;
}

int p2pmr_path_peer_mr(const struct p2pmr_path *path)
{
	return has_cap(path, P2PMR_CAP_PEER_MR);
}

int p2pmr_path_peer_atomic(const struct p2pmr_path *path)
{
	return has_cap(path, P2PMR_CAP_PEER_ATOMIC);
}
