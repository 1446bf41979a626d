// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Configuration space and /proc/cpuinfo: what is in them, and what is not. */
#include "unit.h"

#include <stdlib.h>

static unsigned char config[P2PMR_CONFIG_SIZE];

static int setup(void **state)
{
	(void)state;
	memset(config, 0, sizeof(config));
	/* Status: there is a list of capabilities, which starts at 40h */
	config[0x06] = 0x10;
	config[0x34] = 0x40;
	return 0;
}

/* An extended capability at @at, with @next after it */
static void put_ext_cap(unsigned int at, unsigned int id, unsigned int next)
{
	config[at] = id & 0xff;
	config[at + 1] = id >> 8;
	config[at + 2] = 1 | (next & 0xf) << 4;
	config[at + 3] = next >> 4;
}

static unsigned int scan(void)
{
	unsigned int acs = 12345;

	assert_int_equal(p2pmr_acs_scan(config, sizeof(config), sizeof(config),
					&acs), 0);
	return acs;
}

static int scan_fails(size_t len, size_t file_size)
{
	unsigned int acs = 12345;
	int ret = p2pmr_acs_scan(config, len, file_size, &acs);

	assert_int_equal(acs, 12345);
	return ret;
}

static void test_no_acs(void **state)
{
	(void)state;
	assert_int_equal(scan(), 0);
	put_ext_cap(0x100, 0x0001, 0x150);
	put_ext_cap(0x150, 0x0003, 0);
	assert_int_equal(scan(), 0);
}

static void test_each_bit(void **state)
{
	static const struct {
		unsigned int control;
		unsigned int acs;
	} cases[] = {
		{ 0x00, 0 },
		{ 0x04, P2PMR_ACS_REQUEST_REDIRECT },
		{ 0x08, P2PMR_ACS_COMPLETION_REDIRECT },
		{ 0x20, P2PMR_ACS_EGRESS_CONTROL },
		/* None of the others sends traffic up. */
		{ 0x53, 0 },
		{ 0x7f, P2PMR_ACS_REQUEST_REDIRECT |
			P2PMR_ACS_COMPLETION_REDIRECT |
			P2PMR_ACS_EGRESS_CONTROL },
	};

	(void)state;
	put_ext_cap(0x100, 0x0001, 0xff8);
	put_ext_cap(0xff8, 0x000d, 0);
	/* What it could do, and what it does in the byte after it */
	config[0xffc] = 0x7f;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		config[0xffe] = cases[i].control;
		assert_int_equal(scan(), cases[i].acs | P2PMR_ACS_CAPABLE);
	}
}

static void test_first_acs_counts(void **state)
{
	(void)state;
	put_ext_cap(0x100, 0x000d, 0x140);
	put_ext_cap(0x140, 0x000d, 0);
	config[0x146] = 0x04;
	assert_int_equal(scan(), P2PMR_ACS_CAPABLE);
}

/* Lists that are none end without ACS, as they do for the kernel. */
static void test_broken_lists(void **state)
{
	(void)state;
	put_ext_cap(0x100, 0x0001, 0x100);
	assert_int_equal(scan(), 0);
	put_ext_cap(0x100, 0x0001, 0x200);
	put_ext_cap(0x200, 0x0002, 0x100);
	assert_int_equal(scan(), 0);
	/* Into the first 256 bytes, where something looks like ACS */
	put_ext_cap(0x100, 0x0001, 0x080);
	put_ext_cap(0x080, 0x000d, 0);
	assert_int_equal(scan(), 0);
	/* The last two bits are not part of the offset. */
	put_ext_cap(0x100, 0x0001, 0x203);
	put_ext_cap(0x200, 0x000d, 0);
	assert_int_equal(scan(), P2PMR_ACS_CAPABLE);
	memset(config + 0x100, 0xff, sizeof(config) - 0x100);
	assert_int_equal(scan(), 0);
}

/* At the very end, where its registers would be beyond it */
static void test_acs_over_the_end(void **state)
{
	(void)state;
	put_ext_cap(0x100, 0x0001, 0xffc);
	put_ext_cap(0xffc, 0x000d, 0);
	assert_int_equal(scan_fails(4096, 4096), -EBADMSG);
}

static void test_random_bytes(void **state)
{
	unsigned int acs;

	(void)state;
	srandom(1);
	for (unsigned int round = 0; round < 2000; round++) {
		size_t len = random() % (sizeof(config) + 1);

		for (size_t i = 0; i < sizeof(config); i++)
			config[i] = random();
		/* Of exactly that size, so that a sanitizer sees more */
		unsigned char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, config, len);
		p2pmr_acs_scan(copy, len, random() % 2 ? 256 : 4096, &acs);
		p2pmr_is_root_port(copy, len);
		free(copy);
	}
}

static void test_cut_short(void **state)
{
	unsigned int acs;

	(void)state;
	put_ext_cap(0x100, 0x000d, 0);
	assert_int_equal(scan_fails(0, 4096), -EBADMSG);
	assert_int_equal(scan_fails(63, 4096), -EBADMSG);
	assert_int_equal(scan_fails(64, 4096), -EACCES);
	assert_int_equal(scan_fails(64, 64), -EACCES);
	assert_int_equal(scan_fails(128, 4096), -EACCES);
	assert_int_equal(scan_fails(256, 4096), -EBADMSG);
	assert_int_equal(scan_fails(4095, 4096), -EBADMSG);
	assert_int_equal(scan_fails(4095, 4095), -EBADMSG);

	/* Conventional PCI has no room for it, as everybody can see. */
	assert_int_equal(p2pmr_acs_scan(config, 64, 256, &acs), 0);
	assert_int_equal(acs, 0);
	assert_int_equal(p2pmr_acs_scan(config, 256, 256, &acs), 0);
	assert_int_equal(acs, 0);
}

static void test_no_answer(void **state)
{
	(void)state;
	memset(config, 0xff, sizeof(config));
	assert_int_equal(scan_fails(4096, 4096), -ENXIO);
	assert_int_equal(scan_fails(256, 256), -ENXIO);
	assert_int_equal(p2pmr_is_root_port(config, 4096), -ENXIO);
	/* A virtual function has no ids. */
	memset(config + 4, 0, sizeof(config) - 4);
	assert_int_equal(scan(), 0);
}

/* Capability @id at @at, with @next after it and @flags in it */
static void put_cap(unsigned int at, unsigned int id, unsigned int next,
		    unsigned int flags)
{
	config[at] = id;
	config[at + 1] = next;
	config[at + 2] = flags;
}

static void test_root_port(void **state)
{
	(void)state;
	put_cap(0x40, 0x01, 0x80, 0x42);
	put_cap(0x80, 0x10, 0, 0x42);
	assert_int_equal(p2pmr_is_root_port(config, 4096), 1);
	assert_int_equal(p2pmr_is_root_port(config, 256), 1);
	put_cap(0x80, 0x10, 0, 0x52);
	assert_int_equal(p2pmr_is_root_port(config, 4096), 0);
	put_cap(0x80, 0x11, 0, 0x42);
	assert_int_equal(p2pmr_is_root_port(config, 4096), 0);
	assert_int_equal(p2pmr_is_root_port(config, 64), -EACCES);
	assert_int_equal(p2pmr_is_root_port(config, 100), -EBADMSG);
	assert_int_equal(p2pmr_is_root_port(config, 63), -EBADMSG);
	/* In a circle; to where no capability is; none at all */
	put_cap(0x80, 0x11, 0x40, 0);
	assert_int_equal(p2pmr_is_root_port(config, 4096), 0);
	put_cap(0x80, 0x11, 0x20, 0);
	put_cap(0x20, 0x10, 0, 0x42);
	assert_int_equal(p2pmr_is_root_port(config, 4096), 0);
	put_cap(0x40, 0x10, 0, 0x42);
	assert_int_equal(p2pmr_is_root_port(config, 4096), 1);
	config[0x06] = 0;
	assert_int_equal(p2pmr_is_root_port(config, 64), 0);
}

static void assert_zen(const char *cpuinfo, int want)
{
	FILE *file = fmemopen((void *)cpuinfo, strlen(cpuinfo), "r");

	assert_non_null(file);
	assert_int_equal(p2pmr_cpu_is_zen(file), want);
	fclose(file);
}

#define CPU(vendor, family)						\
	"processor\t: 0\nvendor_id\t: " vendor "\ncpu family\t: " family "\n" \
	"model\t\t: 49\n"

static void test_cpu(void **state)
{
	(void)state;
	assert_zen(CPU("AuthenticAMD", "23"), 1);
	assert_zen(CPU("AuthenticAMD", "26"), 1);
	assert_zen(CPU("AuthenticAMD", "22"), 0);
	assert_zen(CPU("GenuineIntel", "23"), 0);
	/* Another vendor for the kernel, although it is a Zen */
	assert_zen(CPU("HygonGenuine", "24"), 0);
	/* The first processor counts. */
	assert_zen(CPU("GenuineIntel", "6") "\n" CPU("AuthenticAMD", "23"), 0);
	assert_zen(CPU("AuthenticAMD", "23") "\n" CPU("GenuineIntel", "6"), 1);
	/* arm64 */
	assert_zen("processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n",
		   0);
	assert_zen("\n", -1);
	assert_zen("vendor_id\t: AuthenticAMD\n", -1);
	assert_zen("vendor_id\t: AuthenticAMD\ncpu family\t: many\n", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_acs, setup),
		cmocka_unit_test_setup(test_each_bit, setup),
		cmocka_unit_test_setup(test_first_acs_counts, setup),
		cmocka_unit_test_setup(test_broken_lists, setup),
		cmocka_unit_test_setup(test_acs_over_the_end, setup),
		cmocka_unit_test_setup(test_random_bytes, setup),
		cmocka_unit_test_setup(test_cut_short, setup),
		cmocka_unit_test_setup(test_no_answer, setup),
		cmocka_unit_test_setup(test_root_port, setup),
		cmocka_unit_test(test_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
