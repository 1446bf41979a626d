// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "verify.h"

#define WORD sizeof(uint64_t)

/* What is there, and what is added: carries that end and that do not */
static const struct {
	uint64_t initial;
	uint64_t add;
} sums[] = {
	{ 0, 1 },
	{ 0x00000000ffffffff, 1 },
	{ 0xffffffffffffffff, 1 },
	{ 0x8000000000000000, 0x8000000000000000 },
	{ 0x0123456789abcdef, 0x1032547698badcfe },
};

/* The word is as expected before; @want is what it must be afterwards */
static int step(struct verify_run *run, enum verify_atomic op,
		const struct verify_case *c, uint64_t val, uint64_t compare,
		uint64_t want)
{
	struct verify_wrong wrong = { .way = VERIFY_REMOTE_ATOMIC, .far = true,
				      .c = *c };
	uint64_t before, old;

	memcpy(&before, run->near.expect + c->offset, WORD);
	if (run->mover.atomic(run->mover.arg, op, c->offset, val, compare,
			      &old))
		return -1;
	run->count[VERIFY_REMOTE_ATOMIC].messages++;
	run->count[VERIFY_REMOTE_ATOMIC].bytes += WORD;
	memcpy(run->near.expect + c->offset, &want, WORD);
	/* What the device brought back of what was there */
	perf_pattern_compare((uint8_t *)&before, (uint8_t *)&old, 0, WORD,
			   &wrong.verdict);
	if (wrong.verdict.wrong_bytes)
		return verify_fail(run, &wrong);
	return verify_check(run, &run->near, c->offset, WORD,
			    VERIFY_REMOTE_ATOMIC, c);
}

static int add_and_swap(struct verify_run *run, const struct verify_case *c,
			uint64_t initial, uint64_t add)
{
	uint64_t sum = initial + add;

	if (verify_set(&run->near, c->offset, &initial, WORD))
		return -1;
	if (step(run, VERIFY_FETCH_ADD, c, add, 0, sum))
		return -1;
	/* Not what is there: nothing may change */
	if (step(run, VERIFY_COMPARE_SWAP, c, ~sum, sum ^ 1, sum))
		return -1;
	return step(run, VERIFY_COMPARE_SWAP, c, ~sum, sum, ~sum);
}

/* At both ends of the memory, at both sides of a page's end, and inside */
int verify_atomics(struct verify_run *run)
{
	const uint64_t offsets[] = {
		0, 8, 56, 64, 4088, 4096, run->near.size / 2 + 24,
		run->near.size - WORD,
	};
	struct verify_case c = { .phase = VERIFY_ATOMICS, .len_bytes = WORD };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		c.offset = offsets[i];
		if (c.offset > run->near.size - WORD)
			continue;
		for (j = 0; j < ARRAY_SIZE(sums); j++) {
			if (add_and_swap(run, &c, sums[j].initial,
					 sums[j].add))
				return -1;
		}
	}
	return 0;
}
