// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From facts to an answer. Each case is a small tree in words: the functions of
 * both sides from the device up, with what ACS does in them.
 */
#include "unit.h"

#define RR P2PMR_ACS_REQUEST_REDIRECT
#define CR P2PMR_ACS_COMPLETION_REDIRECT
#define EC P2PMR_ACS_EGRESS_CONTROL
#define ON P2PMR_ACS_CAPABLE
#define QQ P2PMR_ACS_UNKNOWN

/* What stands for a host bridge */
#define LISTED 0x80862030
#define SAME_ONLY 0x80862f00
#define OTHER 0x808629c0
#define NOBODY 0
#define UNREAD 1

#define INTEL 0
#define ZEN 1
#define NO_CPUINFO (-1)

struct test_hop {
	const char *address;
	unsigned int acs;
};

struct test_case {
	const char *name;
	struct test_hop provider[6];
	struct test_hop device[6];
	/* Different numbers, different root buses */
	unsigned int bridge_a;
	unsigned int bridge_b;
	bool two_buses;
	int zen;
	enum p2pmr_path_kind kind;
	int distance;
	int allowed;
	const char *text;
	const char *remedy;
};

#define UP { "0000:02:00.0", 0 }
#define RP { "0000:00:01.0", ON }
#define RP2 { "0000:00:02.0", ON }

static const struct test_case cases[] = {
	{ "one function",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:05:00.0", 0 }, RP },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_BUS, 0, 0, "one PCI function, 0000:05:00.0", NULL },
	{ "one function that redirects by itself",
	  { { "0000:05:00.0", RR } }, { { "0000:05:00.0", RR } },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "at 0000:05:00.0;",
	  "disable_acs_redir=0000:05:00.0\"" },
	{ "two functions of one device",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:05:00.1", 0 }, RP },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_BUS, 2, 0, "below 0000:00:01.0", NULL },
	{ "two functions below a port that redirects",
	  { { "0000:05:00.0", 0 }, { "0000:00:01.0", ON | RR } },
	  { { "0000:05:00.1", 0 }, { "0000:00:01.0", ON | RR } },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "at 0000:00:01.0;", "0000:00:01.0\"" },
	{ "two functions of a root bus have nothing in common",
	  { { "0000:00:05.0", 0 } }, { { "0000:00:05.1", 0 } },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "no PCIe switch in common", "one PCIe switch" },
	{ "switch",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", ON }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", ON }, UP, RP },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_BUS, 4, 0, "below 0000:02:00.0", NULL },
	{ "switch, redirection above where they meet does not count",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", ON }, UP,
	    { "0000:00:01.0", RR | CR | EC } },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", ON }, UP,
	    { "0000:00:01.0", RR | CR | EC } },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_BUS, 4, 0, "below 0000:02:00.0", NULL },
	{ "switch, nor does what cannot be read there",
	  { { "0000:05:00.0", 0 }, UP, { "0000:00:01.0", QQ } },
	  { { "0000:06:00.0", 0 }, UP, { "0000:00:01.0", QQ } },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_BUS, 2, 0, "below 0000:02:00.0", NULL },
	{ "switch, request redirect on the provider's side",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", ON | RR }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", ON }, UP, RP },
	  OTHER, OTHER, false, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "at 0000:03:01.0;", "0000:03:01.0\"" },
	{ "switch, completion redirect on the RDMA device's side",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", ON }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", ON | CR }, UP, RP },
	  OTHER, OTHER, false, ZEN,
	  P2PMR_PATH_BRIDGE, 4, 1, "at 0000:03:02.0;", "0000:03:02.0\"" },
	{ "switch, egress control in the RDMA device itself",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", ON }, UP, RP },
	  { { "0000:06:00.0", EC }, { "0000:03:02.0", ON }, UP, RP },
	  LISTED, LISTED, false, INTEL,
	  P2PMR_PATH_BRIDGE, 4, 1, "at 0000:06:00.0;", "0000:06:00.0\"" },
	{ "switch, redirection on both sides: all are named",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", RR }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", RR }, UP, RP },
	  LISTED, LISTED, false, INTEL,
	  P2PMR_PATH_BRIDGE, 4, 1, "0000:03:01.0, 0000:03:02.0",
	  "pci=disable_acs_redir=0000:03:01.0;0000:03:02.0\"" },
	{ "switch, ACS cannot be read",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", QQ }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", ON }, UP, RP },
	  LISTED, LISTED, false, ZEN,
	  P2PMR_PATH_UNKNOWN, -1, 1, "space of 0000:03:01.0:", "as root" },
	{ "switch, one port is known to redirect, which is enough",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", QQ }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", RR }, UP, RP },
	  OTHER, OTHER, false, ZEN,
	  P2PMR_PATH_BRIDGE, 4, 1, "at 0000:03:02.0;", "0000:03:02.0\"" },
	{ "root ports, AMD",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:06:00.0", 0 }, RP2 },
	  OTHER, OTHER, false, ZEN,
	  P2PMR_PATH_BRIDGE, 4, 1, "Zen", "shorter" },
	{ "root ports, AMD, of different root buses",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:86:00.0", 0 }, RP2 },
	  OTHER, NOBODY, true, ZEN,
	  P2PMR_PATH_BRIDGE, 4, 1, "Zen", "shorter" },
	{ "root ports, AMD, ACS does not matter",
	  { { "0000:05:00.0", QQ }, { "0000:00:01.0", RR } },
	  { { "0000:06:00.0", QQ }, RP2 },
	  UNREAD, UNREAD, false, ZEN,
	  P2PMR_PATH_BRIDGE, 4, 1, "no PCIe switch", "shorter" },
	{ "root ports, uneven",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", ON }, UP, RP },
	  { { "0000:06:00.0", 0 } },
	  LISTED, LISTED, false, INTEL,
	  P2PMR_PATH_BRIDGE, 5, 1, "has host bridge pci0000:00 (8086:2030)", "shorter" },
	{ "root ports, listed for one bridge alone: one",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:06:00.0", 0 }, RP2 },
	  SAME_ONLY, SAME_ONLY, false, INTEL,
	  P2PMR_PATH_BRIDGE, 4, 1, "8086:2f00", "shorter" },
	{ "root ports, listed for one bridge alone: two",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:86:00.0", 0 }, RP2 },
	  SAME_ONLY, SAME_ONLY, true, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "bridges pci0000:00 (8086:2f00) and pci0000:80 (8086:2f00)",
	  "one PCIe switch" },
	{ "root ports, two bridges, both listed",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:86:00.0", 0 }, RP2 },
	  LISTED, LISTED, true, INTEL,
	  P2PMR_PATH_BRIDGE, 4, 1, "pci0000:80 (8086:2030)", "shorter" },
	{ "root ports, two bridges, one listed",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:86:00.0", 0 }, RP2 },
	  LISTED, OTHER, true, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "8086:29c0", "one PCIe switch" },
	{ "root ports, one not listed, the other not known",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:86:00.0", 0 }, RP2 },
	  OTHER, UNREAD, true, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "8086:29c0", "one PCIe switch" },
	{ "root ports, one listed, the other not known",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:86:00.0", 0 }, RP2 },
	  LISTED, UNREAD, true, INTEL,
	  P2PMR_PATH_UNKNOWN, -1, -1, "cannot be identified (EACCES)",
	  "as root" },
	{ "root ports, the kernel finds no host bridge",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:06:00.0", 0 }, RP2 },
	  NOBODY, NOBODY, false, INTEL,
	  P2PMR_PATH_NONE, -1, 0, "pci0000:00 (no ids)", "one PCIe switch" },
	{ "root ports, no /proc/cpuinfo",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:06:00.0", 0 }, RP2 },
	  OTHER, OTHER, false, NO_CPUINFO,
	  P2PMR_PATH_UNKNOWN, -1, -1, "cpuinfo", "/proc" },
	{ "root ports, no /proc/cpuinfo, but listed",
	  { { "0000:05:00.0", 0 }, RP }, { { "0000:06:00.0", 0 }, RP2 },
	  LISTED, LISTED, false, NO_CPUINFO,
	  P2PMR_PATH_BRIDGE, 4, 1, "8086:2030", "shorter" },
	{ "switch with redirection, no /proc/cpuinfo",
	  { { "0000:05:00.0", 0 }, { "0000:03:01.0", RR }, UP, RP },
	  { { "0000:06:00.0", 0 }, { "0000:03:02.0", ON }, UP, RP },
	  OTHER, OTHER, false, NO_CPUINFO,
	  P2PMR_PATH_UNKNOWN, -1, -1, "at 0000:03:01.0;", "/proc" },
};

static void fill_side(struct p2pmr_side_facts *side,
		      const struct test_hop *hops, size_t count)
{
	for (size_t i = 0; i < count && hops[i].address; i++) {
		struct p2pmr_hop *hop = &side->hops[side->count++];

		strcpy(hop->address, hops[i].address);
		hop->acs = hops[i].acs;
		hop->acs_err = hop->acs & QQ ? EACCES : 0;
	}
}

static void fill_bridge(struct p2pmr_host_bridge *host, unsigned int ids,
			const char *name)
{
	strcpy(host->name, name);
	if (ids == UNREAD || ids == NOBODY) {
		host->err = ids == UNREAD ? EACCES : ENODEV;
		return;
	}
	host->vendor = ids >> 16;
	host->device = ids & 0xffff;
	snprintf(host->ids, sizeof(host->ids), "%04x:%04x", ids >> 16,
		 ids & 0xffff);
}

static void fill(const struct test_case *test, struct p2pmr_path_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	strcpy(facts->provider_name, "nvme0");
	strcpy(facts->rdma_name, "mlx5_0");
	facts->rdma = P2PMR_RDMA_PCI;
	facts->zen = test->zen;
	fill_side(&facts->provider, test->provider, ARRAY_SIZE(test->provider));
	fill_side(&facts->device, test->device, ARRAY_SIZE(test->device));
	fill_bridge(&facts->provider.host, test->bridge_a, "pci0000:00");
	fill_bridge(&facts->device.host, test->bridge_b,
		    test->two_buses ? "pci0000:80" : "pci0000:00");
}

static void check(const struct test_case *test,
		  const struct p2pmr_path_verdict *verdict)
{
	assert_string_equal(p2pmr_path_kind_name(verdict->kind),
			    p2pmr_path_kind_name(test->kind));
	assert_int_equal(verdict->distance, test->distance);
	assert_int_equal(verdict->allowed, test->allowed);
	assert_sentence(verdict->explanation);
	assert_contains(verdict->explanation, test->text);
	if (!test->remedy) {
		assert_string_equal(verdict->remedy, "");
		return;
	}
	assert_sentence(verdict->remedy);
	assert_contains(verdict->remedy, test->remedy);
}

static void test_cases(void **state)
{
	struct p2pmr_path_verdict verdict;
	struct p2pmr_path_facts facts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fill(&cases[i], &facts);
		p2pmr_path_decide(&facts, &verdict);
		print_message("%s: %s\n", cases[i].name, verdict.explanation);
		check(&cases[i], &verdict);
	}
}

/* Each entry of the kernel's list, by one host bridge and by two */
static void test_list(void **state)
{
	static const struct {
		unsigned int ids;
		bool two;
	} list[] = {
		{ 0x80863c00, false }, { 0x80863c01, false },
		{ 0x80862f00, false }, { 0x80862f01, false },
		{ 0x80862030, true }, { 0x80862031, true },
		{ 0x80862032, true }, { 0x80862033, true },
		{ 0x80862020, true }, { 0x808609a2, true },
	};
	struct test_case test = {
		.provider = { { "0000:05:00.0", 0 }, RP },
		.device = { { "0000:06:00.0", 0 }, RP2 },
		.zen = INTEL,
	};
	struct p2pmr_path_verdict verdict;
	struct p2pmr_path_facts facts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		test.bridge_a = list[i].ids;
		test.bridge_b = list[i].ids;
		test.two_buses = false;
		fill(&test, &facts);
		p2pmr_path_decide(&facts, &verdict);
		assert_int_equal(verdict.kind, P2PMR_PATH_BRIDGE);
		test.two_buses = true;
		fill(&test, &facts);
		p2pmr_path_decide(&facts, &verdict);
		assert_int_equal(verdict.kind, list[i].two ? P2PMR_PATH_BRIDGE :
							     P2PMR_PATH_NONE);
		/* The same device number of another vendor */
		test.bridge_a = (list[i].ids & 0xffff) | 0x10220000;
		fill(&test, &facts);
		p2pmr_path_decide(&facts, &verdict);
		assert_int_equal(verdict.kind, P2PMR_PATH_NONE);
	}
	assert_string_equal(p2pmr_path_list_kernel(), "6.12");
}

static void test_not_pci(void **state)
{
	static const struct {
		enum p2pmr_rdma_type type;
		enum p2pmr_path_kind kind;
		const char *text;
	} types[] = {
		{ P2PMR_RDMA_RXE, P2PMR_PATH_CPU, "rxe" },
		{ P2PMR_RDMA_SIW, P2PMR_PATH_NONE, "siw" },
		{ P2PMR_RDMA_PLATFORM, P2PMR_PATH_NONE, "not on PCI" },
		{ P2PMR_RDMA_VIRTUAL, P2PMR_PATH_UNKNOWN, "unknown kind" },
	};
	struct p2pmr_path_verdict verdict;
	struct p2pmr_path_facts facts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		fill(&cases[0], &facts);
		facts.rdma = types[i].type;
		p2pmr_path_decide(&facts, &verdict);
		assert_int_equal(verdict.kind, types[i].kind);
		assert_int_equal(verdict.distance, -1);
		assert_sentence(verdict.explanation);
		assert_contains(verdict.explanation, types[i].text);
		if (types[i].kind != P2PMR_PATH_CPU)
			assert_sentence(verdict.remedy);
		else
			assert_string_equal(verdict.remedy, "");
	}
}

static void test_tree_not_known(void **state)
{
	struct p2pmr_path_verdict verdict;
	struct p2pmr_path_facts facts;

	(void)state;
	fill(&cases[0], &facts);
	facts.provider.err = EACCES;
	facts.device.err = ELOOP;
	p2pmr_path_decide(&facts, &verdict);
	assert_int_equal(verdict.kind, P2PMR_PATH_UNKNOWN);
	assert_contains(verdict.explanation, "nvme0");
	assert_contains(verdict.explanation, "EACCES");
	facts.provider.err = 0;
	p2pmr_path_decide(&facts, &verdict);
	assert_contains(verdict.explanation, "mlx5_0");
	assert_contains(verdict.explanation, "ELOOP");
	assert_sentence(verdict.remedy);
}

/* As long as a path can be: every sentence still has its end. */
static void test_longest(void **state)
{
	struct p2pmr_path_verdict verdict;
	struct p2pmr_path_facts facts;

	(void)state;
	fill(&cases[0], &facts);
	for (unsigned int i = 0; i < P2PMR_HOPS_MAX; i++) {
		snprintf(facts.provider.hops[i].address, P2PMR_NAME_LEN,
			 "10000:%02x:00.0", i);
		snprintf(facts.device.hops[i].address, P2PMR_NAME_LEN,
			 "10000:%02x:00.0", i + 128);
		facts.provider.hops[i].acs = RR;
		facts.device.hops[i].acs = RR;
	}
	facts.provider.count = P2PMR_HOPS_MAX;
	facts.device.count = P2PMR_HOPS_MAX;
	strcpy(facts.device.hops[P2PMR_HOPS_MAX - 1].address,
	       facts.provider.hops[P2PMR_HOPS_MAX - 1].address);
	memset(facts.provider_name, 'p', P2PMR_NAME_LEN - 1);
	memset(facts.rdma_name, 'r', P2PMR_NAME_LEN - 1);
	p2pmr_path_decide(&facts, &verdict);
	assert_int_equal(verdict.kind, P2PMR_PATH_NONE);
	assert_sentence(verdict.explanation);
	assert_sentence(verdict.remedy);
	assert_contains(verdict.remedy, "10000:80:00.0\"");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(p2pmr_path_kind_name(P2PMR_PATH_UNKNOWN),
			    "unknown");
	assert_string_equal(p2pmr_path_kind_name(P2PMR_PATH_BUS), "bus");
	assert_string_equal(p2pmr_path_kind_name(P2PMR_PATH_BRIDGE), "bridge");
	assert_string_equal(p2pmr_path_kind_name(P2PMR_PATH_CPU), "cpu");
	assert_string_equal(p2pmr_path_kind_name(P2PMR_PATH_NONE), "none");
	assert_string_equal(p2pmr_path_kind_name(99), "unknown");
	assert_string_equal(p2pmr_path_kind_name(-1), "unknown");
	assert_string_equal(p2pmr_path_iommu_name(P2PMR_IOMMU_NONE), "none");
	assert_string_equal(p2pmr_path_iommu_name(P2PMR_IOMMU_IDENTITY),
			    "identity");
	assert_string_equal(p2pmr_path_iommu_name(P2PMR_IOMMU_DMA), "DMA");
	assert_string_equal(p2pmr_path_iommu_name(P2PMR_IOMMU_DMA_FQ),
			    "DMA-FQ");
	assert_string_equal(p2pmr_path_iommu_name(99), "unknown");
	assert_string_equal(p2pmr_path_iommu_name(-1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_not_pci),
		cmocka_unit_test(test_tree_not_known),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
