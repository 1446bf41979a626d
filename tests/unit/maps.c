// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recorded /proc/self/maps, and what follows about a range. */
#include "unit.h"

#define CMB "/sys/devices/pci0000:00/0000:00:01.0/0000:04:00.0/p2pmem/allocate"

/* As a guest showed it, shortened: host and peer memory side by side */
static const char recorded[] =
	"55d0a0000000-55d0a0002000 r--p 00000000 00:15 1234                       /usr/bin/ib_write_bw\n"
	"55d0a0002000-55d0a0004000 r-xp 00002000 00:15 1234                       /usr/bin/ib_write_bw\n"
	"55d0a1000000-55d0a1021000 rw-p 00000000 00:00 0                          [heap]\n"
	"7f0000000000-7f0000010000 rw-p 00000000 00:00 0 \n"
	"7f0000010000-7f0000020000 rw-s 00000000 00:16 20131                      " CMB "\n"
	"7f0000020000-7f0000030000 r--s 00000000 00:16 20131                      " CMB "\n"
	"7f0000040000-7f0000050000 rw-s 00000000 00:16 20131                      " CMB " (deleted)\n"
	"7f0000050000-7f0000060000 ---p 00000000 00:00 0 \n"
	"7f0000060000-7f0000070000 rw-s 00000000 00:01 77                         /memfd:p2pmr (deleted)\n"
	"7f0000070000-7f0000080000 rw-s 00000000 00:05 12                         /dev/shm/with a blank\n"
	"7f0000200000-7f0000210000 rw-s 00000000 00:0f 4242                       /dmabuf:\n"
	"7f0000210000-7f0000220000 rw-s 00000000 00:0f 4243                       /dmabuf:a name\n"
	"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static struct p2pmr_range_facts scan_text(const char *text, uint64_t start,
					  uint64_t len)
{
	FILE *maps = fmemopen((void *)text, strlen(text), "r");
	struct p2pmr_range_facts range;

	assert_non_null(maps);
	p2pmr_maps_scan(maps, start, len, &range);
	fclose(maps);
	return range;
}

static struct p2pmr_range_facts scan(uint64_t start, uint64_t len)
{
	struct p2pmr_range_facts range = scan_text(recorded, start, len);

	assert_true(range.known);
	return range;
}

static void test_host_memory(void **state)
{
	struct p2pmr_range_facts range = scan(0x7f0000000000, 0x10000);

	(void)state;
	assert_false(range.hole || range.peer || range.no_read ||
		     range.no_write);
	assert_string_equal(range.file, "");
	assert_int_equal(range.peer_bytes, 0);
}

static void test_peer_memory(void **state)
{
	struct p2pmr_range_facts range = scan(0x7f0000011000, 0x1000);

	(void)state;
	assert_true(range.peer);
	assert_false(range.hole || range.no_write || range.peer_gone);
	assert_int_equal(range.peer_at, 0x7f0000011000);
	assert_int_equal(range.peer_bytes, 0x1000);
	assert_string_equal(range.peer_pci, "0000:04:00.0");
	assert_string_equal(range.peer_path, CMB);
	assert_int_equal(range.peer_inode, 20131);
}

static void test_half_and_half(void **state)
{
	struct p2pmr_range_facts range = scan(0x7f000000f000, 0x12000);

	(void)state;
	assert_true(range.peer);
	assert_int_equal(range.peer_at, 0x7f0000010000);
	assert_int_equal(range.peer_bytes, 0x11000);
	assert_true(range.no_write);
	assert_int_equal(range.no_write_at, 0x7f0000020000);
	assert_false(range.hole);
}

static void test_gone(void **state)
{
	struct p2pmr_range_facts range = scan(0x7f0000040000, 1);

	(void)state;
	assert_true(range.peer);
	assert_true(range.peer_gone);
	assert_string_equal(range.peer_pci, "0000:04:00.0");
	assert_string_equal(range.peer_path, CMB);
}

static void test_dmabuf(void **state)
{
	struct p2pmr_range_facts range = scan(0x7f0000200000, 0x10000);

	(void)state;
	assert_true(range.dmabuf);
	assert_false(range.peer);
	assert_string_equal(range.file, "");
	assert_true(scan(0x7f0000210000, 1).dmabuf);
	assert_false(scan(0x7f0000070000, 0x10000).dmabuf);
}

static void test_holes(void **state)
{
	static const struct {
		uint64_t start, len, hole_at;
	} cases[] = {
		{ 0x1000, 1, 0x1000 },			/* before everything */
		{ 0x7f0000030000, 1, 0x7f0000030000 },	/* between */
		{ 0x7f000002f000, 0x2000, 0x7f0000030000 },
		{ 0x7f000003f000, 0x2000, 0x7f000003f000 },
		{ 0x7f0000020000, 0x30000, 0x7f0000030000 }, /* inside */
		{ 0x7f000007ffff, 2, 0x7f0000080000 },	/* one byte over */
		{ 0xfffffffffffff000, 0x1000, 0xfffffffffffff000 },
		{ 0xffffffffff600000, 0xa00000, 0xffffffffff601000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct p2pmr_range_facts range = scan(cases[i].start,
						      cases[i].len);

		assert_true(range.hole);
		assert_true(range.hole_at == cases[i].hole_at);
	}
	/* Up to the last mapped byte, there is none. */
	assert_false(scan(0x7f0000040000, 0x40000).hole);
	assert_false(scan(0x7f000007ffff, 1).hole);
	assert_false(scan(0xffffffffff600000, 0x1000).hole);
}

static void test_protection(void **state)
{
	struct p2pmr_range_facts range = scan(0x7f000004f000, 0x2000);

	(void)state;
	assert_true(range.no_read);
	assert_int_equal(range.no_read_at, 0x7f0000050000);
	assert_true(range.no_write);
	range = scan(0x55d0a0000000, 0x4000);
	assert_true(range.no_write);
	assert_int_equal(range.no_write_at, 0x55d0a0000000);
	assert_false(range.no_read);
}

static void test_other_files(void **state)
{
	(void)state;
	assert_string_equal(scan(0x7f0000060000, 1).file, "/memfd:p2pmr");
	assert_string_equal(scan(0x7f0000070000, 1).file,
			    "/dev/shm/with a blank");
	/* Private mappings of files are ordinary memory once written. */
	assert_string_equal(scan(0x55d0a0000000, 1).file, "");
}

static void test_end_of_address_space(void **state)
{
	struct p2pmr_range_facts range;

	(void)state;
	range = scan_text("fffffffffffff000-ffffffffffffffff rw-p 0 00:00 0 \n",
			  0xfffffffffffff000, 0xfff);
	assert_true(range.known);
	assert_false(range.hole);
}

static void test_overlong_line(void **state)
{
	struct p2pmr_range_facts range;
	char text[20000];
	int used;

	(void)state;
	used = snprintf(text, sizeof(text), "1000-2000 rw-s 0 00:05 1 /");
	memset(text + used, 'x', 10000);
	strcpy(text + used + 10000, "\n2000-3000 rw-p 0 00:00 0 \n");
	range = scan_text(text, 0x1000, 0x2000);
	assert_true(range.known);
	assert_false(range.hole || range.peer);
	assert_int_equal(strlen(range.file), sizeof(range.file) - 1);
}

static void test_garbage(void **state)
{
	static const char *const garbage[] = {
		"\n", "hello\n", "1000-2000\n", "1000 2000 rw-p 0 00:00 0 \n",
		"2000-1000 rw-p 0 00:00 0 \n", "1000-1000 rw-p 0 00:00 0 \n",
		"1000-2000 rw 0 00:00 0 \n", "1000-2000 rw-p 0 00:00\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct p2pmr_range_facts range = scan_text(garbage[i], 0x1000,
							   0x1000);

		assert_false(range.known);
		assert_false(range.hole);
	}
}

static void test_unusual_peer_paths(void **state)
{
	struct p2pmr_range_facts range;

	(void)state;
	/* Not below a PCI function: peer memory all the same */
	range = scan_text("1000-2000 rw-s 0 00:05 1 /x/p2pmem/allocate\n",
			  0x1000, 1);
	assert_true(range.peer);
	assert_string_equal(range.peer_pci, "");
	/* By the driver's own file */
	range = scan_text("1000-2000 rw-s 0 00:0f 1 anon_inode:p2pmem:0000:04:00.0\n",
			  0x1000, 1);
	assert_true(range.peer);
	assert_string_equal(range.peer_pci, "0000:04:00.0");
	range = scan_text("1000-2000 rw-s 0 00:0f 1 anon_inode:p2pmem:\n",
			  0x1000, 1);
	assert_true(range.peer);
	assert_string_equal(range.peer_pci, "");
	range = scan_text("1000-2000 rw-s 0 00:0f 1 anon_inode:p2pmem\n",
			  0x1000, 1);
	assert_false(range.peer);
	range = scan_text("1000-2000 rw-s 0 00:05 1 /p2pmem/allocate\n",
			  0x1000, 1);
	assert_false(range.peer);
	range = scan_text("1000-2000 rw-s 0 00:05 1 /x/p2pmem/allocated\n",
			  0x1000, 1);
	assert_false(range.peer);
}

static void test_own_process(void **state)
{
	struct p2pmr_range_facts range;
	int on_stack;

	(void)state;
	p2pmr_range_gather((uintptr_t)&on_stack, sizeof(on_stack), &range);
	assert_true(range.known);
	assert_false(range.hole || range.no_write || range.peer);
	p2pmr_range_gather((uintptr_t)recorded, 1, &range);
	assert_true(range.no_write);
	p2pmr_range_gather(16, 1, &range);
	assert_true(range.hole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_memory),
		cmocka_unit_test(test_peer_memory),
		cmocka_unit_test(test_half_and_half),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_dmabuf),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_protection),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_end_of_address_space),
		cmocka_unit_test(test_overlong_line),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_unusual_peer_paths),
		cmocka_unit_test(test_own_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
