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

/* Map len bytes; at is where to, or NULL for anywhere. Ends the program. */
void *peer_map(const char *allocate, size_t len, void *at);

/* len bytes of address space to put mappings into */
void *reserve(size_t len);

/* Ordinary memory at a given place; not populated */
void *host_map(size_t len, void *at);

/* By 8-byte accesses, since each is a transaction; addr and len multiples of 8 */
void peer_fill(void *addr, size_t len, uint64_t seed);
void peer_read(void *dst, const void *addr, size_t len);

/* A file of sysfs */
void write_file(const char *path, const char *text);

/* The byte that belongs at offset i, different for neighbours and for pages */
static inline uint8_t pattern(uint64_t seed, size_t i)
{
	uint64_t x = (seed + i + 1) * 0x9e3779b97f4a7c15ull;

	return x >> 56;
}

#endif
