// SPDX-License-Identifier: GPL-2.0-only
/* Which drive holds a file, by what a tree in place of /sys says. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../tools/copy_drive.h"

#define WAY "0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0"

static char root[] = "/tmp/copy-drive.XXXXXX";

static void run(const char *command)
{
	char line[2048];

	snprintf(line, sizeof(line), "cd %s && %s", root, command);
	assert_int_equal(system(line), 0);
}

static int group_setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	setenv("P2PMR_SYSFS_ROOT", root, 1);
	run("mkdir -p dev/block class/nvme devices/virtual/block");
	run("d=devices/pci0000:00/" WAY "/nvme/nvme0 &&"
	    "mkdir -p $d/nvme0n1/nvme0n1p2 && touch $d/nvme0n1/nvme0n1p2/partition &&"
	    "ln -s ../../$d/nvme0n1 dev/block/259:0 &&"
	    "ln -s ../../$d/nvme0n1/nvme0n1p2 dev/block/259:2 &&"
	    "ln -s ../../$d class/nvme/nvme0 && ln -s ../.. $d/device");
	/* One on one partition; one on two; one on the first of these */
	run("cd devices/virtual/block && mkdir -p dm-0/slaves dm-1/slaves dm-2/slaves &&"
	    "p=../../../../pci0000:00/" WAY "/nvme/nvme0/nvme0n1/nvme0n1p2 &&"
	    "ln -s $p dm-0/slaves/nvme0n1p2 && ln -s $p dm-1/slaves/nvme0n1p2 &&"
	    "mkdir sdb && ln -s ../../sdb dm-1/slaves/sdb && ln -s ../../dm-0 dm-2/slaves/dm-0 &&"
	    "mkdir -p loop0/slaves && mkdir -p dm-9/slaves && ln -s ../../dm-9 dm-9/slaves/dm-9");
	run("for i in 0 1 2 9; do ln -s ../../devices/virtual/block/dm-$i dev/block/253:$i; done &&"
	    "ln -s ../../devices/virtual/block/loop0 dev/block/7:0");
	/* A multipath head */
	run("h=devices/virtual/nvme-subsystem/nvme-subsys0 && mkdir -p $h/nvme7n1 &&"
	    "ln -s ../../../../class/nvme/nvme0 $h/nvme0 && ln -s ../../$h/nvme7n1 dev/block/259:7");
	return 0;
}

static int group_teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void check(dev_t dev, const char *disk, const char *path,
		  const char *why)
{
	struct copy_drive drive;

	copy_drive_find(dev, &drive);
	assert_string_equal(drive.disk, disk);
	assert_string_equal(drive.pci_path, path);
	assert_non_null(strstr(drive.why_not, why));
	assert_int_equal(!drive.pci_path[0], !!drive.why_not[0]);
}

static void test_drives(void **state)
{
	(void)state;
	check(makedev(259, 0), "nvme0n1", WAY, "");
	check(makedev(259, 2), "nvme0n1", WAY, "");
	check(makedev(253, 0), "nvme0n1", WAY, "");
	check(makedev(253, 2), "nvme0n1", WAY, "");
	check(makedev(259, 7), "nvme7n1", WAY, "");
}

static void test_others(void **state)
{
	(void)state;
	check(makedev(0, 25), "", "", "no block device");
	check(makedev(253, 1), "dm-1", "", "dm-1 is spread");
	check(makedev(7, 0), "loop0", "", "loop0 is no PCI");
	/* A loop ends */
	check(makedev(253, 9), "dm-9", "", "dm-9 is no PCI");
}

static void test_common(void **state)
{
	(void)state;
	assert_int_equal(copy_drive_common("a/b/c", "a/b/d"), 2);
	assert_int_equal(copy_drive_common("a/b", "a/b/d"), 2);
	assert_int_equal(copy_drive_common("a/b", "a/b"), 2);
	assert_int_equal(copy_drive_common("a/b", "ab/b"), 0);
	assert_int_equal(copy_drive_common("ab/b", "a/b"), 0);
	assert_int_equal(copy_drive_common("", ""), 0);
	assert_int_equal(copy_drive_common("a", ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drives),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_common),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
