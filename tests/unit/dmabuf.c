// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Buffers that are dma-bufs, and the route of that name: with a device node and
 * verbs that do what the test says. The dma-bufs are files of memory.
 */
#include "tree.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fake/fake.h"

#define CMB 65536
#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE)
#define NODE "/dev/p2pmem/0000:04:00.0"
#define CLASS "class/pci_p2pmem/0000:04:00.0"
#define ALLOCATE "bus/pci/devices/0000:04:00.0/p2pmem/allocate"
#define DEVICE_PEER_MR (UINT64_C(1) << 41)

/* What goes wrong, as a positive errno; 0: nothing */
static int open_errno, allocate_errno, alloc_errno, sync_errno;
static int umem_errno, dmabuf_errno, probe_errno;

static int allocs, syncs, interrupts;
static uint64_t last_sync, device_caps;

/* ---- the kernel ----------------------------------------------------------- */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap___open64_2(const char *path, int flags);
int __wrap_faccessat(int dir, const char *path, int mode, int flags);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_fstatfs64(int fd, struct statfs *fs);

/* As faccessat() finds it, too */
static int node_open(void)
{
	if (!open_errno)
		return memfd_create("node", MFD_CLOEXEC);
	errno = open_errno;
	return -1;
}

int __wrap_open64(const char *path, int flags, ...)
{
	if (!strcmp(path, NODE)) {
		assert_int_equal(flags, O_RDWR | O_CLOEXEC);
		return node_open();
	}
	if (allocate_errno && strstr(path, ALLOCATE)) {
		errno = allocate_errno;
		return -1;
	}
	return __real_open64(path, flags);
}

/* What open() is called with _FORTIFY_SOURCE */
int __wrap___open64_2(const char *path, int flags)
{
	return __wrap_open64(path, flags);
}

int __wrap_faccessat(int dir, const char *path, int mode, int flags)
{
	(void)dir;
	assert_string_equal(path, NODE);
	assert_int_equal(mode, R_OK | W_OK);
	/* a program may have other effective ids, which open() goes by */
	assert_int_equal(flags, AT_EACCESS);
	errno = open_errno;
	return open_errno ? -1 : 0;
}

/* struct p2pmem_alloc, by its layout */
static int node_alloc(const unsigned char *arg)
{
	uint32_t size, flags;
	uint64_t length;
	int fd;

	memcpy(&size, arg, 4);
	memcpy(&flags, arg + 4, 4);
	memcpy(&length, arg + 8, 8);
	assert_int_equal(size, 16);
	assert_int_equal(flags, 0);
	allocs++;
	if (alloc_errno) {
		errno = alloc_errno;
		return -1;
	}
	fd = memfd_create("dmabuf", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, length), 0);
	return fd;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	assert_true(fd >= 0);
	if (request != DMA_BUF_IOCTL_SYNC)
		return node_alloc(arg);
	syncs++;
	last_sync = ((struct dma_buf_sync *)arg)->flags;
	if (interrupts) {
		errno = interrupts-- & 1 ? EINTR : EAGAIN;
		return -1;
	}
	errno = sync_errno;
	return sync_errno ? -1 : 0;
}

/* Files of memory count as dma-bufs here. */
int __wrap_fstatfs64(int fd, struct statfs *fs)
{
	if (fcntl(fd, F_GETFD) < 0)
		return -1;
	memset(fs, 0, sizeof(*fs));
	fs->f_type = fcntl(fd, F_GET_SEALS) < 0 ? 0 : DMA_BUF_MAGIC;
	return 0;
}

/* ---- verbs ---------------------------------------------------------------- */

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access);
struct ibv_mr *__wrap_ibv_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset,
					size_t length, uint64_t iova, int fd,
					int access);
int __wrap_ibv_dereg_mr(struct ibv_mr *mr);
struct ibv_device **__wrap_ibv_get_device_list(int *count);
void __wrap_ibv_free_device_list(struct ibv_device **list);
struct ibv_context *__wrap_ibv_open_device(struct ibv_device *device);
int __wrap_ibv_close_device(struct ibv_context *context);

static struct ibv_mr verbs_mr;
static uint64_t mr_offset, mr_iova;
static int umem_tried, dmabuf_tried, opened;

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access)
{
	(void)iova;
	(void)access;
	umem_tried++;
	errno = umem_errno ? umem_errno : EXDEV;
	if (umem_errno)
		return NULL;
	verbs_mr = (struct ibv_mr){ .pd = pd, .addr = addr, .length = length };
	return &verbs_mr;
}

struct ibv_mr *__wrap_ibv_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset,
					size_t length, uint64_t iova, int fd,
					int access)
{
	int err = dmabuf_errno;

	(void)access;
	/* what is asked of a device to find out whether it does that at all */
	if (fcntl(fd, F_GET_SEALS) < 0)
		err = probe_errno;
	else
		dmabuf_tried++;
	errno = err ? err : EXDEV;
	if (err)
		return NULL;
	mr_offset = offset;
	mr_iova = iova;
	verbs_mr = (struct ibv_mr){ .pd = pd, .addr = (void *)(uintptr_t)offset,
				    .length = length };
	return &verbs_mr;
}

int __wrap_ibv_dereg_mr(struct ibv_mr *mr)
{
	assert_ptr_equal(mr, &verbs_mr);
	return 0;
}

static int query_device(struct ibv_context *context,
			const struct ibv_query_device_ex_input *input,
			struct ibv_device_attr_ex *attr, size_t size)
{
	(void)context;
	(void)input;
	memset(attr, 0, size);
	attr->device_cap_flags_ex = device_caps;
	return 0;
}

static struct ibv_device device = { .name = "rdma_test" };
static struct verbs_context verbs = {
	.query_device_ex = query_device,
	.sz = sizeof(verbs),
	.context = { .device = &device, .abi_compat = __VERBS_ABI_IS_EXTENDED },
};
static struct ibv_pd pd = { .context = &verbs.context };
static struct ibv_device *devices[2];

struct ibv_device **__wrap_ibv_get_device_list(int *count)
{
	assert_null(count);
	return devices;
}

void __wrap_ibv_free_device_list(struct ibv_device **list)
{
	assert_ptr_equal(list, devices);
}

struct ibv_context *__wrap_ibv_open_device(struct ibv_device *dev)
{
	assert_ptr_equal(dev, &device);
	opened++;
	return &verbs.context;
}

int __wrap_ibv_close_device(struct ibv_context *context)
{
	assert_ptr_equal(context, &verbs.context);
	opened--;
	return 0;
}

/* ---- tests ---------------------------------------------------------------- */

static struct tree tree;
static struct p2pmr_context *ctx;
static struct p2pmr_provider *nvme, *host;

static int setup(void **state)
{
	(void)state;
	open_errno = allocate_errno = alloc_errno = sync_errno = 0;
	umem_errno = dmabuf_errno = probe_errno = 0;
	allocs = syncs = interrupts = umem_tried = dmabuf_tried = opened = 0;
	device_caps = DEVICE_PEER_MR;
	devices[0] = &device;
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", CMB);
	tree_folder(&tree, CLASS);
	ctx = tree_open(&tree);
	nvme = p2pmr_provider_find(ctx, "nvme0");
	host = p2pmr_provider_find(ctx, "host");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(opened, 0);
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static struct p2pmr_buf *alloc(struct p2pmr_provider *provider, uint64_t flags)
{
	return p2pmr_buf_alloc_opts(provider, 5000,
				    P2PMR_OPTS(p2pmr_buf_opts, .flags = flags));
}

static struct p2pmr_buf *must_alloc(uint64_t flags)
{
	struct p2pmr_buf *buf;

	assert_leaves_errno(buf = alloc(nvme, flags));
	assert_non_null(buf);
	return buf;
}

static struct ibv_mr *reg(struct p2pmr_buf *buf, enum p2pmr_route route,
			  enum p2pmr_route *taken)
{
	return p2pmr_reg_mr_opts(&pd, buf, ACCESS,
				 P2PMR_OPTS(p2pmr_reg_opts, .route = route),
				 taken);
}

static void test_by_name(void **state)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);
	enum p2pmr_route taken;
	struct ibv_mr *mr;
	int fd = p2pmr_buf_dmabuf(buf);

	(void)state;
	assert_int_equal(allocs, 1);
	assert_true(fd >= 0);
	assert_int_equal(p2pmr_buf_size(buf), 8192);
	assert_leaves_errno(mr = reg(buf, P2PMR_ROUTE_DMABUF, &taken));
	assert_ptr_equal(mr, &verbs_mr);
	assert_int_equal(taken, P2PMR_ROUTE_DMABUF);
	/* an ordinary region: at the buffer's addresses */
	assert_ptr_equal(mr->addr, p2pmr_buf_addr(buf));
	assert_int_equal(mr->length, 8192);
	assert_int_equal(mr_offset, 0);
	assert_int_equal(mr_iova, (uintptr_t)p2pmr_buf_addr(buf));
	assert_int_equal(umem_tried, 0);

	assert_non_null(reg(buf, P2PMR_ROUTE_UMEM, &taken));
	assert_int_equal(taken, P2PMR_ROUTE_UMEM);
	assert_int_equal(umem_tried, 1);
	assert_leaves_errno(p2pmr_buf_free(buf));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_by_itself(void **state)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);
	static const int not_pinned[] = { EFAULT, EREMOTEIO, EOPNOTSUPP };
	enum p2pmr_route taken;
	struct ibv_mr *mr;

	(void)state;
	assert_non_null(p2pmr_reg_mr(&pd, buf, ACCESS, &taken));
	assert_int_equal(taken, P2PMR_ROUTE_UMEM);
	assert_int_equal(dmabuf_tried, 0);

	for (size_t i = 0; i < ARRAY_SIZE(not_pinned); i++) {
		umem_errno = not_pinned[i];
		assert_leaves_errno(mr = p2pmr_reg_mr(&pd, buf, ACCESS, &taken));
		assert_non_null(mr);
		assert_int_equal(taken, P2PMR_ROUTE_DMABUF);
	}

	/* other failures are nothing that another route could mend */
	dmabuf_tried = 0;
	umem_errno = ENOMEM;
	assert_null(p2pmr_reg_mr(&pd, buf, ACCESS, &taken));
	assert_int_equal(taken, P2PMR_ROUTE_NONE);
	umem_errno = EFAULT;
	assert_null(reg(buf, P2PMR_ROUTE_UMEM, &taken));
	assert_int_equal(dmabuf_tried, 0);
	p2pmr_buf_free(buf);
}

/* What a buffer becomes when nobody says */
static void test_which_kind(void **state)
{
	struct p2pmr_buf *buf = must_alloc(0);

	(void)state;
	assert_int_equal(p2pmr_buf_dmabuf(buf), -1);
	assert_null(reg(buf, P2PMR_ROUTE_DMABUF, NULL));
	assert_reason(P2PMR_REASON_NOT_DMABUF, EINVAL);
	p2pmr_buf_free(buf);

	/* only the node may be opened */
	allocate_errno = EACCES;
	buf = must_alloc(0);
	assert_true(p2pmr_buf_dmabuf(buf) >= 0);
	p2pmr_buf_free(buf);

	/* neither: what is said is about the first */
	open_errno = EACCES;
	assert_null(alloc(nvme, 0));
	assert_reason(P2PMR_REASON_NO_PERMISSION, EACCES);
	assert_contains(p2pmr_reason_text(), "p2pmem/allocate");
}

/* Devices are asked once, and no other than that there is one that pins counts */
static void test_no_device_pins(void **state)
{
	struct p2pmr_buf *buf;

	(void)state;
	device_caps = 0;
	buf = must_alloc(0);
	assert_true(p2pmr_buf_dmabuf(buf) >= 0);
	p2pmr_buf_free(buf);
	device_caps = DEVICE_PEER_MR;
	buf = must_alloc(0);
	assert_true(p2pmr_buf_dmabuf(buf) >= 0);
	p2pmr_buf_free(buf);
}

static void test_no_devices(void **state)
{
	struct ibv_device *loaded_later = devices[0];
	struct p2pmr_buf *buf;

	(void)state;
	devices[0] = NULL;
	device_caps = 0;
	buf = must_alloc(0);
	assert_int_equal(p2pmr_buf_dmabuf(buf), -1);
	p2pmr_buf_free(buf);
	/* that was not known, rather than known for good */
	devices[0] = loaded_later;
	buf = must_alloc(0);
	assert_true(p2pmr_buf_dmabuf(buf) >= 0);
	p2pmr_buf_free(buf);
}

static void test_node_fails(void **state)
{
	(void)state;
	open_errno = EACCES;
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_NO_PERMISSION, EACCES);
	assert_contains(p2pmr_reason_remedy(), "give " NODE);
	open_errno = ENOENT;
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_SYSTEM, ENOENT);
	open_errno = EIO;
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_SYSTEM, EIO);

	open_errno = 0;
	alloc_errno = ENODEV;
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	alloc_errno = ENOMEM;
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_POOL_EXHAUSTED, ENOMEM);
	alloc_errno = EMFILE;
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_SYSTEM, EMFILE);
}

static void test_kernel_without(void **state)
{
	struct p2pmr_buf *buf;

	(void)state;
	tree_remove(&tree, CLASS);
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_KERNEL_NO_DMABUF, EOPNOTSUPP);
	device_caps = 0;
	buf = must_alloc(0);
	assert_int_equal(p2pmr_buf_dmabuf(buf), -1);
	p2pmr_buf_free(buf);
	assert_int_equal(allocs, 0);

	/* the provider has left, and its node with it */
	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/p2pmem");
	assert_null(alloc(nvme, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
}

static void test_bad_arguments(void **state)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);

	(void)state;
	assert_null(alloc(host, P2PMR_BUF_DMABUF));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(alloc(nvme, 2));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(reg(buf, P2PMR_ROUTE_HOST, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(reg(buf, 77, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_reg_mr_opts(&pd, buf, ACCESS,
				      P2PMR_OPTS(p2pmr_reg_opts, .reserved = 1),
				      NULL));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	assert_null(p2pmr_reg_mr_opts(NULL, buf, ACCESS, NULL, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	p2pmr_buf_free(buf);
}

static void expect(struct p2pmr_buf *buf, int err, enum p2pmr_reason code,
		   int code_errno)
{
	enum p2pmr_route taken = P2PMR_ROUTE_DMABUF;

	dmabuf_errno = err;
	assert_null(reg(buf, P2PMR_ROUTE_DMABUF, &taken));
	assert_reason(code, code_errno);
	assert_int_equal(taken, P2PMR_ROUTE_NONE);
	assert_contains(p2pmr_reason_text(), "ibv_reg_dmabuf_mr() of 8192 bytes");
}

static void test_reasons(void **state)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);

	(void)state;
	probe_errno = EINVAL;
	expect(buf, EOPNOTSUPP, P2PMR_REASON_DEVICE_NO_REVOKE, EOPNOTSUPP);
	probe_errno = EOPNOTSUPP;
	expect(buf, EOPNOTSUPP, P2PMR_REASON_DEVICE_NO_DMABUF, EOPNOTSUPP);
	probe_errno = ENOSYS;
	expect(buf, ENOSYS, P2PMR_REASON_DEVICE_NO_DMABUF, EOPNOTSUPP);
	expect(buf, EREMOTEIO, P2PMR_REASON_PATH_NONE, EREMOTEIO);
	expect(buf, ENODEV, P2PMR_REASON_PROVIDER_GONE, ENODEV);
	expect(buf, ENOMEM, P2PMR_REASON_OUT_OF_MEMORY, ENOMEM);
	expect(buf, EINVAL, P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	expect(buf, EPERM, P2PMR_REASON_SYSTEM, EPERM);

	/* both routes fail: the second one is the last hope */
	umem_errno = EFAULT;
	dmabuf_errno = EREMOTEIO;
	assert_null(p2pmr_reg_mr(&pd, buf, ACCESS, NULL));
	assert_reason(P2PMR_REASON_PATH_NONE, EREMOTEIO);
	p2pmr_buf_free(buf);
}

static void test_cpu_access(void **state)
{
	struct p2pmr_buf *buf = must_alloc(P2PMR_BUF_DMABUF);
	struct p2pmr_buf *plain = must_alloc(0);
	char byte = 'x';
	size_t same;

	(void)state;
	assert_int_equal(p2pmr_buf_write(plain, 0, &byte, 1), 0);
	assert_int_equal(syncs, 0);
	interrupts = 2;
	assert_leaves_errno(p2pmr_buf_write(buf, 0, &byte, 1));
	assert_int_equal(syncs, 4);
	assert_int_equal(last_sync, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	assert_int_equal(p2pmr_buf_fill(buf, 1, 'x', 1), 0);
	assert_int_equal(last_sync, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	assert_int_equal(p2pmr_buf_read(buf, 1, &byte, 1), 0);
	assert_int_equal(last_sync, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	assert_int_equal(p2pmr_buf_compare(buf, 0, &byte, 1, &same), 0);
	assert_int_equal(same, 1);
	assert_int_equal(last_sync, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);

	sync_errno = ENODEV;
	assert_int_equal(p2pmr_buf_fill(buf, 0, 'y', 1), -ENODEV);
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_int_equal(p2pmr_buf_write(buf, 0, &byte, 1), -ENODEV);
	assert_int_equal(p2pmr_buf_compare(buf, 0, &byte, 1, &same), -ENODEV);
	sync_errno = EIO;
	assert_int_equal(p2pmr_buf_read(buf, 0, &byte, 1), -EIO);
	assert_reason(P2PMR_REASON_SYSTEM, EIO);
	/* nothing was written when it was not to be */
	assert_int_equal(*(char *)p2pmr_buf_addr(buf), 'x');
	p2pmr_buf_free(buf);
	p2pmr_buf_free(plain);
}

static int foreign(size_t size)
{
	int fd = memfd_create("foreign", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void test_import(void **state)
{
	enum p2pmr_route taken;
	struct p2pmr_buf *buf;
	int fd = foreign(8192);

	(void)state;
	assert_leaves_errno(buf = p2pmr_buf_import(host, fd));
	assert_non_null(buf);
	assert_ptr_equal(p2pmr_buf_provider(buf), host);
	assert_int_equal(p2pmr_buf_size(buf), 8192);
	assert_int_not_equal(p2pmr_buf_dmabuf(buf), fd);
	assert_int_equal(close(fd), 0);
	assert_non_null(p2pmr_reg_mr(&pd, buf, ACCESS, &taken));
	assert_int_equal(taken, P2PMR_ROUTE_DMABUF);
	assert_int_equal(umem_tried, 0);
	assert_null(reg(buf, P2PMR_ROUTE_UMEM, &taken));
	assert_reason(P2PMR_REASON_NOT_DMABUF, EINVAL);
	p2pmr_buf_free(buf);
}

static void test_bad_imports(void **state)
{
	int fd = foreign(0), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[64];
	int readonly;

	(void)state;
	assert_null(p2pmr_buf_import(NULL, fd));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_buf_import(host, -1));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_buf_import(host, 9999));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EBADF);
	assert_null(p2pmr_buf_import(host, null));
	assert_reason(P2PMR_REASON_NOT_DMABUF, EINVAL);
	/* of no bytes */
	assert_null(p2pmr_buf_import(host, fd));
	assert_reason(P2PMR_REASON_NOT_DMABUF, EINVAL);
	close(fd);

	fd = foreign(8192);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	assert_null(p2pmr_buf_import(host, readonly));
	assert_reason(P2PMR_REASON_NO_PERMISSION, EACCES);
	close(readonly);
	close(null);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_name),
		TEST(test_by_itself),
		TEST(test_which_kind),
		TEST(test_no_device_pins),
		TEST(test_no_devices),
		TEST(test_node_fails),
		TEST(test_kernel_without),
		TEST(test_bad_arguments),
		TEST(test_reasons),
		TEST(test_cpu_access),
		TEST(test_import),
		TEST(test_bad_imports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
