// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "perf_pattern.h"

#define SLOT_ALIGN 64
/* More slots than this only cost cache, on both sides */
#define SLOTS_BYTES 65536

int perf_layout_init(struct perf_layout *lay, uint64_t size, uint32_t depth,
		   uint32_t qps, uint64_t iterations)
{
	uint64_t slots;

	lay->size = size;
	lay->stride = (size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
	slots = SLOTS_BYTES / lay->stride;
	if (slots > depth)
		slots = depth;
	/* Every slot is to be written, so that the whole area can be checked */
	if (iterations && slots > iterations)
		slots = iterations;
	lay->slots = slots ? slots : 1;
	lay->qps = qps;
	if (lay->stride * lay->slots > PERF_AREA_MAX / qps - SLOT_ALIGN)
		return -ERANGE;
	lay->area_bytes = lay->stride * lay->slots * qps + SLOT_ALIGN;
	return 0;
}

/* A bijection of 64-bit words that leaves no bit of the input visible */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 29;
	x *= 0xa0761d6478bd642fULL;
	x ^= x >> 32;
	return x;
}

uint64_t perf_pattern_key(uint64_t seed, uint32_t pass)
{
	return mix(mix(seed) + pass);
}

/* The eight bytes at @offset, a multiple of eight, as they lie in memory */
static uint64_t word_at(uint64_t key, enum perf_fill fill, uint64_t offset)
{
	uint64_t word = mix(key + offset);

	return htole64(fill == PERF_FILL_GUARD ? ~word : word);
}

void perf_pattern_fill(uint64_t key, enum perf_fill fill, uint64_t offset,
		     void *dst, size_t len)
{
	uint8_t *out = dst;

	while (len) {
		size_t skip = offset % 8;
		size_t take = 8 - skip < len ? 8 - skip : len;
		uint64_t word = word_at(key, fill, offset - skip);

		memcpy(out, (uint8_t *)&word + skip, take);
		out += take;
		offset += take;
		len -= take;
	}
}

void perf_pattern_expect(uint64_t key, const struct perf_layout *lay,
		       uint64_t offset, void *dst, size_t len)
{
	uint64_t slots_end = lay->stride * lay->slots * lay->qps;
	uint8_t *out = dst;

	while (len) {
		uint64_t in_slot = offset % lay->stride;
		enum perf_fill fill = PERF_FILL_GUARD;
		uint64_t take;

		if (offset >= slots_end) {
			take = len;
		} else if (in_slot < lay->size) {
			fill = PERF_FILL_DATA;
			take = lay->size - in_slot;
		} else {
			take = lay->stride - in_slot;
		}
		if (take > len)
			take = len;
		perf_pattern_fill(key, fill, offset, out, take);
		out += take;
		offset += take;
		len -= take;
	}
}

void perf_pattern_compare(const uint8_t *expected, const uint8_t *got,
			uint64_t offset, size_t len,
			struct perf_verdict *verdict)
{
	size_t i;

	verdict->checked_bytes += len;
	if (!memcmp(expected, got, len))
		return;
	for (i = 0; i < len; i++) {
		if (expected[i] == got[i])
			continue;
		if (!verdict->wrong_bytes++) {
			verdict->first_offset = offset + i;
			verdict->expected = expected[i];
			verdict->got = got[i];
		}
	}
}
