// SPDX-License-Identifier: GPL-2.0-only
/* Which files are sent, under which names. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/copy.h"
#include "../../tools/copy_folder.h"
#include "../../tools/copy_walk.h"

/* Fewer than the names that a file may have on ext4 */
#define MANY 50000U
#define DEEP_NAME "folder"
#define DEEP (COPY_PATH_MAX / sizeof(DEEP_NAME) + 3)

static char folder[] = "/tmp/copy-walk.XXXXXX";
static char plain[] = "plain", other[] = "other", nonesuch[] = "nonesuch";
static char tree[] = "tree", way[] = "way";

/* The one function of copy_report.c that is needed */
void copy_failure(struct failure *f, const char *reason, int err,
		  const char *remedy, const char *fmt, ...)
{
	va_list ap;

	(void)remedy;
	memset(f, 0, sizeof(*f));
	f->errnum = err;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static int group_setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	return system("mkdir -p tree/sub/deep tree/none && echo 123 >tree/sub/deep/file &&"
		      "ln -s deep tree/sub/link && mkfifo tree/fifo && ln -s tree way &&"
		      "echo 1 >plain && ln -s plain other");
}

static int group_teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/*
 * All that is found, as one line, in the order of names: kind, source and path;
 * "!" and the name of an errno for what is not
 */
static char *walk(uint32_t flags, bool dirs_only, char **sources, uint32_t n)
{
	static const char kinds[] = "FDLE";
	static char all[2000];
	struct copy_walk w;
	struct copy_file file;
	struct failure why;
	char *lines[50];
	size_t used = 0, lines_n = 0, i, j;
	int ret;

	copy_walk_begin(&w, sources, n, flags, dirs_only);
	while ((ret = copy_walk_next(&w, &file, &why)) > 0) {
		assert_true(lines_n < ARRAY_SIZE(lines));
		if (ret == 2)
			ret = asprintf(&lines[lines_n++], "!%s",
				       strerrorname_np(why.errnum));
		else
			ret = asprintf(&lines[lines_n++], "%c%u:%s%s%s",
				       kinds[file.kind], file.source,
				       file.path, file.target[0] ? ">" : "",
				       file.target);
		assert_true(ret > 0);
	}
	assert_int_equal(ret, 0);
	copy_walk_end(&w);
	/* A folder's entries come in any order */
	for (i = 0; i < lines_n; i++) {
		for (j = i + 1; j < lines_n; j++) {
			char *line = lines[i];

			if (strcmp(line, lines[j]) <= 0)
				continue;
			lines[i] = lines[j];
			lines[j] = line;
		}
	}
	all[0] = '\0';
	for (i = 0; i < lines_n; i++) {
		used += snprintf(all + used, sizeof(all) - used, "%s%s",
				 i ? " " : "", lines[i]);
		free(lines[i]);
	}
	return all;
}

static void test_files(void **state)
{
	char *sources[] = { plain, other, nonesuch, tree, way };

	(void)state;
	/* A link that is named is followed */
	assert_string_equal(walk(0, false, sources, 5),
			    "!EISDIR !EISDIR !ENOENT F0: F1:");
	assert_string_equal(walk(COPY_RECURSIVE, true, sources, 3), "");
}

static void test_trees(void **state)
{
	char *sources[] = { tree, plain };
	char *links[] = { way };
	char *paths[] = { NULL };
	char path[100];

	(void)state;
	assert_string_equal(walk(COPY_RECURSIVE, false, sources, 2),
			    "!EINVAL !ELOOP D0: D0:none D0:sub D0:sub/deep F0:sub/deep/file F1:");
	assert_string_equal(walk(COPY_RECURSIVE | COPY_LINKS, false, links, 1),
			    "!EINVAL D0: D0:none D0:sub D0:sub/deep F0:sub/deep/file L0:sub/link>deep");
	assert_string_equal(walk(COPY_RECURSIVE, true, sources, 2),
			    "E0: E0:none E0:sub E0:sub/deep");
	snprintf(path, sizeof(path), "%s/tree/sub", folder);
	paths[0] = path;
	assert_string_equal(walk(COPY_RECURSIVE, false, paths, 1),
			    "!ELOOP D0: D0:deep F0:deep/file");
}

static void test_attributes(void **state)
{
	const struct timespec times[2] = { { 5, 6 }, { 7, 8 } };
	char *sources[] = { plain };
	struct copy_walk w;
	struct copy_file file;
	struct failure why;

	(void)state;
	assert_int_equal(chmod("plain", 04751), 0);
	assert_int_equal(utimensat(AT_FDCWD, "plain", times, 0), 0);
	copy_walk_begin(&w, sources, 1, 0, false);
	assert_int_equal(copy_walk_next(&w, &file, &why), 1);
	assert_string_equal(w.path, "plain");
	assert_int_equal(file.mode, 04751);
	assert_int_equal(file.size, 2);
	assert_int_equal(file.atime_s, 5);
	assert_int_equal(file.atime_ns, 6);
	assert_int_equal(file.mtime_s, 7);
	assert_int_equal(file.mtime_ns, 8);
	/* Ended in the middle, nothing is left behind */
	copy_walk_end(&w);
}

/* KiB of memory that is this process's alone */
static long rss_anon(void)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "re");
	long kb = -1;

	assert_non_null(f);
	while (kb < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "RssAnon:", 8))
			kb = strtol(line + 8, NULL, 10);
	}
	fclose(f);
	assert_true(kb >= 0);
	return kb;
}

/* Names of one file are as many entries, and made in a tenth of the time */
static void make_many(const char *dir, unsigned int n)
{
	char name[100];
	unsigned int i;
	int fd;

	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(name, sizeof(name), "%s/one", dir);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	for (i = 1; i < n; i++) {
		char other_name[100];

		snprintf(other_name, sizeof(other_name), "%s/%u", dir, i);
		assert_int_equal(link(name, other_name), 0);
	}
}

/* What a folder holds is not held in memory */
static void test_many(void **state)
{
	char many[] = "many";
	char *sources[] = { many };
	struct copy_walk w;
	struct copy_file file;
	struct failure why;
	unsigned int found = 0;
	long before, most = 0;

	(void)state;
	make_many(many, MANY);
	copy_walk_begin(&w, sources, 1, COPY_RECURSIVE, false);
	assert_int_equal(copy_walk_next(&w, &file, &why), 1);
	before = rss_anon();
	while (copy_walk_next(&w, &file, &why) == 1) {
		if (++found % (MANY / 4))
			continue;
		if (rss_anon() - before > most)
			most = rss_anon() - before;
	}
	assert_int_equal(found, MANY);
	print_message("%u files: %ld KiB\n", found, most);
	assert_true(most < 1024);
	copy_walk_end(&w);
}

/* Deeper than any path that could be opened at once, and than most limits */
static void test_deep(void **state)
{
	char deep[] = "deep";
	char *sources[] = { deep };
	struct copy_walk w;
	struct copy_file file;
	struct failure why;
	unsigned int dirs = 0, too_long = 0, i;
	int fd = AT_FDCWD, ret;

	(void)state;
	assert_int_equal(mkdir(deep, 0700), 0);
	fd = open(deep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < DEEP; i++) {
		int below;

		assert_int_equal(mkdirat(fd, DEEP_NAME, 0700), 0);
		below = openat(fd, DEEP_NAME, O_RDONLY | O_DIRECTORY |
			       O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
	copy_walk_begin(&w, sources, 1, COPY_RECURSIVE, false);
	while ((ret = copy_walk_next(&w, &file, &why)) > 0) {
		if (ret == 1)
			dirs++;
		else if (why.errnum == ENAMETOOLONG)
			too_long++;
	}
	assert_int_equal(ret, 0);
	/* The folder itself, and those whose names below it fit */
	assert_int_equal(dirs, 1 + COPY_PATH_MAX / sizeof(DEEP_NAME));
	assert_int_equal(too_long, 1);
	copy_walk_end(&w);
	copy_walk_begin(&w, sources, 1, COPY_RECURSIVE, true);
	for (dirs = 0; copy_walk_next(&w, &file, &why) == 1; dirs++)
		assert_int_equal(file.kind, COPY_KIND_DIR_END);
	assert_string_equal(file.path, "");
	assert_int_equal(dirs, 1 + COPY_PATH_MAX / sizeof(DEEP_NAME));
	copy_walk_end(&w);
}

/* Where all of it is copied to is not gone into: it would have no end */
static void test_not_into(void **state)
{
	char dir[] = "tree";
	char *sources[] = { dir };
	struct copy_walk w;
	struct copy_file file;
	struct failure why;
	struct stat st;
	bool found = false;
	int ret;

	(void)state;
	assert_int_equal(stat("tree/sub", &st), 0);
	copy_walk_begin(&w, sources, 1, COPY_RECURSIVE | COPY_LINKS, false);
	w.not_into = copy_folder_id(&st);
	while ((ret = copy_walk_next(&w, &file, &why)) > 0) {
		if (ret == 2 && why.errnum == EINVAL && strstr(why.text, "tree/sub: the copy goes"))
			found = true;
		else if (ret == 1)
			assert_null(strstr(file.path, "sub"));
	}
	assert_true(found);
	copy_walk_end(&w);
	copy_walk_begin(&w, sources, 1, COPY_RECURSIVE | COPY_LINKS, true);
	w.not_into = copy_folder_id(&st);
	while (copy_walk_next(&w, &file, &why) > 0)
		assert_null(strstr(file.path, "sub"));
	copy_walk_end(&w);
}

/* A link that is put where a folder or a file was is not followed */
static void test_exchanged(void **state)
{
	char dir[] = "exchanged";
	char *sources[] = { dir };
	struct copy_walk w;
	struct copy_file file;
	struct failure why;

	(void)state;
	assert_int_equal(system("mkdir -p exchanged/sub"), 0);
	copy_walk_begin(&w, sources, 1, COPY_RECURSIVE, false);
	assert_int_equal(copy_walk_next(&w, &file, &why), 1);
	assert_int_equal(copy_walk_next(&w, &file, &why), 1);
	assert_string_equal(file.path, "sub");
	assert_int_equal(system("rmdir exchanged/sub && ln -s ../tree exchanged/sub"), 0);
	assert_int_equal(copy_walk_open(&w, O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(copy_walk_next(&w, &file, &why), 2);
	assert_int_equal(why.errnum, ENOTDIR);
	assert_int_equal(copy_walk_next(&w, &file, &why), 0);
	copy_walk_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_not_into),
		cmocka_unit_test(test_exchanged),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
