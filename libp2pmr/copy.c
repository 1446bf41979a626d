// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Access by the CPU to memory that may be a device's BAR.
 *
 * memcpy() and its kin are not fit for a BAR: they may touch a byte twice, use
 * accesses that are wider than the device takes, or unaligned ones, which some
 * machines refuse on device memory. Here each byte of the device's side is
 * accessed once, by the largest naturally aligned access of at most 8 bytes.
 * It is volatile, so that the compiler neither joins nor splits nor repeats
 * it.
 *
 * Wider stores might make fewer bus transactions of an uncached mapping, which
 * is what the kernel gives P2PDMA memory. They are left out because they are
 * not right everywhere, and a process cannot tell where they are. In a virtual
 * machine a BAR may be emulated; then the hypervisor has to decode the
 * instruction that touched it. On x86, KVM (Linux 6.12) knows no AVX and no
 * MOVDIR64B there and the process gets SIGILL; on arm64, pairs and vectors
 * come without the description that it needs. Those of SSE it does know, but
 * no manual promises that a CPU sends their 16 bytes as one transaction. On a
 * write-combining mapping there is nothing to gain: there the CPU itself makes
 * whole lines of consecutive stores.
 */
#include "private.h"

#include <string.h>

/* The device's side has no declared type: these may alias anything. */
typedef uint64_t __attribute__((may_alias)) alias_u64;
typedef uint32_t __attribute__((may_alias)) alias_u32;
typedef uint16_t __attribute__((may_alias)) alias_u16;

/* The largest access that is aligned at @addr and stays within @len */
static size_t step(uintptr_t addr, size_t len)
{
	size_t size = 8;

	while (size > 1 && (addr % size || size > len))
		size /= 2;
	return size;
}

static void store(volatile void *dev, const void *src, size_t size)
{
	uint64_t value;
	uint32_t value32;
	uint16_t value16;

	switch (size) {
	case 8:
		memcpy(&value, src, 8);
		*(volatile alias_u64 *)dev = value;
		break;
	case 4:
		memcpy(&value32, src, 4);
		*(volatile alias_u32 *)dev = value32;
		break;
	case 2:
		memcpy(&value16, src, 2);
		*(volatile alias_u16 *)dev = value16;
		break;
	default:
		*(volatile uint8_t *)dev = *(const uint8_t *)src;
	}
}

static void load(void *dst, const volatile void *dev, size_t size)
{
	uint64_t value;
	uint32_t value32;
	uint16_t value16;

	switch (size) {
	case 8:
		value = *(const volatile alias_u64 *)dev;
		memcpy(dst, &value, 8);
		break;
	case 4:
		value32 = *(const volatile alias_u32 *)dev;
		memcpy(dst, &value32, 4);
		break;
	case 2:
		value16 = *(const volatile alias_u16 *)dev;
		memcpy(dst, &value16, 2);
		break;
	default:
		*(uint8_t *)dst = *(const volatile uint8_t *)dev;
	}
}

/*
 * Wait until earlier stores have left the CPU's write buffers: an ordinary
 * barrier orders them for other CPUs, but may leave stores to write-combining
 * memory (x86) or device memory (arm64) behind.
 */
static void drain_stores(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ __volatile__("sfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ __volatile__("dsb st" ::: "memory");
#else
	__sync_synchronize();
#endif
}

void p2pmr_copy_to(volatile void *dev, const void *src, size_t len)
{
	volatile uint8_t *to = dev;
	const uint8_t *from = src;

	while (len) {
		size_t size = step((uintptr_t)to, len);

		store(to, from, size);
		to += size;
		from += size;
		len -= size;
	}
	drain_stores();
}

void p2pmr_copy_fill(volatile void *dev, unsigned char byte, size_t len)
{
	volatile uint8_t *to = dev;
	uint8_t bytes[8];

	memset(bytes, byte, sizeof(bytes));
	while (len) {
		size_t size = step((uintptr_t)to, len);

		store(to, bytes, size);
		to += size;
		len -= size;
	}
	drain_stores();
}

void p2pmr_copy_from(void *dst, const volatile void *dev, size_t len)
{
	const volatile uint8_t *from = dev;
	uint8_t *to = dst;

	while (len) {
		size_t size = step((uintptr_t)from, len);

		load(to, from, size);
		to += size;
		from += size;
		len -= size;
	}
}

size_t p2pmr_copy_compare(const volatile void *dev, const void *with,
			  size_t len)
{
	const volatile uint8_t *from = dev;
	const uint8_t *expected = with;
	size_t done = 0;

	while (done < len) {
		size_t size = step((uintptr_t)from + done, len - done);
		uint8_t bytes[8];

		load(bytes, from + done, size);
		for (size_t i = 0; i < size; i++) {
			if (bytes[i] != expected[done + i])
				return done + i;
		}
		done += size;
	}
	return len;
}
