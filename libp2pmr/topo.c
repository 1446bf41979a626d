// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What was read of the PCI tree, kept: configuration space is slow to read, and
 * a bridge is on the way of many.
 */
#include "private.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* Both kinds of node start with the string that they are found by. */
static int compare_keys(const void *a, const void *b)
{
	return strcmp(a, b);
}

_Static_assert(!offsetof(struct p2pmr_end, link), "the key comes first");
_Static_assert(!offsetof(struct p2pmr_hop, address), "the key comes first");

static void *find(void *const *root, const char *key)
{
	void *const *node = tfind(key, root, compare_keys);

	return node ? *node : NULL;
}

/* @node: taken over, also on failure; false: out of memory */
static bool add(void **root, void *node)
{
	if (tsearch(node, root, compare_keys))
		return true;
	free(node);
	return false;
}

struct p2pmr_end *p2pmr_topo_find_end(struct p2pmr_topo *topo, const char *link)
{
	return find(&topo->ends, link);
}

struct p2pmr_end *p2pmr_topo_new_end(struct p2pmr_topo *topo, const char *link)
{
	struct p2pmr_end *end = calloc(1, sizeof(*end));

	if (end)
		snprintf(end->link, sizeof(end->link), "%s", link);
	if (!end || !add(&topo->ends, end)) {
		p2pmr_fail_memory("a path");
		return NULL;
	}
	return end;
}

bool p2pmr_topo_find_hop(struct p2pmr_topo *topo, struct p2pmr_hop *hop)
{
	const struct p2pmr_hop *known = find(&topo->hops, hop->address);

	if (known)
		*hop = *known;
	return known;
}

void p2pmr_topo_keep_hop(struct p2pmr_topo *topo, const struct p2pmr_hop *hop)
{
	struct p2pmr_hop *kept = malloc(sizeof(*kept));

	if (!kept)
		return;
	*kept = *hop;
	add(&topo->hops, kept);
}

void p2pmr_topo_clear(struct p2pmr_topo *topo)
{
	int saved_errno = errno;

	tdestroy(topo->ends, free);
	tdestroy(topo->hops, free);
	topo->ends = NULL;
	topo->hops = NULL;
	errno = saved_errno;
}

struct p2pmr_topo *p2pmr_topo_new(struct p2pmr_context *ctx)
{
	struct p2pmr_topo *topo;

	if (!ctx) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass the context that p2pmr_open() returned.",
			   "p2pmr_topo_new() was given a NULL context.");
		return NULL;
	}
	topo = calloc(1, sizeof(*topo));
	if (!topo) {
		p2pmr_fail_memory("a topology");
		return NULL;
	}
	topo->ctx = ctx;
	return topo;
}

void p2pmr_topo_free(struct p2pmr_topo *topo)
{
	int saved_errno = errno;

	if (!topo)
		return;
	p2pmr_topo_clear(topo);
	free(topo);
	errno = saved_errno;
}

int p2pmr_topo_acs(struct p2pmr_topo *topo, const char *pci_address,
		   unsigned int *acs)
{
	struct p2pmr_pci_address pci;
	struct p2pmr_hop hop = { 0 };
	int saved_errno = errno;

	if (!topo || !pci_address || !acs ||
	    p2pmr_pci_parse(pci_address, &pci))
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a topology, a PCI address such as \"0000:04:00.0\", and where to put the answer.",
				  "p2pmr_topo_acs() was given %s.",
				  !topo ? "a NULL topology" :
				  !acs ? "a NULL answer" : "no PCI address");
	p2pmr_pci_format(&pci, hop.address, sizeof(hop.address));
	p2pmr_hop_gather(topo, &hop);
	*acs = hop.acs;
	errno = saved_errno;
	return 0;
}
