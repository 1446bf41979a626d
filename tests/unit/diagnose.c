// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The whole table: errno and facts in, reason out. */
#include "unit.h"

#define READ IBV_ACCESS_REMOTE_READ
#define WRITE (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ)
#define MIB (1024 * 1024UL)

struct row {
	const char *name;
	int err;
	int access;
	/* Facts that differ from those of sound host memory on a NIC */
	bool software, peer, gone, hole, no_read, no_write, no_maps;
	bool map_dmabuf, dmabuf, imports, peer_mr, peer_atomic;
	const char *file;
	uint64_t memlock;
	bool exempt, no_limits;
	/* What must come out */
	enum p2pmr_reason code;
	int code_errno;
	const char *says;
};

#define MEMORY_ERRNO(value) .err = (value), .access = WRITE

static const struct row table[] = {
	{ .name = "unpatched kernel, writable", .err = EFAULT, .access = WRITE,
	  .software = true, .peer = true,
	  .code = P2PMR_REASON_KERNEL_NO_PIN, .code_errno = EFAULT,
	  .says = "this kernel (6.12.1-test) refuses to pin" },
	{ .name = "... on a NIC", .err = EFAULT, .access = WRITE, .peer = true,
	  .code = P2PMR_REASON_KERNEL_NO_PIN, .code_errno = EFAULT,
	  .says = "peer memory of 0000:04:00.0" },
	{ .name = "peer, read-only access, no cause known", .err = EFAULT,
	  .access = READ, .peer = true,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EFAULT,
	  .says = "peer memory: of 0000:04:00.0" },
	{ .name = "hole", .err = EFAULT, .access = WRITE, .hole = true,
	  .code = P2PMR_REASON_NOT_MAPPED, .code_errno = EFAULT,
	  .says = "nothing is mapped at 0x7f0000001000" },
	{ .name = "hole beside peer memory", .err = EFAULT, .access = WRITE,
	  .hole = true, .peer = true,
	  .code = P2PMR_REASON_NOT_MAPPED, .code_errno = EFAULT,
	  .says = "nothing is mapped" },
	{ .name = "read-only mapping", .err = EFAULT, .access = WRITE,
	  .no_write = true,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "0x7f0000002000 is read-only" },
	{ .name = "read-only mapping of peer memory", .err = EFAULT,
	  .access = WRITE, .no_write = true, .peer = true,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "is read-only" },
	{ .name = "read-only mapping, read access", .err = EFAULT,
	  .access = READ, .no_write = true,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EFAULT,
	  .says = "knows no cause" },
	{ .name = "PROT_NONE", .err = EFAULT, .access = READ, .no_read = true,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "0x7f0000003000 may not be read" },
	{ .name = "file", .err = EFAULT, .access = WRITE, .file = "/data/file",
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EFAULT,
	  .says = "shared mapping of /data/file" },
	{ .name = "maps unreadable", .err = EFAULT, .access = WRITE,
	  .no_maps = true,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EFAULT,
	  .says = "peer memory: unknown" },
	{ .name = "provider left: EFAULT", .err = EFAULT, .access = WRITE,
	  .peer = true, .gone = true,
	  .code = P2PMR_REASON_PROVIDER_GONE, .code_errno = ENODEV,
	  .says = "0000:04:00.0, which has left" },
	{ .name = "provider left: ENODEV", .err = ENODEV, .access = WRITE,
	  .peer = true,
	  .code = P2PMR_REASON_PROVIDER_GONE, .code_errno = ENODEV,
	  .says = "which has left" },
	{ .name = "provider left: any errno", .err = EREMOTEIO, .access = READ,
	  .peer = true, .gone = true,
	  .code = P2PMR_REASON_PROVIDER_GONE, .code_errno = ENODEV,
	  .says = "failed with EREMOTEIO" },
	{ .name = "RDMA device left", .err = ENODEV, .access = WRITE,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = ENODEV,
	  .says = "peer memory: none" },
	{ .name = "no path", .err = EREMOTEIO, .access = WRITE, .peer = true,
	  .code = P2PMR_REASON_PATH_NONE, .code_errno = EREMOTEIO,
	  .says = "says the same of a read-only region" },
	{ .name = "no path, maps unreadable", .err = EREMOTEIO,
	  .access = WRITE, .no_maps = true,
	  .code = P2PMR_REASON_PATH_NONE, .code_errno = EREMOTEIO,
	  .says = "no path" },
	{ .name = "software device", .err = EREMOTEIO, .access = READ,
	  .software = true, .peer = true,
	  .code = P2PMR_REASON_KERNEL_NO_PIN, .code_errno = EREMOTEIO,
	  .says = "does not pin peer memory" },
	{ .name = "firmware failure", .err = EREMOTEIO, .access = WRITE,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EREMOTEIO,
	  .says = "knows no cause" },
	{ .name = "no opt-in", .err = EOPNOTSUPP, .access = WRITE,
	  .peer = true,
	  .code = P2PMR_REASON_DEVICE_NO_OPTIN, .code_errno = EOPNOTSUPP,
	  .says = "the driver test_ib does not take, because it cannot give it back" },
	{ .name = "no opt-in, software", .err = EOPNOTSUPP, .access = WRITE,
	  .peer = true, .software = true,
	  .code = P2PMR_REASON_DEVICE_NO_OPTIN, .code_errno = EOPNOTSUPP,
	  .says = "of this software RDMA device" },
	{ .name = "no opt-in, atomics", .err = EOPNOTSUPP, .peer = true,
	  .access = WRITE | IBV_ACCESS_REMOTE_ATOMIC,
	  .code = P2PMR_REASON_DEVICE_NO_OPTIN, .code_errno = EOPNOTSUPP,
	  .says = "cannot give it back" },
	{ .name = "no atomics", .err = EOPNOTSUPP, .peer = true,
	  .access = WRITE | IBV_ACCESS_REMOTE_ATOMIC, .peer_mr = true,
	  .code = P2PMR_REASON_NO_PEER_ATOMICS, .code_errno = EOPNOTSUPP,
	  .says = "test0 says that its atomic operations need not work" },
	{ .name = "no opt-in, although it says so", .err = EOPNOTSUPP,
	  .access = WRITE | IBV_ACCESS_REMOTE_ATOMIC, .peer = true,
	  .peer_mr = true, .peer_atomic = true,
	  .code = P2PMR_REASON_DEVICE_NO_OPTIN, .code_errno = EOPNOTSUPP,
	  .says = "does not take" },
	{ .name = "mapping of a dma-buf", .err = EFAULT, .access = WRITE,
	  .map_dmabuf = true,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EFAULT,
	  .says = "mapping of a dma-buf" },
	{ .name = "dma-buf: no import", .err = EOPNOTSUPP, .access = WRITE,
	  .dmabuf = true, .peer = true,
	  .code = P2PMR_REASON_DEVICE_NO_DMABUF, .code_errno = EOPNOTSUPP,
	  .says = "takes no dma-bufs" },
	{ .name = "dma-buf: software", .err = ENOSYS, .access = WRITE,
	  .dmabuf = true, .peer = true, .software = true,
	  .code = P2PMR_REASON_DEVICE_NO_DMABUF, .code_errno = EOPNOTSUPP,
	  .says = "no DMA of its own" },
	{ .name = "dma-buf: cannot give back", .err = EOPNOTSUPP,
	  .access = WRITE, .dmabuf = true, .imports = true, .peer = true,
	  .code = P2PMR_REASON_DEVICE_NO_REVOKE, .code_errno = EOPNOTSUPP,
	  .says = "the driver test_ib takes dma-bufs, but cannot give them back" },
	{ .name = "dma-buf: no path", .err = EREMOTEIO, .access = WRITE,
	  .dmabuf = true, .imports = true, .peer = true,
	  .code = P2PMR_REASON_PATH_NONE, .code_errno = EREMOTEIO,
	  .says = "memory, 0000:04:00.0" },
	{ .name = "dma-buf: no path, foreign", .err = EREMOTEIO,
	  .access = WRITE, .dmabuf = true, .imports = true,
	  .code = P2PMR_REASON_PATH_NONE, .code_errno = EREMOTEIO,
	  .says = "which is on a device" },
	{ .name = "dma-buf: gone", .err = ENODEV, .access = WRITE,
	  .dmabuf = true, .imports = true,
	  .code = P2PMR_REASON_PROVIDER_GONE, .code_errno = ENODEV,
	  .says = "has lost its memory" },
	{ .name = "dma-buf: EINVAL", .err = EINVAL, .dmabuf = true,
	  .access = IBV_ACCESS_REMOTE_WRITE, .imports = true,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "without local writing" },
	{ .name = "dma-buf: ENOMEM", .err = ENOMEM, .access = WRITE,
	  .dmabuf = true, .imports = true,
	  .code = P2PMR_REASON_OUT_OF_MEMORY, .code_errno = ENOMEM,
	  .says = "no memory left" },
	{ .name = "on demand", .err = EOPNOTSUPP,
	  .access = WRITE | IBV_ACCESS_ON_DEMAND,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "on-demand paging" },
	{ .name = "on demand, peer", .err = EOPNOTSUPP, .peer = true,
	  .access = WRITE | IBV_ACCESS_ON_DEMAND,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "and peer memory" },
	{ .name = "other flags", .err = EOPNOTSUPP,
	  .access = WRITE | IBV_ACCESS_HUGETLB,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "does not support access flags" },
	{ .name = "memlock", MEMORY_ERRNO(ENOMEM), .memlock = MIB,
	  .code = P2PMR_REASON_MEMLOCK, .code_errno = ENOMEM,
	  /* A range of 1 MiB that is not page-aligned, and 8192 before it */
	  .says = "1060864 bytes pinned, more than its RLIMIT_MEMLOCK of 1048576" },
	{ .name = "memlock, to the byte", MEMORY_ERRNO(ENOMEM),
	  .memlock = MIB + 12288 - 1,
	  .code = P2PMR_REASON_MEMLOCK, .code_errno = ENOMEM,
	  .says = "1060864 bytes" },
	{ .name = "just within memlock", MEMORY_ERRNO(ENOMEM),
	  .memlock = MIB + 12288,
	  .code = P2PMR_REASON_OUT_OF_MEMORY, .code_errno = ENOMEM,
	  .says = "RLIMIT_MEMLOCK is not the cause" },
	{ .name = "over memlock, but exempt", MEMORY_ERRNO(ENOMEM),
	  .memlock = 4096, .exempt = true,
	  .code = P2PMR_REASON_OUT_OF_MEMORY, .code_errno = ENOMEM,
	  .says = "no memory left" },
	{ .name = "no limit", MEMORY_ERRNO(ENOMEM), .memlock = UINT64_MAX,
	  .code = P2PMR_REASON_OUT_OF_MEMORY, .code_errno = ENOMEM,
	  .says = "no memory left" },
	{ .name = "limits unknown", MEMORY_ERRNO(ENOMEM), .memlock = 4096,
	  .no_limits = true,
	  .code = P2PMR_REASON_OUT_OF_MEMORY, .code_errno = ENOMEM,
	  .says = "no memory left" },
	{ .name = "memlock 0", MEMORY_ERRNO(EPERM), .memlock = 0,
	  .code = P2PMR_REASON_MEMLOCK, .code_errno = ENOMEM,
	  .says = "RLIMIT_MEMLOCK of 0" },
	{ .name = "EPERM for another cause", MEMORY_ERRNO(EPERM),
	  .memlock = MIB,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EPERM,
	  .says = "knows no cause" },
	{ .name = "remote write alone", .err = EINVAL,
	  .access = IBV_ACCESS_REMOTE_WRITE,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "without local writing" },
	{ .name = "remote atomic alone", .err = EINVAL,
	  .access = IBV_ACCESS_REMOTE_ATOMIC | READ,
	  .code = P2PMR_REASON_BAD_ACCESS, .code_errno = EINVAL,
	  .says = "without local writing" },
	{ .name = "EINVAL", .err = EINVAL, .access = WRITE,
	  .code = P2PMR_REASON_BAD_ARGUMENT, .code_errno = EINVAL,
	  .says = "for invalid" },
	{ .name = "EIO", .err = EIO, .access = WRITE,
	  .code = P2PMR_REASON_SYSTEM, .code_errno = EIO,
	  .says = "failed with EIO" },
};

static void fill(const struct row *row, struct p2pmr_mr_facts *facts)
{
	*facts = (struct p2pmr_mr_facts){
		.start = 0x7f0000000800,
		.len = MIB,
		.access = row->access,
		.page_size = 4096,
		.device = "test0",
		.kernel = "6.12.1-test",
		.software = row->software,
		.dmabuf = row->dmabuf,
		.imports = row->imports,
		.peer_mr = row->peer_mr,
		.peer_atomic = row->peer_atomic,
		.range = {
			.known = !row->no_maps,
			.dmabuf = row->map_dmabuf,
			.hole = row->hole, .hole_at = 0x7f0000001000,
			.no_write = row->no_write,
			.no_write_at = 0x7f0000002000,
			.no_read = row->no_read, .no_read_at = 0x7f0000003000,
			.peer = row->peer, .peer_gone = row->gone,
		},
		.limits = {
			.known = !row->no_limits,
			.memlock = row->memlock,
			.pinned = 8192,
			.exempt = row->exempt,
		},
	};
	if (!row->software)
		strcpy(facts->driver, "test_ib");
	if (row->file)
		strcpy(facts->range.file, row->file);
	if (!row->peer)
		return;
	facts->range.peer_bytes = MIB;
	strcpy(facts->range.peer_pci, "0000:04:00.0");
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct p2pmr_reason_record reason;
	struct p2pmr_mr_facts facts;

	fill(row, &facts);
	memset(&reason, 0xff, sizeof(reason));
	p2pmr_mr_diagnose(row->err, &facts, &reason);
	assert_string_equal(p2pmr_reason_name(reason.code),
			    p2pmr_reason_name(row->code));
	assert_int_equal(reason.err, row->code_errno);
	assert_contains(reason.text, row->dmabuf ?
			"test0: ibv_reg_dmabuf_mr() of 1048576 bytes at 0x7f0000000800 failed with " :
			"test0: ibv_reg_mr() of 1048576 bytes at 0x7f0000000800 failed with ");
	assert_contains(reason.text, p2pmr_errno_name(row->err));
	assert_contains(reason.text, row->says);
	assert_sentence(reason.text);
	assert_sentence(reason.remedy);
}

/* Whatever comes together, it must end in a reason and two sentences. */
static void test_all_together(void **state)
{
	struct p2pmr_reason_record reason;
	struct p2pmr_mr_facts facts;
	struct row row;

	(void)state;
	for (int bits = 0; bits < 1 << 12; bits++) {
		row = (struct row){
			.access = bits & 1 ? WRITE : READ,
			.software = bits & 2, .peer = bits & 4,
			.gone = bits & 8, .hole = bits & 16,
			.no_read = bits & 32, .no_write = bits & 64,
			.no_maps = bits & 128, .no_limits = bits & 256,
			.file = bits & 512 ? "/file" : NULL,
			.dmabuf = bits & 1024, .imports = bits & 2048,
		};
		fill(&row, &facts);
		/* each errno with an eighth of the combinations */
		for (int err = 1 + ((bits ^ bits >> 3 ^ bits >> 6 ^ bits >> 9) & 7);
		     err < 134; err += 8) {
			p2pmr_mr_diagnose(err, &facts, &reason);
			assert_int_not_equal(reason.code, P2PMR_REASON_NONE);
			assert_true(reason.err > 0);
			assert_sentence(reason.text);
			assert_sentence(reason.remedy);
		}
	}
}

static void test_longest_texts(void **state)
{
	struct p2pmr_reason_record reason;
	struct p2pmr_mr_facts facts;

	(void)state;
	memset(&facts, 0, sizeof(facts));
	facts.page_size = 4096;
	facts.start = UINT64_MAX - 4095;
	facts.len = 4096;
	facts.range.known = true;
	facts.range.peer = true;
	memset(facts.device, 'd', sizeof(facts.device) - 1);
	memset(facts.driver, 'd', sizeof(facts.driver) - 1);
	memset(facts.kernel, 'k', sizeof(facts.kernel) - 1);
	memset(facts.range.peer_pci, 'p', sizeof(facts.range.peer_pci) - 1);
	memset(facts.range.file, 'f', sizeof(facts.range.file) - 1);
	for (int err = 1; err < 134; err++) {
		p2pmr_mr_diagnose(err, &facts, &reason);
		assert_sentence(reason.text);
		assert_sentence(reason.remedy);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(table) + 2] = {
		cmocka_unit_test(test_all_together),
		cmocka_unit_test(test_longest_texts),
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		tests[i + 2] = (struct CMUnitTest){
			.name = table[i].name,
			.test_func = test_row,
			.initial_state = (void *)&table[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
