// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A drive's memory by its own device: with another device of this machine in its
 * place, /dev/zero, which can be mapped, or /dev/null, which cannot.
 */
#include "tree.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CMB 65536
#define NODE "/dev/nvme73921"
#define NAME "nvme73921"
#define PCI "0000:04:00.0"
#define CDEV "bus/pci/devices/" PCI "/nvme/" NAME
#define P2PMEM "bus/pci/devices/" PCI "/p2pmem"
#define EXPORTER "/dev/p2pmem/" PCI

static const char *node_is;	/* NULL: not there */
static const char *becomes;	/* what is opened in its place, unless NULL */
static int open_errno;		/* of the device; 0: it can be opened */
static bool read_only;		/* is sysfs? */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap___open64_2(const char *path, int flags);
int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);
int __real_statvfs64(const char *path, struct statvfs *fs);
int __wrap_statvfs64(const char *path, struct statvfs *fs);

int __wrap_faccessat(int dir, const char *path, int mode, int flags);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
struct ibv_device **__wrap_ibv_get_device_list(int *count);
void __wrap_ibv_free_device_list(struct ibv_device **list);

int __wrap_open64(const char *path, int flags, ...)
{
	int err = 0;

	if (!strcmp(path, EXPORTER))
		return memfd_create("node", MFD_CLOEXEC);
	if (!strcmp(path, NODE)) {
		assert_int_equal(flags, O_RDWR | O_CLOEXEC);
		err = node_is ? open_errno : ENOENT;
		path = becomes ? becomes : node_is;
	} else if (read_only && (flags & O_ACCMODE) != O_RDONLY) {
		err = EROFS;
	}
	if (!err)
		return __real_open64(path, flags);
	errno = err;
	return -1;
}

/* What open() is called with _FORTIFY_SOURCE */
int __wrap___open64_2(const char *path, int flags)
{
	return __wrap_open64(path, flags);
}

int __wrap_stat64(const char *path, struct stat *st)
{
	if (strcmp(path, NODE))
		return __real_stat64(path, st);
	if (node_is)
		return __real_stat64(node_is, st);
	errno = ENOENT;
	return -1;
}

int __wrap_statvfs64(const char *path, struct statvfs *fs)
{
	int ret = __real_statvfs64(path, fs);

	if (read_only)
		fs->f_flag |= ST_RDONLY;
	return ret;
}

int __wrap_faccessat(int dir, const char *path, int mode, int flags)
{
	(void)dir;
	(void)mode;
	(void)flags;
	assert_string_equal(path, EXPORTER);
	return 0;
}

/* What exports memory: a file instead of a dma-buf */
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	int dmabuf = memfd_create("dmabuf", MFD_CLOEXEC);

	(void)fd;
	(void)request;
	(void)arg;
	assert_int_equal(ftruncate(dmabuf, CMB), 0);
	return dmabuf;
}

/* This machine's RDMA devices are of no interest. */
static struct ibv_device *devices[1];

struct ibv_device **__wrap_ibv_get_device_list(int *count)
{
	(void)count;
	return devices;
}

void __wrap_ibv_free_device_list(struct ibv_device **list)
{
	assert_ptr_equal(list, devices);
}

static struct tree tree;
static struct p2pmr_context *ctx;
static struct p2pmr_provider *cdev;

static int setup(void **state)
{
	(void)state;
	node_is = "/dev/zero";
	open_errno = 0;
	read_only = false;
	ctx = NULL;
	tree_make(&tree);
	tree_nvme(&tree, PCI, NAME, CMB);
	tree_file(&tree, CDEV "/dev", "1:5\n");
	tree_file(&tree, P2PMEM "/published", "1\n");
	tree_p2pmem(&tree, "0000:05:00.0", CMB);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static void open_tree(void)
{
	assert_leaves_errno(ctx = tree_open(&tree));
	assert_leaves_errno(cdev = p2pmr_provider_find(ctx, NODE));
	assert_non_null(cdev);
	assert_string_equal(p2pmr_provider_type(cdev), "nvme_cdev");
	assert_string_equal(p2pmr_provider_name(cdev), NAME);
	assert_string_equal(p2pmr_provider_pci_address(cdev), PCI);
	assert_true(p2pmr_provider_is_peer(cdev));
}

static void assert_allocates(struct p2pmr_provider *provider)
{
	struct p2pmr_buf *buf;

	assert_leaves_errno(buf = p2pmr_buf_alloc(provider, 5000));
	assert_non_null(buf);
	assert_int_equal(p2pmr_buf_size(buf), 8192);
	*(char *)p2pmr_buf_addr(buf) = 'x';
	p2pmr_buf_free(buf);
}

static void assert_fails(enum p2pmr_reason code, int err, const char *text)
{
	assert_null(p2pmr_buf_alloc(cdev, 4096));
	assert_reason(code, err);
	assert_contains(p2pmr_reason_text(), text);
}

/* Each piece of memory once, in the order of addresses */
static struct p2pmr_provider *assert_listed(const char *type)
{
	struct p2pmr_provider *drive = p2pmr_provider_next(ctx, NULL);
	struct p2pmr_provider *bar = p2pmr_provider_next(ctx, drive);

	assert_string_equal(p2pmr_provider_name(drive), NAME);
	assert_string_equal(p2pmr_provider_type(drive), type);
	assert_string_equal(p2pmr_provider_name(bar), "0000:05:00.0");
	assert_string_equal(p2pmr_provider_type(bar), "p2pmem");
	assert_string_equal(p2pmr_provider_name(p2pmr_provider_next(ctx, bar)),
			    "host");
	assert_ptr_equal(p2pmr_provider_find(ctx, NAME), drive);
	assert_ptr_equal(p2pmr_provider_find(ctx, PCI), drive);
	assert_ptr_not_equal(cdev, drive);
	return drive;
}

static void test_by_name(void **state)
{
	struct p2pmr_provider_space space;

	(void)state;
	open_tree();
	assert_listed("p2pmem");
	assert_int_equal(p2pmr_provider_space(cdev, &space), 0);
	assert_int_equal(space.size_bytes, CMB);
	assert_allocates(cdev);
}

static void test_by_itself(void **state)
{
	(void)state;
	read_only = true;
	open_tree();
	assert_allocates(assert_listed("nvme_cdev"));
	assert_allocates(cdev);
	/* what is no drive has no other way */
	cdev = p2pmr_provider_find(ctx, "0000:05:00.0");
	assert_fails(P2PMR_REASON_NO_PERMISSION, EROFS, "mounted read-only");
}

/* Then there is nothing better than to say what is wrong with sysfs */
static void test_read_only_without_device(void **state)
{
	(void)state;
	read_only = true;
	node_is = NULL;
	open_tree();
	cdev = assert_listed("p2pmem");
	assert_fails(P2PMR_REASON_NO_PERMISSION, EROFS, "mounted read-only");
	assert_contains(p2pmr_reason_remedy(), "--device");
}

static void test_chosen_once(void **state)
{
	struct p2pmr_choice *choice;

	(void)state;
	tree_folder(&tree, "devices/virtual/infiniband/rxe0");
	tree_link(&tree, "class/infiniband/rxe0",
		  "../../devices/virtual/infiniband/rxe0");
	tree_file(&tree, "devices/virtual/infiniband/rxe0/parent", "eth0\n");
	for (int i = 0; i < 2; i++) {
		read_only = i;
		open_tree();
		choice = p2pmr_choice_by_name(ctx, "rxe0", 4096, true);
		assert_non_null(choice);
		assert_int_equal(p2pmr_choice_count(choice), 3);
		assert_ptr_equal(p2pmr_choice_provider(choice, 0),
				 assert_listed(i ? "nvme_cdev" : "p2pmem"));
		p2pmr_choice_free(choice);
		p2pmr_close(ctx);
	}
	ctx = NULL;
}

/* Both ways lead to the same memory, so it leaves both. */
static void test_leaves(void **state)
{
	struct p2pmr_provider *drive;

	(void)state;
	open_tree();
	drive = assert_listed("p2pmem");
	p2pmr_provider_left(drive);
	assert_int_equal(atomic_load(&cdev->epoch), 1);
	p2pmr_provider_left(cdev);
	assert_int_equal(atomic_load(&drive->epoch), 2);
	drive = p2pmr_provider_find(ctx, "0000:05:00.0");
	assert_int_equal(atomic_load(&drive->epoch), 0);
	drive = p2pmr_provider_find(ctx, "host");
	assert_int_equal(atomic_load(&drive->epoch), 0);
}

static void test_no_device(void **state)
{
	(void)state;
	open_tree();
	node_is = NULL;
	assert_fails(P2PMR_REASON_SYSTEM, ENOENT, NODE " does not exist");
	assert_contains(p2pmr_reason_remedy(), "--device");
}

/* Memory must not come from another drive than the one whose path was looked at */
static void test_another_device(void **state)
{
	(void)state;
	open_tree();
	node_is = "/dev/null";
	assert_fails(P2PMR_REASON_SYSTEM, ENXIO, "is not the device");
	node_is = "/dev";
	assert_fails(P2PMR_REASON_SYSTEM, ENXIO, "is not the device");
	/* a recorded tree has none */
	node_is = "/dev/zero";
	tree_remove(&tree, CDEV "/dev");
	assert_fails(P2PMR_REASON_SYSTEM, ENXIO, "is not the device");
	p2pmr_close(ctx);
	read_only = true;
	open_tree();
	assert_listed("p2pmem");
}

/* Drives that are bound anew may change their names. */
static void test_name_of_another(void **state)
{
	(void)state;
	open_tree();
	tree_remove(&tree, CDEV);
	tree_file(&tree, "bus/pci/devices/0000:05:00.0/nvme/" NAME "/dev", "1:5\n");
	assert_fails(P2PMR_REASON_SYSTEM, ENXIO, NODE " is not the device of the drive at " PCI);
	/* between the look at it and open() */
	tree_file(&tree, CDEV "/dev", "1:5\n");
	becomes = "/dev/null";
	assert_fails(P2PMR_REASON_SYSTEM, ENXIO, NODE " is not the device of the drive at " PCI);
	becomes = NULL;
	assert_allocates(cdev);
}

static void test_open_fails(void **state)
{
	(void)state;
	open_tree();
	open_errno = EACCES;
	assert_fails(P2PMR_REASON_NO_PERMISSION, EACCES, NODE);
	assert_contains(p2pmr_reason_remedy(), "may open " NODE);
	/* the container's cgroup */
	open_errno = EPERM;
	assert_fails(P2PMR_REASON_NO_PERMISSION, EPERM, NODE);
	open_errno = EAGAIN;
	assert_fails(P2PMR_REASON_SYSTEM, EAGAIN, "not ready");
	open_errno = EMFILE;
	assert_fails(P2PMR_REASON_SYSTEM, EMFILE, NODE);
}

static void test_kernel_without(void **state)
{
	(void)state;
	node_is = "/dev/null";
	tree_file(&tree, CDEV "/dev", "1:3\n");
	open_tree();
	assert_fails(P2PMR_REASON_KERNEL_NO_CDEV, EOPNOTSUPP, NODE);
	assert_contains(p2pmr_reason_remedy(), "group nvme");
	/* not a matter of the kernel's age */
	tree_file(&tree, P2PMEM "/published", "0\n");
	assert_fails(P2PMR_REASON_SYSTEM, EOPNOTSUPP, "queues");
	assert_contains(p2pmr_reason_remedy(), "RDS, WDS");
}

/* Where the device will not do, a dma-buf may */
static void test_as_dmabuf(void **state)
{
	struct p2pmr_buf *buf;

	(void)state;
	tree_folder(&tree, "class/pci_p2pmem/" PCI);
	open_tree();
	assert_leaves_errno(buf = p2pmr_buf_alloc(cdev, 4096));
	assert_non_null(buf);
	assert_int_equal(p2pmr_buf_dmabuf(buf), -1);
	p2pmr_buf_free(buf);

	open_errno = EACCES;
	assert_leaves_errno(buf = p2pmr_buf_alloc(cdev, 4096));
	assert_non_null(buf);
	assert_true(p2pmr_buf_dmabuf(buf) >= 0);
	p2pmr_buf_free(buf);

	open_errno = 0;
	node_is = "/dev/null";
	tree_file(&tree, CDEV "/dev", "1:3\n");
	assert_leaves_errno(buf = p2pmr_buf_alloc(cdev, 4096));
	assert_non_null(buf);
	assert_true(p2pmr_buf_dmabuf(buf) >= 0);
	p2pmr_buf_free(buf);
}

static void test_gone(void **state)
{
	(void)state;
	open_tree();
	tree_remove(&tree, P2PMEM);
	node_is = NULL;
	assert_fails(P2PMR_REASON_PROVIDER_GONE, ENODEV, NAME);
	/* the node of a container stays */
	node_is = "/dev/zero";
	open_errno = ENXIO;
	assert_fails(P2PMR_REASON_PROVIDER_GONE, ENODEV, NAME);
	open_errno = 0;
	tree_remove(&tree, CDEV);
	assert_fails(P2PMR_REASON_PROVIDER_GONE, ENODEV, NAME);
}

/* Between open() and mmap() */
static void test_gone_meanwhile(void **state)
{
	(void)state;
	node_is = "/dev/null";
	tree_file(&tree, CDEV "/dev", "1:3\n");
	open_tree();
	tree_remove(&tree, P2PMEM);
	assert_fails(P2PMR_REASON_PROVIDER_GONE, ENODEV, NAME);
}

static void test_not_found(void **state)
{
	(void)state;
	tree_nvme(&tree, "0000:06:00.0", "nvme1", 0);
	open_tree();
	assert_null(p2pmr_provider_find(ctx, "/dev/nvme1"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
	assert_contains(p2pmr_reason_text(), "nvme1 (0000:06:00.0) exists");
	/* what is no drive has no such device, nor has a namespace */
	assert_null(p2pmr_provider_find(ctx, "/dev/0000:05:00.0"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
	assert_null(p2pmr_provider_find(ctx, NODE "n1"));
	assert_reason(P2PMR_REASON_NO_PROVIDER, ENODEV);
	assert_contains(p2pmr_reason_text(), "there are: " NAME ", 0000:05:00.0, host");
}

/* A name that leaves no room for the folder is no reason to fail */
static void test_long_name(void **state)
{
	const char *name = "nvme123456789012345678901234567890123456789012345678901234567";
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "bus/pci/devices/0000:07:00.0/nvme/%s", name);
	tree_folder(&tree, path);
	tree_p2pmem(&tree, "0000:07:00.0", CMB);
	open_tree();
	assert_non_null(p2pmr_provider_find(ctx, name));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_name),
		TEST(test_by_itself),
		TEST(test_read_only_without_device),
		TEST(test_chosen_once),
		TEST(test_leaves),
		TEST(test_no_device),
		TEST(test_another_device),
		TEST(test_name_of_another),
		TEST(test_open_fails),
		TEST(test_kernel_without),
		TEST(test_as_dmabuf),
		TEST(test_gone),
		TEST(test_gone_meanwhile),
		TEST(test_not_found),
		TEST(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
