// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From the errno of ibv_reg_mr() and the facts around it to a reason. One
 * function for each errno that the kernel's ib_umem_get() and the drivers
 * before it return; why each of them arises is told in the texts.
 */
#include "private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define WRITES (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND)
#define REMOTE_WRITES (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC)

#define REMEDY_KERNEL \
	"Boot a kernel that carries the libp2pmr series (folder kernel/ of its source), or use the provider \"host\"."
#define REMEDY_REPORT "Look for a message in the kernel log, and report this text with it."

bool p2pmr_access_writes(int access)
{
	return access & WRITES;
}

/* "rxe0: ibv_reg_mr() of 4096 bytes at 0x7f0000000000 failed with EFAULT: " */
static size_t start_text(int err, const struct p2pmr_mr_facts *facts,
			 struct p2pmr_reason_record *reason)
{
	int len = snprintf(reason->text, sizeof(reason->text),
			   "%s: ibv_reg_%smr() of %" PRIu64 " bytes at 0x%" PRIx64
			   " failed with %s: ", facts->device,
			   facts->dmabuf ? "dmabuf_" : "", facts->len,
			   facts->start, p2pmr_errno_name(err));

	return (size_t)len < sizeof(reason->text) ? (size_t)len :
	       sizeof(reason->text) - 1;
}

/*
 * The errno of the call: what its manual page promises for the code, which is
 * not always what the kernel said. The text names the latter.
 */
static int public_errno(enum p2pmr_reason code, int err)
{
	switch (code) {
	case P2PMR_REASON_BAD_ARGUMENT:
	case P2PMR_REASON_BAD_ACCESS:
		return EINVAL;
	case P2PMR_REASON_MEMLOCK:
		return ENOMEM;
	case P2PMR_REASON_PROVIDER_GONE:
		return ENODEV;
	case P2PMR_REASON_DEVICE_NO_DMABUF:
	case P2PMR_REASON_DEVICE_NO_REVOKE:
		return EOPNOTSUPP;
	default:
		return err;
	}
}

struct diagnosis {
	int err;
	const struct p2pmr_mr_facts *facts;
	struct p2pmr_reason_record *reason;
};

static void __attribute__((format(printf, 4, 5)))
conclude(const struct diagnosis *d, enum p2pmr_reason code, const char *remedy,
	 const char *fmt, ...)
{
	struct p2pmr_reason_record *reason = d->reason;
	size_t used = start_text(d->err, d->facts, reason);
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason->text + used, sizeof(reason->text) - used, fmt, args);
	va_end(args);
	if (remedy != reason->remedy)
		snprintf(reason->remedy, sizeof(reason->remedy), "%s", remedy);
	reason->code = code;
	reason->err = public_errno(code, d->err);
}

/* "0000:04:00.0", for texts */
static const char *peer(const struct p2pmr_mr_facts *facts)
{
	return *facts->range.peer_pci ? facts->range.peer_pci :
					"a PCI function";
}

/* Does the range hold peer memory, or, with /proc closed, could it? */
static bool may_be_peer(const struct p2pmr_mr_facts *facts)
{
	return facts->range.peer || !facts->range.known;
}

static void conclude_gone(const struct diagnosis *d)
{
	conclude(d, P2PMR_REASON_PROVIDER_GONE,
		 "Free the buffer, bring the device and its driver back, and call p2pmr_open() again.",
		 "the range maps memory of %s, which has left: its driver was unbound, or the device removed.",
		 peer(d->facts));
}

static void conclude_no_pin(const struct diagnosis *d, const char *why)
{
	conclude(d, P2PMR_REASON_KERNEL_NO_PIN, REMEDY_KERNEL,
		 "%" PRIu64 " bytes of the range are peer memory of %s, and this kernel (%s) %s.",
		 d->facts->range.peer_bytes, peer(d->facts), d->facts->kernel,
		 why);
}

static void conclude_unknown(const struct diagnosis *d)
{
	const struct p2pmr_range_facts *range = &d->facts->range;

	if (*range->file && d->err == EFAULT)
		conclude(d, P2PMR_REASON_SYSTEM,
			 "Register anonymous memory or a buffer of p2pmr_buf_alloc(), and copy.",
			 "part of the range is a shared mapping of %s, and the kernel pins neither device registers nor files whose filesystem tracks writes.",
			 range->file);
	else if (range->dmabuf && d->err == EFAULT)
		conclude(d, P2PMR_REASON_SYSTEM,
			 "Have the dma-buf as a buffer, by p2pmr_buf_import(), and register that.",
			 "part of the range is a mapping of a dma-buf whose memory the kernel does not pin.");
	else
		conclude(d, P2PMR_REASON_SYSTEM, REMEDY_REPORT,
			 "the library knows no cause for that (access flags 0x%x, peer memory: %s%s, kernel %s).",
			 d->facts->access,
			 !range->known ? "unknown" : range->peer ? "of " : "none",
			 range->known && range->peer ? peer(d->facts) : "",
			 d->facts->kernel);
}

static void diagnose_efault(const struct diagnosis *d)
{
	const struct p2pmr_range_facts *range = &d->facts->range;
	bool writes = p2pmr_access_writes(d->facts->access);

	if (range->hole)
		conclude(d, P2PMR_REASON_NOT_MAPPED,
			 "Register only what is mapped.",
			 "nothing is mapped at 0x%" PRIx64 ".", range->hole_at);
	else if (range->no_read)
		conclude(d, P2PMR_REASON_BAD_ACCESS,
			 "Map the memory with PROT_READ, or mprotect() it so.",
			 "the mapping at 0x%" PRIx64 " may not be read.",
			 range->no_read_at);
	else if (writes && range->no_write)
		conclude(d, P2PMR_REASON_BAD_ACCESS,
			 "Map the memory with PROT_WRITE, or leave out the access flags that write.",
			 "access flags 0x%x ask for writing, but the mapping at 0x%" PRIx64 " is read-only.",
			 d->facts->access, range->no_write_at);
	else if (writes && range->peer)
		conclude_no_pin(d, "refuses to pin writable mappings of p2pmem/allocate for long, as RDMA needs it");
	else
		conclude_unknown(d);
}

static void diagnose_eremoteio(const struct diagnosis *d)
{
	const struct p2pmr_mr_facts *facts = d->facts;

	/* Firmware of RDMA devices uses this errno for its own failures. */
	if (!may_be_peer(facts))
		conclude_unknown(d);
	else if (facts->software)
		conclude_no_pin(d, "does not pin peer memory for RDMA");
	else
		conclude(d, P2PMR_REASON_PATH_NONE,
			 "Put both devices below one PCIe switch, or below a host bridge that the kernel trusts with peer traffic; see p2pmr-topo(1).",
			 "the range holds peer memory of %s, and the kernel found no path through the PCI topology by which %s may reach it (a kernel that cannot pin peer memory, %s if it lacks the libp2pmr series, says the same of a read-only region).",
			 peer(facts), facts->device, facts->kernel);
}

static void diagnose_eopnotsupp(const struct diagnosis *d)
{
	const struct p2pmr_mr_facts *facts = d->facts;

	if (facts->access & IBV_ACCESS_ON_DEMAND)
		conclude(d, P2PMR_REASON_BAD_ACCESS,
			 "Leave out IBV_ACCESS_ON_DEMAND.",
			 "on-demand paging (access flags 0x%x) is not supported for this device%s.",
			 facts->access,
			 facts->range.peer ? " and peer memory" : "");
	else if (facts->range.peer && (facts->access & IBV_ACCESS_REMOTE_ATOMIC) &&
		 facts->peer_mr && !facts->peer_atomic)
		conclude(d, P2PMR_REASON_NO_PEER_ATOMICS,
			 "Leave out IBV_ACCESS_REMOTE_ATOMIC, or have the words that are used for atomics in host memory.",
			 "the range holds peer memory of %s, and %s says that its atomic operations need not work there: PCIe AtomicOps have to be passed on by every bridge on the way and done by the peer.",
			 peer(facts), facts->device);
	else if (facts->range.peer)
		conclude(d, P2PMR_REASON_DEVICE_NO_OPTIN,
			 "Use an RDMA device whose driver takes peer memory, or the provider \"host\".",
			 "the range holds peer memory of %s, which the driver %s does not take, because it cannot give it back when the provider leaves (or it does not support access flags 0x%x).",
			 peer(facts),
			 *facts->driver ? facts->driver :
			 facts->software ? "of this software RDMA device" :
			 "of this device",
			 facts->access);
	else
		conclude(d, P2PMR_REASON_BAD_ACCESS,
			 "Leave out the access flags that the device does not support.",
			 "the device does not support access flags 0x%x.",
			 facts->access);
}

/* What the pages of the range and those pinned before come to, in bytes */
static uint64_t pinned_then(const struct p2pmr_mr_facts *facts)
{
	uint64_t page = facts->page_size;
	uint64_t first = facts->start / page;
	uint64_t last = (facts->start + (facts->len - 1)) / page;

	return (last - first + 1) * page + facts->limits.pinned;
}

static void diagnose_memory(const struct diagnosis *d)
{
	const struct p2pmr_limit_facts *limits = &d->facts->limits;
	struct p2pmr_reason_record *reason = d->reason;
	uint64_t needed = pinned_then(d->facts);

	if (!limits->known || limits->exempt || needed <= limits->memlock) {
		conclude(d, P2PMR_REASON_OUT_OF_MEMORY,
			 "Free memory or memory regions, and look at the RDMA device's limits (ibv_devinfo -v: max_mr, max_mr_size).",
			 "the kernel or the device has no memory left for this region (RLIMIT_MEMLOCK is not the cause).");
		return;
	}
	snprintf(reason->remedy, sizeof(reason->remedy),
		 "Raise the limit to %" PRIu64 " KiB or more (ulimit -l, memlock in limits.conf(5), LimitMEMLOCK= in systemd.exec(5)), or grant CAP_IPC_LOCK.",
		 (needed + 1023) / 1024);
	conclude(d, P2PMR_REASON_MEMLOCK, reason->remedy,
		 "the process would have %" PRIu64 " bytes pinned, more than its RLIMIT_MEMLOCK of %" PRIu64 " bytes allows.",
		 needed, limits->memlock);
}

static void diagnose_einval(const struct diagnosis *d)
{
	int access = d->facts->access;

	if ((access & REMOTE_WRITES) && !(access & IBV_ACCESS_LOCAL_WRITE))
		conclude(d, P2PMR_REASON_BAD_ACCESS,
			 "Add IBV_ACCESS_LOCAL_WRITE.",
			 "access flags 0x%x ask for remote writing or atomics without local writing.",
			 access);
	else
		conclude(d, P2PMR_REASON_BAD_ARGUMENT,
			 "Check range and access flags against the device's limits (ibv_devinfo -v: max_mr_size).",
			 "the kernel or the verbs driver takes the range or access flags 0x%x for invalid.",
			 access);
}

static void diagnose_dmabuf(const struct diagnosis *d)
{
	const struct p2pmr_mr_facts *facts = d->facts;
	const char *driver = *facts->driver ? facts->driver : "of this device";

	switch (d->err) {
	case EOPNOTSUPP:
	case ENOSYS:
	case EPROTONOSUPPORT:
		if (!facts->imports)
			conclude(d, P2PMR_REASON_DEVICE_NO_DMABUF,
				 "Register the buffer by the route \"umem\", if the kernel has that, or use another RDMA device.",
				 "%s.", facts->software ?
				 "a software RDMA device has no DMA of its own, and takes no dma-bufs" :
				 "the driver, in the kernel or of libibverbs, takes no dma-bufs");
		else
			conclude(d, P2PMR_REASON_DEVICE_NO_REVOKE,
				 "Use an RDMA device whose driver can give dma-bufs back, or host memory.",
				 "the driver %s takes dma-bufs, but cannot give them back when their provider leaves, and this exporter wants that; the kernel log says so (or the driver does not support access flags 0x%x).",
				 driver, facts->access);
		break;
	case EREMOTEIO:
		conclude(d, P2PMR_REASON_PATH_NONE,
			 "Put both devices below one PCIe switch, or below a host bridge that the kernel trusts with peer traffic; see p2pmr-topo(1).",
			 "the kernel found no path through the PCI topology by which %s may reach the dma-buf's memory, %s.",
			 facts->device, facts->range.peer ? peer(facts) :
			 "which is on a device");
		break;
	case ENODEV:
		conclude(d, P2PMR_REASON_PROVIDER_GONE,
			 "Free the buffer, and allocate another one when the device and its driver are back.",
			 "the dma-buf has lost its memory, or the device that has it is out of reach (or it is the RDMA device that left).");
		break;
	case EINVAL:
		diagnose_einval(d);
		break;
	case ENOMEM:
		conclude(d, P2PMR_REASON_OUT_OF_MEMORY,
			 "Free memory or memory regions, and look at the RDMA device's limits (ibv_devinfo -v: max_mr, max_mr_size).",
			 "the kernel or the device has no memory left for this region.");
		break;
	default:
		conclude_unknown(d);
	}
}

void p2pmr_mr_diagnose(int err, const struct p2pmr_mr_facts *facts,
		       struct p2pmr_reason_record *reason)
{
	const struct diagnosis d = {
		.err = err,
		.facts = facts,
		.reason = reason,
	};

	memset(reason, 0, sizeof(*reason));
	/* Whatever the kernel said: with that, nothing else can succeed. */
	if (facts->range.peer && (facts->range.peer_gone || err == ENODEV)) {
		conclude_gone(&d);
		return;
	}
	if (facts->dmabuf) {
		diagnose_dmabuf(&d);
		return;
	}
	switch (err) {
	case EFAULT:
		diagnose_efault(&d);
		break;
	case EREMOTEIO:
		diagnose_eremoteio(&d);
		break;
	case EOPNOTSUPP:
		diagnose_eopnotsupp(&d);
		break;
	case ENOMEM:
		diagnose_memory(&d);
		break;
	case EPERM:
		/* The kernel's answer when the limit is 0 */
		if (facts->limits.known && !facts->limits.memlock)
			diagnose_memory(&d);
		else
			conclude_unknown(&d);
		break;
	case EINVAL:
		diagnose_einval(&d);
		break;
	default:
		conclude_unknown(&d);
	}
}
