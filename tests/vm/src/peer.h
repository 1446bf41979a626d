/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings of p2pmem/allocate as an application makes them, without the
 * library: these programs test the kernel.
 */
#ifndef P2PMR_TEST_PEER_H
#define P2PMR_TEST_PEER_H

#include <stddef.h>
#include <stdint.h>

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A line for the script that waits for it */
void announce(const char *what);

/* From catch_term() on, SIGTERM ends nothing, but is remembered */
void catch_term(void);
int term_came(void);

/*
 * Again and again until SIGTERM, which catch_term() has caught, while a drive
 * comes and goes. Returns 1 when it worked, and 0 when the drive was away.
 */
void churn(int (*once)(void *arg), void *arg);

/* What a program does: NAME with that many ARGs */
struct test {
	const char *name;
	int args;
	void (*run)(char **argv);
};

/* NULL: there is none */
const struct test *find_test(const struct test *tests, size_t n,
			     const char *name, int args);

/* Ordinary memory as a dma-buf */
int udmabuf(size_t len);

/* Map len bytes; at is where to, or NULL for anywhere. Ends the program. */
void *peer_map(const char *allocate, size_t len, void *at);

/* len bytes of address space to put mappings into */
void *reserve(size_t len);

/* Ordinary memory at a given place; not populated */
void *host_map(size_t len, void *at);

/* By 8-byte accesses, since each is a transaction; addr and len multiples of 8 */
void peer_fill(void *addr, size_t len, uint64_t seed);
void peer_read(void *dst, const void *addr, size_t len);

/* An access by the CPU ends in SIGBUS, as the memory has left */
void check_sigbus(volatile uint64_t *p);

/* A file of sysfs */
void write_file(const char *path, const char *text);

/* Take the driver of a drive, a PCI address, from it */
void unbind_drive(const char *drive);

/* The byte that belongs at offset i, different for neighbours and for pages */
static inline uint8_t pattern(uint64_t seed, size_t i)
{
	uint64_t x = (seed + i + 1) * 0x9e3779b97f4a7c15ull;

	return x >> 56;
}

#endif
