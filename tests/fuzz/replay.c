// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay FILE...: without a fuzzer, each input as it is, cut off at places all
 * over it, and with bytes changed by a generator that always gives the same.
 */
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536
#define CUTS 64
#define CHANGES 300

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint32_t next_random(void)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* In memory of just that size, so that sanitizers see a byte too far */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

/* The first bytes of each message are the interesting ones */
static size_t place(size_t len)
{
	size_t range = next_random() % 2 && len > 400 ? 400 : len;

	return next_random() % range;
}

static void vary(const uint8_t *data, size_t len)
{
	uint8_t changed[INPUT_MAX];
	uint32_t i, j;

	run(data, len);
	for (i = 0; i < CUTS; i++)
		run(data, len * i / CUTS);
	for (i = 0; i < CHANGES && len; i++) {
		memcpy(changed, data, len);
		for (j = next_random() % 4 + 1; j; j--)
			changed[place(len)] = next_random();
		run(changed, len);
	}
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	int i;

	if (argc < 2)
		return 1;
	LLVMFuzzerInitialize(&argc, &argv);
	for (i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "r");

		if (!f)
			return 1;
		vary(data, fread(data, 1, sizeof(data), f));
		fclose(f);
	}
	return 0;
}
