// SPDX-License-Identifier: GPL-2.0-only
/* Names on the command line, from the other end, and in messages. */
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/copy_name.h"

/* The next allocation fails */
static bool no_memory;

char *__real_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len);

char *__wrap_strndup(const char *text, size_t len)
{
	return no_memory ? NULL : __real_strndup(text, len);
}

static void check_place(const char *word, const char *host, const char *path)
{
	struct copy_place place;

	assert_int_equal(copy_place_parse(word, &place), 0);
	if (host)
		assert_string_equal(place.host, host);
	else
		assert_null(place.host);
	assert_string_equal(place.path, path);
	free(place.host);
}

static void test_places(void **state)
{
	(void)state;
	check_place("file", NULL, "file");
	check_place("/a/b", NULL, "/a/b");
	check_place("./a:b", NULL, "./a:b");
	check_place("/a:b", NULL, "/a:b");
	check_place("host:", "host", ".");
	check_place("host:file", "host", "file");
	check_place("host:/a:b", "host", "/a:b");
	check_place("user@host:a", "user@host", "a");
	check_place("us@er@host:a", "us@er@host", "a");
	check_place("[::1]:a", "::1", "a");
	check_place("user@[fe80::1%eth0]:/a", "user@fe80::1%eth0", "/a");
}

static void test_bad_places(void **state)
{
	static const char *const bad[] = {
		"", ":path", "@host:path", "user@:path", "-oProxyCommand=x:y",
		"-l@host:path", "user@-x:path", "::1",
	};
	struct copy_place place;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(copy_place_parse(bad[i], &place), -EINVAL);
		assert_null(place.host);
	}
}

static void test_no_memory(void **state)
{
	struct copy_place place;

	(void)state;
	no_memory = true;
	assert_int_equal(copy_place_parse("host:path", &place), -ENOMEM);
	assert_null(place.host);
	assert_int_equal(copy_place_parse("path", &place), 0);
	no_memory = false;
}

static void check_name(const char *path, const char *name)
{
	char got[256];

	assert_int_equal(copy_name_of(path, got, sizeof(got)), !!name);
	if (name)
		assert_string_equal(got, name);
}

static void test_names(void **state)
{
	char *name = malloc(4);

	(void)state;
	check_name("a", "a");
	check_name("/a", "a");
	check_name("a/b", "b");
	check_name("a/b///", "b");
	check_name("..a", "..a");
	check_name("", NULL);
	check_name("/", NULL);
	check_name("///", NULL);
	check_name(".", NULL);
	check_name("a/..", NULL);
	check_name("a/./", NULL);
	/* Not a byte behind the end */
	assert_true(copy_name_of("x/abc", name, 4));
	assert_string_equal(name, "abc");
	assert_false(copy_name_of("x/abcd", name, 4));
	free(name);
}

static void test_below(void **state)
{
	static const char *const good[] = {
		"a", "a/b", "...", "..a", "a../b", ".a", "-", "a\n/\xff",
	};
	static const char *const bad[] = {
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..",
		"a/../b", "./a", "a/.", "a/./b",
	};
	char *name = malloc(257);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(copy_path_is_below(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(copy_path_is_below(bad[i]));
	memset(name, 'x', 256);
	name[256] = '\0';
	assert_false(copy_path_is_below(name));
	assert_true(copy_path_is_below(name + 1));
	free(name);
}

static void test_quoting(void **state)
{
	char text[COPY_QUOTED_MAX], name[5000];
	size_t len;

	(void)state;
	assert_string_equal(copy_quote("plain name", text), "plain name");
	assert_string_equal(copy_quote("a\nb\tc\\d", text), "a\\nb\\tc\\\\d");
	assert_string_equal(copy_quote("\x1b[2J\xc3\xa9", text),
			    "\\033[2J\\303\\251");
	assert_string_equal(copy_quote("", text), "");
	for (len = 0; len < sizeof(name) - 1; len++) {
		name[len] = '\001';
		name[len + 1] = '\0';
		assert_true(strlen(copy_quote(name, text)) < COPY_QUOTED_MAX);
	}
	memset(name, 'x', sizeof(name));
	strcpy(name + 4000, "the end");
	assert_non_null(strstr(copy_quote(name, text), "...xxxxxxxxthe end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_bad_places),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
