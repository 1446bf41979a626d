// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Registering, with verbs that do what the test says: the way from a failed
 * ibv_reg_mr() to a reason, with real mappings and a recorded sysfs.
 */
#include "tree.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fake/fake.h"

#define CMB 65536
#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ)

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access);

static int verbs_errno;
static struct ibv_mr verbs_mr;

/* What ibv_reg_mr() becomes when its access flags are no constant */
struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access)
{
	(void)access;
	assert_true(iova == (uintptr_t)addr);
	if (verbs_errno) {
		errno = verbs_errno > 0 ? verbs_errno : 0;
		return NULL;
	}
	errno = EXDEV;
	verbs_mr = (struct ibv_mr){ .pd = pd, .addr = addr, .length = length };
	return &verbs_mr;
}

static struct ibv_device device = { .name = "rdma_test" };
static struct ibv_context verbs = { .device = &device };
static struct ibv_pd pd = { .context = &verbs };

static struct tree tree;
static struct p2pmr_context *ctx;
static struct p2pmr_buf *peer, *host;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", CMB);
	ctx = tree_open(&tree);
	peer = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "nvme0"), 8192);
	host = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "host"), 8192);
	assert_non_null(peer);
	assert_non_null(host);
	verbs_errno = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_buf_free(peer);
	p2pmr_buf_free(host);
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static void assert_fails(struct p2pmr_buf *buf, int err,
			 enum p2pmr_reason code, int code_errno)
{
	enum p2pmr_route route = P2PMR_ROUTE_UMEM;

	verbs_errno = err;
	assert_null(p2pmr_reg_mr(&pd, buf, ACCESS, &route));
	assert_reason(code, code_errno);
	assert_int_equal(route, P2PMR_ROUTE_NONE);
	assert_contains(p2pmr_reason_text(), "rdma_test: ");
	verbs_errno = 0;
}

static void test_success(void **state)
{
	enum p2pmr_route route = P2PMR_ROUTE_NONE;
	struct ibv_mr *mr;

	(void)state;
	assert_leaves_errno(mr = p2pmr_reg_mr(&pd, peer, ACCESS, &route));
	assert_ptr_equal(mr, &verbs_mr);
	assert_int_equal(route, P2PMR_ROUTE_UMEM);
	assert_ptr_equal(mr->addr, p2pmr_buf_addr(peer));
	assert_int_equal(mr->length, 8192);

	assert_non_null(p2pmr_reg_mr(&pd, host, ACCESS, &route));
	assert_int_equal(route, P2PMR_ROUTE_HOST);
	assert_non_null(p2pmr_reg_mr(&pd, host, ACCESS, NULL));
}

static void test_any_range(void **state)
{
	enum p2pmr_route route = P2PMR_ROUTE_NONE;
	char *addr = p2pmr_buf_addr(peer);
	struct ibv_mr *mr;

	(void)state;
	assert_leaves_errno(mr = p2pmr_reg_addr(&pd, addr + 100, 200, ACCESS,
						&route));
	assert_ptr_equal(mr->addr, addr + 100);
	assert_int_equal(mr->length, 200);
	assert_int_equal(route, P2PMR_ROUTE_UMEM);
	assert_non_null(p2pmr_reg_addr(&pd, p2pmr_buf_addr(host), 1, ACCESS,
				       &route));
	assert_int_equal(route, P2PMR_ROUTE_HOST);
	assert_non_null(p2pmr_reg_addr(&pd, addr, 1, ACCESS, NULL));
}

static void test_bad_arguments(void **state)
{
	enum p2pmr_route route = P2PMR_ROUTE_UMEM;
	char byte;

	(void)state;
	assert_null(p2pmr_reg_mr(NULL, peer, ACCESS, &route));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(route, P2PMR_ROUTE_NONE);
	assert_null(p2pmr_reg_mr(&pd, NULL, ACCESS, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	route = P2PMR_ROUTE_UMEM;
	assert_null(p2pmr_reg_addr(NULL, &byte, 1, ACCESS, &route));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(route, P2PMR_ROUTE_NONE);
	assert_null(p2pmr_reg_addr(&pd, NULL, 1, ACCESS, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_reg_addr(&pd, &byte, 0, ACCESS, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_reg_addr(&pd, &byte, SIZE_MAX, ACCESS, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_contains(p2pmr_reason_text(), "address space");
}

static void test_kernel_cannot_pin(void **state)
{
	(void)state;
	assert_fails(peer, EFAULT, P2PMR_REASON_KERNEL_NO_PIN, EFAULT);
	assert_contains(p2pmr_reason_text(), "0000:04:00.0");
	/* The device has no parent, so it is software. */
	assert_fails(peer, EREMOTEIO, P2PMR_REASON_KERNEL_NO_PIN, EREMOTEIO);
}

static void test_device_on_pci(void **state)
{
	(void)state;
	tree_folder(&tree, "class/infiniband/rdma_test/device");
	tree_link(&tree, "class/infiniband/rdma_test/device/driver",
		  "../drivers/some_nic");
	assert_fails(peer, EREMOTEIO, P2PMR_REASON_PATH_NONE, EREMOTEIO);
	assert_fails(peer, EOPNOTSUPP, P2PMR_REASON_DEVICE_NO_OPTIN,
		     EOPNOTSUPP);
	assert_contains(p2pmr_reason_text(), "some_nic");
}

static void test_provider_leaves(void **state)
{
	(void)state;
	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/p2pmem");
	assert_fails(peer, EFAULT, P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_contains(p2pmr_reason_text(), "0000:04:00.0");
}

/* The file is there again, but the mapping is of the one before. */
static void test_provider_comes_back(void **state)
{
	(void)state;
	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/p2pmem");
	tree_p2pmem(&tree, "0000:04:00.0", CMB);
	assert_fails(peer, EFAULT, P2PMR_REASON_PROVIDER_GONE, ENODEV);
}

static void test_verbs_without_errno(void **state)
{
	(void)state;
	assert_fails(host, -1, P2PMR_REASON_SYSTEM, EIO);
}

/* A provider whose mappings /proc does not tell from others */
static void test_buffer_knows_its_provider(void **state)
{
	struct p2pmr_fake fake = { .size = CMB, .available = CMB };
	struct p2pmr_buf *buf;

	(void)state;
	assert_int_equal(p2pmr_fake_add(ctx, "0000:01:00.0", &fake), 0);
	buf = p2pmr_buf_alloc(p2pmr_provider_find(ctx, "01:00.0"), 1);
	assert_non_null(buf);
	assert_fails(buf, EFAULT, P2PMR_REASON_KERNEL_NO_PIN, EFAULT);
	assert_contains(p2pmr_reason_text(), "0000:01:00.0");
	p2pmr_buf_free(buf);
}

static void test_not_mapped(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *addr = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char hole[32];

	(void)state;
	assert_ptr_not_equal(addr, MAP_FAILED);
	assert_int_equal(munmap(addr + page, page), 0);
	verbs_errno = EFAULT;
	assert_null(p2pmr_reg_addr(&pd, addr, 3 * page, ACCESS, NULL));
	assert_reason(P2PMR_REASON_NOT_MAPPED, EFAULT);
	snprintf(hole, sizeof(hole), "at %p.", (void *)(addr + page));
	assert_contains(p2pmr_reason_text(), hole);

	assert_int_equal(mprotect(addr, page, PROT_READ), 0);
	assert_null(p2pmr_reg_addr(&pd, addr, page, ACCESS, NULL));
	assert_reason(P2PMR_REASON_BAD_ACCESS, EINVAL);
	munmap(addr, page);
	munmap(addr + 2 * page, page);
}

/* As another user: root has CAP_IPC_LOCK, and no limit counts. */
static void test_memlock(void **state)
{
	struct rlimit old, small;
	struct ibv_mr *mr;
	int err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &old), 0);
	small = (struct rlimit){ 4096, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &small), 0);
	if (!geteuid())
		assert_int_equal(seteuid(65534), 0);
	verbs_errno = ENOMEM;
	mr = p2pmr_reg_mr(&pd, host, ACCESS, NULL);
	err = errno;
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	assert_null(mr);
	errno = err;
	assert_reason(P2PMR_REASON_MEMLOCK, ENOMEM);
	assert_contains(p2pmr_reason_text(), "RLIMIT_MEMLOCK of 4096");
	assert_contains(p2pmr_reason_remedy(), "ulimit -l");
}

static void test_route_names(void **state)
{
	(void)state;
	assert_string_equal(p2pmr_route_name(P2PMR_ROUTE_NONE), "none");
	assert_string_equal(p2pmr_route_name(P2PMR_ROUTE_UMEM), "umem");
	assert_string_equal(p2pmr_route_name(P2PMR_ROUTE_DMABUF), "dmabuf");
	assert_string_equal(p2pmr_route_name(P2PMR_ROUTE_HOST), "host");
	assert_string_equal(p2pmr_route_name(4), "unknown");
	assert_string_equal(p2pmr_route_name(-1), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_success),
		TEST(test_any_range),
		TEST(test_bad_arguments),
		TEST(test_kernel_cannot_pin),
		TEST(test_device_on_pci),
		TEST(test_provider_leaves),
		TEST(test_provider_comes_back),
		TEST(test_verbs_without_errno),
		TEST(test_buffer_knows_its_provider),
		TEST(test_not_mapped),
		TEST(test_memlock),
		TEST(test_route_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
