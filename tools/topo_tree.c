// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "find.h"
#include "sysfs.h"
#include "topo_tree.h"

static const char *const role_names[] = {
	[TOPO_ROOT_BUS] = "root bus",
	[TOPO_ROOT_PORT] = "root port",
	[TOPO_SWITCH] = "switch",
	[TOPO_SWITCH_PORT] = "switch port",
	[TOPO_ENDPOINT] = "endpoint",
	[TOPO_NOT_PCI] = "not on PCI",
};

const char *topo_role_name(enum topo_role role)
{
	return role_names[role];
}

static bool is_function(const char *name)
{
	unsigned int domain, bus, device, function;
	int len = 0;

	return sscanf(name, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device,
		      &function, &len) == 4 && !name[len];
}

static bool is_root_bus(const char *name)
{
	unsigned int domain, bus;
	int len = 0;

	return sscanf(name, "pci%8x:%2x%n", &domain, &bus, &len) == 2 &&
	       !name[len];
}

/* What is not on PCI comes last; domains may have more than four digits */
static int compare(const char *a, const char *b, bool a_pci, bool b_pci)
{
	if (a_pci != b_pci)
		return a_pci ? -1 : 1;
	if (strlen(a) != strlen(b))
		return strlen(a) < strlen(b) ? -1 : 1;
	return strcmp(a, b);
}

/* The child of that name, made when there is none yet; NULL: out of memory */
static struct topo_node *get_child(struct topo_node *parent, const char *name,
				   enum topo_role role)
{
	struct topo_node **at = &parent->child;
	struct topo_node *node;
	int order = 1;

	for (; *at; at = &(*at)->next) {
		order = compare(name, (*at)->name, role != TOPO_NOT_PCI,
				(*at)->role != TOPO_NOT_PCI);
		if (order <= 0)
			break;
	}
	if (*at && !order)
		return *at;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	snprintf(node->name, sizeof(node->name), "%s", name);
	node->role = role;
	node->numa = -1;
	node->acs = P2PMR_ACS_UNKNOWN;
	node->parent = parent;
	node->next = *at;
	*at = node;
	return node;
}

static void read_node(struct topo_node *node, struct p2pmr_topo *topo)
{
	char vendor[8], device[8], numa[16];

	if (!sysfs_line(vendor, sizeof(vendor), "bus/pci/devices/%s/vendor",
			node->name) &&
	    !sysfs_line(device, sizeof(device), "bus/pci/devices/%s/device",
			node->name) &&
	    strlen(vendor) == 6 && strlen(device) == 6)
		snprintf(node->ids, sizeof(node->ids), "%s:%s", vendor + 2,
			 device + 2);
	if (!sysfs_line(numa, sizeof(numa), "bus/pci/devices/%s/numa_node",
			node->name))
		node->numa = atoi(numa);
	p2pmr_topo_acs(topo, node->name, &node->acs);
}

/*
 * The place of an end: the nodes on the way there, of which @path, as sysfs has
 * it, names each. What is neither a root bus nor a function, such as an
 * auxiliary device, is left out.
 */
static struct topo_node *add_way(struct topo_tree *tree, char *path,
				 struct p2pmr_topo *topo)
{
	struct topo_node *node = &tree->top, *child;
	char *save = NULL, *name;

	for (name = strtok_r(path, "/", &save); name && node;
	     name = strtok_r(NULL, "/", &save)) {
		if (strlen(name) >= TOPO_NAME_MAX)
			continue;
		if (is_root_bus(name)) {
			node = get_child(node, name, TOPO_ROOT_BUS);
		} else if (is_function(name)) {
			child = get_child(node, name, TOPO_ENDPOINT);
			if (child && !child->ids[0] && child->numa < 0)
				read_node(child, topo);
			node = child;
		}
	}
	if (node == &tree->top)
		node = get_child(node, role_names[TOPO_NOT_PCI], TOPO_NOT_PCI);
	return node;
}

static int add_end(struct topo_tree *tree, struct topo_end *end,
		   struct p2pmr_topo *topo)
{
	char path[SYSFS_PATH_MAX];
	struct topo_end **at;
	int ret;

	ret = end->provider ?
	      sysfs_resolve(path, "bus/pci/devices/%s",
			    p2pmr_provider_pci_address(end->provider)) :
	      sysfs_resolve(path, "class/infiniband/%s/device", end->name);
	/* Software has no device; what left meanwhile has none any more */
	if (ret)
		path[0] = '\0';
	end->node = add_way(tree, path, topo);
	if (!end->node)
		return fail_nomem();
	for (at = &end->node->ends; *at; at = &(*at)->next)
		;
	*at = end;
	return 0;
}

/* Is it called so, or is that another way to its memory? */
static bool is_called(const struct p2pmr_provider *pr, const char *name,
		      struct p2pmr_context *ctx)
{
	const char *address = p2pmr_provider_pci_address(pr);
	const struct p2pmr_provider *named = p2pmr_provider_find(ctx, name);
	const char *its = named ? p2pmr_provider_pci_address(named) : NULL;

	return address && its && !strcmp(address, its);
}

/* Is it among @names, or is nothing of its kind? */
static bool is_wanted(char *const *names, bool any, const char *name,
		      const struct p2pmr_provider *pr,
		      struct p2pmr_context *ctx)
{
	if (!names || !names[0] || !any)
		return true;
	for (; *names; names++) {
		if (!strcmp(*names, name) ||
		    (pr && is_called(pr, *names, ctx)))
			return true;
	}
	return false;
}

/* Which kinds are among the names? All of them must exist */
static int check_names(const struct topo_tree *tree, struct p2pmr_context *ctx,
		       char *const *names, bool any[2])
{
	for (; names && *names; names++) {
		switch (find_end(ctx, tree->names, *names)) {
		case FIND_PROVIDER:
			any[0] = true;
			break;
		case FIND_DEVICE:
			any[1] = true;
			break;
		default:
			return -1;
		}
	}
	return 0;
}

static int add_providers(struct topo_tree *tree, struct p2pmr_context *ctx,
			 char *const *names, bool any)
{
	struct p2pmr_provider *pr = NULL;
	size_t n = 0;

	while ((pr = p2pmr_provider_next(ctx, pr)))
		n++;
	tree->providers = calloc(n + 1, sizeof(*tree->providers));
	if (!tree->providers)
		return fail_nomem();
	while ((pr = p2pmr_provider_next(ctx, pr))) {
		struct topo_end *end = &tree->providers[tree->n_providers];

		if (!p2pmr_provider_is_peer(pr) ||
		    !is_wanted(names, any, p2pmr_provider_name(pr), pr, ctx))
			continue;
		end->provider = pr;
		end->name = p2pmr_provider_name(pr);
		if (!p2pmr_provider_space(pr, &end->space))
			tree->n_providers++;
		else if (p2pmr_reason_code() != P2PMR_REASON_PROVIDER_GONE)
			return fail_lib(end->name);
	}
	return 0;
}

static int add_devices(struct topo_tree *tree, char *const *names, bool any)
{
	size_t n;
	size_t i;

	for (n = 0; tree->names[n]; n++)
		;
	tree->devices = calloc(n + 1, sizeof(*tree->devices));
	if (!tree->devices)
		return fail_nomem();
	for (i = 0; i < n; i++) {
		if (!is_wanted(names, any, tree->names[i], NULL, NULL))
			continue;
		tree->devices[tree->n_devices++].name = tree->names[i];
	}
	return 0;
}

static int place_ends(struct topo_tree *tree, struct p2pmr_topo *topo)
{
	size_t i;

	for (i = 0; i < tree->n_providers; i++) {
		if (add_end(tree, &tree->providers[i], topo))
			return -1;
	}
	for (i = 0; i < tree->n_devices; i++) {
		if (add_end(tree, &tree->devices[i], topo))
			return -1;
	}
	return 0;
}

/* Parents come before their children, so that a bridge knows what it is below */
static void set_roles(struct topo_tree *tree)
{
	struct topo_node *node = NULL;

	while ((node = (struct topo_node *)topo_next(tree, node))) {
		if (node->role != TOPO_ENDPOINT || !node->child ||
		    node->child->role == TOPO_ROOT_BUS)
			continue;
		if (node->parent->role == TOPO_ROOT_BUS)
			node->role = TOPO_ROOT_PORT;
		else if (node->parent->role == TOPO_SWITCH)
			node->role = TOPO_SWITCH_PORT;
		else
			node->role = TOPO_SWITCH;
	}
}

static int read_paths(struct topo_tree *tree, struct p2pmr_topo *topo)
{
	size_t i, n = tree->n_providers * tree->n_devices;

	tree->paths = calloc(n + 1, sizeof(struct p2pmr_path *));
	if (!tree->paths)
		return fail_nomem();
	for (i = 0; i < n; i++) {
		struct topo_end *pr = &tree->providers[i / tree->n_devices];
		struct topo_end *dev = &tree->devices[i % tree->n_devices];

		tree->paths[i] = p2pmr_topo_path(topo, pr->provider, dev->name);
		if (tree->paths[i])
			continue;
		if (p2pmr_reason_code() == P2PMR_REASON_PROVIDER_GONE ||
		    p2pmr_reason_code() == P2PMR_REASON_NO_RDMA_DEVICE)
			continue;
		return fail_lib(pr->name);
	}
	return 0;
}

int topo_tree_read(struct topo_tree *tree, struct p2pmr_context *ctx,
		   char *const *names, bool devices)
{
	struct p2pmr_topo *topo;
	bool any[2] = { false };
	int ret = -1;

	memset(tree, 0, sizeof(*tree));
	topo = p2pmr_topo_new(ctx);
	if (!topo)
		return fail_lib("");
	tree->names = devices ? sysfs_names("class/infiniband") :
				calloc(1, sizeof(*tree->names));
	if (!tree->names)
		fail_nomem();
	else if (!check_names(tree, ctx, names, any) &&
		 !add_providers(tree, ctx, names, any[0]) &&
		 !add_devices(tree, names, any[1]) && !place_ends(tree, topo) &&
		 !read_paths(tree, topo))
		ret = 0;
	set_roles(tree);
	p2pmr_topo_free(topo);
	if (ret)
		topo_tree_release(tree);
	return ret;
}

static void free_children(struct topo_node *parent)
{
	struct topo_node *node;

	while ((node = parent->child)) {
		parent->child = node->next;
		free_children(node);
		free(node);
	}
}

void topo_tree_release(struct topo_tree *tree)
{
	size_t i, n = tree->n_providers * tree->n_devices;

	for (i = 0; tree->paths && i < n; i++)
		p2pmr_path_free(tree->paths[i]);
	free(tree->paths);
	free_children(&tree->top);
	free(tree->providers);
	free(tree->devices);
	sysfs_free_names(tree->names);
	memset(tree, 0, sizeof(*tree));
}

const struct p2pmr_path *topo_path(const struct topo_tree *tree,
				   size_t provider, size_t device)
{
	return tree->paths[provider * tree->n_devices + device];
}

const struct topo_node *topo_next(const struct topo_tree *tree,
				  const struct topo_node *node)
{
	if (!node)
		return tree->top.child;
	if (node->child)
		return node->child;
	while (!node->next && node->parent != &tree->top)
		node = node->parent;
	return node->next;
}

char *topo_cell(const struct p2pmr_path *path, char text[TOPO_CELL_MAX])
{
	const char *kind;

	if (!path) {
		snprintf(text, TOPO_CELL_MAX, "gone");
		return text;
	}
	kind = p2pmr_path_kind_name(p2pmr_path_kind(path));
	if (p2pmr_path_distance(path) < 0)
		snprintf(text, TOPO_CELL_MAX, "%s", kind);
	else
		snprintf(text, TOPO_CELL_MAX, "%s %d", kind,
			 p2pmr_path_distance(path));
	return text;
}

bool topo_acs_redirects(unsigned int acs)
{
	return acs & (P2PMR_ACS_REQUEST_REDIRECT |
		      P2PMR_ACS_COMPLETION_REDIRECT | P2PMR_ACS_EGRESS_CONTROL);
}

char *topo_acs_text(unsigned int acs, char text[TOPO_ACS_MAX])
{
	/* As lspci(8) writes them */
	static const struct {
		unsigned int bit;
		const char *name;
	} bits[] = {
		{ P2PMR_ACS_REQUEST_REDIRECT, "ReqRedir" },
		{ P2PMR_ACS_COMPLETION_REDIRECT, "CmpltRedir" },
		{ P2PMR_ACS_EGRESS_CONTROL, "EgressCtrl" },
	};
	int used = 0;
	size_t i;

	if (!topo_acs_redirects(acs)) {
		snprintf(text, TOPO_ACS_MAX, "%s",
			 acs & P2PMR_ACS_UNKNOWN ? "unknown" :
			 acs & P2PMR_ACS_CAPABLE ? "off" : "-");
		return text;
	}
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (acs & bits[i].bit)
			used += snprintf(text + used, TOPO_ACS_MAX - used,
					 "%s%s", used ? "," : "", bits[i].name);
	}
	return text;
}
