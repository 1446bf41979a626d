// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include <p2pmr/p2pmr.h>

#include "perf_pattern.h"
#include "fail.h"
#include "stop.h"

/* Small enough that Ctrl-C is heard while slow device memory is copied */
#define CHUNK_BYTES 65536

static size_t chunk_at(uint64_t offset, uint64_t end)
{
	return end - offset < CHUNK_BYTES ? end - offset : CHUNK_BYTES;
}

int perf_area_fill(struct p2pmr_buf *buf, const struct perf_layout *lay,
		   uint32_t lane, uint64_t key, enum perf_fill fill)
{
	uint64_t offset = lane * lay->lane_bytes;
	uint64_t end = offset + lay->lane_bytes;
	uint8_t *chunk;
	size_t len;
	int ret = -1;

	chunk = malloc(CHUNK_BYTES);
	if (!chunk)
		return fail_nomem();

	for (; offset < end; offset += len) {
		if (stop_check())
			goto out;
		len = chunk_at(offset, end);
		perf_pattern_fill(key, fill, offset, chunk, len);
		if (p2pmr_buf_write(buf, offset, chunk, len)) {
			fail_lib("filling the memory with test data");
			goto out;
		}
	}
	ret = 0;
out:
	free(chunk);
	return ret;
}

int perf_area_check(struct p2pmr_buf *buf, const struct perf_layout *lay,
		    uint32_t lane, uint64_t key, const struct perf_expect *ex,
		    struct perf_verdict *verdict)
{
	uint64_t offset = lane * lay->lane_bytes;
	uint64_t end = offset + lay->lane_bytes;
	uint8_t *expected, *got;
	size_t len;
	int ret = -1;

	expected = malloc(2 * CHUNK_BYTES);
	if (!expected)
		return fail_nomem();
	got = expected + CHUNK_BYTES;

	for (; offset < end; offset += len) {
		if (stop_check())
			goto out;
		len = chunk_at(offset, end);
		if (p2pmr_buf_read(buf, offset, got, len)) {
			fail_lib("reading the received data");
			goto out;
		}
		perf_pattern_expect(key, lay, ex, offset, expected, len);
		perf_pattern_compare(expected, got, offset, len, verdict);
	}
	ret = 0;
out:
	free(expected);
	return ret;
}
