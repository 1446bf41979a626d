// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* NVMe drives and PCI paths in trees as sysfs shows them, and in broken ones. */
#include "tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake/fake.h"

#define FUNCTION "bus/pci/devices/0000:03:00.0"
#define CONTROLLER FUNCTION "/nvme/nvme0"
#define MIB (1024ULL * 1024)
/* 64 units of 1 MiB; SQS, LISTS, RDS, WDS: what QEMU's drive says */
#define CMBSZ (64U << 12 | 2U << 8 | 0x1d)

static struct tree tree;
static struct p2pmr_context *ctx;

static void number(const char *path, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	tree_file(&tree, path, text);
}

/* One drive that has not been asked for memory yet */
static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	tree_nvme(&tree, "0000:03:00.0", "nvme0", 64 * MIB);
	number(CONTROLLER "/cmbsz", CMBSZ);
	number(CONTROLLER "/cmbloc", 2);
	ctx = tree_open(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static int ask(struct p2pmr_nvme_info *info)
{
	*info = (struct p2pmr_nvme_info){ .sz = sizeof(*info) };
	return p2pmr_provider_nvme_info(p2pmr_provider_find(ctx, "nvme0"),
					info);
}

static void test_cmb(void **state)
{
	struct p2pmr_nvme_info info;
	int ret;

	(void)state;
	assert_leaves_errno(ret = ask(&info));
	assert_int_equal(ret, 0);
	assert_int_equal(info.sz, sizeof(info));
	assert_int_equal(info.cmb_size_bytes, 64 * MIB);
	assert_int_equal(info.cmb_offset_bytes, 0);
	assert_int_equal(info.cmb_bar, 2);
	assert_int_equal(info.cmb_uses,
			 P2PMR_NVME_CMB_SQS | P2PMR_NVME_CMB_LISTS |
			 P2PMR_NVME_CMB_RDS | P2PMR_NVME_CMB_WDS);

	/* Completion queues alone, all of a 20-bit size and offset */
	number(CONTROLLER "/cmbsz", 0xfffffU << 12 | 6U << 8 | 1U << 1);
	number(CONTROLLER "/cmbloc", 0xfffffU << 12 | 0xff8 | 5);
	assert_int_equal(ask(&info), 0);
	assert_true(info.cmb_size_bytes == 0xfffffULL << 36);
	assert_true(info.cmb_offset_bytes == 0xfffffULL << 36);
	assert_int_equal(info.cmb_bar, 5);
	assert_int_equal(info.cmb_uses, P2PMR_NVME_CMB_CQS);
}

static void test_units(void **state)
{
	static const uint64_t units[] = {
		4096, 65536, MIB, 16 * MIB, 256 * MIB, 4096 * MIB, 65536 * MIB,
	};
	struct p2pmr_nvme_info info;

	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		number(CONTROLLER "/cmbsz", 3U << 12 | i << 8);
		number(CONTROLLER "/cmbloc", 5U << 12);
		if (i < ARRAY_SIZE(units)) {
			assert_int_equal(ask(&info), 0);
			assert_true(info.cmb_size_bytes == 3 * units[i]);
			assert_true(info.cmb_offset_bytes == 5 * units[i]);
			continue;
		}
		assert_int_equal(ask(&info), -EBADMSG);
		assert_reason(P2PMR_REASON_SYSTEM, EBADMSG);
		assert_contains(p2pmr_reason_text(), "the unit");
	}
}

static void test_registers_not_shown(void **state)
{
	static const char *const hide[] = { "cmbsz", "cmbloc" };
	struct p2pmr_nvme_info info;
	char path[128];

	(void)state;
	/* A size without a location reads as offset 0 of BAR 0. */
	for (size_t i = ARRAY_SIZE(hide); i--;) {
		snprintf(path, sizeof(path), CONTROLLER "/%s", hide[i]);
		tree_remove(&tree, path);
		assert_int_equal(ask(&info), 0);
	}
	assert_int_equal(info.cmb_size_bytes, 0);
	assert_int_equal(info.cmb_uses, 0);
	assert_int_equal(info.queues, P2PMR_NVME_QUEUES_NONE);
}

static void test_bad_registers(void **state)
{
	static const struct {
		const char *cmbsz;
		const char *cmbloc;
		const char *says;
	} bad[] = {
		{ "", "2", "cmbsz" }, { "sixteen", "2", "cmbsz" },
		{ "0x40200", "2", "cmbsz" }, { "-1", "2", "cmbsz" },
		{ "4294967296", "2", "cmbsz" }, { "262173 ", "2", "cmbsz" },
		{ "99999999999999999999999999999999999", "2", "cmbsz" },
		{ "262685", "two", "cmbloc" }, { "262685", "", "cmbloc" },
		{ "262685", "4294967298", "cmbloc" },
		{ "262685", "1", "the BAR" }, { "262685", "6", "the BAR" },
		{ "262685", "7", "the BAR" }, { "541", "2", "the size" },
	};
	struct p2pmr_nvme_info info;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tree_file(&tree, CONTROLLER "/cmbsz", bad[i].cmbsz);
		tree_file(&tree, CONTROLLER "/cmbloc", bad[i].cmbloc);
		assert_int_equal(ask(&info), -EBADMSG);
		assert_reason(P2PMR_REASON_SYSTEM, EBADMSG);
		assert_contains(p2pmr_reason_text(), bad[i].says);
		assert_int_equal(info.cmb_size_bytes, 0);
	}
}

/* Whether queues may be there: only three observations exclude it. */
static void test_queues(void **state)
{
	static const struct {
		uint64_t uses;
		uint64_t available;
		const char *parameter;
		enum p2pmr_nvme_queues queues;
	} cases[] = {
		{ 0x1d, 64, "Y\n", P2PMR_NVME_QUEUES_NONE },
		{ 0x1d, 63, "Y\n", P2PMR_NVME_QUEUES_UNKNOWN },
		{ 0x1d, 63, "N\n", P2PMR_NVME_QUEUES_NONE },
		{ 0x1d, 63, NULL, P2PMR_NVME_QUEUES_UNKNOWN },
		{ 0x1d, 63, "", P2PMR_NVME_QUEUES_UNKNOWN },
		{ 0x1d, 63, "No\n", P2PMR_NVME_QUEUES_UNKNOWN },
		{ 0x1c, 63, "Y\n", P2PMR_NVME_QUEUES_NONE },
		{ 0x1d, 0, "Y\n", P2PMR_NVME_QUEUES_UNKNOWN },
	};
	static const char parameter[] = "module/nvme/parameters/use_cmb_sqes";
	struct p2pmr_nvme_info info;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		number(CONTROLLER "/cmbsz", 64U << 12 | 2U << 8 |
		       cases[i].uses);
		number(FUNCTION "/p2pmem/available", cases[i].available * MIB);
		tree_remove(&tree, parameter);
		if (cases[i].parameter)
			tree_file(&tree, parameter, cases[i].parameter);
		assert_int_equal(ask(&info), 0);
		assert_int_equal(info.queues, cases[i].queues);
	}
	/* Registers that are not shown exclude nothing. */
	tree_file(&tree, parameter, "Y\n");
	tree_remove(&tree, CONTROLLER "/cmbsz");
	assert_int_equal(ask(&info), 0);
	assert_int_equal(info.queues, P2PMR_NVME_QUEUES_UNKNOWN);

	tree_file(&tree, FUNCTION "/p2pmem/available", "much\n");
	assert_int_equal(ask(&info), -EBADMSG);
	assert_reason(P2PMR_REASON_SYSTEM, EBADMSG);
}

/* A caller that was compiled with a later header, which has one member more */
static void test_later_caller(void **state)
{
	struct {
		struct p2pmr_nvme_info info;
		uint64_t later;
		uint64_t beyond;
	} caller = {
		.info.sz = sizeof(caller) - sizeof(uint64_t),
		.later = 1,
		.beyond = 2,
	};
	struct p2pmr_provider *nvme = p2pmr_provider_find(ctx, "nvme0");

	(void)state;
	assert_int_equal(p2pmr_provider_nvme_info(nvme, &caller.info), 0);
	assert_int_equal(caller.info.sz, sizeof(caller) - 8);
	assert_int_equal(caller.info.cmb_size_bytes, 64 * MIB);
	assert_int_equal(caller.later, 0);
	assert_int_equal(caller.beyond, 2);
}

static void test_bad_arguments(void **state)
{
	struct p2pmr_provider *nvme = p2pmr_provider_find(ctx, "nvme0");
	struct p2pmr_nvme_info info = { 0 };

	(void)state;
	assert_int_equal(p2pmr_provider_nvme_info(NULL, &info), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_provider_nvme_info(nvme, NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_provider_nvme_info(nvme, &info), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	info.sz = sizeof(info) - 1;
	assert_int_equal(p2pmr_provider_nvme_info(nvme, &info), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	assert_null(p2pmr_provider_nvme_namespaces(NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
}

static void test_not_nvme(void **state)
{
	static const char *const names[] = { "host", "0000:01:00.0" };
	struct p2pmr_fake fake = { .size = 4096 };

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, names[1], &fake), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct p2pmr_provider *p = p2pmr_provider_find(ctx, names[i]);
		struct p2pmr_nvme_info info = { .sz = sizeof(info) };

		assert_int_equal(p2pmr_provider_nvme_info(p, &info), -ENOTSUP);
		assert_reason(P2PMR_REASON_NOT_NVME, ENOTSUP);
		assert_contains(p2pmr_reason_text(), names[i]);
		assert_null(p2pmr_provider_nvme_namespaces(p));
		assert_reason(P2PMR_REASON_NOT_NVME, ENOTSUP);
	}
}

static void test_gone(void **state)
{
	static const char *const parts[] = {
		FUNCTION "/p2pmem", CONTROLLER, FUNCTION,
	};
	struct p2pmr_nvme_info info;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		tree_remove(&tree, parts[i]);
		assert_int_equal(ask(&info), -ENODEV);
		assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	}
	assert_null(p2pmr_provider_nvme_namespaces(
			p2pmr_provider_find(ctx, "nvme0")));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
}

/* @expected: ends with NULL */
static void assert_namespaces(const char *const *expected)
{
	char **names;

	assert_leaves_errno(names = p2pmr_provider_nvme_namespaces(
					p2pmr_provider_find(ctx, "nvme0")));
	assert_non_null(names);
	for (size_t i = 0; expected[i] || names[i]; i++) {
		assert_non_null(expected[i]);
		assert_non_null(names[i]);
		assert_string_equal(names[i], expected[i]);
	}
	free(names);
}

static void block_device(const char *folder, const char *name, bool hidden)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	tree_folder(&tree, path);
	snprintf(path, sizeof(path), "class/block/%s/hidden", name);
	tree_file(&tree, path, hidden ? "1\n" : "0\n");
}

static void test_namespaces(void **state)
{
	static const char *const others[] = {
		"ng0n1", "hwmon1", "power", "nvme0", "nvme0n", "nvme0n1p1",
		"nvme0c0", "nvme0cn1", "nvme0c0n1x", "nvmen1", "nvme-1n1",
		"nvme0n4294967297", "nvme 0n1",
	};

	(void)state;
	assert_namespaces((const char *[]){ NULL });
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		block_device(CONTROLLER, others[i], false);
	/* 2^32 + 1 does not read as 1. */
	tree_folder(&tree, "class/block/nvme0n1");
	assert_namespaces((const char *[]){ NULL });
	/* 10 sorts after 2; 3 has metadata that this kernel cannot handle. */
	block_device(CONTROLLER, "nvme0n10", false);
	block_device(CONTROLLER, "nvme0n2", false);
	block_device(CONTROLLER, "nvme0n3", true);
	assert_namespaces((const char *[]){ "nvme0n2", "nvme0n10", NULL });
}

/* The controller is nvme0, its subsystem 1: numbers need not be the same. */
static void test_multipath(void **state)
{
	(void)state;
	block_device(CONTROLLER, "nvme1c0n1", true);
	block_device(CONTROLLER, "nvme1c0n2", true);
	/* A device without a usable path yet has no node. */
	assert_namespaces((const char *[]){ NULL });
	block_device("class/nvme-subsystem/nvme-subsys1", "nvme1n1", false);
	assert_namespaces((const char *[]){ "nvme1n1", NULL });
	/* That of another controller in the subsystem alone is not ours. */
	block_device("class/nvme-subsystem/nvme-subsys1", "nvme1n3", false);
	block_device("class/nvme-subsystem/nvme-subsys1", "nvme1n2", false);
	assert_namespaces((const char *[]){ "nvme1n1", "nvme1n2", NULL });
}

/* @link: where the function's link points to */
static void assert_path(const char *link, const char *expected)
{
	struct p2pmr_provider *nvme;
	const char *path;

	teardown(NULL);
	tree_make(&tree);
	tree_folder(&tree, "bus/pci/devices");
	tree_folder(&tree, "devices/x/y");
	tree_folder(&tree, link + strlen("../../../"));
	tree_link(&tree, FUNCTION, link);
	tree_nvme(&tree, "0000:03:00.0", "nvme0", 4096);
	ctx = tree_open(&tree);
	nvme = p2pmr_provider_find(ctx, "nvme0");
	assert_non_null(nvme);
	path = p2pmr_provider_pci_path(nvme);
	if (!expected) {
		assert_null(path);
		return;
	}
	assert_non_null(path);
	assert_string_equal(path, expected);
}

#define ROOT "../../../devices/pci0000:00/"

static void test_pci_path(void **state)
{
	(void)state;
	/* Here it is a folder and no link. */
	assert_null(p2pmr_provider_pci_path(p2pmr_provider_find(ctx,
								"nvme0")));
	assert_null(p2pmr_provider_pci_path(p2pmr_provider_find(ctx, "host")));

	assert_path(ROOT "0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0",
		    "0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0");
	assert_path(ROOT "0000:03:00.0", "0000:03:00.0");
	/* Below a controller with a domain of its own; on an Arm board */
	assert_path(ROOT "0000:00:0e.0/pci10000:e0/10000:e0:06.0/0000:03:00.0",
		    "10000:e0:06.0/0000:03:00.0");
	assert_path("../../../devices/platform/40000000.pcie/pci0000:00/"
		    "0000:00:00.0/0000:03:00.0", "0000:00:00.0/0000:03:00.0");
}

static void test_bad_pci_paths(void **state)
{
	char deep[1024] = ROOT;

	(void)state;
	assert_path("../../../devices/x/y/0000:03:00.0", NULL);
	assert_path("../../../devices/0000:03:00.0", NULL);
	assert_path(ROOT "0000:00:01.0/0000:04:00.0", NULL);
	assert_path(ROOT "0000:00:01.0/x/0000:03:00.0", NULL);
	assert_path(ROOT "0000:00:01.8/0000:03:00.0", NULL);
	assert_path(ROOT "0000:03:00.0/virtual", NULL);
	assert_path("../../../devices/pci0000/0000:03:00.0", NULL);
	assert_path("../../../devices/pci0000:/0000:03:00.0", NULL);
	assert_path("../../../devices/pci0000:000/0000:03:00.0", NULL);

	/* More levels than fit */
	for (int i = 0; i < 31; i++)
		strcat(deep, "0000:00:01.0/");
	strcat(deep, "0000:03:00.0");
	assert_true(strlen(deep) < 512);
	assert_path(deep, deep + strlen(ROOT));
}

static void test_pci_path_too_long(void **state)
{
	struct p2pmr_provider *provider;
	struct p2pmr_fake fake = { .size = 4096 };
	char deep[1024] = ROOT, path[128];

	(void)state;
	for (int i = 0; i < 40; i++)
		strcat(deep, "0000:00:01.0/");
	strcat(deep, "0000:01:00.0");
	tree_path(&tree, "bus/pci/devices/0000:01:00.0", path, sizeof(path));
	assert_int_equal(symlink(deep, path), 0);
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	provider = p2pmr_provider_find(ctx, "0000:01:00.0");
	assert_null(p2pmr_provider_pci_path(provider));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cmb),
		TEST(test_units),
		TEST(test_registers_not_shown),
		TEST(test_bad_registers),
		TEST(test_queues),
		TEST(test_later_caller),
		TEST(test_bad_arguments),
		TEST(test_not_nvme),
		TEST(test_gone),
		TEST(test_namespaces),
		TEST(test_multipath),
		TEST(test_pci_path),
		TEST(test_bad_pci_paths),
		TEST(test_pci_path_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
