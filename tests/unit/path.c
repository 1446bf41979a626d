// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Paths in made trees: what is found in them, and what comes of trees that are
 * not as they should be. What follows from the facts is tested by
 * path-decide.c; whole machines are tests/cli/data's.
 */
#include "tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fake/fake.h"

#define HOST "pci0000:00"
#define PORT HOST "/0000:00:01.0"
#define DRIVE PORT "/0000:02:00.0"
#define NIC PORT "/0000:02:00.1"
#define FAR_PORT "pci0000:80/0000:80:01.0"
#define FAR_NIC FAR_PORT "/0000:81:00.0"

static struct tree tree;
static struct p2pmr_context *ctx;
static struct p2pmr_provider *nvme;
static struct p2pmr_path *path;

/* Long enough for the deepest tree here */
#define FILE_LEN 640

static const char *below(char *out, size_t size, const char *function,
			 const char *rest)
{
	snprintf(out, size, "sys/devices/%s/%s", function, rest);
	return out;
}

/*
 * Configuration space of a PCIe function: @type as in its PCIe capability; ACS
 * with @control in it, or none when that is negative
 */
static void put_config(const char *function, unsigned int type, int control)
{
	unsigned char config[P2PMR_CONFIG_SIZE] = {
		[0x06] = 0x10, [0x34] = 0x40, [0x40] = 0x10,
		[0x42] = type << 4 | 2,
	};
	char file[256];

	if (control >= 0) {
		config[0x100] = 0x0d;
		config[0x102] = 1;
		config[0x106] = control;
	}
	tree_bytes(&tree, below(file, sizeof(file), function, "config"), config,
		   sizeof(config));
}

/* A PCI function as sysfs has it; @function: its folder below devices */
static void put(const char *function, const char *device, unsigned int type,
		int control)
{
	const char *address = strrchr(function, '/') + 1;
	char file[256], target[256];

	tree_file(&tree, below(file, sizeof(file), function, "vendor"),
		  "0x8086\n");
	tree_file(&tree, below(file, sizeof(file), function, "device"), device);
	put_config(function, type, control);
	snprintf(file, sizeof(file), "sys/bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "../../../devices/%s", function);
	tree_link(&tree, file, target);
}

static void put_rdma(const char *function, const char *name)
{
	char file[FILE_LEN], rest[128], target[FILE_LEN];

	snprintf(rest, sizeof(rest), "infiniband/%s/device", name);
	tree_link(&tree, below(file, sizeof(file), function, rest), "../..");
	snprintf(file, sizeof(file), "sys/class/infiniband/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s/infiniband/%s",
		 function, name);
	tree_link(&tree, file, target);
}

static void put_software(const char *name, const char *node_type)
{
	char file[256], target[256];

	snprintf(file, sizeof(file),
		 "sys/devices/virtual/infiniband/%s/node_type", name);
	tree_file(&tree, file, node_type);
	snprintf(file, sizeof(file), "sys/class/infiniband/%s", name);
	snprintf(target, sizeof(target), "../../devices/virtual/infiniband/%s",
		 name);
	tree_link(&tree, file, target);
}

static void put_iommu(const char *function, const char *group,
		      const char *type)
{
	char file[256], target[256];

	snprintf(file, sizeof(file), "sys/kernel/iommu_groups/%s/type", group);
	tree_file(&tree, file, type);
	snprintf(target, sizeof(target), "/nowhere/kernel/iommu_groups/%s",
		 group);
	tree_link(&tree, below(file, sizeof(file), function, "iommu_group"),
		  target);
}

/*
 * A drive and mlx5_0 below one port, mlx5_1 at another root bus, rxe0. The
 * tests open the tree when it is as they want it.
 */
static int setup(void **state)
{
	(void)state;
	ctx = NULL;
	path = NULL;
	tree_make(&tree);
	tree_file(&tree, "proc/cpuinfo",
		  "vendor_id\t: GenuineIntel\ncpu family\t: 6\n");
	put(HOST "/0000:00:00.0", "0x2020\n", 9, -1);
	put(PORT, "0x2030\n", 4, 0);
	put(DRIVE, "0x0953\n", 0, -1);
	tree_file(&tree, "sys/devices/" DRIVE "/p2pmem/size", "4096\n");
	put(NIC, "0x1017\n", 0, 0);
	put_rdma(NIC, "mlx5_0");
	put("pci0000:80/0000:80:00.0", "0x2020\n", 9, -1);
	put(FAR_PORT, "0x2030\n", 4, 0);
	put(FAR_NIC, "0x1017\n", 0, -1);
	put_rdma(FAR_NIC, "mlx5_1");
	put_software("rxe0", "1: CA\n");
	tree_file(&tree, "sys/devices/virtual/infiniband/rxe0/parent",
		  "eth0\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_path_free(path);
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static void open_tree(void)
{
	char root[128];

	tree_path(&tree, "sys", root, sizeof(root));
	ctx = p2pmr_open(P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = root));
	assert_non_null(ctx);
	nvme = p2pmr_provider_find(ctx, "0000:02:00.0");
	assert_non_null(nvme);
}

/* Open the tree, unless it is open, and ask anew. */
static void query(const char *device)
{
	if (!ctx)
		open_tree();
	p2pmr_path_free(path);
	assert_leaves_errno(path = p2pmr_path_query_name(nvme, device));
	assert_non_null(path);
	assert_sentence(p2pmr_path_explanation(path));
}

#define assert_kind(kind) \
	assert_string_equal(p2pmr_path_kind_name(p2pmr_path_kind(path)), kind)

static void assert_unknown(const char *device, const char *text)
{
	query(device);
	assert_kind("unknown");
	assert_int_equal(p2pmr_path_distance(path), -1);
	assert_contains(p2pmr_path_explanation(path), text);
	assert_sentence(p2pmr_path_remedy(path));
}

static void assert_hop(unsigned int hop, const char *address,
		       enum p2pmr_path_side side, unsigned int acs)
{
	assert_string_equal(p2pmr_path_hop_address(path, hop), address);
	assert_int_equal(p2pmr_path_hop_side(path, hop), side);
	assert_int_equal(p2pmr_path_hop_acs(path, hop), acs);
}

static void test_getters(void **state)
{
	(void)state;
	put_iommu(DRIVE, "3", "identity\n");
	put_iommu(NIC, "14", "DMA-FQ\n");
	query("mlx5_0");
	assert_kind("bus");
	assert_int_equal(p2pmr_path_distance(path), 2);
	assert_null(p2pmr_path_remedy(path));
	assert_int_equal(p2pmr_path_hops(path), 3);
	assert_hop(0, "0000:02:00.0", P2PMR_PATH_SIDE_PROVIDER, 0);
	assert_hop(1, "0000:00:01.0", P2PMR_PATH_SIDE_COMMON,
		   P2PMR_ACS_CAPABLE);
	assert_hop(2, "0000:02:00.1", P2PMR_PATH_SIDE_DEVICE,
		   P2PMR_ACS_CAPABLE);
	assert_null(p2pmr_path_hop_address(path, 3));
	assert_null(p2pmr_path_hop_address(path, UINT32_MAX));
	assert_int_equal(p2pmr_path_hop_acs(path, 3), P2PMR_ACS_UNKNOWN);
	assert_int_equal(p2pmr_path_hop_side(path, 3), P2PMR_PATH_SIDE_DEVICE);
	assert_int_equal(p2pmr_path_iommu(path, P2PMR_PATH_SIDE_PROVIDER),
			 P2PMR_IOMMU_IDENTITY);
	assert_int_equal(p2pmr_path_iommu(path, P2PMR_PATH_SIDE_DEVICE),
			 P2PMR_IOMMU_DMA_FQ);
	assert_int_equal(p2pmr_path_iommu(path, P2PMR_PATH_SIDE_COMMON),
			 P2PMR_IOMMU_UNKNOWN);
	assert_string_equal(p2pmr_path_host_bridge(path,
						   P2PMR_PATH_SIDE_PROVIDER),
			    "8086:2020");
	assert_null(p2pmr_path_host_bridge(path, P2PMR_PATH_SIDE_COMMON));
	assert_null(p2pmr_path_host_bridge(path, 99));
	assert_int_equal(p2pmr_path_bridge_allowed(path), 1);
}

/* The RDMA device when it is opened: an errno, or what it says of itself */
static int open_errno, device_errno;
static unsigned int device_caps;
static struct ibv_context opened;
static bool is_open;

struct ibv_context *__wrap_ibv_open_device(struct ibv_device *device);
int __wrap_ibv_close_device(struct ibv_context *verbs);
int __wrap_p2pmr_device_caps(struct ibv_context *verbs, unsigned int *caps);

struct ibv_context *__wrap_ibv_open_device(struct ibv_device *device)
{
	opened.device = device;
	is_open = !open_errno;
	errno = open_errno ? open_errno : EXDEV;
	return is_open ? &opened : NULL;
}

int __wrap_ibv_close_device(struct ibv_context *verbs)
{
	assert_ptr_equal(verbs, &opened);
	is_open = false;
	errno = EXDEV;
	return 0;
}

int __wrap_p2pmr_device_caps(struct ibv_context *verbs, unsigned int *caps)
{
	assert_ptr_equal(verbs, &opened);
	*caps = device_caps;
	return -device_errno;
}

/* @open_err, @caps_err: what goes wrong; 0 for nothing */
static void assert_caps(int open_err, int caps_err, unsigned int caps,
			int peer_mr, int peer_atomic)
{
	struct ibv_device device = { .name = "mlx5_0" };

	open_errno = open_err;
	device_errno = caps_err;
	device_caps = caps;
	p2pmr_path_free(path);
	assert_leaves_errno(path = p2pmr_path_query(nvme, &device));
	assert_non_null(path);
	assert_kind("bus");
	assert_false(is_open);
	assert_int_equal(p2pmr_path_peer_mr(path), peer_mr);
	assert_int_equal(p2pmr_path_peer_atomic(path), peer_atomic);
}

static void test_what_the_device_says(void **state)
{
	const unsigned int mr = P2PMR_CAP_PEER_MR;
	const unsigned int both = mr | P2PMR_CAP_PEER_ATOMIC;

	(void)state;
	query("mlx5_0");
	assert_int_equal(p2pmr_path_peer_mr(path), -1);
	assert_int_equal(p2pmr_path_peer_atomic(path), -1);
	assert_caps(0, 0, both, 1, 1);
	assert_caps(0, 0, mr, 1, 0);
	assert_caps(0, 0, 0, 0, 0);
	assert_caps(EACCES, 0, both, -1, -1);
	assert_caps(0, EIO, both, -1, -1);
}

static void test_by_device(void **state)
{
	struct ibv_device device = { .name = "mlx5_1" };

	(void)state;
	open_tree();
	assert_leaves_errno(path = p2pmr_path_query(nvme, &device));
	assert_non_null(path);
	assert_kind("bridge");
	assert_int_equal(p2pmr_path_distance(path), 4);
	assert_int_equal(p2pmr_path_hops(path), 4);
	assert_hop(1, "0000:00:01.0", P2PMR_PATH_SIDE_PROVIDER,
		   P2PMR_ACS_CAPABLE);
	assert_hop(2, "0000:80:01.0", P2PMR_PATH_SIDE_DEVICE,
		   P2PMR_ACS_CAPABLE);
	assert_hop(3, "0000:81:00.0", P2PMR_PATH_SIDE_DEVICE, 0);
}

static void test_outlives_context(void **state)
{
	(void)state;
	query("mlx5_0");
	p2pmr_close(ctx);
	ctx = NULL;
	tree_remove(&tree, "sys");
	assert_kind("bus");
	assert_string_equal(p2pmr_path_hop_address(path, 0), "0000:02:00.0");
	assert_sentence(p2pmr_path_explanation(path));
}

/* Each time sysfs is read anew. */
static void test_reads_anew(void **state)
{
	(void)state;
	query("mlx5_0");
	assert_kind("bus");
	put_config(PORT, 4, 0x1d);
	query("mlx5_0");
	assert_kind("bridge");
	assert_contains(p2pmr_path_remedy(path),
			"pci=disable_acs_redir=0000:00:01.0");
}

/* A topology reads nothing twice, and its paths outlive it. */
static void test_topology(void **state)
{
	struct p2pmr_topo *topo;
	unsigned int acs;

	(void)state;
	open_tree();
	assert_leaves_errno(topo = p2pmr_topo_new(ctx));
	assert_non_null(topo);
	assert_leaves_errno(path = p2pmr_topo_path(topo, nvme, "mlx5_0"));
	assert_kind("bus");
	p2pmr_path_free(path);
	put_config(PORT, 4, 0x1d);
	assert_leaves_errno(path = p2pmr_topo_path(topo, nvme, "mlx5_0"));
	assert_kind("bus");
	p2pmr_path_free(path);
	/* New to it is the RDMA device, not the port. */
	tree_link(&tree, "sys/devices/" NIC "/infiniband/mlx5_9/device", "../..");
	tree_link(&tree, "sys/class/infiniband/mlx5_9",
		  "../../devices/" NIC "/infiniband/mlx5_9");
	path = p2pmr_topo_path(topo, nvme, "mlx5_9");
	assert_kind("bus");
	assert_leaves_errno(p2pmr_topo_acs(topo, "00:01.0", &acs));
	assert_int_equal(acs, P2PMR_ACS_CAPABLE);
	assert_leaves_errno(p2pmr_topo_free(topo));
	assert_int_equal(p2pmr_path_hop_acs(path, 1), P2PMR_ACS_CAPABLE);
}

static void test_topology_acs(void **state)
{
	struct p2pmr_topo *topo;
	unsigned int acs;

	(void)state;
	put_config(PORT, 4, 0x1d);
	open_tree();
	topo = p2pmr_topo_new(ctx);
	assert_int_equal(p2pmr_topo_acs(topo, "0000:00:01.0", &acs), 0);
	assert_int_equal(acs, P2PMR_ACS_CAPABLE | P2PMR_ACS_REQUEST_REDIRECT |
			      P2PMR_ACS_COMPLETION_REDIRECT);
	assert_int_equal(p2pmr_topo_acs(topo, "0000:00:00.0", &acs), 0);
	assert_int_equal(acs, 0);
	assert_int_equal(p2pmr_topo_acs(topo, "0000:77:00.0", &acs), 0);
	assert_int_equal(acs, P2PMR_ACS_UNKNOWN);
	p2pmr_topo_free(topo);
}

static void test_topology_gone(void **state)
{
	struct p2pmr_topo *topo;

	(void)state;
	open_tree();
	topo = p2pmr_topo_new(ctx);
	assert_null(p2pmr_topo_path(topo, nvme, "mlx5_7"));
	assert_reason(P2PMR_REASON_NO_RDMA_DEVICE, ENODEV);
	path = p2pmr_topo_path(topo, nvme, "mlx5_0");
	assert_kind("bus");
	p2pmr_path_free(path);
	p2pmr_topo_free(topo);
	topo = p2pmr_topo_new(ctx);
	tree_remove(&tree, "sys/bus/pci/devices/0000:02:00.0");
	path = p2pmr_topo_path(topo, nvme, "mlx5_0");
	assert_null(path);
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	p2pmr_topo_free(topo);
}

static void test_topology_bad_arguments(void **state)
{
	struct p2pmr_context *other;
	struct p2pmr_topo *topo;
	unsigned int acs;
	char root[128];

	(void)state;
	open_tree();
	assert_null(p2pmr_topo_new(NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	tree_path(&tree, "sys", root, sizeof(root));
	other = p2pmr_open(P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = root));
	topo = p2pmr_topo_new(other);
	assert_null(p2pmr_topo_path(topo, nvme, "mlx5_0"));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_contains(p2pmr_reason_text(), "another context");
	assert_null(p2pmr_topo_path(NULL, nvme, "mlx5_0"));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_topo_path(topo, NULL, "mlx5_0"));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_topo_path(topo, p2pmr_provider_next(other, NULL),
				    "../mlx5_0"));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_topo_acs(topo, "nvme0", &acs), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_topo_acs(topo, "00:01.0", NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_topo_acs(NULL, "00:01.0", &acs), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_topo_acs(topo, NULL, &acs), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	p2pmr_topo_free(topo);
	p2pmr_topo_free(NULL);
	p2pmr_close(other);
}

static void test_bad_arguments(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "../nvme/nvme0", "mlx5_0/device", "/sys",
		"a-name-of-sixty-four-characters-which-is-more-than-the-kernel-has",
	};
	struct ibv_device device = { .name = "mlx5_0" };

	(void)state;
	open_tree();
	assert_null(p2pmr_path_query(NULL, &device));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_path_query(nvme, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_path_query_name(NULL, "mlx5_0"));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_path_query_name(nvme, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(p2pmr_path_query_name(nvme, bad[i]));
		assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	}
	p2pmr_path_free(NULL);
}

static void test_host_memory(void **state)
{
	struct ibv_device device = { .name = "mlx5_0" };

	(void)state;
	open_tree();
	assert_null(p2pmr_path_query(p2pmr_provider_find(ctx, "host"),
				     &device));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_contains(p2pmr_reason_text(), "\"host\"");
	assert_contains(p2pmr_reason_remedy(), "every RDMA device");
}

static void test_gone(void **state)
{
	(void)state;
	open_tree();
	assert_null(p2pmr_path_query_name(nvme, "mlx5_7"));
	assert_reason(P2PMR_REASON_NO_RDMA_DEVICE, ENODEV);
	assert_contains(p2pmr_reason_text(), "mlx5_7");
	tree_remove(&tree, "sys/class/infiniband");
	assert_null(p2pmr_path_query_name(nvme, "mlx5_0"));
	assert_reason(P2PMR_REASON_NO_RDMA_DEVICE, ENODEV);
	tree_remove(&tree, "sys/bus/pci/devices/0000:02:00.0");
	assert_null(p2pmr_path_query_name(nvme, "mlx5_0"));
	assert_reason(P2PMR_REASON_PROVIDER_GONE, ENODEV);
	assert_contains(p2pmr_reason_text(), "0000:02:00.0");
}

static void test_software(void **state)
{
	(void)state;
	query("rxe0");
	assert_kind("cpu");
	assert_int_equal(p2pmr_path_hops(path), 0);
	assert_null(p2pmr_path_hop_address(path, 0));
	assert_null(p2pmr_path_host_bridge(path, P2PMR_PATH_SIDE_DEVICE));
	put_software("siw0", "4: RNIC\n");
	query("siw0");
	assert_kind("none");
	/* An InfiniBand device that is not rxe; other words; no words */
	put_software("new0", "1: CA\n");
	assert_unknown("new0", "software");
	put_software("new1", "many\n");
	assert_unknown("new1", "software");
	tree_remove(&tree, "sys/devices/virtual/infiniband/new1/node_type");
	assert_unknown("new1", "software");
}

/* Hardware that is not on PCI */
static void test_platform(void **state)
{
	(void)state;
	tree_link(&tree, "sys/devices/platform/hns/infiniband/hns_0/device",
		  "../..");
	tree_link(&tree, "sys/class/infiniband/hns_0",
		  "../../devices/platform/hns/infiniband/hns_0");
	query("hns_0");
	assert_kind("none");
	assert_contains(p2pmr_path_explanation(path), "not on PCI");
}

/* An auxiliary device is between the PCI function and the RDMA device. */
static void test_parent_of_parent(void **state)
{
	(void)state;
	tree_link(&tree, "sys/devices/" NIC "/core.rdma.0/infiniband/aux_0/device",
		  "../..");
	tree_link(&tree, "sys/class/infiniband/aux_0",
		  "../../devices/" NIC "/core.rdma.0/infiniband/aux_0");
	query("aux_0");
	assert_kind("bus");
	assert_string_equal(p2pmr_path_hop_address(path, 2), "0000:02:00.1");
}

/*
 * A virtual function is on a bus that no bridge has, but below the same
 * bridge; and it has no ids of its own.
 */
static void test_virtual_function(void **state)
{
	static const unsigned char ones[4] = { 0xff, 0xff, 0xff, 0xff };
	char full[256];
	FILE *file;

	(void)state;
	put(PORT "/0000:03:00.4", "0x1018\n", 0, -1);
	put_rdma(PORT "/0000:03:00.4", "mlx5_2");
	tree_path(&tree, "sys/devices/" PORT "/0000:03:00.4/config", full,
		  sizeof(full));
	file = fopen(full, "r+");
	assert_non_null(file);
	assert_int_equal(fwrite(ones, 1, 4, file), 4);
	fclose(file);
	query("mlx5_2");
	assert_kind("bus");
	assert_string_equal(p2pmr_path_hop_address(path, 2), "0000:03:00.4");
}

/* Functions of a domain behind another one, as VMD has them */
static void test_root_bus_below_a_function(void **state)
{
	(void)state;
	put(PORT "/0000:02:01.0/pci10000:e0/10000:e0:06.0", "0x2030\n", 4, -1);
	put(PORT "/0000:02:01.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0",
	    "0x1017\n", 0, -1);
	put_rdma(PORT "/0000:02:01.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0",
		 "mlx5_2");
	query("mlx5_2");
	assert_kind("bridge");
	assert_int_equal(p2pmr_path_distance(path), 4);
	assert_string_equal(p2pmr_path_host_bridge(path,
						   P2PMR_PATH_SIDE_DEVICE),
			    "8086:2030");
}

/* What stands for the host bridge of mlx5_1, whose root bus has no 00.0 */
static void test_first_of_root_bus(void **state)
{
	static const unsigned char with_capabilities[64] = { [0x06] = 0x10, [0x34] = 0x40 };

	(void)state;
	tree_remove(&tree, "sys/devices/pci0000:80/0000:80:00.0");
	query("mlx5_1");
	assert_kind("bridge");
	assert_string_equal(p2pmr_path_host_bridge(path,
						   P2PMR_PATH_SIDE_DEVICE),
			    "8086:2030");

	/* A function of another bus is none of this one. */
	put("pci0000:80/0000:7f:00.0", "0x1234\n", 0, -1);
	query("mlx5_1");
	assert_kind("bridge");

	/* No root port: the kernel finds no host bridge. */
	put("pci0000:80/0000:80:00.3", "0x2030\n", 9, -1);
	query("mlx5_1");
	assert_kind("none");
	assert_null(p2pmr_path_host_bridge(path, P2PMR_PATH_SIDE_DEVICE));
	assert_int_equal(p2pmr_path_bridge_allowed(path), 0);

	/* A root port, but which are its ids? */
	put_config("pci0000:80/0000:80:00.3", 4, -1);
	tree_file(&tree, "sys/devices/pci0000:80/0000:80:00.3/vendor",
		  "8086\n");
	assert_unknown("mlx5_1", "cannot be identified (EBADMSG)");
	tree_file(&tree, "sys/devices/pci0000:80/0000:80:00.3/vendor",
		  "0x-086\n");
	assert_unknown("mlx5_1", "cannot be identified (EBADMSG)");
	tree_remove(&tree, "sys/devices/pci0000:80/0000:80:00.3/vendor");
	assert_unknown("mlx5_1", "cannot be identified (ENOENT)");
	/* Is it one? */
	tree_bytes(&tree, "sys/devices/pci0000:80/0000:80:00.3/config",
		   with_capabilities, sizeof(with_capabilities));
	assert_unknown("mlx5_1", "cannot be identified (EACCES)");
	assert_contains(p2pmr_path_remedy(path), "root");
}

static void test_cpu(void **state)
{
	(void)state;
	tree_file(&tree, "sys/devices/pci0000:80/0000:80:00.0/device",
		  "0x0000\n");
	query("mlx5_1");
	assert_kind("none");
	tree_file(&tree, "proc/cpuinfo",
		  "vendor_id\t: AuthenticAMD\ncpu family\t: 25\n");
	query("mlx5_1");
	assert_kind("bridge");
	tree_remove(&tree, "proc/cpuinfo");
	assert_unknown("mlx5_1", "cpuinfo");
	tree_folder(&tree, "proc/cpuinfo");
	assert_unknown("mlx5_1", "cpuinfo");
	query("mlx5_0");
	assert_kind("bus");
}

static enum p2pmr_iommu iommu(void)
{
	query("mlx5_0");
	return p2pmr_path_iommu(path, P2PMR_PATH_SIDE_DEVICE);
}

static void test_iommu(void **state)
{
	static const struct {
		const char *type;
		enum p2pmr_iommu mode;
	} types[] = {
		{ "identity\n", P2PMR_IOMMU_IDENTITY },
		{ "DMA\n", P2PMR_IOMMU_DMA },
		{ "DMA-FQ\n", P2PMR_IOMMU_DMA_FQ },
		{ "unmanaged\n", P2PMR_IOMMU_UNKNOWN },
		{ "blocked\n", P2PMR_IOMMU_UNKNOWN },
		{ "", P2PMR_IOMMU_UNKNOWN },
		{ "a word that is much too long\n", P2PMR_IOMMU_UNKNOWN },
	};

	(void)state;
	assert_int_equal(iommu(), P2PMR_IOMMU_NONE);
	put_iommu(NIC, "7", "DMA\n");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		tree_file(&tree, "sys/kernel/iommu_groups/7/type",
			  types[i].type);
		assert_int_equal(iommu(), types[i].mode);
	}
	tree_remove(&tree, "sys/kernel/iommu_groups/7/type");
	assert_int_equal(iommu(), P2PMR_IOMMU_UNKNOWN);
	/* Not a number: no file name is made of it. */
	tree_remove(&tree, "sys/devices/" NIC "/iommu_group");
	tree_link(&tree, "sys/devices/" NIC "/iommu_group", "a/..");
	tree_file(&tree, "sys/kernel/type", "DMA\n");
	assert_int_equal(iommu(), P2PMR_IOMMU_UNKNOWN);
}

/* Configuration space that is not as it should be */
static void test_config(void **state)
{
	static const unsigned char zeros[P2PMR_CONFIG_SIZE + 1];
	unsigned char ones[P2PMR_CONFIG_SIZE];
	const char *config = "sys/devices/" PORT "/config";
	char full[256];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	tree_bytes(&tree, config, zeros, 64);
	assert_unknown("mlx5_0", "is for root");
	assert_contains(p2pmr_path_explanation(path), "0000:00:01.0");
	assert_contains(p2pmr_path_remedy(path), "as root");
	assert_int_equal(p2pmr_path_hop_acs(path, 1), P2PMR_ACS_UNKNOWN);
	tree_bytes(&tree, config, zeros, 0);
	assert_unknown("mlx5_0", "EBADMSG");
	tree_bytes(&tree, config, zeros, 1000);
	assert_unknown("mlx5_0", "EBADMSG");
	tree_bytes(&tree, config, ones, sizeof(ones));
	assert_unknown("mlx5_0", "ENXIO");
	tree_remove(&tree, config);
	assert_unknown("mlx5_0", "ENOENT");
	tree_folder(&tree, config);
	assert_unknown("mlx5_0", "EBADMSG");
	tree_remove(&tree, config);
	tree_path(&tree, config, full, sizeof(full));
	assert_int_equal(mkfifo(full, 0644), 0);
	assert_unknown("mlx5_0", "EBADMSG");
	tree_remove(&tree, config);
	tree_link(&tree, config, "config");
	assert_unknown("mlx5_0", "ELOOP");
	tree_remove(&tree, config);
	/* Conventional PCI, and more than there can be */
	tree_bytes(&tree, config, zeros, 256);
	query("mlx5_0");
	assert_kind("bus");
	tree_bytes(&tree, config, zeros, sizeof(zeros));
	query("mlx5_0");
	assert_kind("bus");
}

static void test_permission_denied(void **state)
{
	char config[256], class[256];
	bool switched;

	(void)state;
	open_tree();
	tree_path(&tree, "sys/devices/" PORT "/config", config,
		  sizeof(config));
	tree_path(&tree, "sys/class", class, sizeof(class));
	assert_int_equal(chmod(config, 0), 0);
	switched = !geteuid() && !seteuid(65534);
	query("mlx5_0");
	if (switched)
		assert_int_equal(seteuid(0), 0);
	assert_kind("unknown");
	assert_contains(p2pmr_path_explanation(path), "0000:00:01.0");

	assert_int_equal(chmod(class, 0), 0);
	switched = !geteuid() && !seteuid(65534);
	query("mlx5_0");
	if (switched)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(class, 0755), 0);
	assert_kind("unknown");
	assert_contains(p2pmr_path_explanation(path), "EACCES");
}

/* Links that lead in a circle, nowhere, out of the tree, to something else */
static void test_links(void **state)
{
	static const char *const class = "sys/class/infiniband/mlx5_0";
	static const char *const drive = "sys/bus/pci/devices/0000:02:00.0";

	(void)state;
	open_tree();
	tree_remove(&tree, class);
	tree_link(&tree, class, "mlx5_0");
	assert_unknown("mlx5_0", "ELOOP");
	tree_remove(&tree, class);
	tree_link(&tree, class, "../../devices/none");
	assert_unknown("mlx5_0", "ENOENT");
	tree_remove(&tree, class);
	tree_link(&tree, class, "/proc");
	assert_unknown("mlx5_0", "EBADMSG");
	tree_remove(&tree, class);
	/* The root itself, and a name that only begins like it */
	tree_link(&tree, class, "../../../sys");
	assert_unknown("mlx5_0", "EBADMSG");
	tree_remove(&tree, class);
	tree_folder(&tree, "sys2");
	tree_link(&tree, class, "../../../sys2");
	assert_unknown("mlx5_0", "EBADMSG");
	tree_remove(&tree, class);
	tree_link(&tree, "sys/class/infiniband/mlx5_0/device", "../../none");
	assert_unknown("mlx5_0", "ENOENT");
	tree_remove(&tree, "sys/class/infiniband/mlx5_0/device");

	tree_remove(&tree, drive);
	tree_link(&tree, drive, "../../../devices/" FAR_NIC);
	assert_unknown("mlx5_1", "EBADMSG");
	assert_contains(p2pmr_path_explanation(path), "0000:02:00.0");
	tree_remove(&tree, drive);
	tree_link(&tree, drive, "../../../class");
	assert_unknown("mlx5_1", "ENODEV");
}

/* Functions below functions: too many, and one below itself */
static void test_depth(void **state)
{
	char function[512] = HOST;
	size_t used = strlen(function);

	(void)state;
	put(HOST "/0000:00:09.0/0000:0a:00.0/0000:00:09.0", "0x1017\n", 0, -1);
	put_rdma(HOST "/0000:00:09.0/0000:0a:00.0/0000:00:09.0", "mlx5_2");
	assert_unknown("mlx5_2", "ELOOP");

	/* Of one more than there is room for */
	for (unsigned int i = 0; i <= P2PMR_HOPS_MAX; i++)
		used += snprintf(function + used, sizeof(function) - used,
				 "/0000:%02x:00.0", i + 0x40);
	put_rdma(function, "mlx5_3");
	assert_unknown("mlx5_3", "EOVERFLOW");
	/* One less, and it goes. */
	*strrchr(function, '/') = '\0';
	put_rdma(function, "mlx5_4");
	query("mlx5_4");
	assert_int_equal(p2pmr_path_hops(path), 2 + P2PMR_HOPS_MAX);
}

/* Names that are nearly those of PCI functions are none. */
static void test_names(void **state)
{
	(void)state;
	tree_link(&tree, "sys/devices/platform/0:2:0.0/infiniband/odd_0/device",
		  "../..");
	tree_link(&tree, "sys/class/infiniband/odd_0",
		  "../../devices/platform/0:2:0.0/infiniband/odd_0");
	query("odd_0");
	assert_kind("none");
	assert_contains(p2pmr_path_explanation(path), "not on PCI");
	/* A function whose root bus has no such name */
	put("root/0000:09:00.0", "0x1017\n", 0, -1);
	put_rdma("root/0000:09:00.0", "odd_1");
	assert_unknown("odd_1", "cannot be identified (EBADMSG)");
}

/* Providers that are no p2pmem have paths as well. */
static void test_other_provider(void **state)
{
	struct p2pmr_fake fake = { .size = 4096, .available = 4096 };

	(void)state;
	open_tree();
	assert_int_equal(p2pmr_fake_add(ctx, "0000:02:00.1", &fake), 0);
	nvme = p2pmr_provider_find(ctx, "0000:02:00.1");
	query("mlx5_0");
	assert_kind("bus");
	assert_int_equal(p2pmr_path_distance(path), 0);
	assert_int_equal(p2pmr_path_hops(path), 1);
	assert_int_equal(p2pmr_path_hop_side(path, 0), P2PMR_PATH_SIDE_COMMON);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_getters),
		TEST(test_what_the_device_says),
		TEST(test_by_device),
		TEST(test_outlives_context),
		TEST(test_reads_anew),
		TEST(test_topology),
		TEST(test_topology_acs),
		TEST(test_topology_gone),
		TEST(test_topology_bad_arguments),
		TEST(test_bad_arguments),
		TEST(test_host_memory),
		TEST(test_gone),
		TEST(test_software),
		TEST(test_platform),
		TEST(test_parent_of_parent),
		TEST(test_virtual_function),
		TEST(test_root_bus_below_a_function),
		TEST(test_first_of_root_bus),
		TEST(test_cpu),
		TEST(test_iommu),
		TEST(test_config),
		TEST(test_permission_denied),
		TEST(test_links),
		TEST(test_depth),
		TEST(test_names),
		TEST(test_other_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
