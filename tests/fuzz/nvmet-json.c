// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever a file for "p2pmr nvmet" holds: it is refused with a sentence that names
 * the file, or taken; and what was taken, written down, is taken again as the
 * same.
 */
#include <assert.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/fail.h"
#include "../../tools/nvmet_parse.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int file;
static char name[32];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = memfd_create("configuration", MFD_CLOEXEC);
	if (file < 0)
		abort();
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	return 0;
}

static struct json_object *parse(const void *data, size_t len)
{
	if (ftruncate(file, 0) || pwrite(file, data, len, 0) != (ssize_t)len)
		abort();
	fail_clear();
	return nvmet_parse(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *conf = parse(data, len), *again;
	const char *text;

	if (!conf) {
		assert(strstr(fail_get()->text, name) && fail_get()->reason[0]);
		return 0;
	}
	text = json_object_to_json_string(conf);
	again = parse(text, strlen(text));
	assert(again && json_object_equal(conf, again));
	json_object_put(again);
	json_object_put(conf);
	return 0;
}
