// SPDX-License-Identifier: GPL-2.0-only
/* The destination: nothing outside of it is reached, whatever lies in it. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/copy_dest.h"

static char folder[] = "/tmp/copy-dest.XXXXXX";

static char *in(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(int fd, const char *name)
{
	int file = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(file >= 0);
	close(file);
}

static int group_setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(in("dest"), 0700), 0);
	assert_int_equal(mkdir(in("dest/sub"), 0700), 0);
	assert_int_equal(mkdir(in("outside"), 0700), 0);
	assert_int_equal(symlink("../outside", in("dest/link")), 0);
	assert_int_equal(symlink("sub", in("dest/inner")), 0);
	assert_int_equal(symlink("/tmp", in("dest/sub/tmp")), 0);
	assert_int_equal(symlink("/proc/self/root", in("dest/magic")), 0);
	put(AT_FDCWD, in("dest/file"));
	return 0;
}

static int group_teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void test_folder(void **state)
{
	struct copy_dest dest;

	(void)state;
	assert_int_equal(copy_dest_open(&dest, in("dest"), true), 0);
	assert_string_equal(dest.top, "");
	copy_dest_close(&dest);
	/* The user may name a link to a folder */
	assert_int_equal(copy_dest_open(&dest, in("dest/link/"), true), 0);
	copy_dest_close(&dest);
}

static void test_new_name(void **state)
{
	struct copy_dest dest;
	struct stat st;

	(void)state;
	assert_int_equal(copy_dest_open(&dest, in("dest/new"), false), 0);
	assert_string_equal(dest.top, "new");
	assert_int_equal(fstatat(dest.root, "file", &st, 0), 0);
	copy_dest_close(&dest);
	assert_int_equal(copy_dest_open(&dest, in("dest/file"), false), 0);
	assert_string_equal(dest.top, "file");
	copy_dest_close(&dest);
	assert_int_equal(copy_dest_open(&dest, in("dest/newdir//"), false), 0);
	assert_string_equal(dest.top, "newdir");
	copy_dest_close(&dest);
	assert_int_equal(chdir(in("dest")), 0);
	assert_int_equal(copy_dest_open(&dest, "here", false), 0);
	assert_int_equal(fstatat(dest.root, "file", &st, 0), 0);
	copy_dest_close(&dest);
}

/* What a file cannot take the place of, or must not */
static void test_special(void **state)
{
	struct copy_dest dest;

	(void)state;
	assert_int_equal(mkfifo(in("dest/fifo"), 0600), 0);
	assert_int_equal(copy_dest_open(&dest, in("dest/fifo"), false), -1);
	assert_int_equal(fail_get()->errnum, EINVAL);
	assert_failed("DESTINATION");
	copy_dest_close(&dest);
	assert_int_equal(copy_dest_open(&dest, "/dev/null", false), -1);
	assert_failed("DESTINATION");
	copy_dest_close(&dest);
	assert_int_equal(copy_dest_open(&dest, in("dest"), true), 0);
	for (int dry = 0; dry < 2; dry++) {
		assert_int_equal(copy_dest_may_make(dest.root, "none", false, dry), 0);
		assert_int_equal(copy_dest_may_make(dest.root, "none", true, dry), 0);
		assert_int_equal(copy_dest_may_make(dest.root, "file", false, dry), 0);
		assert_int_equal(copy_dest_may_make(dest.root, "file", true, dry), -EEXIST);
		assert_int_equal(copy_dest_may_make(dest.root, "link", false, dry), 0);
		assert_int_equal(copy_dest_may_make(dest.root, "link", true, dry), -EEXIST);
		assert_int_equal(copy_dest_may_make(dest.root, "sub", false, dry), -EISDIR);
		assert_int_equal(copy_dest_may_make(dest.root, "sub", true, dry), 0);
		assert_int_equal(copy_dest_may_make(dest.root, "fifo", false, dry), -EEXIST);
		assert_int_equal(copy_dest_may_make(dest.root, "fifo", true, dry), -EEXIST);
	}
	copy_dest_close(&dest);
	assert_int_equal(unlink(in("dest/fifo")), 0);
	/* a folder that nobody, root neither, can make anything in */
	assert_int_equal(copy_dest_open(&dest, "/sys/kernel", true), 0);
	assert_int_equal(copy_dest_may_make(dest.root, "none", false, false), 0);
	if (faccessat(dest.root, ".", W_OK, AT_EACCESS))
		assert_int_equal(copy_dest_may_make(dest.root, "none", false, true), -errno);
	copy_dest_close(&dest);
}

static void test_no_folder(void **state)
{
	struct copy_dest dest;

	(void)state;
	assert_int_equal(copy_dest_open(&dest, in("dest/new"), true), -1);
	assert_int_equal(fail_get()->errnum, ENOENT);
	assert_failed("DESTINATION");
	assert_int_equal(copy_dest_open(&dest, in("dest/file"), true), -1);
	assert_int_equal(fail_get()->errnum, ENOTDIR);
	assert_failed("DESTINATION");
	assert_int_equal(copy_dest_open(&dest, in("none/new"), false), -1);
	assert_failed("DESTINATION");
	assert_int_equal(copy_dest_open(&dest, in("dest/file/new"), false),
			 -1);
	assert_failed("DESTINATION");
	copy_dest_close(&dest);
}

static void test_parents(void **state)
{
	static const struct {
		const char *path;
		int err;
	} ways[] = {
		{ "file", 0 },
		{ "sub/file", 0 },
		{ "sub/other", 0 },
		{ "none/file", ENOENT },
		{ "file/file", ENOTDIR },
		{ "link/file", ELOOP },
		{ "inner/file", ELOOP },
		{ "sub/tmp/file", ELOOP },
		{ "magic/tmp/file", ELOOP },
		{ "../outside/file", EXDEV },
		{ "sub/../../outside/file", EXDEV },
		{ "/tmp/file", EXDEV },
		{ "sub/file", 0 },
	};
	struct copy_dest dest;
	const char *name;
	size_t i;

	(void)state;
	assert_int_equal(copy_dest_open(&dest, in("dest"), true), 0);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		int fd = copy_dest_parent(&dest, ways[i].path, &name);

		if (ways[i].err)
			assert_int_equal(fd, -ways[i].err);
		else
			assert_true(fd >= 0);
		assert_string_equal(name, strrchr(ways[i].path, '/') ?
				    strrchr(ways[i].path, '/') + 1 :
				    ways[i].path);
	}
	copy_dest_close(&dest);
}

static void test_temporaries(void **state)
{
	char name[COPY_TEMPORARY_MAX], other[COPY_TEMPORARY_MAX];
	struct copy_dest dest;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(copy_dest_open(&dest, in("dest/sub"), true), 0);
	fd = copy_dest_temporary(dest.root, O_WRONLY, name);
	assert_true(fd >= 0);
	assert_int_equal(fstatat(dest.root, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(strncmp(name, ".p2pmr-", 7), 0);
	close(fd);
	assert_int_equal(copy_dest_temporary_link(dest.root, "a\nb", other),
			 0);
	assert_string_not_equal(name, other);
	assert_int_equal(fstatat(dest.root, other, &st, AT_SYMLINK_NOFOLLOW),
			 0);
	assert_true(S_ISLNK(st.st_mode));
	copy_dest_close(&dest);
}

static void test_folders(void **state)
{
	struct copy_dest dest;
	int fd;

	(void)state;
	assert_int_equal(copy_dest_open(&dest, in("dest"), true), 0);
	assert_int_equal(copy_dest_make_dir(dest.root, "made", 0700), 0);
	assert_int_equal(copy_dest_make_dir(dest.root, "made", 0700), 0);
	assert_int_equal(copy_dest_make_dir(dest.root, "file", 0700), -EEXIST);
	assert_int_equal(copy_dest_make_dir(dest.root, "link", 0700), -EEXIST);
	fd = copy_dest_open_dir(dest.root, "made");
	assert_true(fd >= 0);
	close(fd);
	assert_true(copy_dest_open_dir(dest.root, "link") < 0);
	assert_true(copy_dest_open_dir(dest.root, "..") < 0);
	copy_dest_close(&dest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_new_name),
		cmocka_unit_test(test_special),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_temporaries),
		cmocka_unit_test(test_folders),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
