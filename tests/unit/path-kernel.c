// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's functions that decide about peer-to-peer DMA, which the script
 * path-kernel takes out of its source, and the library's, side by side on
 * random trees.
 */
#include "private.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#define TREES 200000
#define LISTS 20000

/* As much of the kernel as its functions need */
typedef uint16_t u16;
typedef uint32_t u32;

struct pci_host_bridge;

struct pci_bus {
	struct pci_dev *devices;
	struct pci_host_bridge *host;
};

struct pci_host_bridge {
	struct pci_bus *bus;
};

struct pci_p2pdma {
	int map_types;
};

struct pci_dev {
	char name[32];
	unsigned short vendor;
	unsigned short device;
	unsigned int devfn;
	int type;
	u16 acs_cap;
	u16 acs_ctrl;
	int cfg_size;
	const unsigned char *config;
	struct pci_dev *upstream;
	struct pci_bus *bus;
	struct pci_p2pdma *p2pdma;
};

struct seq_buf {
	char *buffer;
	size_t len;
};

struct cpuinfo_x86 {
	int x86_vendor;
	int x86;
};

enum pci_p2pdma_map_type {
	PCI_P2PDMA_MAP_UNKNOWN,
	PCI_P2PDMA_MAP_NOT_SUPPORTED,
	PCI_P2PDMA_MAP_BUS_ADDR,
	PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
};

static struct cpuinfo_x86 cpu;

#define CONFIG_X86
#define X86_VENDOR_AMD 2
#define PCI_VENDOR_ID_INTEL 0x8086
#define PCI_VENDOR_ID_GOOGLE 0x1ae0
#define PCI_DEVFN(slot, func) ((slot) << 3 | (func))
#define PCIBIOS_SUCCESSFUL 0
#define cpu_data(n) cpu
#define pci_name(dev) ((dev)->name)
#define pci_pcie_type(dev) ((dev)->type)
#define pci_upstream_bridge(dev) ((dev)->upstream)
#define pci_find_host_bridge(bus) ((bus)->host)
#define pci_warn(...) ((void)0)
#define seq_buf_init(seq, buf, size) ((seq)->buffer = (buf), (seq)->len = 1)
#define seq_buf_printf(...) ((void)0)
#define list_first_entry_or_null(head, type, member) (*(head))
#define rcu_read_lock() ((void)0)
#define rcu_read_unlock() ((void)0)
#define rcu_dereference(pointer) (pointer)
#define xa_store(...) ((void)0)

static int pci_read_config_word(struct pci_dev *dev, int pos, u16 *value)
{
	(void)pos;
	*value = dev->acs_ctrl;
	return PCIBIOS_SUCCESSFUL;
}

static int pci_read_config_dword(struct pci_dev *dev, int pos, u32 *value)
{
	memcpy(value, dev->config + pos, sizeof(*value));
	return PCIBIOS_SUCCESSFUL;
}

#include "kernel-functions.h"

static unsigned int below(unsigned int n)
{
	return random() % n;
}

/* A random tree: two root buses, and functions below them */
static struct pci_host_bridge hosts[2];
static struct pci_bus buses[2];
static struct pci_dev firsts[2];
static struct pci_dev devs[32];
static unsigned int n_devs;

static void make_root(unsigned int n)
{
	static const unsigned int ids[] = {
		0x80863c00, 0x80862f00, 0x80862f01, 0x80862030, 0x808609a2,
		0x808629c0, 0x10221480,
	};
	unsigned int id = ids[below(ARRAY_SIZE(ids))];

	hosts[n].bus = &buses[n];
	buses[n].host = &hosts[n];
	buses[n].devices = below(20) ? &firsts[n] : NULL;
	firsts[n] = (struct pci_dev){
		.vendor = id >> 16,
		.device = id & 0xffff,
		.devfn = below(4) ? 0 : 8,
		.type = below(2) ? PCI_EXP_TYPE_ROOT_PORT :
				   PCI_EXP_TYPE_RC_END,
	};
}

/* @count functions, each below the one before, the first below @upstream */
static struct pci_dev *make_chain(struct pci_dev *upstream, unsigned int root,
				  unsigned int count)
{
	while (count--) {
		struct pci_dev *dev = &devs[n_devs];

		*dev = (struct pci_dev){ .upstream = upstream,
					 .bus = &buses[root] };
		snprintf(dev->name, sizeof(dev->name), "0000:%02x:00.0",
			 n_devs++);
		if (below(3)) {
			dev->acs_cap = 0x100;
			/* Mostly bits that do not redirect */
			dev->acs_ctrl = random() & (below(4) ? 0x53 : 0x7f);
		}
		upstream = dev;
	}
	return upstream;
}

static void get_side(const struct pci_dev *dev, struct p2pmr_side_facts *side)
{
	const struct pci_dev *first = dev->bus->devices;

	memset(side, 0, sizeof(*side));
	snprintf(side->host.name, sizeof(side->host.name), "pci0000:%02x",
		 dev->bus == &buses[0] ? 0 : 0x80);
	if (!first || (first->devfn && first->type != PCI_EXP_TYPE_ROOT_PORT)) {
		side->host.err = ENODEV;
	} else {
		side->host.vendor = first->vendor;
		side->host.device = first->device;
	}
	for (; dev; dev = dev->upstream) {
		struct p2pmr_hop *hop = &side->hops[side->count++];

		strcpy(hop->address, dev->name);
		hop->acs = dev->acs_cap ? P2PMR_ACS_CAPABLE : 0;
		if (dev->acs_ctrl & PCI_ACS_RR)
			hop->acs |= P2PMR_ACS_REQUEST_REDIRECT;
		if (dev->acs_ctrl & PCI_ACS_CR)
			hop->acs |= P2PMR_ACS_COMPLETION_REDIRECT;
		if (dev->acs_ctrl & PCI_ACS_EC)
			hop->acs |= P2PMR_ACS_EGRESS_CONTROL;
	}
}

static enum p2pmr_path_kind kind_of(enum pci_p2pdma_map_type type)
{
	switch (type) {
	case PCI_P2PDMA_MAP_BUS_ADDR:
		return P2PMR_PATH_BUS;
	case PCI_P2PDMA_MAP_THRU_HOST_BRIDGE:
		return P2PMR_PATH_BRIDGE;
	default:
		return P2PMR_PATH_NONE;
	}
}

static bool compare_trees(unsigned int *counts)
{
	static struct p2pmr_path_verdict verdict;
	static struct p2pmr_path_facts facts;
	struct pci_dev *common, *provider, *client;
	enum p2pmr_path_kind kind;
	unsigned int other;
	int distance;

	n_devs = 0;
	make_root(0);
	make_root(1);
	cpu.x86_vendor = below(4) ? 0 : X86_VENDOR_AMD;
	cpu.x86 = 0x15 + below(5);
	common = make_chain(NULL, 0, below(4));
	other = common ? 0 : below(2);
	provider = make_chain(common, 0, common ? below(4) : 1 + below(4));
	client = make_chain(common, other, common ? below(4) : 1 + below(4));

	kind = kind_of(calc_map_type_and_dist(provider, client, &distance,
					      false));
	if (kind == P2PMR_PATH_NONE)
		distance = -1;
	facts.rdma = P2PMR_RDMA_PCI;
	facts.zen = cpu.x86_vendor == X86_VENDOR_AMD && cpu.x86 >= 0x17;
	get_side(provider, &facts.provider);
	get_side(client, &facts.device);
	p2pmr_path_decide(&facts, &verdict);
	counts[kind]++;
	if (verdict.kind == kind && verdict.distance == distance)
		return true;
	printf("the kernel says %s, %d; the library %s, %d: %s\n",
	       p2pmr_path_kind_name(kind), distance,
	       p2pmr_path_kind_name(verdict.kind), verdict.distance,
	       verdict.explanation);
	return false;
}

/* Lists of capabilities in all orders, with circles and loose ends in them */
static bool compare_lists(unsigned int *found)
{
	static unsigned char config[P2PMR_CONFIG_SIZE];
	struct pci_dev dev = { .cfg_size = sizeof(config), .config = config };
	unsigned int acs;
	u16 at;

	memset(config, 0, sizeof(config));
	for (unsigned int i = 0; i < 20; i++) {
		/* The last one is never ACS: its registers would be outside. */
		unsigned int where = i ? 256 + 4 * below(950) : 256;
		u32 header = (1 + below(16)) | 1 << 16 | below(4096) << 20;

		/* Mostly to another one of them */
		if (below(8))
			header = (header & 0xfffff) |
				 (256u + 4 * below(64)) << 20;
		memcpy(config + where, &header, sizeof(header));
	}
	at = pci_find_next_ext_capability(&dev, 0, PCI_EXT_CAP_ID_ACS);
	if (at > sizeof(config) - 8)
		return true;
	if (p2pmr_acs_scan(config, sizeof(config), sizeof(config), &acs) ||
	    !at != !acs) {
		printf("ACS: the kernel finds it at %#x, the library says %#x\n",
		       at, acs);
		return false;
	}
	*found += !!at;
	return true;
}

int main(void)
{
	unsigned int counts[5] = { 0 }, found = 0;

	srandom(1);
	for (unsigned int i = 0; i < TREES; i++) {
		if (!compare_trees(counts))
			return 1;
	}
	for (unsigned int i = 0; i < LISTS; i++) {
		if (!compare_lists(&found))
			return 1;
	}
	printf("%d trees: %u bus, %u bridge, %u none; %d lists, %u with ACS\n",
	       TREES, counts[P2PMR_PATH_BUS], counts[P2PMR_PATH_BRIDGE],
	       counts[P2PMR_PATH_NONE], LISTS, found);
	return !counts[P2PMR_PATH_BUS] || !counts[P2PMR_PATH_BRIDGE] ||
	       !counts[P2PMR_PATH_NONE] || !found;
}
