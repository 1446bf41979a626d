// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Copies between ordinary memory and memory that may be a device's BAR.
 *
 * memcpy() is not fit for a BAR: it may touch a byte twice, use accesses that
 * are wider than the device takes, or unaligned ones, which some machines
 * refuse on device memory. Here each byte of the device's side is accessed
 * once, by the largest naturally aligned access of at most 8 bytes.
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
