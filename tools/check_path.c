// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sysfs.h"
#include "topo_tree.h"

static bool is_kind(const struct p2pmr_path *path, enum p2pmr_path_kind kind)
{
	return path && p2pmr_path_kind(path) == kind;
}

static size_t count_kind(const struct topo_tree *tree,
			 enum p2pmr_path_kind kind)
{
	size_t n = tree->n_providers * tree->n_devices, found = 0, i;

	for (i = 0; i < n; i++)
		found += is_kind(tree->paths[i], kind);
	return found;
}

/* How bad it is that there is no way, or that it is not known */
static enum check_state state_of(const struct topo_tree *tree,
				 enum p2pmr_path_kind kind)
{
	bool other = count_kind(tree, P2PMR_PATH_BUS) ||
		     count_kind(tree, P2PMR_PATH_BRIDGE) ||
		     count_kind(tree, P2PMR_PATH_CPU);

	if (kind == P2PMR_PATH_NONE)
		return other || count_kind(tree, P2PMR_PATH_UNKNOWN) ?
		       CHECK_WARN : CHECK_NEVER;
	/* Here, registering will tell */
	if (kind == P2PMR_PATH_UNKNOWN)
		return other || !sysfs_is_recorded() ? CHECK_WARN : CHECK_FAIL;
	return CHECK_PASS;
}

/* All providers that a device reaches by the same kind of path */
static void add_kind(struct check_report *report, const struct topo_tree *tree,
		     size_t device, enum p2pmr_path_kind kind)
{
	const struct p2pmr_path *first = NULL;
	char names[CHECK_LIST_MAX] = "";
	enum check_state state = state_of(tree, kind);
	const char *remedy;
	size_t i;

	for (i = 0; i < tree->n_providers; i++) {
		const struct p2pmr_path *path = topo_path(tree, i, device);

		if (!is_kind(path, kind))
			continue;
		check_list_add(names, tree->providers[i].name);
		first = first ? first : path;
	}
	if (!first)
		return;
	remedy = p2pmr_path_remedy(first);
	check_add(report, state, "path", tree->devices[device].name,
		  state != CHECK_PASS && remedy ? remedy : "",
		  "%s to %s.%s%s", p2pmr_path_kind_name(kind), names,
		  kind == P2PMR_PATH_BUS ? "" : " ",
		  kind == P2PMR_PATH_BUS ? "" : p2pmr_path_explanation(first));
}

struct acs_found {
	char redirect[CHECK_LIST_MAX];
	char unknown[CHECK_LIST_MAX];
	char parameter[CHECK_LIST_MAX];
};

static bool is_in(const char *list, const char *address)
{
	return strstr(list, address);
}

/* Of the functions on the way of some pair */
static void look_at_acs(const struct p2pmr_path *path, struct acs_found *found)
{
	unsigned int i, n = p2pmr_path_hops(path);

	for (i = 0; i < n; i++) {
		const char *address = p2pmr_path_hop_address(path, i);
		unsigned int acs = p2pmr_path_hop_acs(path, i);
		size_t used = strlen(found->parameter);

		if (acs & P2PMR_ACS_UNKNOWN && !is_in(found->unknown, address))
			check_list_add(found->unknown, address);
		if (!topo_acs_redirects(acs) || is_in(found->redirect, address))
			continue;
		check_list_add(found->redirect, address);
		snprintf(found->parameter + used, CHECK_LIST_MAX - used,
			 "%s%s", used ? ";" : "", address);
	}
}

/* Where no switch is in common, ACS changes nothing */
static bool has_common(const struct p2pmr_path *path)
{
	unsigned int i, n = p2pmr_path_hops(path);

	for (i = 0; i < n; i++) {
		if (p2pmr_path_hop_side(path, i) == P2PMR_PATH_SIDE_COMMON)
			return true;
	}
	return false;
}

/* Does it redirect anywhere? */
static bool check_acs(struct check_report *report, const struct topo_tree *tree)
{
	size_t n = tree->n_providers * tree->n_devices, i;
	struct acs_found found = { 0 };
	char remedy[FAIL_REMEDY_MAX];

	for (i = 0; i < n; i++) {
		if (tree->paths[i] && has_common(tree->paths[i]))
			look_at_acs(tree->paths[i], &found);
	}
	if (found.redirect[0]) {
		snprintf(remedy, sizeof(remedy),
			 "Boot with the kernel parameter \"pci=disable_acs_redir=%s\", if these functions need not be isolated from each other.",
			 found.parameter);
		check_add(report, CHECK_WARN, "acs", NULL, remedy,
			  "ACS sends up to the CPU what could pass a switch, at %s.",
			  found.redirect);
	}
	if (found.unknown[0])
		check_add(report, CHECK_WARN, "acs", NULL,
			  "Run as root, or record the tree as root.",
			  "Whether ACS redirects cannot be read at %s.",
			  found.unknown);
	if (!found.redirect[0] && !found.unknown[0])
		check_add(report, CHECK_PASS, "acs", NULL, "",
			  "No ACS redirection is on the way within a switch.");
	return found.redirect[0];
}

/* Is there one in charge of either end? */
static bool has_iommu(const struct p2pmr_path *path)
{
	return p2pmr_path_iommu(path, P2PMR_PATH_SIDE_PROVIDER) >
	       P2PMR_IOMMU_NONE ||
	       p2pmr_path_iommu(path, P2PMR_PATH_SIDE_DEVICE) >
	       P2PMR_IOMMU_NONE;
}

/*
 * Translation is in nobody's way. But where an IOMMU is on, in whichever mode,
 * the kernel switches on all ACS redirection that there is.
 */
static void check_iommu(struct check_report *report,
			const struct topo_tree *tree, bool redirects)
{
	size_t n = tree->n_providers * tree->n_devices, i;
	bool found = false;

	for (i = 0; i < n; i++)
		found |= tree->paths[i] && p2pmr_path_hops(tree->paths[i]) &&
			 has_iommu(tree->paths[i]);
	if (found && redirects)
		check_add(report, CHECK_WARN, "iommu", NULL,
			  "Boot with pci=disable_acs_redir= as said for ACS, or without IOMMU; iommu=pt does not help.",
			  "An IOMMU is on, for which the kernel switches ACS redirection on.");
	else
		check_add(report, CHECK_PASS, "iommu", NULL, "", found ?
			  "An IOMMU is on, and in nobody's way." :
			  "No IOMMU is in charge of these devices.");
}

void check_paths(struct check_report *report, const struct topo_tree *tree)
{
	static const enum p2pmr_path_kind kinds[] = {
		P2PMR_PATH_BUS, P2PMR_PATH_BRIDGE, P2PMR_PATH_CPU,
		P2PMR_PATH_NONE, P2PMR_PATH_UNKNOWN,
	};
	size_t i, k;

	if (!tree->n_providers || !tree->n_devices)
		return;
	for (i = 0; i < tree->n_devices; i++) {
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			add_kind(report, tree, i, kinds[k]);
	}
	check_iommu(report, tree, check_acs(report, tree));
}
