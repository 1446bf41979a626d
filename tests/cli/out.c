// SPDX-License-Identifier: GPL-2.0-only
/* The end of a report: what was said of it, and with what status. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../../tools/out.h"

#define CMD "p2pmr test"

static char path[64];

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/p2pmr-out.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	fail_clear();
	return 0;
}

static void assert_file_holds(const char *text)
{
	char content[256] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(content, 1, sizeof(content) - 1, f) > 0);
	fclose(f);
	assert_non_null(strstr(content, text));
}

static struct json_object *report(void)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "verdict", json_object_new_string("right"));
	return obj;
}

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(out_end(CMD, report(), false, NULL), CMD_GOOD);
	assert_int_equal(out_end(CMD, report(), true, path), CMD_GOOD);
	assert_file_holds("\"verdict\": \"right\"");
}

/* The report is what failed, and the status is its own */
static void test_failed(void **state)
{
	(void)state;
	fail(CMD_IMPOSSIBLE, "REASON", 0, "", "It failed.");
	assert_int_equal(out_end(CMD, fail_to_json(), true, path),
			 CMD_IMPOSSIBLE);
	assert_file_holds("It failed.");
	assert_int_equal(out_end(CMD, fail_to_json(), false, NULL),
			 CMD_IMPOSSIBLE);
}

/* Good, but for the file: that is a failure, whatever else was printed */
static void test_file(void **state)
{
	static const char *const bad[] = { "/nowhere/report", "/dev/full" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(out_end(CMD, report(), i, bad[i]), CMD_FAILED);
		assert_failed("SYSTEM");
	}
	assert_file_holds("old");
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(out_end(CMD, NULL, true, path), CMD_FAILED);
	assert_failed("OUT_OF_MEMORY");
	assert_file_holds("old");
	assert_int_equal(out_end(CMD, NULL, false, path), CMD_FAILED);
	assert_failed("OUT_OF_MEMORY");
	assert_file_holds("old");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void test_plain(void **state)
{
	char text[] = "a\033[2J \303\274 \377\t~";

	(void)state;
	out_make_plain(text);
	assert_string_equal(text, "a?[2J ?? ??~");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_failed),
		TEST(test_file),
		TEST(test_no_memory),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
