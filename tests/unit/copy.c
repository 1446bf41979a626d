// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Access by the CPU: right bytes, none outside the range, and the device's side
 * accessed aligned. By which accesses: see access.c.
 */
#include "unit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_LEN 80
#define GUARD 0xa5

static unsigned char pattern(size_t i)
{
	return i * 7 + 1;
}

static void check(const unsigned char *area, size_t at, size_t len,
		  size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (i >= at && i < at + len)
			assert_int_equal(area[i], pattern(i - at));
		else
			assert_int_equal(area[i], GUARD);
	}
}

/* All alignments of both sides, all lengths, guard bytes around */
static void test_all_alignments(void **state)
{
	_Alignas(16) unsigned char dev[MAX_LEN + 32], mem[MAX_LEN + 32];

	(void)state;
	for (size_t to = 0; to < 16; to++) {
		for (size_t from = 0; from < 16; from++) {
			for (size_t len = 0; len <= MAX_LEN; len++) {
				memset(dev, GUARD, sizeof(dev));
				memset(mem, 0, sizeof(mem));
				for (size_t i = 0; i < len; i++)
					mem[from + i] = pattern(i);
				p2pmr_copy_to(dev + to, mem + from, len);
				check(dev, to, len, sizeof(dev));

				memset(mem, GUARD, sizeof(mem));
				p2pmr_copy_from(mem + from, dev + to, len);
				check(mem, from, len, sizeof(mem));
			}
		}
	}
}

static void test_fill_all_alignments(void **state)
{
	_Alignas(16) unsigned char dev[MAX_LEN + 32];

	(void)state;
	for (size_t to = 0; to < 16; to++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			memset(dev, GUARD, sizeof(dev));
			p2pmr_copy_fill(dev + to, 0x80 + len, len);
			for (size_t i = 0; i < sizeof(dev); i++)
				assert_int_equal(dev[i], i >= to &&
						 i < to + len ? 0x80 + len :
						 GUARD);
		}
	}
}

/* Each byte differs in turn, also two at once, and those around always do */
static void test_compare_all_alignments(void **state)
{
	_Alignas(16) unsigned char dev[MAX_LEN + 32];
	unsigned char with[MAX_LEN];

	(void)state;
	for (size_t i = 0; i < MAX_LEN; i++)
		with[i] = pattern(i);
	for (size_t from = 0; from < 16; from++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			memset(dev, GUARD, sizeof(dev));
			memcpy(dev + from, with, len);
			assert_int_equal(p2pmr_copy_compare(dev + from, with,
							    len), len);
			for (size_t at = len; at--;) {
				dev[from + at] ^= 0x10;
				assert_int_equal(p2pmr_copy_compare(dev + from,
								    with, len),
						 at);
				if (at % 3)
					dev[from + at] ^= 0x10;
			}
		}
	}
}

/* Three pages, of which only the middle one may be touched */
static unsigned char *guarded_page(size_t page)
{
	unsigned char *area = mmap(NULL, 3 * page, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(area, MAP_FAILED);
	assert_int_equal(mprotect(area + page, page, PROT_READ | PROT_WRITE),
			 0);
	return area + page;
}

/* A byte outside the range would hit a page that faults. */
static void test_page_edges(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *dev = guarded_page(page);
	unsigned char *mem = guarded_page(page);

	(void)state;
	for (size_t len = 0; len <= MAX_LEN; len++) {
		for (size_t i = 0; i < len; i++)
			mem[i] = mem[page - len + i] = pattern(i);
		/* At the start of one and the end of the other, and back */
		p2pmr_copy_to(dev + page - len, mem, len);
		assert_memory_equal(dev + page - len, mem, len);
		p2pmr_copy_to(dev, mem + page - len, len);
		assert_memory_equal(dev, mem, len);
		p2pmr_copy_from(mem + page - len, dev, len);
		p2pmr_copy_from(mem, dev + page - len, len);
		assert_memory_equal(dev, mem, len);
		p2pmr_copy_fill(dev, 1, len);
		p2pmr_copy_fill(dev + page - len, 1, len);
		memset(mem, 1, len);
		memset(mem + page - len, 1, len);
		assert_int_equal(p2pmr_copy_compare(dev + page - len, mem,
						    len), len);
		assert_int_equal(p2pmr_copy_compare(dev, mem + page - len,
						    len), len);
	}
	munmap(dev - page, 3 * page);
	munmap(mem - page, 3 * page);
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)

#define CAN_TRAP 1

static void trap_unaligned(bool on)
{
	const unsigned long flag_ac = 1UL << 18;
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__builtin_ia32_writeeflags_u64(on ? flags | flag_ac : flags & ~flag_ac);
}
#else
#define CAN_TRAP 0

static void trap_unaligned(bool on)
{
	(void)on;
}
#endif

/* Does @run end with SIGBUS, when unaligned accesses raise it? */
static bool traps(void (*run)(unsigned char *dev, unsigned char *mem))
{
	_Alignas(16) unsigned char dev[MAX_LEN + 16], mem[MAX_LEN + 16];
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		memset(mem, 0, sizeof(mem));
		memset(dev, 0, sizeof(dev));
		trap_unaligned(true);
		run(dev, mem);
		trap_unaligned(false);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGBUS);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

static void access_unaligned(unsigned char *dev, unsigned char *mem)
{
	uint32_t value;

	__asm__ __volatile__("" : "+r"(dev));
	value = *(volatile uint32_t *)(dev + 1);
	mem[0] = value;
}

/*
 * Both sides at the same alignment: then the side that is not the device is
 * accessed aligned as well, and any trap comes from the device's side.
 */
static void copy_all(unsigned char *dev, unsigned char *mem)
{
	for (size_t at = 0; at < 16; at++) {
		for (size_t len = 0; len <= MAX_LEN; len++) {
			p2pmr_copy_to(dev + at, mem + at, len);
			p2pmr_copy_from(mem + at, dev + at, len);
			p2pmr_copy_fill(dev + at, 0, len);
			p2pmr_copy_compare(dev + at, mem + at, len);
		}
	}
}

static void test_never_unaligned(void **state)
{
	(void)state;
	/* Other machines, sanitizers and valgrind have no such trap. */
	if (!CAN_TRAP || !traps(access_unaligned)) {
		print_message("unaligned accesses cannot be trapped here\n");
		skip();
	}
	assert_false(traps(copy_all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_alignments),
		cmocka_unit_test(test_fill_all_alignments),
		cmocka_unit_test(test_compare_all_alignments),
		cmocka_unit_test(test_page_edges),
		cmocka_unit_test(test_never_unaligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
