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
#include "../../tools/copy_walk.h"

static char folder[] = "/tmp/copy-walk.XXXXXX";
/* fts takes names that it might change */
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
	const char *full;
	char *lines[50];
	size_t used = 0, lines_n = 0, i, j;
	int ret;

	copy_walk_begin(&w, sources, n, flags, dirs_only);
	while ((ret = copy_walk_next(&w, &file, &full, &why)) > 0) {
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
	const char *full;

	(void)state;
	assert_int_equal(chmod("plain", 04751), 0);
	assert_int_equal(utimensat(AT_FDCWD, "plain", times, 0), 0);
	copy_walk_begin(&w, sources, 1, 0, false);
	assert_int_equal(copy_walk_next(&w, &file, &full, &why), 1);
	assert_string_equal(full, "plain");
	assert_int_equal(file.mode, 04751);
	assert_int_equal(file.size, 2);
	assert_int_equal(file.atime_s, 5);
	assert_int_equal(file.atime_ns, 6);
	assert_int_equal(file.mtime_s, 7);
	assert_int_equal(file.mtime_ns, 8);
	/* Ended in the middle, nothing is left behind */
	copy_walk_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_attributes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
