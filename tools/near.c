// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "near.h"

#define NAME_MAX_COMPARED 64
#define PICKS 3

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int min = a < b ? a : b;

	return min < c ? min : c;
}

/* How many letters to insert, delete or change (Levenshtein) */
static unsigned int edits(const char *a, const char *b)
{
	unsigned int row[NAME_MAX_COMPARED + 1], diagonal, above, i, j;
	unsigned int len_a = strnlen(a, NAME_MAX_COMPARED);
	unsigned int len_b = strnlen(b, NAME_MAX_COMPARED);

	for (j = 0; j <= len_b; j++)
		row[j] = j;
	for (i = 1; i <= len_a; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= len_b; j++) {
			above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[len_b];
}

struct pick {
	const char *name;
	unsigned int edits;
};

/* Keep the nearest ones in order; of equals, the first that came */
static void offer(struct pick picks[PICKS], const char *name,
		  unsigned int distance)
{
	int i;

	for (i = PICKS; i > 0; i--) {
		if (picks[i - 1].name && picks[i - 1].edits <= distance)
			break;
		if (i < PICKS)
			picks[i] = picks[i - 1];
	}
	if (i < PICKS)
		picks[i] = (struct pick){ name, distance };
}

static void say_picks(const struct pick picks[PICKS], char text[NEAR_TEXT_MAX])
{
	int used = snprintf(text, NEAR_TEXT_MAX, "Did you mean ");
	int i;

	for (i = 0; i < PICKS && picks[i].name; i++) {
		used += snprintf(text + used, NEAR_TEXT_MAX - used, "%s%.*s",
				 !i ? "" : i + 1 == PICKS || !picks[i + 1].name ?
				 " or " : ", ", NAME_MAX_COMPARED,
				 picks[i].name);
	}
	snprintf(text + used, NEAR_TEXT_MAX - used, "?");
}

static void say_all(const char *const *names, size_t n,
		    char text[NEAR_TEXT_MAX])
{
	size_t used = snprintf(text, NEAR_TEXT_MAX, "There are: ");
	size_t i;

	for (i = 0; i < n; i++) {
		/* Room for ", ...", and for the stop */
		if (used + strlen(names[i]) + 10 > NEAR_TEXT_MAX) {
			snprintf(text + used, NEAR_TEXT_MAX - used, ", ...");
			return;
		}
		used += snprintf(text + used, NEAR_TEXT_MAX - used, "%s%s",
				 i ? ", " : "", names[i]);
	}
	snprintf(text + used, NEAR_TEXT_MAX - used, ".");
}

char *near_names(const char *name, const char *const *names, size_t n,
		 char text[NEAR_TEXT_MAX])
{
	/* With more letters changed than this it is another word */
	unsigned int limit = strnlen(name, NAME_MAX_COMPARED) / 3 + 1;
	struct pick picks[PICKS] = { 0 };
	unsigned int distance;
	size_t i;

	for (i = 0; i < n; i++) {
		distance = edits(name, names[i]);
		if (distance <= limit)
			offer(picks, names[i], distance);
	}
	if (!n)
		snprintf(text, NEAR_TEXT_MAX, "There is none.");
	else if (picks[0].name)
		say_picks(picks, text);
	else
		say_all(names, n, text);
	return text;
}
