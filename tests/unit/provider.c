// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding providers in recorded trees, and what is said about those missing. */
#include "tree.h"

#include "fake/fake.h"

static struct tree tree;
static struct p2pmr_context *ctx;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	ctx = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static void assert_names(const char *first, ...)
{
	struct p2pmr_provider *provider = NULL;
	va_list args;

	va_start(args, first);
	for (const char *name = first; name; name = va_arg(args, const char *)) {
		provider = p2pmr_provider_next(ctx, provider);
		assert_non_null(provider);
		assert_string_equal(p2pmr_provider_name(provider), name);
	}
	va_end(args);
	assert_null(p2pmr_provider_next(ctx, provider));
}

static void test_two_drives_and_a_bar(void **state)
{
	struct p2pmr_provider *nvme, *bar, *host;

	(void)state;
	/* Made in no order; domains of more than 4 digits sort as numbers. */
	tree_nvme(&tree, "10000:01:00.0", "nvme2", 4096);
	tree_nvme(&tree, "0000:05:00.0", "nvme0", 4096);
	tree_nvme(&tree, "0000:04:00.0", "nvme1", 4096);
	tree_nvme(&tree, "0000:06:00.0", "nvme3", 0);
	tree_p2pmem(&tree, "0000:05:00.1", 8192);
	ctx = tree_open(&tree);
	assert_names("nvme1", "nvme0", "0000:05:00.1", "nvme2", "host", NULL);

	assert_leaves_errno(nvme = p2pmr_provider_find(ctx, "nvme1"));
	assert_string_equal(p2pmr_provider_type(nvme), "p2pmem");
	assert_string_equal(p2pmr_provider_pci_address(nvme), "0000:04:00.0");
	assert_string_equal(p2pmr_provider_driver(nvme), "nvme");
	assert_int_equal(p2pmr_provider_numa_node(nvme), 0);
	assert_true(p2pmr_provider_is_peer(nvme));

	bar = p2pmr_provider_find(ctx, "0000:05:00.1");
	assert_non_null(bar);
	assert_null(p2pmr_provider_driver(bar));
	assert_int_equal(p2pmr_provider_numa_node(bar), -1);

	host = p2pmr_provider_find(ctx, "host");
	assert_non_null(host);
	assert_string_equal(p2pmr_provider_type(host), "host");
	assert_null(p2pmr_provider_pci_address(host));
	assert_null(p2pmr_provider_driver(host));
	assert_int_equal(p2pmr_provider_numa_node(host), -1);
	assert_false(p2pmr_provider_is_peer(host));
}

static void test_find_by_address(void **state)
{
	struct p2pmr_provider *nvme;

	(void)state;
	tree_nvme(&tree, "0000:0a:1f.7", "nvme0", 4096);
	ctx = tree_open(&tree);
	nvme = p2pmr_provider_find(ctx, "nvme0");
	assert_non_null(nvme);
	assert_ptr_equal(p2pmr_provider_find(ctx, "0000:0a:1f.7"), nvme);
	assert_ptr_equal(p2pmr_provider_find(ctx, "0a:1f.7"), nvme);
	assert_ptr_equal(p2pmr_provider_find(ctx, "0A:1F.7"), nvme);
	assert_ptr_equal(p2pmr_provider_find(ctx, "00000000:0a:1f.7"), nvme);
}

static void test_pci_addresses(void **state)
{
	static const char *const bad[] = {
		"", ":", "::.", "nvme0", "0000:04:00", "04:00", "04:00.8",
		"04:20.0", "04:00.00", "004:00.0", "0000:04:00.0 ",
		" 04:00.0", "0000:04:000.0", "000000000:04:00.0",
		"0000:0000:04:00.0", "-1:00.0", "0x4:00.0", "04:00.", "04:.0",
		"0000::00.0", ":04:00.0", "04;00.0",
	};
	struct p2pmr_pci_address pci;
	char text[P2PMR_NAME_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!p2pmr_pci_parse(bad[i], &pci))
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_int_equal(p2pmr_pci_parse("1:2.3", &pci), 0);
	p2pmr_pci_format(&pci, text, sizeof(text));
	assert_string_equal(text, "0000:01:02.3");
	assert_int_equal(p2pmr_pci_parse("fFffFFff:ff:1f.7", &pci), 0);
	p2pmr_pci_format(&pci, text, sizeof(text));
	assert_string_equal(text, "ffffffff:ff:1f.7");
}

static void test_not_found_lists_names(void **state)
{
	static const char *const unknown[] = {
		"nvme7", "HOST", "0000:07:00.0", "../..", "nvme0n1", "nvme",
		"nvme0/..",
	};

	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4096);
	ctx = tree_open(&tree);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		assert_null(p2pmr_provider_find(ctx, unknown[i]));
		assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
		assert_contains(p2pmr_reason_text(), unknown[i]);
		assert_contains(p2pmr_reason_text(), "nvme0, host");
	}
}

static void test_many_names_are_cut(void **state)
{
	char address[32];

	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		snprintf(address, sizeof(address), "0000:%02x:00.0", i);
		tree_p2pmem(&tree, address, 4096);
	}
	ctx = tree_open(&tree);
	assert_null(p2pmr_provider_find(ctx, "nvme0"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
	assert_contains(p2pmr_reason_text(), "0000:00:00.0, 0000:01:00.0");
}

static void test_bad_arguments(void **state)
{
	struct p2pmr_provider_space space;

	(void)state;
	ctx = tree_open(&tree);
	assert_null(p2pmr_provider_find(NULL, "host"));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_provider_find(ctx, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_provider_find(ctx, ""));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_provider_next(NULL, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_provider_space(NULL, &space), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_provider_space(p2pmr_provider_next(ctx, NULL),
					      NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
}

static void assert_no_p2pdma(const char *name)
{
	assert_null(p2pmr_provider_find(ctx, name));
	assert_reason(P2PMR_REASON_KERNEL_NO_P2PDMA, ENODEV);
	assert_contains(p2pmr_reason_text(), name);
	assert_contains(p2pmr_reason_remedy(), "CONFIG_PCI_P2PDMA");
}

/* No p2pmem on the whole machine: the kernel may have no P2PDMA. */
static void test_kernel_without_p2pdma(void **state)
{
	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 0);
	tree_nvme(&tree, "0000:05:00.0", "nvme1", 0);
	tree_file(&tree, "class/nvme/nvme1/cmbsz", "1052697\n");
	tree_folder(&tree, "bus/pci/devices/0000:00:02.0");
	ctx = tree_open(&tree);
	assert_names("host", NULL);

	assert_no_p2pdma("nvme0");
	assert_contains(p2pmr_reason_text(), "it has no CMB");
	assert_no_p2pdma("nvme1");
	assert_contains(p2pmr_reason_text(), "although the drive shows a CMB");
	assert_contains(p2pmr_reason_text(), "too small or not 2 MiB aligned");
	assert_no_p2pdma("0000:05:00.0");
	assert_contains(p2pmr_reason_text(), "although the drive shows a CMB");
	assert_no_p2pdma("00:02.0");
	assert_contains(p2pmr_reason_text(), "no driver offers memory");

	assert_null(p2pmr_provider_find(ctx, "nvme2"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
	assert_null(p2pmr_provider_find(ctx, "0000:06:00.0"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
}

/* Another drive's p2pmem proves that the kernel has it. */
static void test_drive_without_cmb(void **state)
{
	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4096);
	tree_nvme(&tree, "0000:05:00.0", "nvme1", 0);
	ctx = tree_open(&tree);
	assert_null(p2pmr_provider_find(ctx, "nvme1"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
	assert_contains(p2pmr_reason_text(), "nvme1 (0000:05:00.0) exists");
	assert_contains(p2pmr_reason_text(), "no CMB");
}

static void test_garbage_in_sysfs(void **state)
{
	struct p2pmr_provider *bar;

	(void)state;
	tree_folder(&tree, "bus/pci/devices/not-an-address/p2pmem");
	tree_folder(&tree, "bus/pci/devices/0000:04:00.0/nvme/ng0n1");
	tree_folder(&tree, "bus/pci/devices/0000:04:00.0/nvme/nvmeX");
	tree_p2pmem(&tree, "0000:04:00.0", 4096);
	tree_file(&tree, "bus/pci/devices/0000:04:00.0/numa_node", "-1\n");
	tree_link(&tree, "bus/pci/devices/0000:04:00.0/driver",
		  "../a-driver-whose-name-is-much-longer-than-what-is-set-aside-for-it-here");
	tree_p2pmem(&tree, "0000:05:00.0", 4096);
	tree_file(&tree, "bus/pci/devices/0000:05:00.0/numa_node",
		  "99999999999\n");
	ctx = tree_open(&tree);
	assert_names("0000:04:00.0", "0000:05:00.0", "host", NULL);
	bar = p2pmr_provider_next(ctx, NULL);
	assert_null(p2pmr_provider_driver(bar));
	assert_int_equal(p2pmr_provider_numa_node(bar), -1);
	bar = p2pmr_provider_next(ctx, bar);
	assert_int_equal(p2pmr_provider_numa_node(bar), -1);
}

static void test_space(void **state)
{
	struct p2pmr_provider_space space;
	struct p2pmr_provider *nvme;
	int ret;

	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 65536);
	ctx = tree_open(&tree);
	nvme = p2pmr_provider_find(ctx, "nvme0");
	assert_leaves_errno(ret = p2pmr_provider_space(nvme, &space));
	assert_int_equal(ret, 0);
	assert_int_equal(space.size_bytes, 65536);
	assert_int_equal(space.available_bytes, 65536);
	assert_false(space.published);

	/* Read anew each time */
	tree_file(&tree, "bus/pci/devices/0000:04:00.0/p2pmem/available",
		  "4096\n");
	tree_file(&tree, "bus/pci/devices/0000:04:00.0/p2pmem/published",
		  "1\n");
	assert_int_equal(p2pmr_provider_space(nvme, &space), 0);
	assert_int_equal(space.available_bytes, 4096);
	assert_true(space.published);
}

static void test_space_of_host(void **state)
{
	struct p2pmr_provider_space space;

	(void)state;
	ctx = tree_open(&tree);
	assert_int_equal(p2pmr_provider_space(p2pmr_provider_find(ctx, "host"),
					      &space), 0);
	assert_true(space.size_bytes > 1024 * 1024);
	assert_true(space.available_bytes > 0);
	assert_true(space.available_bytes <= space.size_bytes);
	assert_false(space.published);
}

static void test_space_fails(void **state)
{
	struct p2pmr_provider_space space = { .size_bytes = 7 };
	struct p2pmr_provider *nvme;

	(void)state;
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 65536);
	ctx = tree_open(&tree);
	nvme = p2pmr_provider_find(ctx, "nvme0");

	tree_file(&tree, "bus/pci/devices/0000:04:00.0/p2pmem/size", "lots\n");
	assert_int_equal(p2pmr_provider_space(nvme, &space), -EBADMSG);
	assert_reason(P2PMR_REASON_SYSTEM, EBADMSG);
	assert_contains(p2pmr_reason_text(), "p2pmem/size of nvme0");

	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/p2pmem/size");
	assert_int_equal(p2pmr_provider_space(nvme, &space), -ENOENT);
	assert_reason(P2PMR_REASON_SYSTEM, ENOENT);

	/* its driver is on its way in */
	tree_file(&tree, "bus/pci/devices/0000:04:00.0/p2pmem/size", "0\n");
	assert_int_equal(p2pmr_provider_space(nvme, &space), -ENODEV);
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_contains(p2pmr_reason_text(), "about to add");

	tree_remove(&tree, "bus/pci/devices/0000:04:00.0");
	assert_int_equal(p2pmr_provider_space(nvme, &space), -ENODEV);
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_contains(p2pmr_reason_text(), "nvme0 (0000:04:00.0)");
	assert_int_equal(space.size_bytes, 7);
}

static void test_space_of_fake_fails(void **state)
{
	struct p2pmr_fake fake = { .space_errno = EIO };
	struct p2pmr_provider_space space;

	(void)state;
	ctx = tree_open(&tree);
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	assert_int_equal(p2pmr_provider_space(p2pmr_provider_next(ctx, NULL),
					      &space), -EIO);
	assert_reason(P2PMR_REASON_SYSTEM, EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_drives_and_a_bar),
		TEST(test_find_by_address),
		TEST(test_pci_addresses),
		TEST(test_not_found_lists_names),
		TEST(test_many_names_are_cut),
		TEST(test_bad_arguments),
		TEST(test_kernel_without_p2pdma),
		TEST(test_drive_without_cmb),
		TEST(test_garbage_in_sysfs),
		TEST(test_space),
		TEST(test_space_of_host),
		TEST(test_space_fails),
		TEST(test_space_of_fake_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
