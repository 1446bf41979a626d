// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Buffers of huge pages. Where the test may reserve some, real ones; it gives
 * them back.
 */
#include "tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fake/fake.h"

#define MIB ((size_t)1 << 20)
/* Nobody has reserved that much */
#if SIZE_MAX > UINT32_MAX
#define MUCH (MIB * MIB)
#else
#define MUCH (1024 * MIB)
#endif
#define HUGE (2 * MIB)
#define POOL "kernel/mm/hugepages/hugepages-2048kB"
#define NR_HUGEPAGES "/sys/" POOL "/nr_hugepages"
#define WANTED 4

static struct tree tree;
static struct p2pmr_context *ctx;
/* Pages that were reserved before; negative: none can be */
static long reserved_before = -1;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4 * HUGE);
	ctx = tree_open(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static long read_nr_hugepages(void)
{
	FILE *file = fopen(NR_HUGEPAGES, "re");
	long pages = -1;

	if (file && fscanf(file, "%ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages;
}

static bool write_nr_hugepages(long pages)
{
	FILE *file = fopen(NR_HUGEPAGES, "we");
	bool good = file && fprintf(file, "%ld\n", pages) > 0;

	return file && !fclose(file) && good;
}

static void reserve(void)
{
	long before = read_nr_hugepages();

	if (before < 0 || !write_nr_hugepages(before + WANTED))
		return;
	if (read_nr_hugepages() == before + WANTED)
		reserved_before = before;
	else
		write_nr_hugepages(before);
}

static struct p2pmr_buf *alloc(const char *name, size_t size, size_t page)
{
	struct p2pmr_provider *provider = p2pmr_provider_find(ctx, name);

	assert_non_null(provider);
	return p2pmr_buf_alloc_opts(provider, size,
				    P2PMR_OPTS(p2pmr_buf_opts,
					       .huge_page_bytes = page));
}

/* What smaps says of the mapping at @addr */
static unsigned long page_kib(const void *addr)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long kib = 0, start;
	bool found = false;
	char line[512];

	assert_non_null(file);
	while (!kib && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-", &start) == 1 && strchr(line, '-'))
			found = found || start == (uintptr_t)addr;
		if (found)
			sscanf(line, "KernelPageSize: %lu kB", &kib);
	}
	fclose(file);
	return kib;
}

static void test_real_pages(void **state)
{
	struct p2pmr_buf *buf;
	size_t differs;

	(void)state;
	if (reserved_before < 0) {
		print_message("no huge pages can be reserved here\n");
		skip();
	}
	assert_leaves_errno(buf = alloc("host", HUGE + 1, HUGE));
	assert_non_null(buf);
	assert_int_equal(p2pmr_buf_size(buf), 2 * HUGE);
	assert_int_equal((uintptr_t)p2pmr_buf_addr(buf) % HUGE, 0);
	assert_int_equal(page_kib(p2pmr_buf_addr(buf)), HUGE / 1024);
	assert_int_equal(p2pmr_buf_fill(buf, 0, 7, 2 * HUGE), 0);
	assert_int_equal(p2pmr_buf_compare(buf, 2 * HUGE - 3, "\7\7\7", 3,
					   &differs), 0);
	assert_int_equal(differs, 3);
	p2pmr_buf_free(buf);

	/* All are free again: as many as there are can be had. */
	for (int i = 0; i < 3; i++) {
		buf = alloc("host", WANTED * HUGE, HUGE);
		assert_non_null(buf);
		assert_leaves_errno(p2pmr_buf_free(buf));
	}
}

static void test_not_enough(void **state)
{
	char text[64];

	(void)state;
	/* The tree says nothing of huge pages; then it says how many there are. */
	assert_null(alloc("host", MUCH, HUGE));
	assert_reason(P2PMR_REASON_NO_HUGE_PAGES, ENOMEM);
	assert_contains(p2pmr_reason_remedy(), NR_HUGEPAGES);

	tree_file(&tree, POOL "/nr_hugepages", "10\n");
	tree_file(&tree, POOL "/free_hugepages", "7\n");
	tree_file(&tree, POOL "/resv_hugepages", "5\n");
	assert_null(alloc("host", MUCH, HUGE));
	assert_reason(P2PMR_REASON_NO_HUGE_PAGES, ENOMEM);
	assert_contains(p2pmr_reason_text(), "only 2 of the 10 ");
	snprintf(text, sizeof(text), "echo %zu > ", 10 + MUCH / HUGE - 2);
	assert_contains(p2pmr_reason_remedy(), text);

	tree_file(&tree, POOL "/resv_hugepages", "9\n");
	assert_null(alloc("host", MUCH, HUGE));
	assert_contains(p2pmr_reason_text(), "only 0 of the 10 ");
	tree_file(&tree, POOL "/resv_hugepages", "-1\n");
	assert_null(alloc("host", MUCH, HUGE));
	assert_contains(p2pmr_reason_text(), "only 0 of the 0 ");

	tree_file(&tree, POOL "/free_hugepages", "99999999\n");
	tree_file(&tree, POOL "/resv_hugepages", "0\n");
	assert_null(alloc("host", MUCH, HUGE));
	assert_reason(P2PMR_REASON_NO_HUGE_PAGES, ENOMEM);
	assert_contains(p2pmr_reason_text(), "99999999");
}

static void test_other_sizes(void **state)
{
	static const size_t none[] = { 1, 4096, 8192, SIZE_MAX / 16 + 1,
				       ~(SIZE_MAX >> 1) };
	static const size_t bad[] = { 3, HUGE + 1, HUGE - 1, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_null(alloc("host", 1, none[i]));
		if (errno == ENOMEM) {
			/* More than a process can map */
			assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
			assert_int_equal(i, ARRAY_SIZE(none) - 1);
			continue;
		}
		assert_reason(P2PMR_REASON_NO_HUGE_PAGES, EINVAL);
		assert_contains(p2pmr_reason_text(), "no huge pages of ");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(alloc("host", 1, bad[i]));
		assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	}
	assert_null(alloc("host", SIZE_MAX, HUGE));
	assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
}

static void test_peer_memory(void **state)
{
	static const char *const names[] = { "nvme0", "0000:01:00.0" };
	struct p2pmr_fake fake = { .size = 4 * HUGE, .available = 4 * HUGE };

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, names[1], &fake), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct p2pmr_buf *buf;

		assert_null(alloc(names[i], HUGE, HUGE));
		assert_reason(P2PMR_REASON_NO_HUGE_PAGES, EINVAL);
		assert_contains(p2pmr_reason_text(), names[i]);
		assert_leaves_errno(buf = alloc(names[i], HUGE, 0));
		assert_non_null(buf);
		p2pmr_buf_free(buf);
	}
}

static void test_options(void **state)
{
	struct p2pmr_provider *host = p2pmr_provider_find(ctx, "host");
	struct {
		struct p2pmr_buf_opts opts;
		char later;
	} caller = { .opts.sz = sizeof(caller) };
	struct p2pmr_buf_opts empty = { 0 };
	struct p2pmr_buf *buf;

	(void)state;
	assert_null(p2pmr_buf_alloc_opts(host, 1, &empty));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	assert_null(p2pmr_buf_alloc_opts(NULL, 1, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);

	assert_leaves_errno(buf = p2pmr_buf_alloc_opts(host, 1, &caller.opts));
	assert_non_null(buf);
	assert_int_equal(p2pmr_buf_size(buf), sysconf(_SC_PAGESIZE));
	p2pmr_buf_free(buf);
	caller.later = 1;
	assert_null(p2pmr_buf_alloc_opts(host, 1, &caller.opts));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
}

static void test_out_of_descriptors(void **state)
{
	struct rlimit old, none;
	struct p2pmr_buf *buf;
	int err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ 0, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	buf = alloc("host", 1, HUGE);
	err = errno;
	/* Before anything can fail: main() has a file to open. */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_null(buf);
	errno = err;
	assert_reason(P2PMR_REASON_SYSTEM, EMFILE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_real_pages),
		TEST(test_not_enough),
		TEST(test_other_sizes),
		TEST(test_peer_memory),
		TEST(test_options),
		TEST(test_out_of_descriptors),
	};
	int failed;

	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK)) {
		puts("this kernel has no huge pages of 2 MiB");
		return 77;
	}
	reserve();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (reserved_before >= 0)
		write_nr_hugepages(reserved_before);
	return failed;
}
