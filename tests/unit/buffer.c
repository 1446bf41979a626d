// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Buffers of the host, of a recorded p2pmem, and of a provider that fails. */
#include "tree.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/fake.h"

#define CMB 65536
#define P2PMEM "bus/pci/devices/0000:04:00.0/p2pmem"

static struct tree tree;
static struct p2pmr_context *ctx;
static size_t page;

static int setup(void **state)
{
	(void)state;
	page = sysconf(_SC_PAGESIZE);
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", CMB);
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

static struct p2pmr_provider *find(const char *name)
{
	struct p2pmr_provider *provider = p2pmr_provider_find(ctx, name);

	assert_non_null(provider);
	return provider;
}

static void test_host(void **state)
{
	struct p2pmr_buf *buf;
	const char *bytes;

	(void)state;
	assert_leaves_errno(buf = p2pmr_buf_alloc(find("host"), page + 1));
	assert_non_null(buf);
	assert_int_equal(p2pmr_buf_size(buf), 2 * page);
	assert_int_equal((uintptr_t)p2pmr_buf_addr(buf) % page, 0);
	assert_ptr_equal(p2pmr_buf_provider(buf), find("host"));
	bytes = p2pmr_buf_addr(buf);
	for (size_t i = 0; i < 2 * page; i++)
		assert_int_equal(bytes[i], 0);
	assert_leaves_errno(p2pmr_buf_free(buf));
	p2pmr_buf_free(NULL);
}

static unsigned int count_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* A buffer is held by its mapping alone: no descriptor stays open. */
static void test_no_descriptor_left(void **state)
{
	unsigned int before = count_fds();
	struct p2pmr_buf *bufs[2];

	(void)state;
	bufs[0] = p2pmr_buf_alloc(find("host"), 1);
	bufs[1] = p2pmr_buf_alloc(find("nvme0"), 1);
	assert_non_null(bufs[0]);
	assert_non_null(bufs[1]);
	assert_int_equal(count_fds(), before);
	p2pmr_buf_free(bufs[0]);
	p2pmr_buf_free(bufs[1]);
}

static void test_shared_across_fork(void **state)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc(find("host"), 1);
	char byte = 0;
	int status;
	pid_t child;

	(void)state;
	assert_non_null(buf);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(p2pmr_buf_write(buf, 3, "x", 1));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_int_equal(p2pmr_buf_read(buf, 3, &byte, 1), 0);
	assert_int_equal(byte, 'x');
	p2pmr_buf_free(buf);
}

static void test_bad_arguments(void **state)
{
	(void)state;
	assert_null(p2pmr_buf_alloc(NULL, 4096));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_buf_alloc(find("host"), 0));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
}

static void test_p2pmem(void **state)
{
	struct p2pmr_buf *buf;
	char path[128], file[6];
	FILE *stream;

	(void)state;
	assert_leaves_errno(buf = p2pmr_buf_alloc(find("nvme0"), CMB));
	assert_non_null(buf);
	assert_int_equal(p2pmr_buf_size(buf), CMB);
	assert_int_equal(p2pmr_buf_write(buf, CMB - 5, "hello", 5), 0);
	/* The mapping is shared: what was written is in the file. */
	tree_path(&tree, P2PMEM "/allocate", path, sizeof(path));
	stream = fopen(path, "r");
	assert_non_null(stream);
	assert_int_equal(fseek(stream, CMB - 5, SEEK_SET), 0);
	assert_int_equal(fread(file, 1, 5, stream), 5);
	assert_memory_equal(file, "hello", 5);
	fclose(stream);
	p2pmr_buf_free(buf);
}

static void test_ranges(void **state)
{
	static const size_t bad[][2] = {
		{ 0, CMB + 1 }, { CMB, 1 }, { CMB + 1, 0 }, { 1, CMB },
		{ SIZE_MAX, 1 }, { 1, SIZE_MAX }, { SIZE_MAX, SIZE_MAX },
		{ CMB / 2, SIZE_MAX - CMB / 2 + 1 },
	};
	struct p2pmr_buf *buf = p2pmr_buf_alloc(find("nvme0"), CMB);
	char bytes[8] = "abcdefg";
	size_t differs = 12345;
	int ret;

	(void)state;
	assert_non_null(buf);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(p2pmr_buf_write(buf, bad[i][0], bytes,
						 bad[i][1]), -EINVAL);
		assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
		assert_int_equal(p2pmr_buf_read(buf, bad[i][0], bytes,
						bad[i][1]), -EINVAL);
		assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
		assert_int_equal(p2pmr_buf_fill(buf, bad[i][0], 0,
						bad[i][1]), -EINVAL);
		assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
		assert_int_equal(p2pmr_buf_compare(buf, bad[i][0], bytes,
						   bad[i][1], &differs),
				 -EINVAL);
		assert_reason(P2PMR_REASON_OUT_OF_RANGE, EINVAL);
		assert_int_equal(differs, 12345);
	}
	assert_int_equal(p2pmr_buf_write(NULL, 0, bytes, 1), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_buf_write(buf, 0, NULL, 0), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_buf_read(NULL, 0, bytes, 1), -EINVAL);
	assert_int_equal(p2pmr_buf_read(buf, 0, NULL, 1), -EINVAL);
	assert_int_equal(p2pmr_buf_fill(NULL, 0, 0, 1), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_contains(p2pmr_reason_text(), "p2pmr_buf_fill() ");
	assert_int_equal(p2pmr_buf_compare(NULL, 0, bytes, 1, &differs),
			 -EINVAL);
	assert_int_equal(p2pmr_buf_compare(buf, 0, NULL, 1, &differs), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_buf_compare(buf, 0, bytes, 1, NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_contains(p2pmr_reason_text(), "result");
	assert_int_equal(differs, 12345);

	assert_int_equal(p2pmr_buf_write(buf, CMB, bytes, 0), 0);
	assert_int_equal(p2pmr_buf_write(buf, CMB - 8, bytes, 8), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_leaves_errno(ret = p2pmr_buf_read(buf, CMB - 8, bytes, 8));
	assert_int_equal(ret, 0);
	assert_string_equal(bytes, "abcdefg");

	assert_int_equal(p2pmr_buf_fill(buf, CMB, 'x', 0), 0);
	assert_leaves_errno(ret = p2pmr_buf_fill(buf, CMB - 6, 'x', 2));
	assert_int_equal(ret, 0);
	assert_leaves_errno(ret = p2pmr_buf_compare(buf, CMB - 8, "abxxefg", 8,
						    &differs));
	assert_int_equal(ret, 0);
	assert_int_equal(differs, 8);
	assert_int_equal(p2pmr_buf_compare(buf, CMB - 8, bytes, 8, &differs),
			 0);
	assert_int_equal(differs, 2);
	assert_int_equal(p2pmr_buf_compare(buf, CMB, bytes, 0, &differs), 0);
	assert_int_equal(differs, 0);
	p2pmr_buf_free(buf);
}

static void test_provider_gone(void **state)
{
	struct p2pmr_provider *nvme = find("nvme0");

	(void)state;
	tree_remove(&tree, "bus/pci/devices/0000:04:00.0");
	assert_null(p2pmr_buf_alloc(nvme, 4096));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_contains(p2pmr_reason_text(), "nvme0");
}

static void test_driver_unbound(void **state)
{
	struct p2pmr_provider *nvme = find("nvme0");

	(void)state;
	tree_remove(&tree, P2PMEM);
	assert_null(p2pmr_buf_alloc(nvme, 4096));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
}

/* Root may open everything, so this runs as somebody else. */
static void test_no_permission(void **state)
{
	struct p2pmr_provider *nvme = find("nvme0");
	struct p2pmr_buf *buf;
	char path[128];
	int err;

	(void)state;
	tree_path(&tree, P2PMEM "/allocate", path, sizeof(path));
	assert_int_equal(chmod(path, 0), 0);
	if (!geteuid())
		assert_int_equal(seteuid(65534), 0);
	buf = p2pmr_buf_alloc(nvme, 4096);
	err = errno;
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
	assert_null(buf);
	errno = err;
	assert_reason(P2PMR_REASON_NO_PERMISSION, EACCES);
	assert_contains(p2pmr_reason_text(), path);
	assert_contains(p2pmr_reason_remedy(), "usermod -aG p2pmem");
}

static void test_other_errors(void **state)
{
	struct p2pmr_provider *nvme = find("nvme0");

	(void)state;
	/* A folder cannot be opened for writing. */
	tree_remove(&tree, P2PMEM "/allocate");
	tree_folder(&tree, P2PMEM "/allocate");
	assert_null(p2pmr_buf_alloc(nvme, 4096));
	assert_reason(P2PMR_REASON_SYSTEM, EISDIR);
	assert_contains(p2pmr_reason_text(), "p2pmem/allocate");
}

/* What leaves loses its driver before its files. A kernel of 2022 has none. */
static void test_no_allocate(void **state)
{
	struct p2pmr_provider *nvme = find("nvme0");

	(void)state;
	tree_remove(&tree, P2PMEM "/allocate");
	assert_null(p2pmr_buf_alloc(nvme, 4096));
	assert_reason(P2PMR_REASON_SYSTEM, EOPNOTSUPP);
	assert_contains(p2pmr_reason_text(), "no p2pmem/allocate");
	assert_contains(p2pmr_reason_remedy(), "Linux 6.2");
	tree_remove(&tree, P2PMEM "/../driver");
	assert_null(p2pmr_buf_alloc(nvme, 4096));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	tree_remove(&tree, P2PMEM);
	assert_null(p2pmr_buf_alloc(nvme, 4096));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
}

static void test_out_of_descriptors(void **state)
{
	struct rlimit old, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ 0, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_null(p2pmr_buf_alloc(find("nvme0"), 4096));
	assert_reason(P2PMR_REASON_SYSTEM, EMFILE);
	assert_null(p2pmr_buf_alloc(find("host"), 4096));
	assert_reason(P2PMR_REASON_SYSTEM, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void test_more_than_a_process_maps(void **state)
{
	static const size_t sizes[] = {
		SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2 + 2, SIZE_MAX / 2,
#if SIZE_MAX > UINT32_MAX
		SIZE_MAX / 2 - 8192,
#endif
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_null(p2pmr_buf_alloc(find("host"), sizes[i]));
		assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
		assert_null(p2pmr_buf_alloc(find("nvme0"), sizes[i]));
		assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
	}
}

static void test_pool(void **state)
{
	struct p2pmr_fake fake = { .size = 4 * page, .available = 4 * page };
	struct p2pmr_provider *provider;
	struct p2pmr_buf *buf;

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	provider = find("0000:01:00.0");
	assert_null(p2pmr_buf_alloc(provider, 4 * page + 1));
	assert_reason(P2PMR_REASON_TOO_LARGE, ENOMEM);
	assert_contains(p2pmr_reason_text(), "0000:01:00.0 has only");

	buf = p2pmr_buf_alloc(provider, 3 * page);
	assert_non_null(buf);
	assert_null(p2pmr_buf_alloc(provider, page + 1));
	assert_reason(P2PMR_REASON_POOL_EXHAUSTED, ENOMEM);
	assert_contains(p2pmr_reason_text(), "are available");

	fake.fragmented = true;
	assert_null(p2pmr_buf_alloc(provider, page));
	assert_reason(P2PMR_REASON_POOL_EXHAUSTED, ENOMEM);
	assert_contains(p2pmr_reason_text(), "not in one piece");

	fake.space_errno = EIO;
	assert_null(p2pmr_buf_alloc(provider, page));
	assert_reason(P2PMR_REASON_SYSTEM, EIO);
	p2pmr_buf_free(buf);
}

static void test_map_fails(void **state)
{
	struct p2pmr_fake fake = {
		.size = CMB, .available = CMB, .map_errno = EBUSY,
	};

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	assert_null(p2pmr_buf_alloc(find("0000:01:00.0"), 1));
	assert_reason(P2PMR_REASON_SYSTEM, EBUSY);
	fake.gone = true;
	assert_null(p2pmr_buf_alloc(find("0000:01:00.0"), 1));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
}

/* It has lost its memory for good; one that is allocated afterwards has not */
static void test_revoked(void **state)
{
	struct p2pmr_provider *provider;
	struct p2pmr_buf *before, *after;

	(void)state;
	provider = p2pmr_provider_find(ctx, "host");
	before = p2pmr_buf_alloc(provider, 1);
	assert_false(p2pmr_buf_is_revoked(before));
	p2pmr_provider_left(provider);
	after = p2pmr_buf_alloc(provider, 1);
	assert_true(p2pmr_buf_is_revoked(before));
	assert_false(p2pmr_buf_is_revoked(after));
	p2pmr_buf_free(before);
	p2pmr_buf_free(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_host),
		TEST(test_no_descriptor_left),
		TEST(test_shared_across_fork),
		TEST(test_bad_arguments),
		TEST(test_p2pmem),
		TEST(test_ranges),
		TEST(test_provider_gone),
		TEST(test_driver_unbound),
		TEST(test_no_permission),
		TEST(test_other_errors),
		TEST(test_no_allocate),
		TEST(test_out_of_descriptors),
		TEST(test_more_than_a_process_maps),
		TEST(test_pool),
		TEST(test_map_fails),
		TEST(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
