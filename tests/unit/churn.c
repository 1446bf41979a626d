// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "churn.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define ROUNDS 20000

struct piece {
	void *ptr;
	size_t size;
};

struct churn {
	struct p2pmr_arena *arena;
	uint64_t random;
	struct piece *pieces;
	size_t count;
	size_t live;
};

size_t churn_size(uint64_t *state)
{
	double part = (churn_random(state) >> 11) * 0x1p-53;

	return CHURN_LEAST * pow((double)CHURN_MOST / CHURN_LEAST, part);
}

static void free_one(struct churn *churn, size_t which)
{
	struct piece *piece = &churn->pieces[which];

	if (p2pmr_arena_free(churn->arena, piece->ptr))
		abort();
	churn->live -= piece->size;
	*piece = churn->pieces[--churn->count];
}

static bool fill(struct churn *churn, size_t target)
{
	while (churn->live < target) {
		size_t size = churn_size(&churn->random);
		void *ptr = p2pmr_arena_alloc(churn->arena, size, 0);

		if (!ptr)
			return false;
		churn->pieces[churn->count++] = (struct piece){ ptr, size };
		churn->live += size;
	}
	return true;
}

static bool level(struct churn *churn, size_t target)
{
	if (!fill(churn, target))
		return false;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		free_one(churn, churn_random(&churn->random) % churn->count);
		if (!fill(churn, target))
			return false;
	}
	return true;
}

double churn_until_failure(struct p2pmr_arena *arena, size_t size,
			   uint64_t seed)
{
	struct churn churn = { .arena = arena, .random = seed };
	double part;

	churn.pieces = calloc(size / CHURN_LEAST, sizeof(*churn.pieces));
	if (!churn.pieces)
		abort();
	for (size_t half = 140; level(&churn, size / 200 * half); half++)
		;
	part = (double)churn.live / size;
	while (churn.count)
		free_one(&churn, churn.count - 1);
	free(churn.pieces);
	return part;
}
