// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which messages: where devices, drivers and bridges have been seen to go wrong
 * is at alignments, at page boundaries, and at sizes that are nearly a power of
 * two. p2pmr-verify(1) lists them as well.
 */
#include <stdlib.h>
#include <string.h>

#include "verify.h"

#define ALIGNMENTS 64
/* For any of the small sizes at any alignment, with its margins */
#define SLOT 192

static const uint64_t small_sizes[] = {
	1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65,
};
static const uint64_t boundaries[] = {
	4ULL << 10, 64ULL << 10, 2ULL << 20, 1ULL << 30,
};
static const uint64_t boundary_sizes[] = { 1, 2, 8, 64, 512, 4096 };
#define POWER_FIRST 128

static const char *const phase_names[] = {
	[VERIFY_ALIGNMENTS] = "alignments",
	[VERIFY_BOUNDARIES] = "boundaries",
	[VERIFY_POWERS] = "powers",
	[VERIFY_WHOLE] = "whole",
	[VERIFY_ATOMICS] = "atomics",
};

const char *verify_phase_name(enum verify_phase phase)
{
	return phase_names[phase];
}

uint64_t verify_far_size(uint64_t near_size)
{
	return near_size + ALIGNMENTS + 2 * VERIFY_MARGIN;
}

/*
 * The far side's alignment goes through all of them as well, but not in step
 * with the near side's. What does not fit into the memory is left out.
 */
static int add(struct verify_plan *plan, uint64_t size,
	       enum verify_phase phase, uint64_t offset, uint64_t len)
{
	struct verify_case *cases;

	if (!len || len > size || offset > size - len)
		return 0;
	cases = reallocarray(plan->cases, plan->n + 1, sizeof(*cases));
	if (!cases)
		return fail_nomem();
	plan->cases = cases;
	cases[plan->n] = (struct verify_case){
		.phase = phase,
		.offset = offset,
		.far_offset = VERIFY_MARGIN + offset / ALIGNMENTS * ALIGNMENTS +
			      plan->n * 5 % ALIGNMENTS,
		.len_bytes = len,
	};
	plan->n++;
	return 0;
}

/*
 * The sizes lie side by side, with their margins; the alignments all over the
 * memory in turns
 */
static int add_alignments(struct verify_plan *plan, uint64_t size)
{
	const uint64_t room = ARRAY_SIZE(small_sizes) * SLOT + ALIGNMENTS;
	uint64_t i, base;
	size_t j;

	for (i = 0; i < ALIGNMENTS; i++) {
		base = i * (size / ALIGNMENTS) % (size - room);
		base = base / ALIGNMENTS * ALIGNMENTS;
		for (j = 0; j < ARRAY_SIZE(small_sizes); j++) {
			if (add(plan, size, VERIFY_ALIGNMENTS,
				base + j * SLOT + i, small_sizes[j]))
				return -1;
		}
	}
	return 0;
}

/*
 * Up to a boundary, from one byte before it, across it in the middle, and from
 * it on; each at another one of those boundaries that the memory has
 */
static int add_boundary(struct verify_plan *plan, uint64_t size,
			uint64_t boundary, uint64_t len)
{
	const uint64_t before[] = { len, 1, len / 2, 0 };
	uint64_t n = size / boundary;
	uint64_t at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(before) && n; i++) {
		at = boundary * (1 + 3 * plan->n % n);
		if (add(plan, size, VERIFY_BOUNDARIES, at - before[i], len))
			return -1;
	}
	return 0;
}

static int add_boundaries(struct verify_plan *plan, uint64_t size)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(boundaries); i++) {
		for (j = 0; j < ARRAY_SIZE(boundary_sizes); j++) {
			if (add_boundary(plan, size, boundaries[i],
					 boundary_sizes[j]))
				return -1;
		}
	}
	return 0;
}

static int add_power(struct verify_plan *plan, uint64_t size, uint64_t power)
{
	int bad = 0;

	bad |= add(plan, size, VERIFY_POWERS, 1, power - 1);
	bad |= add(plan, size, VERIFY_POWERS, 0, power);
	bad |= add(plan, size, VERIFY_POWERS, size - power - 1, power + 1);
	return bad;
}

int verify_plan_make(struct verify_plan *plan, uint64_t size)
{
	uint64_t power;
	int bad;

	memset(plan, 0, sizeof(*plan));
	bad = add_alignments(plan, size);
	if (!bad)
		bad = add_boundaries(plan, size);
	for (power = POWER_FIRST; power && power <= size && !bad; power *= 2)
		bad = add_power(plan, size, power);
	if (!bad)
		bad = add(plan, size, VERIFY_WHOLE, 0, size);
	if (bad)
		verify_plan_free(plan);
	return bad ? -1 : 0;
}

void verify_plan_free(struct verify_plan *plan)
{
	free(plan->cases);
	memset(plan, 0, sizeof(*plan));
}

static bool touches(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len + 2 * VERIFY_MARGIN &&
	       b < a + a_len + 2 * VERIFY_MARGIN;
}

static bool touches_any(const struct verify_case *c, size_t n,
			const struct verify_case *next)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (touches(c[i].offset, c[i].len_bytes, next->offset,
			    next->len_bytes) ||
		    touches(c[i].far_offset, c[i].len_bytes, next->far_offset,
			    next->len_bytes))
			return true;
	}
	return false;
}

size_t verify_plan_batch(const struct verify_case *c, size_t left)
{
	size_t n = 1;

	while (n < left && n < VERIFY_BATCH_MAX && c[n].phase == c->phase &&
	       !touches_any(c, n, &c[n]))
		n++;
	return n;
}
