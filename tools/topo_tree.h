/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI tree as far as providers and RDMA devices are in it, and the paths
 * between them.
 */
#ifndef P2PMR_TOOLS_TOPO_TREE_H
#define P2PMR_TOOLS_TOPO_TREE_H

#include <stdbool.h>

#include <p2pmr/p2pmr.h>

#define TOPO_NAME_MAX 64
#define TOPO_IDS_MAX 16
#define TOPO_ACS_MAX 48

/*
 * What a function is, by its place: sysfs shows the type that it says it is of
 * to root alone. Below a root port or a switch's port, a bridge is a switch.
 */
enum topo_role {
	TOPO_ROOT_BUS,
	TOPO_ROOT_PORT,
	TOPO_SWITCH,
	TOPO_SWITCH_PORT,
	TOPO_ENDPOINT,
	TOPO_NOT_PCI,
};

/**
 * struct topo_end - a provider or an RDMA device
 * @name: its name
 * @provider: NULL: an RDMA device
 * @space: of a provider
 * @node: where it is
 * @next: at the same place
 */
struct topo_end {
	const char *name;
	struct p2pmr_provider *provider;
	struct p2pmr_provider_space space;
	struct topo_node *node;
	struct topo_end *next;
};

/**
 * struct topo_node - a root bus or a PCI function
 * @name: "pci0000:00", or its PCI address
 * @role: what it is
 * @ids: "8086:2020"; empty: not known
 * @numa: -1: not known
 * @acs: as p2pmr_topo_acs()
 * @ends: what is at this function, NULL for most bridges
 * @parent: NULL at the top
 * @child: the first below it, by address
 * @next: the next below its parent
 */
struct topo_node {
	char name[TOPO_NAME_MAX];
	enum topo_role role;
	char ids[TOPO_IDS_MAX];
	int numa;
	unsigned int acs;
	struct topo_end *ends;
	struct topo_node *parent;
	struct topo_node *child;
	struct topo_node *next;
};

/**
 * struct topo_tree - all of it
 * @top: its children are the root buses, and one for what is not on PCI
 * @providers: in the order of their addresses
 * @n_providers: how many
 * @devices: RDMA devices in the order of their names
 * @n_devices: how many
 * @paths: one row for each provider; NULL: one of the two left meanwhile
 * @names: of the devices
 */
struct topo_tree {
	struct topo_node top;
	struct topo_end *providers;
	size_t n_providers;
	struct topo_end *devices;
	size_t n_devices;
	struct p2pmr_path **paths;
	char **names;
};

/*
 * @names: of providers and RDMA devices, to which it is to be limited; if
 *	all are of one kind, all of the other kind are in it. NULL: no limit
 * @devices: RDMA devices, too, and the paths to them?
 *
 * 0, or -1 after fail().
 */
int topo_tree_read(struct topo_tree *tree, struct p2pmr_context *ctx,
		   char *const *names, bool devices);
void topo_tree_release(struct topo_tree *tree);

const struct p2pmr_path *topo_path(const struct topo_tree *tree,
				   size_t provider, size_t device);

/* The node after this one, parents first; NULL at the end, @node NULL: first */
const struct topo_node *topo_next(const struct topo_tree *tree,
				  const struct topo_node *node);

const char *topo_role_name(enum topo_role role);

/* "bus 4", "cpu"; "gone" for no path. Returns @text */
#define TOPO_CELL_MAX 24
char *topo_cell(const struct p2pmr_path *path, char text[TOPO_CELL_MAX]);

/* "-" without the capability, "off", "unknown", "ReqRedir,CmpltRedir" */
char *topo_acs_text(unsigned int acs, char text[TOPO_ACS_MAX]);

/* Does it send what goes between two functions up to the CPU? */
bool topo_acs_redirects(unsigned int acs);

#endif
