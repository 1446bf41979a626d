/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_PATH_H
#define P2PMR_PATH_H

#include <infiniband/verbs.h>

#include <p2pmr/provider.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A path is what the PCI topology makes of a provider and an RDMA device, and
 * why: the answer that the kernel's own rules give (Linux 6.12:
 * drivers/pci/p2pdma.c), found out from sysfs. What cannot be read is said to
 * be unknown, never guessed. The kernel has the last word when memory is
 * registered.
 */
struct p2pmr_path;

/**
 * enum p2pmr_path_kind - how an RDMA device reaches a provider
 * @P2PMR_PATH_UNKNOWN: something that the answer needs could not be read
 * @P2PMR_PATH_BUS: below a common PCI bridge, without going up to the CPU
 * @P2PMR_PATH_BRIDGE: through host bridges that the kernel allows
 * @P2PMR_PATH_CPU: the CPU copies, on behalf of a software RDMA device
 * @P2PMR_PATH_NONE: not at all
 */
enum p2pmr_path_kind {
	P2PMR_PATH_UNKNOWN = 0,
	P2PMR_PATH_BUS = 1,
	P2PMR_PATH_BRIDGE = 2,
	P2PMR_PATH_CPU = 3,
	P2PMR_PATH_NONE = 4,
};

/**
 * enum p2pmr_path_side - which part of a path a PCI function is on
 * @P2PMR_PATH_SIDE_PROVIDER: the provider, and what is above it alone
 * @P2PMR_PATH_SIDE_COMMON: the bridge where both sides meet (or the function,
 *	when provider and RDMA device are the same one)
 * @P2PMR_PATH_SIDE_DEVICE: the RDMA device, and what is above it alone
 */
enum p2pmr_path_side {
	P2PMR_PATH_SIDE_PROVIDER = 0,
	P2PMR_PATH_SIDE_COMMON = 1,
	P2PMR_PATH_SIDE_DEVICE = 2,
};

/**
 * enum p2pmr_acs - Access Control Services of a PCI function, as bits
 * @P2PMR_ACS_UNKNOWN: its configuration space could not be read far enough
 * @P2PMR_ACS_CAPABLE: it has the capability
 * @P2PMR_ACS_REQUEST_REDIRECT: P2P Request Redirect is on
 * @P2PMR_ACS_COMPLETION_REDIRECT: P2P Completion Redirect is on
 * @P2PMR_ACS_EGRESS_CONTROL: P2P Egress Control is on
 *
 * Each of the last three makes the kernel take the path for one that goes up
 * to the CPU.
 */
enum p2pmr_acs {
	P2PMR_ACS_UNKNOWN = 1 << 0,
	P2PMR_ACS_CAPABLE = 1 << 1,
	P2PMR_ACS_REQUEST_REDIRECT = 1 << 2,
	P2PMR_ACS_COMPLETION_REDIRECT = 1 << 3,
	P2PMR_ACS_EGRESS_CONTROL = 1 << 4,
};

/**
 * enum p2pmr_iommu - what an IOMMU does with a PCI function's DMA
 * @P2PMR_IOMMU_UNKNOWN: it could not be found out
 * @P2PMR_IOMMU_NONE: there is none in charge of the function
 * @P2PMR_IOMMU_IDENTITY: it passes addresses through
 * @P2PMR_IOMMU_DMA: it translates; unmaps take effect at once
 * @P2PMR_IOMMU_DMA_FQ: it translates; unmaps take effect in batches
 */
enum p2pmr_iommu {
	P2PMR_IOMMU_UNKNOWN = 0,
	P2PMR_IOMMU_NONE = 1,
	P2PMR_IOMMU_IDENTITY = 2,
	P2PMR_IOMMU_DMA = 3,
	P2PMR_IOMMU_DMA_FQ = 4,
};

/**
 * p2pmr_path_query() - what is between a provider and an RDMA device
 * @provider: the provider; not "host", which every RDMA device reaches
 * @device: the RDMA device; it need not be open
 *
 * Reads sysfs and /proc/cpuinfo anew, and opens the device for a moment to ask
 * what it is capable of. Whatever is known stands in the result, which is
 * independent of the context from then on. As an ordinary user
 * P2PMR_PATH_UNKNOWN is a frequent answer: configuration space beyond its
 * first 64 bytes, where ACS is, is for root to read.
 *
 * Thread-safety: any thread.
 *
 * Return: the path, for p2pmr_path_free(); or NULL with errno
 *   EINVAL	@provider or @device is NULL, or @provider is "host"
 *		(BAD_ARGUMENT)
 *   ENODEV	the provider has left since p2pmr_open() (PROVIDER_GONE), or
 *		the RDMA device has (NO_RDMA_DEVICE)
 *   ENOMEM	out of memory
 */
struct p2pmr_path *p2pmr_path_query(struct p2pmr_provider *provider,
				    struct ibv_device *device);

/**
 * p2pmr_path_query_name() - the same by the RDMA device's name
 * @provider: as for p2pmr_path_query()
 * @rdma_device: the device's name, for example "mlx5_0"
 *
 * For recorded trees (P2PMR_SYSFS_ROOT), of whose devices there is no struct
 * ibv_device, and so no one to ask what they are capable of.
 *
 * Thread-safety: any thread.
 *
 * Return: as p2pmr_path_query(); EINVAL also for a name that cannot be one.
 */
struct p2pmr_path *p2pmr_path_query_name(struct p2pmr_provider *provider,
					 const char *rdma_device);

/**
 * p2pmr_path_free() - free a path
 * @path: the path, or NULL
 */
void p2pmr_path_free(struct p2pmr_path *path);

/**
 * p2pmr_path_kind() - the answer
 * @path: the path
 *
 * Return: the kind.
 */
enum p2pmr_path_kind p2pmr_path_kind(const struct p2pmr_path *path);

/**
 * p2pmr_path_kind_name() - a kind as a word
 * @kind: the kind
 *
 * Return: "bus", "bridge", "cpu" or "none"; "unknown" for anything else.
 */
const char *p2pmr_path_kind_name(enum p2pmr_path_kind kind);

/**
 * p2pmr_path_distance() - how far it is, as the kernel counts it
 * @path: the path
 *
 * Steps from function to function: 0 within one function, 2 between functions
 * of one device, 4 across a switch; without a common bridge, all functions of
 * both sides. Less is better.
 *
 * Return: the distance; -1 when the kind is neither bus nor bridge.
 */
int p2pmr_path_distance(const struct p2pmr_path *path);

/**
 * p2pmr_path_explanation() - one sentence: why it is of this kind
 * @path: the path
 *
 * For people; it may be reworded in any release.
 *
 * Return: a string that lives as long as the path. Never NULL.
 */
const char *p2pmr_path_explanation(const struct p2pmr_path *path);

/**
 * p2pmr_path_remedy() - one sentence: what would make it better
 * @path: the path
 *
 * Return: as p2pmr_path_explanation(); NULL when there is nothing to do.
 */
const char *p2pmr_path_remedy(const struct p2pmr_path *path);

/**
 * p2pmr_path_hops() - how many PCI functions are on the way
 * @path: the path
 *
 * Counted are the provider, the bridges up to where both sides meet (if they
 * do not: up to the host bridges), those down to the RDMA device, and that.
 *
 * Return: how many; 0 when the tree could not be read, or the RDMA device is
 * not on PCI.
 */
unsigned int p2pmr_path_hops(const struct p2pmr_path *path);

/**
 * p2pmr_path_hop_address() - one of the functions on the way
 * @path: the path
 * @hop: 0 (the provider) to p2pmr_path_hops() - 1 (the RDMA device)
 *
 * Return: its PCI address, "0000:04:00.0", as long as the path lives; NULL
 * when there is no such hop.
 */
const char *p2pmr_path_hop_address(const struct p2pmr_path *path,
				   unsigned int hop);

/**
 * p2pmr_path_hop_side() - which part of the path a function is on
 * @path: the path
 * @hop: as for p2pmr_path_hop_address()
 *
 * Return: the side; P2PMR_PATH_SIDE_DEVICE when there is no such hop.
 */
enum p2pmr_path_side p2pmr_path_hop_side(const struct p2pmr_path *path,
					 unsigned int hop);

/**
 * p2pmr_path_hop_acs() - what ACS does in one of the functions on the way
 * @path: the path
 * @hop: as for p2pmr_path_hop_address()
 *
 * Source: the control register of the ACS extended capability.
 *
 * Return: bits of enum p2pmr_acs, 0 for a function without the capability;
 * P2PMR_ACS_UNKNOWN alone when it could not be read, or there is no such hop.
 */
unsigned int p2pmr_path_hop_acs(const struct p2pmr_path *path,
				unsigned int hop);

/**
 * p2pmr_path_iommu() - what the IOMMU does with one end's DMA
 * @path: the path
 * @side: P2PMR_PATH_SIDE_PROVIDER or P2PMR_PATH_SIDE_DEVICE
 *
 * It does not decide the kind: on a bus path, addresses bypass it.
 * Source: the function's iommu_group, and kernel/iommu_groups/N/type.
 *
 * Return: the mode; P2PMR_IOMMU_UNKNOWN also for any other @side, and for an
 * RDMA device that is not on PCI.
 */
enum p2pmr_iommu p2pmr_path_iommu(const struct p2pmr_path *path,
				  enum p2pmr_path_side side);

/**
 * p2pmr_path_iommu_name() - a mode as a word
 * @mode: the mode
 *
 * Return: "none", "identity", "DMA" or "DMA-FQ"; "unknown" for anything else.
 */
const char *p2pmr_path_iommu_name(enum p2pmr_iommu mode);

/**
 * p2pmr_path_host_bridge() - the host bridge above one end
 * @path: the path
 * @side: P2PMR_PATH_SIDE_PROVIDER or P2PMR_PATH_SIDE_DEVICE
 *
 * That is what the kernel looks up in its list: the first function of the root
 * bus, if it is at 00.0 or a root port.
 *
 * Return: vendor and device, "8086:2020", as long as the path lives; NULL when
 * there is none or it is not known.
 */
const char *p2pmr_path_host_bridge(const struct p2pmr_path *path,
				   enum p2pmr_path_side side);

/**
 * p2pmr_path_bridge_allowed() - may the path lead through host bridges?
 * @path: the path
 *
 * By the kernel's rules, as of p2pmr_path_list_kernel(): the CPU is an AMD one
 * of family 17h (Zen) or later, or all host bridges of the path are on the
 * list. It is said for bus paths as well, which do not need it.
 *
 * Return: 1 yes, 0 no, -1 it is not known.
 */
int p2pmr_path_bridge_allowed(const struct p2pmr_path *path);

/**
 * p2pmr_path_peer_mr() - does the RDMA device accept memory of peers?
 * @path: the path
 *
 * As the device says it through verbs, whatever the way to the provider is; see
 * p2pmr_device_caps(), P2PMR_CAP_PEER_MR.
 *
 * Return: 1 yes; 0 it does not say so: ibv_reg_mr() of peer memory will fail;
 * -1 it is not known: the path was asked for by name, or the device could not
 * be opened.
 */
int p2pmr_path_peer_mr(const struct p2pmr_path *path);

/**
 * p2pmr_path_peer_atomic() - does the RDMA device do atomics on such memory?
 * @path: the path
 *
 * As p2pmr_path_peer_mr(), with P2PMR_CAP_PEER_ATOMIC.
 *
 * Return: 1 yes, 0 it does not say so, -1 it is not known.
 */
int p2pmr_path_peer_atomic(const struct p2pmr_path *path);

/**
 * p2pmr_path_list_kernel() - which kernel the rules were taken from
 *
 * Other releases have other lists of host bridges; registering memory tells.
 *
 * Return: the Linux release, "6.12".
 */
const char *p2pmr_path_list_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
