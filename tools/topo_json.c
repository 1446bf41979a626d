// SPDX-License-Identifier: GPL-2.0-only
#include <json-c/json.h>

#include "json.h"
#include "topo_out.h"
#include "topo_tree.h"

/* @obj when everything went into it, else NULL */
static struct json_object *whole(struct json_object *obj, int bad)
{
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static int add_numa(struct json_object *obj, int numa)
{
	return numa < 0 ? json_add_null(obj, "numa_node") :
			  json_add_int(obj, "numa_node", numa);
}

static const char *address_of(const struct topo_end *end)
{
	return end->node->role == TOPO_NOT_PCI ? NULL : end->node->name;
}

static struct json_object *end_json(const struct topo_end *end)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "name", end->name);
	bad |= json_add_string(obj, "pci_address", address_of(end));
	bad |= add_numa(obj, end->node->numa);
	if (end->provider)
		bad |= json_add_u64(obj, "size_bytes", end->space.size_bytes);
	return whole(obj, bad);
}

static struct json_object *ends_json(const struct topo_end *ends, size_t n)
{
	struct json_object *array = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = 0; i < n; i++)
		bad |= json_append(array, end_json(&ends[i]));
	return whole(array, bad);
}

static struct json_object *acs_json(unsigned int acs)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_bool(obj, "capable", acs & P2PMR_ACS_CAPABLE);
	bad |= json_add_bool(obj, "request_redirect",
			     acs & P2PMR_ACS_REQUEST_REDIRECT);
	bad |= json_add_bool(obj, "completion_redirect",
			     acs & P2PMR_ACS_COMPLETION_REDIRECT);
	bad |= json_add_bool(obj, "egress_control",
			     acs & P2PMR_ACS_EGRESS_CONTROL);
	return whole(obj, bad);
}

static struct json_object *node_json(const struct topo_tree *tree,
				     const struct topo_node *node)
{
	struct json_object *obj = json_object_new_object();
	bool top = node->parent == &tree->top;
	int bad = 0;

	bad |= json_add_string(obj, "name", node->name);
	bad |= json_add_string(obj, "role", topo_role_name(node->role));
	bad |= json_add_string(obj, "below", top ? NULL : node->parent->name);
	bad |= json_add_string(obj, "ids", node->ids[0] ? node->ids : NULL);
	bad |= add_numa(obj, node->numa);
	bad |= node->acs & P2PMR_ACS_UNKNOWN ? json_add_null(obj, "acs") :
	       json_add(obj, "acs", acs_json(node->acs));
	return whole(obj, bad);
}

static struct json_object *functions_json(const struct topo_tree *tree)
{
	struct json_object *array = json_object_new_array();
	const struct topo_node *node = NULL;
	int bad = 0;

	while ((node = topo_next(tree, node))) {
		if (node->role != TOPO_NOT_PCI)
			bad |= json_append(array, node_json(tree, node));
	}
	return whole(array, bad);
}

static struct json_object *way_json(const struct p2pmr_path *path)
{
	struct json_object *array = json_object_new_array();
	unsigned int i, n = p2pmr_path_hops(path);
	int bad = 0;

	for (i = 0; i < n; i++)
		bad |= json_append(array,
				   json_object_new_string(p2pmr_path_hop_address(path, i)));
	return whole(array, bad);
}

static struct json_object *side_json(const struct p2pmr_path *path,
				     enum p2pmr_path_side side)
{
	enum p2pmr_iommu iommu = p2pmr_path_iommu(path, side);
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "iommu", iommu == P2PMR_IOMMU_UNKNOWN ?
			       NULL : p2pmr_path_iommu_name(iommu));
	bad |= json_add_string(obj, "host_bridge",
			       p2pmr_path_host_bridge(path, side));
	return whole(obj, bad);
}

static int add_facts(struct json_object *obj, const struct p2pmr_path *path)
{
	int allowed = p2pmr_path_bridge_allowed(path);
	int distance = p2pmr_path_distance(path);
	int bad = 0;

	bad |= json_add_string(obj, "kind",
			       p2pmr_path_kind_name(p2pmr_path_kind(path)));
	bad |= distance < 0 ? json_add_null(obj, "distance") :
			      json_add_int(obj, "distance", distance);
	bad |= json_add_string(obj, "explanation",
			       p2pmr_path_explanation(path));
	bad |= json_add_string(obj, "remedy", p2pmr_path_remedy(path));
	bad |= json_add(obj, "way", way_json(path));
	bad |= json_add(obj, "provider_side",
			side_json(path, P2PMR_PATH_SIDE_PROVIDER));
	bad |= json_add(obj, "rdma_side",
			side_json(path, P2PMR_PATH_SIDE_DEVICE));
	bad |= allowed < 0 ? json_add_null(obj, "host_bridges_allowed") :
			     json_add_bool(obj, "host_bridges_allowed", allowed);
	return bad;
}

static struct json_object *paths_json(const struct topo_tree *tree)
{
	struct json_object *array = json_object_new_array();
	size_t n = tree->n_providers * tree->n_devices;
	int bad = 0;
	size_t i;

	for (i = 0; i < n && !bad; i++) {
		struct json_object *obj;

		/* One of the two left while we were looking */
		if (!tree->paths[i])
			continue;
		obj = json_object_new_object();
		bad |= json_add_string(obj, "provider",
				       tree->providers[i / tree->n_devices].name);
		bad |= json_add_string(obj, "rdma_device",
				       tree->devices[i % tree->n_devices].name);
		bad |= add_facts(obj, tree->paths[i]);
		bad |= json_append(array, obj);
	}
	return whole(array, bad);
}

struct json_object *topo_json(const struct topo_tree *tree)
{
	struct json_object *top = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(top, "rules_of_kernel",
			       p2pmr_path_list_kernel());
	bad |= json_add(top, "providers",
			ends_json(tree->providers, tree->n_providers));
	bad |= json_add(top, "rdma_devices",
			ends_json(tree->devices, tree->n_devices));
	bad |= json_add(top, "functions", functions_json(tree));
	bad |= json_add(top, "paths", paths_json(tree));
	return whole(top, bad);
}
