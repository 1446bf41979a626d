// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From what is known about both ends to an answer: the rules of Linux 6.12,
 * drivers/pci/p2pdma.c, where calc_map_type_and_dist() has them. Looks at
 * nothing but its arguments.
 */
#include "private.h"

#include <stdarg.h>
#include <string.h>

#define REDIRECTS                                                       \
	(P2PMR_ACS_REQUEST_REDIRECT | P2PMR_ACS_COMPLETION_REDIRECT |   \
	 P2PMR_ACS_EGRESS_CONTROL)

/* Answers to yes-or-no questions; the numbers are part of the interface. */
#define YES 1
#define NO 0
#define NOT_KNOWN (-1)

/*
 * Host bridges that forward traffic between their root ports, as Linux 6.12
 * lists them (pci_p2pdma_whitelist); some do so only below one and the same.
 */
static const struct {
	unsigned int vendor;
	unsigned int device;
	bool same_only;
} allowed_bridges[] = {
	{ 0x8086, 0x3c00, true },  /* Xeon E5 */
	{ 0x8086, 0x3c01, true },
	{ 0x8086, 0x2f00, true },  /* Xeon E5 v3, E7 v3 */
	{ 0x8086, 0x2f01, true },
	{ 0x8086, 0x2030, false }, /* Skylake-E and later */
	{ 0x8086, 0x2031, false },
	{ 0x8086, 0x2032, false },
	{ 0x8086, 0x2033, false },
	{ 0x8086, 0x2020, false },
	{ 0x8086, 0x09a2, false },
};

const char *p2pmr_path_list_kernel(void)
{
	return "6.12";
}

__attribute__((format(printf, 2, 3)))
static void explain(struct p2pmr_path_verdict *verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(verdict->explanation, sizeof(verdict->explanation), fmt,
		  args);
	va_end(args);
}

__attribute__((format(printf, 2, 3)))
static void advise(struct p2pmr_path_verdict *verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(verdict->remedy, sizeof(verdict->remedy), fmt, args);
	va_end(args);
}

/* Where the ways up meet, and so how long each side is until there */
static void find_common(const struct p2pmr_path_facts *facts,
			struct p2pmr_path_verdict *verdict)
{
	const struct p2pmr_side_facts *a = &facts->provider;
	const struct p2pmr_side_facts *b = &facts->device;

	for (unsigned int i = 0; i < a->count; i++) {
		for (unsigned int j = 0; j < b->count; j++) {
			if (strcmp(a->hops[i].address, b->hops[j].address))
				continue;
			verdict->provider_hops = i;
			verdict->device_hops = j;
			verdict->common = 1;
			return;
		}
	}
	verdict->provider_hops = a->count;
	verdict->device_hops = b->count;
}

const struct p2pmr_hop *
p2pmr_path_get_hop(const struct p2pmr_path_facts *facts,
		   const struct p2pmr_path_verdict *verdict, unsigned int hop)
{
	unsigned int up = verdict->provider_hops + verdict->common;

	if (hop < up)
		return &facts->provider.hops[hop];
	return &facts->device.hops[verdict->device_hops - 1 - (hop - up)];
}

/* The functions with any of @acs; with ";" between them the kernel takes it */
static unsigned int name_hops(const struct p2pmr_path_facts *facts,
			      const struct p2pmr_path_verdict *verdict,
			      unsigned int acs, const char *between,
			      char *names, size_t size)
{
	unsigned int count = verdict->provider_hops + verdict->common +
			     verdict->device_hops;
	unsigned int found = 0;
	size_t used = 0;

	*names = '\0';
	for (unsigned int i = 0; i < count; i++) {
		const struct p2pmr_hop *hop = p2pmr_path_get_hop(facts, verdict, i);

		if (!(hop->acs & acs))
			continue;
		if (used < size)
			used += snprintf(names + used, size - used, "%s%s",
					 found ? between : "", hop->address);
		found++;
	}
	return found;
}

static int is_listed(const struct p2pmr_host_bridge *host, bool same)
{
	if (host->err == ENODEV)
		return NO;
	if (host->err)
		return NOT_KNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(allowed_bridges); i++) {
		if (allowed_bridges[i].vendor == host->vendor &&
		    allowed_bridges[i].device == host->device)
			return same || !allowed_bridges[i].same_only;
	}
	return NO;
}

static int are_bridges_allowed(const struct p2pmr_path_facts *facts)
{
	const struct p2pmr_host_bridge *a = &facts->provider.host;
	const struct p2pmr_host_bridge *b = &facts->device.host;
	bool same = !strcmp(a->name, b->name);
	int listed_a = is_listed(a, same), listed_b = is_listed(b, same);

	if (facts->zen == YES || (listed_a == YES && listed_b == YES))
		return YES;
	if (facts->zen == NO && (listed_a == NO || listed_b == NO))
		return NO;
	return NOT_KNOWN;
}

/* "host bridge pci0000:00 (8086:2020)", or both when they differ */
static const char *name_bridges(const struct p2pmr_path_facts *facts,
				char *text, size_t size)
{
	const struct p2pmr_host_bridge *a = &facts->provider.host;
	const struct p2pmr_host_bridge *b = &facts->device.host;
	const char *ids_a = *a->ids ? a->ids : "no ids";
	const char *ids_b = *b->ids ? b->ids : "no ids";

	if (!strcmp(a->name, b->name))
		snprintf(text, size, "host bridge %s (%s)", a->name, ids_a);
	else
		snprintf(text, size, "host bridges %s (%s) and %s (%s)",
			 a->name, ids_a, b->name, ids_b);
	return text;
}

/* Why traffic goes up to the CPU: the first half of a sentence */
static void say_why_up(const struct p2pmr_path_facts *facts,
		       const struct p2pmr_path_verdict *verdict, char *text,
		       size_t size)
{
	char names[1024];

	if (!verdict->common)
		snprintf(text, size,
			 "What goes between %s and %s has to pass the CPU, because they have no PCIe switch in common",
			 facts->provider_name, facts->rdma_name);
	else if (name_hops(facts, verdict, REDIRECTS, ", ", names,
			   sizeof(names)))
		snprintf(text, size,
			 "What goes between %s and %s has to pass the CPU, because ACS redirects it at %s",
			 facts->provider_name, facts->rdma_name, names);
}

static void advise_against_redirection(const struct p2pmr_path_facts *facts,
				       struct p2pmr_path_verdict *verdict)
{
	char names[1024];

	name_hops(facts, verdict, REDIRECTS, ";", names, sizeof(names));
	advise(verdict, "Boot with the kernel parameter \"pci=disable_acs_redir=%s\", if these functions need not be isolated from each other.",
	       names);
}

static void decide_bridge(const struct p2pmr_path_facts *facts,
			  struct p2pmr_path_verdict *verdict)
{
	char why[1280] = "", bridges[192];

	verdict->kind = P2PMR_PATH_BRIDGE;
	verdict->distance = verdict->provider_hops + verdict->device_hops;
	say_why_up(facts, verdict, why, sizeof(why));
	if (facts->zen == YES)
		explain(verdict, "%s; the kernel allows that, because the CPU is an AMD one of family 17h (Zen) or later.",
			why);
	else
		explain(verdict, "%s; the kernel allows that, because its list (of Linux %s) has %s.",
			why, p2pmr_path_list_kernel(),
			name_bridges(facts, bridges, sizeof(bridges)));
	if (verdict->common)
		advise_against_redirection(facts, verdict);
	else
		advise(verdict, "Put both below one PCIe switch, if the machine has one: the way is shorter then.");
}

static void decide_none(const struct p2pmr_path_facts *facts,
			struct p2pmr_path_verdict *verdict)
{
	char why[1280] = "", bridges[192];

	verdict->kind = P2PMR_PATH_NONE;
	say_why_up(facts, verdict, why, sizeof(why));
	explain(verdict, "%s; the kernel does not allow that, because the CPU is no AMD Zen, and its list (of Linux %s) does not allow %s.",
		why, p2pmr_path_list_kernel(),
		name_bridges(facts, bridges, sizeof(bridges)));
	if (verdict->common)
		advise_against_redirection(facts, verdict);
	else
		advise(verdict, "Put both below one PCIe switch, or use another machine; a newer kernel may know this host bridge.");
}

static void decide_unknown_bridge(const struct p2pmr_path_facts *facts,
				  struct p2pmr_path_verdict *verdict)
{
	const struct p2pmr_host_bridge *a = &facts->provider.host;
	const struct p2pmr_host_bridge *b = &facts->device.host;
	char why[1280] = "";
	int err = a->err && a->err != ENODEV ? a->err : b->err;

	say_why_up(facts, verdict, why, sizeof(why));
	if (facts->zen == NOT_KNOWN)
		explain(verdict, "%s; whether the kernel allows that is not known, because the CPU's vendor and family cannot be read from /proc/cpuinfo.",
			why);
	else
		explain(verdict, "%s; whether the kernel allows that is not known, because the host bridge cannot be identified (%s).",
			why, p2pmr_errno_name(err));
	if (facts->zen == NOT_KNOWN)
		advise(verdict, "Mount /proc, or record proc/cpuinfo beside the tree.");
	else if (err == EACCES)
		advise(verdict, "Run as root (CAP_SYS_ADMIN).");
	else
		advise(verdict, "Register memory: the kernel then decides.");
}

/* Both ends are on PCI, and sysfs says where. */
static void decide_up(const struct p2pmr_path_facts *facts,
		      struct p2pmr_path_verdict *verdict)
{
	if (verdict->allowed == YES)
		decide_bridge(facts, verdict);
	else if (verdict->allowed == NO)
		decide_none(facts, verdict);
	else
		decide_unknown_bridge(facts, verdict);
}

static int first_acs_err(const struct p2pmr_path_facts *facts,
			 const struct p2pmr_path_verdict *verdict)
{
	unsigned int i = 0;

	while (!p2pmr_path_get_hop(facts, verdict, i)->acs_err)
		i++;
	return p2pmr_path_get_hop(facts, verdict, i)->acs_err;
}

static void decide_unknown_acs(const struct p2pmr_path_facts *facts,
			       struct p2pmr_path_verdict *verdict)
{
	int err = first_acs_err(facts, verdict);
	char names[1024];

	name_hops(facts, verdict, P2PMR_ACS_UNKNOWN, ", ", names,
		  sizeof(names));
	explain(verdict, "Whether ACS redirects traffic up to the CPU cannot be read from the configuration space of %s: %s.",
		names, err == EACCES ?
		"what is beyond the first 64 bytes is for root" :
		p2pmr_errno_name(err));
	if (err == EACCES)
		advise(verdict, "Run as root (CAP_SYS_ADMIN), or read a tree that root recorded with p2pmr-collect(1).");
	else if (err == ENXIO)
		advise(verdict, "See in the kernel log why the function does not answer, and remove and rescan it.");
	else
		advise(verdict, "Let the process read sysfs; if it is a recorded tree, record it again with p2pmr-collect(1).");
}

static void decide_bus(const struct p2pmr_path_facts *facts,
		       struct p2pmr_path_verdict *verdict)
{
	verdict->kind = P2PMR_PATH_BUS;
	verdict->distance = verdict->provider_hops + verdict->device_hops;
	if (!verdict->distance)
		explain(verdict, "%s and %s are one PCI function, %s.",
			facts->provider_name, facts->rdma_name,
			facts->provider.hops[0].address);
	else
		explain(verdict, "%s and %s are both below %s, and no ACS redirection sends what goes between them up to the CPU.",
			facts->provider_name, facts->rdma_name,
			facts->provider.hops[verdict->provider_hops].address);
}

static void decide_pci(const struct p2pmr_path_facts *facts,
		       struct p2pmr_path_verdict *verdict)
{
	char names[16];

	find_common(facts, verdict);
	verdict->allowed = are_bridges_allowed(facts);
	if (!verdict->common ||
	    name_hops(facts, verdict, REDIRECTS, "", names, sizeof(names)))
		decide_up(facts, verdict);
	else if (name_hops(facts, verdict, P2PMR_ACS_UNKNOWN, "", names,
			   sizeof(names)))
		decide_unknown_acs(facts, verdict);
	else
		decide_bus(facts, verdict);
}

static void decide_unknown_tree(const char *name, int err,
				struct p2pmr_path_verdict *verdict)
{
	explain(verdict, "Where %s is in the PCI tree cannot be read from sysfs: %s.",
		name, p2pmr_errno_name(err));
	advise(verdict, "Let the process read sysfs; if it is a recorded tree, record it again with p2pmr-collect(1).");
}

static void decide_not_pci(const struct p2pmr_path_facts *facts,
			   struct p2pmr_path_verdict *verdict)
{
	const char *name = facts->rdma_name;

	switch (facts->rdma) {
	case P2PMR_RDMA_RXE:
		verdict->kind = P2PMR_PATH_CPU;
		explain(verdict, "%s is rxe, a software RDMA device: the CPU copies to and from the memory, wherever it is.",
			name);
		break;
	case P2PMR_RDMA_SIW:
		verdict->kind = P2PMR_PATH_NONE;
		explain(verdict, "%s is siw, a software RDMA device that gives pages to TCP, where peer memory must not go.",
			name);
		advise(verdict, "Use rxe in its place (rdma link add NAME type rxe netdev NETDEV), or an RDMA device on PCI.");
		break;
	case P2PMR_RDMA_PLATFORM:
		verdict->kind = P2PMR_PATH_NONE;
		explain(verdict, "%s is not on PCI, and so the kernel knows of no way from it to %s.",
			name, facts->provider_name);
		advise(verdict, "Use an RDMA device on PCI.");
		break;
	default:
		explain(verdict, "%s is a software RDMA device of an unknown kind: it has no device behind it, and is neither rxe nor siw.",
			name);
		advise(verdict, "Register memory: the kernel then decides.");
		break;
	}
}

void p2pmr_path_decide(const struct p2pmr_path_facts *facts,
		       struct p2pmr_path_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->kind = P2PMR_PATH_UNKNOWN;
	verdict->distance = -1;
	verdict->allowed = NOT_KNOWN;
	if (facts->rdma != P2PMR_RDMA_PCI)
		decide_not_pci(facts, verdict);
	else if (facts->provider.err)
		decide_unknown_tree(facts->provider_name, facts->provider.err,
				    verdict);
	else if (facts->device.err)
		decide_unknown_tree(facts->rdma_name, facts->device.err,
				    verdict);
	else
		decide_pci(facts, verdict);
}
