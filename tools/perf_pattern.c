// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "perf_pattern.h"

#define SLOT_ALIGN 64
/* More slots than this only cost cache, on both sides */
#define SLOTS_BYTES 65536

int perf_layout_init(struct perf_layout *lay, uint64_t size,
		     uint32_t slots_max, uint32_t qps, uint64_t iterations,
		     uint32_t lanes)
{
	uint64_t slots;

	lay->size = size;
	lay->stride = (size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
	slots = SLOTS_BYTES / lay->stride;
	if (slots > slots_max)
		slots = slots_max;
	/* Every slot is to be written, so that the whole area can be checked */
	if (iterations && slots > iterations)
		slots = iterations;
	lay->slots = slots ? slots : 1;
	lay->qps = qps;
	lay->lanes = lanes;
	if (lay->stride * lay->slots >
	    PERF_AREA_MAX / ((uint64_t)qps * lanes) - SLOT_ALIGN)
		return -ERANGE;
	lay->lane_bytes = lay->stride * lay->slots * qps + SLOT_ALIGN;
	lay->area_bytes = lay->lane_bytes * lanes;
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

uint64_t perf_pattern_word(uint64_t key, uint64_t offset)
{
	return word_at(key, PERF_FILL_DATA, offset);
}

/* The slot that starts at @in_lane has atomics in it: count them in */
static void expect_atomic(const struct perf_layout *lay,
			  const struct perf_expect *ex, uint64_t in_lane,
			  uint8_t *word)
{
	uint64_t slot = in_lane / lay->stride;
	uint64_t uses = perf_layout_uses(lay, slot % lay->slots,
					 ex->qp_messages[slot / lay->slots]);
	uint64_t val;

	memcpy(&val, word, sizeof(val));
	val += ex->fetched ? uses - 1 : uses;
	memcpy(word, &val, sizeof(val));
}

/* The data of one slot, from byte @in_slot of it on */
static void expect_slot(uint64_t key, const struct perf_layout *lay,
			const struct perf_expect *ex, uint64_t offset,
			uint64_t in_slot, uint8_t *out, uint64_t take)
{
	perf_pattern_fill(key, PERF_FILL_DATA, offset, out, take);
	/* Chunks end between slots when these are that small */
	if (ex->qp_messages && !in_slot && take >= sizeof(uint64_t))
		expect_atomic(lay, ex, offset % lay->lane_bytes, out);
	if (ex->marked && in_slot + take == lay->size)
		out[take - 1] = ex->mark;
}

void perf_pattern_expect(uint64_t key, const struct perf_layout *lay,
			 const struct perf_expect *ex, uint64_t offset,
			 void *dst, size_t len)
{
	uint64_t slots_end = lay->stride * lay->slots * lay->qps;
	/* What atomics operate on is data beforehand, in gaps as well */
	enum perf_fill gap = ex->qp_messages && !ex->fetched ?
			     PERF_FILL_DATA : PERF_FILL_GUARD;
	uint8_t *out = dst;

	while (len) {
		uint64_t in_lane = offset % lay->lane_bytes;
		uint64_t in_slot = in_lane % lay->stride;
		bool data = in_lane < slots_end && in_slot < lay->size;
		uint64_t take;

		if (in_lane >= slots_end)
			take = lay->lane_bytes - in_lane;
		else
			take = (data ? lay->size : lay->stride) - in_slot;
		if (take > len)
			take = len;
		if (data)
			expect_slot(key, lay, ex, offset, in_slot, out, take);
		else
			perf_pattern_fill(key, gap, offset, out, take);
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
