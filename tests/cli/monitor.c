// SPDX-License-Identifier: GPL-2.0-only
/* p2pmr monitor: what /proc/PID/maps says, and what is shown of who has memory. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/monitor.h"

static uint64_t mapped(const char *text)
{
	FILE *maps = fmemopen((void *)text, strlen(text), "r");
	uint64_t bytes = 77;

	assert_non_null(maps);
	assert_int_equal(monitor_mapped_read(maps, &bytes), 0);
	fclose(maps);
	return bytes;
}

static void test_mapped(void **state)
{
	(void)state;
	assert_int_equal(mapped("55d0-55d8 r-xp 0000 fe:01 123   /usr/bin/true\n"),
			 0);
	assert_int_equal(mapped("7f0000000000-7f0000010000 rw-s 00000000 00:15 14 "
				"/sys/devices/pci0000:00/0000:04:00.0/p2pmem/allocate\n"
				"7f0000020000-7f0000021000 rw-p 00000000 00:00 0\n"
				"7f0000030000-7f0000031000 rw-s 00000000 00:15 15 "
				"/sys/devices/pci0000:00/0000:05:00.0/p2pmem/allocate"),
			 0x11000);
	/* By a drive's own device */
	assert_int_equal(mapped("7f0000030000-7f0000032000 rw-s 00000000 00:0f 15 "
				"                         anon_inode:p2pmem:0000:05:00.0"),
			 0x2000);
	/* Another file of a like name; the same file, deleted; nonsense */
	assert_int_equal(mapped("1000-2000 rw-s 0 00:15 14 /tmp/p2pmem/allocated\n"
				"1000-2000 rw-s 0 00:15 14 /p2pmem/allocate (deleted)\n"
				"2000-1000 rw-s 0 00:15 14 /x/p2pmem/allocate\n"
				"1000-2000 rw-s 0 00:15 14 /tmp/a anon_inode:p2pmem:b\n"
				"1000-2000 rw-s 0 00:15 14 anon_inode:p2pmem\n"
				"what-ever /x/p2pmem/allocate\n/p2pmem/allocate\n\n"),
			 0);
}

/* Long names, and large numbers */
static const struct monitor_owner owners[] = {
	{ .pid = 4194303, .command = "a-long-command-", .device = "rocep129s0f1",
	  .regions = 123456, .bytes = 64 << 20, .mapped_known = true,
	  .mapped = 1 << 20 },
	{ .pid = 17, .command = "bw", .device = "rxe0", .regions = 2,
	  .bytes = 8192 },
	{ .command = "nvmet_rdma", .device = "rxe0", .regions = 1,
	  .bytes = 4096 },
};

static char *printed(const struct monitor_sample *sample, unsigned int width)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(monitor_print(sample, f, width), 0);
	fclose(f);
	return text;
}

static void test_owners(void **state)
{
	struct monitor_sample sample = {
		.owners = (struct monitor_owner *)owners,
		.n_owners = ARRAY_SIZE(owners),
	};
	char *text, *line, *next;

	(void)state;
	text = printed(&sample, 0);
	assert_non_null(strstr(text, "4194303 a-long-command- rocep129s0f1 123456"));
	assert_non_null(strstr(text, " 1 MiB\n"));
	/* Not known is not nothing */
	assert_non_null(strstr(text, "     17 bw              rxe0              2  8 KiB     -"));
	assert_non_null(strstr(text, "      - [nvmet_rdma]"));
	free(text);

	/* The numbers are what a narrow terminal keeps */
	text = printed(&sample, 40);
	assert_non_null(strstr(text, "4194303 "));
	assert_non_null(strstr(text, "123456"));
	for (line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		assert_true(next - line <= 40);
		next += *next == '\n';
	}
	free(text);
}

static void test_nobody(void **state)
{
	struct monitor_sample sample = { 0 };
	char *text;

	(void)state;
	text = printed(&sample, 80);
	assert_non_null(strstr(text, "\nNo memory is registered.\n"));
	free(text);
	strcpy(sample.no_owners, "For a reason");
	text = printed(&sample, 80);
	assert_non_null(strstr(text, "\nWho has memory registered is not known. For a reason.\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
