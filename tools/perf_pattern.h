/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bytes of a data area must be, and where its messages lie.
 *
 * An area holds, one after the other, the slots of the first queue pair, then
 * those of the second, and so on. Message number i of a queue pair goes to its
 * slot i % slots, at the same offset on both sides. Slots start at multiples
 * of 64 bytes, so that with a message size that is none there is a gap between
 * them, and a gap of 64 bytes follows the last one: nothing may ever be
 * written there.
 *
 * Every byte follows from a key and its offset in the area. Two pages that
 * changed places, a message that landed in the wrong slot and a byte that was
 * never written all give wrong bytes.
 */
#ifndef P2PMR_TOOLS_PERF_PATTERN_H
#define P2PMR_TOOLS_PERF_PATTERN_H

#include <stddef.h>
#include <stdint.h>

struct p2pmr_buf;

#define PERF_SIZE_MAX (1ULL << 30)
#define PERF_AREA_MAX (4ULL << 30)
#define PERF_DEPTH_MAX 32768U
#define PERF_QPS_MAX 1024U
#define PERF_ITERATIONS_MAX 1000000000ULL
#define PERF_DURATION_MAX (30U * 86400)

struct perf_layout {
	uint64_t size;		/* of a message */
	uint64_t stride;	/* from slot to slot */
	uint64_t slots;		/* of each queue pair */
	uint64_t qps;
	uint64_t area_bytes;
};

/*
 * @iterations: messages of each queue pair, 0 when not known beforehand.
 * Returns 0, or -ERANGE when the area would be larger than PERF_AREA_MAX.
 */
int perf_layout_init(struct perf_layout *lay, uint64_t size, uint32_t depth,
		   uint32_t qps, uint64_t iterations);

static inline uint64_t perf_layout_offset(const struct perf_layout *lay,
					uint64_t qp, uint64_t message)
{
	return (qp * lay->slots + message % lay->slots) * lay->stride;
}

/*
 * The sender's area is filled with data, the receiver's beforehand with the
 * complement of it: so no byte that was not written can look right.
 */
enum perf_fill {
	PERF_FILL_DATA,
	PERF_FILL_GUARD,
};

/* Both ends derive the same key; each pass has another one */
uint64_t perf_pattern_key(uint64_t seed, uint32_t pass);

/* The bytes [offset, offset + len) of a filled area */
void perf_pattern_fill(uint64_t key, enum perf_fill fill, uint64_t offset,
		     void *dst, size_t len);

/* The same range of the receiver's area after all messages arrived */
void perf_pattern_expect(uint64_t key, const struct perf_layout *lay,
		       uint64_t offset, void *dst, size_t len);

struct perf_verdict {
	uint64_t checked_bytes;
	uint64_t wrong_bytes;
	uint64_t first_offset;	/* these three only with wrong bytes */
	uint8_t expected;
	uint8_t got;
};

/* Compare a range and add what was found to @verdict */
void perf_pattern_compare(const uint8_t *expected, const uint8_t *got,
			uint64_t offset, size_t len,
			struct perf_verdict *verdict);

/*
 * Fill an area, and check the receiver's, both through the library's copies,
 * which are right for device memory. Return 0 or -1 with
 * the failure recorded (wrong bytes are no failure here).
 */
int perf_area_fill(struct p2pmr_buf *buf, const struct perf_layout *lay,
		 uint64_t key, enum perf_fill fill);
int perf_area_check(struct p2pmr_buf *buf, const struct perf_layout *lay,
		  uint64_t key, struct perf_verdict *verdict);

#endif
