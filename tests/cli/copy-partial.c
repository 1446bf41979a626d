// SPDX-License-Identifier: GPL-2.0-only
/* Parts of files: which of them count. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../tools/copy_partial.h"

#define ATTRIBUTE "user.p2pmr.partial"

static char folder[] = "copy-partial.XXXXXX";
static int dir;

static struct copy_file source = {
	.size = 100000, .mtime_s = 12, .mtime_ns = 34,
};

static int group_setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	if (!fsetxattr(dir, "user.test", "1", 1, 0))
		return 0;
	print_message("no extended attributes here: errno %d\n", errno);
	rmdir(folder);
	exit(77);
}

static int group_teardown(void **state)
{
	char command[64];

	(void)state;
	close(dir);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static char temporary[COPY_TEMPORARY_MAX];

/* Returns how much of it counts */
static uint64_t go_on(int *fd, const char *name, const struct copy_file *meta)
{
	uint64_t done = 77;

	*fd = copy_partial_open(dir, name, O_RDWR, meta, temporary, &done);
	assert_true(*fd >= 0);
	return done;
}

/* A part that holds @done bytes */
static void leave(const char *name, uint64_t done)
{
	int fd;

	go_on(&fd, name, &source);
	assert_int_equal(pwrite(fd, "part", 4, 0), 4);
	assert_int_equal(copy_partial_mark(fd, &source, done), 0);
	close(fd);
}

static void test_goes_on(void **state)
{
	char data[4];
	struct stat st;
	int fd;

	(void)state;
	leave("file", 8192);
	assert_int_equal(go_on(&fd, "file", &source), 8192);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, source.size);
	assert_int_equal(pread(fd, data, 4, 0), 4);
	assert_memory_equal(data, "part", 4);
	assert_int_equal(copy_partial_clear(fd), 0);
	close(fd);
	/* Without its mark it is as good as nothing */
	assert_int_equal(go_on(&fd, "file", &source), 0);
	assert_int_equal(pread(fd, data, 4, 0), 4);
	assert_memory_equal(data, "\0\0\0\0", 4);
	close(fd);
}

static void test_other_source(void **state)
{
	struct copy_file other;
	int fd;

	(void)state;
	leave("file", 8192);
	other = source;
	other.size++;
	assert_int_equal(go_on(&fd, "file", &other), 0);
	close(fd);
	leave("file", 8192);
	other = source;
	other.mtime_ns++;
	assert_int_equal(go_on(&fd, "file", &other), 0);
	close(fd);
	leave("file", 8192);
	assert_int_equal(go_on(&fd, "other", &source), 0);
	close(fd);
	assert_int_equal(go_on(&fd, "file", &source), 8192);
	close(fd);
}

static void test_bad_marks(void **state)
{
	static const char *const ends[] = {
		"8193", "102400", "-4096", "", "4096x", "99999999999999999999",
	};
	char value[200];
	ssize_t len;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		leave("bad", 4096);
		go_on(&fd, "bad", &source);
		len = fgetxattr(fd, ATTRIBUTE, value, sizeof(value));
		assert_true(len > 4);
		strcpy(value + len - 4, ends[i]);
		assert_int_equal(fsetxattr(fd, ATTRIBUTE, value,
					   strlen(value), 0), 0);
		close(fd);
		assert_int_equal(go_on(&fd, "bad", &source), 0);
		close(fd);
	}
	/* The machine was started anew since */
	leave("bad", 4096);
	go_on(&fd, "bad", &source);
	len = fgetxattr(fd, ATTRIBUTE, value, sizeof(value));
	value[2] = value[2] == '0' ? '1' : '0';
	assert_int_equal(fsetxattr(fd, ATTRIBUTE, value, len, 0), 0);
	close(fd);
	assert_int_equal(go_on(&fd, "bad", &source), 0);
	close(fd);
}

static void test_not_ours(void **state)
{
	char other[COPY_TEMPORARY_MAX];
	uint64_t done;
	int fd;

	(void)state;
	go_on(&fd, "locked", &source);
	assert_int_equal(copy_partial_open(dir, "locked", O_RDWR, &source,
					   other, &done), -EBUSY);
	close(fd);
	assert_int_equal(linkat(dir, temporary, dir, "second", 0), 0);
	assert_int_equal(copy_partial_open(dir, "locked", O_RDWR, &source,
					   other, &done), -EBUSY);
	assert_int_equal(unlinkat(dir, temporary, 0), 0);
	assert_int_equal(symlinkat("second", dir, temporary), 0);
	assert_int_equal(copy_partial_open(dir, "locked", O_RDWR, &source,
					   other, &done), -ELOOP);
}

/* Of who was killed: the kernel closes its file a little later */
static void test_released(void **state)
{
	uint64_t done;
	pid_t pid;
	int fd;

	(void)state;
	fd = copy_partial_open(dir, "released", O_RDWR, &source, temporary,
			       &done);
	assert_true(fd >= 0);
	pid = fork();
	if (!pid) {
		usleep(300000);
		_exit(0);
	}
	assert_true(pid > 0);
	close(fd);
	fd = copy_partial_open(dir, "released", O_RDWR, &source, temporary,
			       &done);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/*
 * Another copy of the same file was done while this one waited for it: what it has
 * put in place is not taken for its part
 */
static void test_put_in_place(void **state)
{
	char data[4], other[COPY_TEMPORARY_MAX];
	int fd, status = 0;
	uint64_t done;
	struct stat st;
	pid_t pid;

	(void)state;
	go_on(&fd, "moved", &source);
	assert_int_equal(pwrite(fd, "good", 4, 0), 4);
	pid = fork();
	if (!pid) {
		close(fd);
		fd = copy_partial_open(dir, "moved", O_RDWR, &source, other,
				       &done);
		_exit(fd >= 0 && !done && pwrite(fd, "evil", 4, 0) == 4 &&
		      !fstatat(dir, other, &st, 0) ? 0 : 1);
	}
	assert_true(pid > 0);
	usleep(300000);
	assert_int_equal(copy_partial_clear(fd), 0);
	assert_int_equal(renameat(dir, temporary, dir, "moved"), 0);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd = openat(dir, "moved", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, source.size);
	assert_int_equal(pread(fd, data, 4, 0), 4);
	assert_memory_equal(data, "good", 4);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_other_source),
		cmocka_unit_test(test_bad_marks),
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_put_in_place),
		cmocka_unit_test(test_not_ours),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
