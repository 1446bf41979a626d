/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bytes of a data area must be, and where its messages lie.
 *
 * An area has one lane, or two when the server sends, too: lane 0 for what the
 * client posts, lane 1 for what the server posts. A lane holds, one after the
 * other, the slots of the first queue pair, then those of the second, and so
 * on. Message number i of a queue pair goes to its slot i % slots, at the same
 * offset on both sides. Slots start at multiples of 64 bytes, so that with a
 * message size that is none there is a gap between them, and a gap of 64 bytes
 * follows the last one: nothing may ever be written there.
 *
 * Every byte follows from a key and its offset in the area. Two pages that
 * changed places, a message that landed in the wrong slot and a byte that was
 * never written all give wrong bytes.
 */
#ifndef P2PMR_TOOLS_PERF_PATTERN_H
#define P2PMR_TOOLS_PERF_PATTERN_H

#include <stdbool.h>
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
	uint64_t lane_bytes;
	uint64_t lanes;
	uint64_t area_bytes;
};

/*
 * @slots_max: of a queue pair
 * @iterations: messages of each queue pair, 0 when not known beforehand
 * @lanes: 1 or 2
 * Returns 0, or -ERANGE when the area would be larger than PERF_AREA_MAX.
 */
int perf_layout_init(struct perf_layout *lay, uint64_t size,
		     uint32_t slots_max, uint32_t qps, uint64_t iterations,
		     uint32_t lanes);

/* From the start of a lane */
static inline uint64_t perf_layout_offset(const struct perf_layout *lay,
					  uint64_t qp, uint64_t message)
{
	return (qp * lay->slots + message % lay->slots) * lay->stride;
}

/* How many of @messages of a queue pair went to its slot @slot */
static inline uint64_t perf_layout_uses(const struct perf_layout *lay,
					uint64_t slot, uint64_t messages)
{
	return messages / lay->slots + (slot < messages % lay->slots);
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

/* The eight bytes at @offset, as the CPU sees them */
uint64_t perf_pattern_word(uint64_t key, uint64_t offset);

/*
 * What else than the sender's data is in a slot in the end.
 *
 * @qp_messages: after atomics, how many there were of each queue pair; each
 *	added one to the word in its slot. NULL: none
 * @fetched: this is where their results went, each the word before the last
 *	addition to it
 * @marked: the last byte of each slot is @mark
 */
struct perf_expect {
	const uint64_t *qp_messages;
	bool fetched;
	bool marked;
	uint8_t mark;
};

/* The same range of the receiver's area after all messages arrived */
void perf_pattern_expect(uint64_t key, const struct perf_layout *lay,
			 const struct perf_expect *ex, uint64_t offset,
			 void *dst, size_t len);

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
 * Fill a lane, and check the receiver's, both through the library's copies,
 * which are right for device memory. Return 0 or -1 with the failure recorded
 * (wrong bytes are no failure here). What is found is added to @verdict.
 */
int perf_area_fill(struct p2pmr_buf *buf, const struct perf_layout *lay,
		   uint32_t lane, uint64_t key, enum perf_fill fill);
int perf_area_check(struct p2pmr_buf *buf, const struct perf_layout *lay,
		    uint32_t lane, uint64_t key, const struct perf_expect *ex,
		    struct perf_verdict *verdict);

#endif
