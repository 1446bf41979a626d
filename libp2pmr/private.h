/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the library's files share among themselves, and the unit tests see. */
#ifndef P2PMR_PRIVATE_H
#define P2PMR_PRIVATE_H

#include "ops.h" /* IWYU pragma: export */

#include <stdatomic.h>
#include <stdio.h>

TAILQ_HEAD(p2pmr_provider_head, p2pmr_provider);

/**
 * struct p2pmr_context - providers, as they were found
 * @sysfs_root: directory that stands for /sys
 * @references: one for the caller of p2pmr_open(), one for each buffer, so
 *	that a buffer freed after p2pmr_close() finds its provider
 * @fallbacks: how often host memory had to do
 * @pins: does any RDMA device pin peer memory? 0: not known yet; 1: yes; -1: none
 * @providers: peer memory by PCI address, then the rest; fixed once
 *	p2pmr_open() has returned, which is why nothing here is locked
 */
struct p2pmr_context {
	char *sysfs_root;
	atomic_uint references;
	atomic_uint_fast64_t fallbacks;
	atomic_int pins;
	struct p2pmr_provider_head providers;
};

LIST_HEAD(p2pmr_cache_entries, p2pmr_cache_entry);

/**
 * struct p2pmr_buf - memory of a provider, mapped
 * @provider: whose
 * @addr: where
 * @size: whole pages
 * @dmabuf: descriptor of the dma-buf that it is, or -1
 * @imported: it came with the dma-buf, from somebody else
 * @epoch: that of its provider when it was allocated
 * @generation: a number that no other buffer of this process has or had
 * @cached: caches have, or had, regions on it; may be read by who frees it
 * @regions: these, of all caches; theirs
 */
struct p2pmr_buf {
	struct p2pmr_provider *provider;
	void *addr;
	size_t size;
	int dmabuf;
	bool imported;
	unsigned int epoch;
	uint64_t generation;
	bool cached;
	struct p2pmr_cache_entries regions;
};

/* context.c */
void p2pmr_context_get(struct p2pmr_context *ctx);
void p2pmr_context_put(struct p2pmr_context *ctx);

/*
 * Copy an option struct of any version into @known, of which this version
 * knows @known_size bytes; what @opts does not have reads as zero. An option
 * struct must not end in padding: a later field there would read what the
 * caller's compiler left in it.
 *
 * @opts: starts with size_t sz; NULL: all defaults
 * @least: size of the struct in its first release
 *
 * 0, or -EINVAL with reason BAD_OPTIONS.
 */
int p2pmr_opts_read(const void *opts, const char *name, size_t least,
		    void *known, size_t known_size);

/*
 * cache.c: no cache finds regions on @buf any more, and those that are idle are
 * deregistered. For a buffer that is @cached, before it is unmapped.
 */
void p2pmr_cache_forget_buf(struct p2pmr_buf *buf);

/*
 * provider.c: regions on its memory that were registered until now are worth
 * nothing, and are not handed out by caches again. Any thread, at any time; to
 * be called as soon as it is known.
 */
void p2pmr_provider_left(struct p2pmr_provider *provider);

/*
 * dmabuf.c: the CPU is about to access a buffer, or has done so. 0, or -errno
 * with a reason; for a buffer that is no dma-buf there is nothing to do.
 *
 * @write: for writing; else for reading
 */
int p2pmr_dmabuf_begin(const struct p2pmr_buf *buf, bool write);
int p2pmr_dmabuf_end(const struct p2pmr_buf *buf, bool write);

/* Is it a dma-buf? Then its size; else -errno with a reason */
int p2pmr_dmabuf_size(int fd, size_t *size);

/* Does the RDMA device import dma-bufs at all? */
bool p2pmr_dmabuf_imports(struct ibv_pd *pd);

/* Does any RDMA device of this machine pin peer memory, as far as can be told? */
bool p2pmr_devices_pin(struct p2pmr_context *ctx);

/* copy.c: @dev is the memory that may be a BAR */
void p2pmr_copy_to(volatile void *dev, const void *src, size_t len);
void p2pmr_copy_from(void *dst, const volatile void *dev, size_t len);
void p2pmr_copy_fill(volatile void *dev, unsigned char byte, size_t len);

/* Returns where the first difference is, @len when there is none. */
size_t p2pmr_copy_compare(const volatile void *dev, const void *with,
			  size_t len);

/* event.c: what the kernel says; no pointer is NULL */
struct p2pmr_uevent {
	const char *action;
	const char *subsystem;
	const char *devpath;
};

/* Is it an event of a provider? Fills @event in if so. */
bool p2pmr_event_from_uevent(struct p2pmr_context *ctx,
			     const struct p2pmr_uevent *uevent,
			     struct p2pmr_event *event);

/**
 * struct p2pmr_mr_request - what is to become a region
 * @pd: the protection domain
 * @buf: the buffer that it is in; NULL: just memory of this process
 * @addr: where it starts
 * @len: bytes
 * @access: IBV_ACCESS_* flags
 * @route: the one to take; P2PMR_ROUTE_NONE: whichever works
 */
struct p2pmr_mr_request {
	struct ibv_pd *pd;
	const struct p2pmr_buf *buf;
	void *addr;
	size_t len;
	int access;
	enum p2pmr_route route;
};

/*
 * mr.c: register it, with an errno on every failure, but without a reason.
 *
 * @taken: the route by which it was registered, or which was tried last; for
 *	memory that is in no buffer, P2PMR_ROUTE_NONE
 */
struct ibv_mr *p2pmr_mr_try(const struct p2pmr_mr_request *request,
			    enum p2pmr_route *taken);

/* The reason why that failed with @err, and @err as errno, or a better one */
void p2pmr_mr_explain(const struct p2pmr_mr_request *request,
		      enum p2pmr_route tried, int err);

/* sysfs.c: the root when the caller names none */
const char *p2pmr_sysfs_default_root(void);

/* reason.c */
struct p2pmr_reason_record {
	enum p2pmr_reason code;
	int err;
	char text[1024];
	char remedy[512];
};

/* Make @record the calling thread's reason; returns -@record->err. */
int p2pmr_reason_set(const struct p2pmr_reason_record *record);

/* For a call that succeeds, although one that it made did not */
void p2pmr_reason_save(struct p2pmr_reason_record *record);
void p2pmr_reason_restore(const struct p2pmr_reason_record *record);

/**
 * struct p2pmr_candidate - one provider that may be chosen
 * @provider: the provider
 * @is_peer: no: host memory
 * @kind: how the RDMA device reaches it
 * @distance: -1: none
 * @near: on the RDMA device's NUMA node
 * @available: bytes
 * @place: in the context's list
 */
struct p2pmr_candidate {
	struct p2pmr_provider *provider;
	bool is_peer;
	enum p2pmr_path_kind kind;
	int distance;
	bool near;
	uint64_t available;
	size_t place;
};

/* choice.c: for qsort(), the better one first */
int p2pmr_candidate_compare(const void *left, const void *right);

/* By the RDMA device's name; @host: host memory will do */
struct p2pmr_choice *p2pmr_choice_by_name(struct p2pmr_context *ctx,
					  const char *device, size_t size_bytes,
					  bool host);

/*
 * A registration that failed: what could be found out about it, by
 * mr-facts.c, and what follows from that, by mr-diagnose.c.
 */

/**
 * struct p2pmr_range_facts - what /proc/self/maps says about a range
 * @known: was it readable?
 * @hole: part of the range is not mapped, the first of it at @hole_at
 * @hole_at: see @hole
 * @no_write: part of it is mapped, but may not be written
 * @no_write_at: see @no_write
 * @no_read: part of it may not even be read
 * @no_read_at: see @no_read
 * @dmabuf: part of it is a mapping of a dma-buf
 * @peer: part of it is a mapping of p2pmem/allocate
 * @peer_at: start of the first such part
 * @peer_bytes: all such parts together
 * @peer_pci: PCI address of the first such part's provider, or empty
 * @peer_path: the file that the first such part maps
 * @peer_inode: its number as the mapping knows it
 * @peer_gone: the provider of the first such part has left
 * @file: another file that part of it is a shared mapping of, or empty
 */
struct p2pmr_range_facts {
	bool known;
	bool hole;
	uint64_t hole_at;
	bool no_write;
	uint64_t no_write_at;
	bool no_read;
	uint64_t no_read_at;
	bool dmabuf;
	bool peer;
	uint64_t peer_at;
	uint64_t peer_bytes;
	char peer_pci[P2PMR_NAME_LEN];
	char peer_path[512];
	uint64_t peer_inode;
	bool peer_gone;
	char file[256];
};

/**
 * struct p2pmr_limit_facts - what limits how much the process may pin
 * @known: could they be read?
 * @memlock: RLIMIT_MEMLOCK in bytes; UINT64_MAX: none
 * @pinned: pinned already, in bytes
 * @exempt: the process has CAP_IPC_LOCK where the kernel asks for it
 */
struct p2pmr_limit_facts {
	bool known;
	uint64_t memlock;
	uint64_t pinned;
	bool exempt;
};

/**
 * struct p2pmr_mr_facts - all that is known about a failed registration
 * @start: start of the range
 * @len: its length
 * @access: IBV_ACCESS_* flags
 * @page_size: of this machine
 * @device: the RDMA device's name
 * @driver: its kernel driver, or empty
 * @software: no hardware stands behind it: the CPU copies
 * @dmabuf: it was to be registered as a dma-buf
 * @imports: the RDMA device imports dma-bufs; looked at only if @dmabuf
 * @peer_mr: it says that it takes peer memory
 * @peer_atomic: it says that atomic operations work there
 * @kernel: the running kernel's release
 * @range: the range
 * @limits: the limits
 */
struct p2pmr_mr_facts {
	uint64_t start;
	uint64_t len;
	int access;
	uint64_t page_size;
	char device[P2PMR_NAME_LEN];
	char driver[P2PMR_NAME_LEN];
	bool software;
	bool dmabuf;
	bool imports;
	bool peer_mr;
	bool peer_atomic;
	char kernel[P2PMR_NAME_LEN];
	struct p2pmr_range_facts range;
	struct p2pmr_limit_facts limits;
};

/* Does a memory region with these flags get written to? As the kernel sees it */
bool p2pmr_access_writes(int access);

/* @maps: text in the form of /proc/self/maps. Fills all but @peer_gone. */
void p2pmr_maps_scan(FILE *maps, uint64_t start, uint64_t len,
		     struct p2pmr_range_facts *range);

/* @status, @uid_map: text in the form of these files in /proc/self */
void p2pmr_limits_scan(FILE *status, FILE *uid_map,
		       struct p2pmr_limit_facts *limits);

/* p2pmr_maps_scan() of this process, and whether the provider is still there */
void p2pmr_range_gather(uint64_t start, uint64_t len,
			struct p2pmr_range_facts *range);

/* @ctx: for its sysfs root; may be NULL */
void p2pmr_mr_facts_gather(const struct p2pmr_context *ctx, struct ibv_pd *pd,
			   const void *addr, size_t len, int access,
			   struct p2pmr_mr_facts *facts);

/* @err: what ibv_reg_mr() failed with. Pure: looks at nothing but @facts */
void p2pmr_mr_diagnose(int err, const struct p2pmr_mr_facts *facts,
		       struct p2pmr_reason_record *reason);

/*
 * A path: what sysfs says about both ends, by path-facts.c with path-acs.c, and
 * what follows from that, by path-decide.c.
 */

#define P2PMR_CONFIG_SIZE 4096
#define P2PMR_CONFIG_FIRST 256	/* the rest is of PCIe alone */

/* No list of extended capabilities is longer: each takes 8 bytes at least. */
#define P2PMR_EXT_CAPS_MAX ((P2PMR_CONFIG_SIZE - P2PMR_CONFIG_FIRST) / 8)

/* A real tree has at most a handful; the bus numbers would allow 255. */
#define P2PMR_HOPS_MAX 32

/**
 * struct p2pmr_hop - a PCI function on the way
 * @address: its PCI address
 * @acs: as p2pmr_path_hop_acs()
 * @acs_err: why @acs is unknown, positive; EACCES: the rest of its
 *	configuration space is for root
 */
struct p2pmr_hop {
	char address[P2PMR_NAME_LEN];
	unsigned int acs;
	int acs_err;
};

/**
 * struct p2pmr_host_bridge - what the kernel goes by to allow a host bridge
 * @name: of the root bus, "pci0000:00"; empty: not known
 * @err: why @vendor and @device are not known, positive; ENODEV: the kernel
 *	finds none
 * @vendor: of the function that stands for the host bridge
 * @device: likewise
 * @ids: both as text; empty: not known
 */
struct p2pmr_host_bridge {
	char name[P2PMR_NAME_LEN];
	int err;
	unsigned int vendor;
	unsigned int device;
	char ids[16];
};

/**
 * struct p2pmr_side_facts - one end of a path, and all above it
 * @err: why its place in the tree is not known, positive, or 0
 * @count: of @hops
 * @hops: the function itself, then the bridges above it
 * @host: the host bridge above all of them
 * @iommu: what is done with the function's DMA
 */
struct p2pmr_side_facts {
	int err;
	unsigned int count;
	struct p2pmr_hop hops[P2PMR_HOPS_MAX];
	struct p2pmr_host_bridge host;
	enum p2pmr_iommu iommu;
};

/**
 * enum p2pmr_rdma_type - what an RDMA device is
 * @P2PMR_RDMA_PCI: it has a PCI function
 * @P2PMR_RDMA_PLATFORM: it is hardware, but not on PCI
 * @P2PMR_RDMA_RXE: software, and the CPU copies
 * @P2PMR_RDMA_SIW: software, and TCP may get the pages
 * @P2PMR_RDMA_VIRTUAL: software of another kind
 */
enum p2pmr_rdma_type {
	P2PMR_RDMA_PCI,
	P2PMR_RDMA_PLATFORM,
	P2PMR_RDMA_RXE,
	P2PMR_RDMA_SIW,
	P2PMR_RDMA_VIRTUAL,
};

/**
 * struct p2pmr_path_facts - all that decides about a path
 * @provider_name: for people
 * @rdma_name: likewise
 * @rdma: what the RDMA device is; only a PCI one has facts in @device
 * @provider: the provider's side
 * @device: the RDMA device's side
 * @zen: the CPU is an AMD one of family 17h or later: 1 yes, 0 no, -1 not
 *	known
 */
struct p2pmr_path_facts {
	char provider_name[P2PMR_NAME_LEN];
	char rdma_name[P2PMR_NAME_LEN];
	enum p2pmr_rdma_type rdma;
	struct p2pmr_side_facts provider;
	struct p2pmr_side_facts device;
	int zen;
};

/**
 * struct p2pmr_path_verdict - what follows
 * @kind: the kind
 * @distance: as p2pmr_path_distance()
 * @allowed: as p2pmr_path_bridge_allowed()
 * @provider_hops: functions on the provider's side alone
 * @common: 1 when both sides meet in a function, else 0
 * @device_hops: functions on the RDMA device's side alone
 * @explanation: one sentence
 * @remedy: one sentence, or empty
 */
struct p2pmr_path_verdict {
	enum p2pmr_path_kind kind;
	int distance;
	int allowed;
	unsigned int provider_hops;
	unsigned int common;
	unsigned int device_hops;
	char explanation[2048];
	char remedy[2048];
};

/*
 * The ACS capability in configuration space, of which @len bytes could be read
 * and the file has @file_size. 0 and bits of enum p2pmr_acs, or -errno: -EACCES
 * when only root may read the rest, -ENXIO when the function does not answer,
 * -EBADMSG when it is no configuration space.
 */
int p2pmr_acs_scan(const unsigned char *config, size_t len, size_t file_size,
		   unsigned int *acs);

/*
 * Which extended capability to look at after the one at @at, in the search for
 * ACS; 0: this is it, or the last one. The first is at P2PMR_CONFIG_FIRST.
 */
unsigned int p2pmr_acs_next(const unsigned char *config, unsigned int at);

/* Is it a PCIe root port? 1, 0 or -errno as above */
int p2pmr_is_root_port(const unsigned char *config, size_t len);

/* @cpuinfo: text in the form of /proc/cpuinfo. As p2pmr_path_facts.zen */
int p2pmr_cpu_is_zen(FILE *cpuinfo);

/**
 * struct p2pmr_end - what was found out about a provider or an RDMA device
 * @link: to it, below the sysfs root: what it is found by
 * @rdma: of an RDMA device
 * @side: its place in the tree; of an RDMA device, if it is a PCI one
 */
struct p2pmr_end {
	char link[P2PMR_NAME_LEN * 2];
	enum p2pmr_rdma_type rdma;
	struct p2pmr_side_facts side;
};

/**
 * struct p2pmr_topo - what was read of the PCI tree so far
 * @ctx: where from
 * @ends: of struct p2pmr_end, by link; for tsearch()
 * @hops: of struct p2pmr_hop, by address; likewise
 * @asked_zen: is there anything in @zen?
 * @zen: as p2pmr_path_facts.zen
 */
struct p2pmr_topo {
	struct p2pmr_context *ctx;
	void *ends;
	void *hops;
	bool asked_zen;
	int zen;
};

/* topo.c: forget what was read; for one that is on the stack */
void p2pmr_topo_clear(struct p2pmr_topo *topo);

/* NULL: there is none yet */
struct p2pmr_end *p2pmr_topo_find_end(struct p2pmr_topo *topo,
				      const char *link);

/* For the caller to fill in; NULL: out of memory, with a reason */
struct p2pmr_end *p2pmr_topo_new_end(struct p2pmr_topo *topo, const char *link);

/* Fills in the rest of @hop by its address; false: there is none yet */
bool p2pmr_topo_find_hop(struct p2pmr_topo *topo, struct p2pmr_hop *hop);

/* For later; without memory it is read again then */
void p2pmr_topo_keep_hop(struct p2pmr_topo *topo, const struct p2pmr_hop *hop);

/* path-facts.c: fill in the rest of @hop by its address */
void p2pmr_hop_gather(struct p2pmr_topo *topo, struct p2pmr_hop *hop);

/* path.c: p2pmr_path_query_name() from what @topo knows or learns */
struct p2pmr_path *p2pmr_path_from_topo(struct p2pmr_topo *topo,
					const struct p2pmr_provider *provider,
					const char *rdma_device);

/* 0, or -errno with a reason when one of the two is not there at all */
int p2pmr_path_facts_gather(struct p2pmr_topo *topo,
			    const struct p2pmr_provider *provider,
			    const char *rdma_device,
			    struct p2pmr_path_facts *facts);

/* Pure: looks at nothing but @facts */
void p2pmr_path_decide(const struct p2pmr_path_facts *facts,
		       struct p2pmr_path_verdict *verdict);

/* @hop: 0 (the provider) up to the RDMA device; it must exist */
const struct p2pmr_hop *
p2pmr_path_get_hop(const struct p2pmr_path_facts *facts,
		   const struct p2pmr_path_verdict *verdict, unsigned int hop);

#endif
