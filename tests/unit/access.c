// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the CPU does to the device's memory, access by access: the instructions
 * of the library as they were compiled, and not what its source says.
 *
 * The memory stands for a BAR and is mapped twice. One mapping is handed to the
 * library and may not be touched: each instruction that does so faults and is
 * recorded, is let through alone (the mapping is opened, and the CPU told to
 * trap after one instruction), and the mapping is closed again. Through the
 * other mapping the test sees which bytes a store has changed, and puts them
 * back, so that a second store to the same byte would be seen as well.
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined(__x86_64__) || defined(__SANITIZE_ADDRESS__) || \
	defined(__SANITIZE_THREAD__)

int main(void)
{
	puts("needs x86-64, and no sanitizer");
	return 77;
}

#else

#define ALIGNMENTS 16
#define MAX_LEN 80
/* Before the range: as much as the widest store of any CPU */
#define BEFORE 64
#define WATCHED (BEFORE + ALIGNMENTS + MAX_LEN + 64)
#define UNTOUCHED 0xff

struct access {
	bool store;
	size_t at;
	size_t changed;
	size_t changed_at;
};

static struct access accesses[2 * WATCHED];
static volatile size_t n_accesses;
static volatile bool strayed;

/* What the library gets, and what the test sees it by */
static unsigned char *dev, *seen;
static size_t page;

/* By whatever store: what was there last */
static unsigned char stored[WATCHED];

static void close_device(void)
{
	mprotect(dev, page, PROT_NONE);
}

static void on_fault(int number, siginfo_t *info, void *arg)
{
	const greg_t write = 1 << 1, trap = 1 << 8;
	unsigned char *addr = info->si_addr;
	ucontext_t *context = arg;
	struct access *access = &accesses[n_accesses];

	if (addr < dev || addr >= dev + WATCHED ||
	    n_accesses == ARRAY_SIZE(accesses)) {
		/* Not ours: fault again, and die of it */
		strayed = true;
		signal(number, SIG_DFL);
		return;
	}
	*access = (struct access){
		.store = context->uc_mcontext.gregs[REG_ERR] & write,
		.at = addr - dev,
	};
	n_accesses++;
	mprotect(dev, page, PROT_READ | PROT_WRITE);
	context->uc_mcontext.gregs[REG_EFL] |= trap;
}

static void on_trap(int number, siginfo_t *info, void *arg)
{
	const greg_t trap = 1 << 8;
	ucontext_t *context = arg;
	struct access *access = &accesses[n_accesses - 1];

	(void)number;
	(void)info;
	context->uc_mcontext.gregs[REG_EFL] &= ~trap;
	close_device();
	if (!access->store)
		return;
	for (size_t i = 0; i < WATCHED; i++) {
		if (seen[i] == UNTOUCHED)
			continue;
		if (!access->changed)
			access->changed_at = i;
		access->changed = i + 1 - access->changed_at;
		stored[i] = seen[i];
		seen[i] = UNTOUCHED;
	}
}

static bool map_device(void)
{
	int fd = memfd_create("device", MFD_CLOEXEC);

	page = sysconf(_SC_PAGESIZE);
	if (fd < 0 || ftruncate(fd, page))
		return false;
	dev = mmap(NULL, page, PROT_NONE, MAP_SHARED, fd, 0);
	seen = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return dev != MAP_FAILED && seen != MAP_FAILED;
}

/* Never UNTOUCHED, and different from byte to byte */
static unsigned char pattern(size_t i)
{
	return (i * 7 + 1) & 0x7f;
}

/* In each test anew: cmocka has a handler of its own for SIGSEGV. */
static void start(unsigned char before)
{
	const struct sigaction fault = {
		.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO,
	};
	const struct sigaction trap = {
		.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO,
	};

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGTRAP, &trap, NULL);
	memset(seen, before, WATCHED);
	memset(stored, UNTOUCHED, sizeof(stored));
	n_accesses = 0;
	strayed = false;
}

/* Known accesses: does the machinery see them? (Not under valgrind.) */
static bool works(void)
{
	volatile uint32_t *words;

	start(UNTOUCHED);
	words = (volatile uint32_t *)(void *)(dev + BEFORE);
	words[1] = 0x01020304;
	(void)words[2];
	close_device();
	return n_accesses == 2 && accesses[0].store && !accesses[1].store &&
	       accesses[0].at == BEFORE + 4 && accesses[0].changed == 4 &&
	       accesses[0].changed_at == BEFORE + 4 &&
	       accesses[1].at == BEFORE + 8 && stored[BEFORE + 4] == 4;
}

static void assert_access(size_t at, size_t size, size_t from, size_t to)
{
	assert_true(size == 1 || size == 2 || size == 4 || size == 8);
	assert_int_equal(at % size, 0);
	assert_in_range(at, from, to - size);
}

/* Each byte of the range was stored once, and nothing was loaded */
static void check_stores(size_t from, size_t len)
{
	size_t next = from;

	assert_false(strayed);
	assert_true(n_accesses <= len / 8 + 6);
	for (size_t i = 0; i < n_accesses; i++) {
		assert_true(accesses[i].store);
		assert_int_equal(accesses[i].at, next);
		assert_int_equal(accesses[i].changed_at, next);
		assert_access(next, accesses[i].changed, from, from + len);
		next += accesses[i].changed;
	}
	assert_int_equal(next, from + len);
	for (size_t i = 0; i < WATCHED; i++) {
		if (i < from || i >= from + len)
			assert_int_equal(stored[i], UNTOUCHED);
	}
}

/*
 * Nothing was stored. Where a load starts is seen; it can only reach to where
 * the next one starts, or the range ends, if no byte is to be loaded twice.
 */
static void check_loads(size_t from, size_t len)
{
	assert_false(strayed);
	assert_true(n_accesses <= len / 8 + 6);
	assert_true(n_accesses || !len);
	for (size_t i = 0; i < n_accesses; i++) {
		size_t next = i + 1 < n_accesses ? accesses[i + 1].at :
						   from + len;

		assert_false(accesses[i].store);
		assert_true(next > accesses[i].at);
		assert_access(accesses[i].at, next - accesses[i].at, from,
			      from + len);
	}
	if (len)
		assert_int_equal(accesses[0].at, from);
}

static void test_write(void **state)
{
	unsigned char src[MAX_LEN];

	(void)state;
	for (size_t i = 0; i < MAX_LEN; i++)
		src[i] = pattern(i);
	for (size_t from = BEFORE; from < BEFORE + ALIGNMENTS; from++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			start(UNTOUCHED);
			p2pmr_copy_to(dev + from, src, len);
			check_stores(from, len);
			assert_memory_equal(stored + from, src, len);
		}
	}
}

static void test_fill(void **state)
{
	unsigned char bytes[MAX_LEN];

	(void)state;
	memset(bytes, 0x5a, sizeof(bytes));
	for (size_t from = BEFORE; from < BEFORE + ALIGNMENTS; from++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			start(UNTOUCHED);
			p2pmr_copy_fill(dev + from, 0x5a, len);
			check_stores(from, len);
			assert_memory_equal(stored + from, bytes, len);
		}
	}
}

static void test_read(void **state)
{
	unsigned char dst[MAX_LEN];

	(void)state;
	for (size_t from = BEFORE; from < BEFORE + ALIGNMENTS; from++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			start(0);
			for (size_t i = 0; i < len; i++)
				seen[from + i] = pattern(i);
			p2pmr_copy_from(dst, dev + from, len);
			check_loads(from, len);
			assert_memory_equal(dst, seen + from, len);
		}
	}
}

static void test_compare(void **state)
{
	unsigned char with[MAX_LEN];
	size_t found;

	(void)state;
	for (size_t i = 0; i < MAX_LEN; i++)
		with[i] = pattern(i);
	for (size_t from = BEFORE; from < BEFORE + ALIGNMENTS; from++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			start(0);
			memcpy(seen + from, with, len);
			found = p2pmr_copy_compare(dev + from, with, len);
			assert_int_equal(found, len);
			check_loads(from, len);
		}
	}
}

/* What lies behind the first difference is not waited for. */
static void test_compare_stops(void **state)
{
	unsigned char with[MAX_LEN] = { 0 };

	(void)state;
	for (size_t at = 0; at < MAX_LEN; at++) {
		start(0);
		seen[BEFORE + at] = 1;
		assert_int_equal(p2pmr_copy_compare(dev + BEFORE, with,
						    MAX_LEN), at);
		assert_int_equal(n_accesses, at / 8 + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_stops),
	};

	if (!map_device() || !works()) {
		puts("accesses cannot be trapped here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
