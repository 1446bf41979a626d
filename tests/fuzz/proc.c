// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever a process' files in /proc hold, be it the names of files that somebody
 * else has chosen: what is said of a range of addresses stays within it. The input is
 * where the range starts, eight bytes, and its length, eight bytes; the rest is the
 * text, for each of those that read such files.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../libp2pmr/private.h"
#include "../../tools/monitor.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static FILE *open_text(const uint8_t *text, size_t len)
{
	FILE *f = fmemopen((void *)text, len, "r");

	if (!f)
		abort();
	return f;
}

/* The range's first address and its last */
static void inside(bool said, uint64_t at, uint64_t start, uint64_t last)
{
	assert(said ? at >= start && at <= last : !at);
}

static void ask_range(const uint8_t *text, size_t len, uint64_t start, uint64_t bytes)
{
	static const struct p2pmr_range_facts nothing;
	struct p2pmr_range_facts range;
	struct p2pmr_pci_address pci;
	uint64_t last = start + (bytes - 1);
	FILE *maps = open_text(text, len);

	p2pmr_maps_scan(maps, start, bytes, &range);
	fclose(maps);
	if (!range.known) {
		assert(!memcmp(&range, &nothing, sizeof(range)));
		return;
	}
	inside(range.hole, range.hole_at, start, last);
	inside(range.no_read, range.no_read_at, start, last);
	inside(range.no_write, range.no_write_at, start, last);
	inside(range.peer, range.peer_at, start, last);
	assert(range.peer == !!range.peer_bytes && range.peer_bytes <= bytes);
	assert(memchr(range.peer_path, '\0', sizeof(range.peer_path)));
	assert(range.peer || (!*range.peer_path && !*range.peer_pci && !range.peer_gone));
	assert(!*range.peer_pci || !p2pmr_pci_parse(range.peer_pci, &pci));
	assert(!*range.file || *range.file == '/');
}

static void ask_limits(const uint8_t *text, size_t len)
{
	FILE *status = open_text(text, len), *uid_map = open_text(text, len);
	struct p2pmr_limit_facts limits = { 0 };

	p2pmr_limits_scan(status, uid_map, &limits);
	assert(!(limits.pinned % 1024));
	fclose(uid_map);
	fclose(status);
}

static void ask_mapped(const uint8_t *text, size_t len)
{
	FILE *maps = open_text(text, len);
	uint64_t bytes;

	assert(!monitor_mapped_read(maps, &bytes));
	fclose(maps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t start, bytes;

	if (len <= sizeof(start) + sizeof(bytes))
		return 0;
	memcpy(&start, data, sizeof(start));
	memcpy(&bytes, data + sizeof(start), sizeof(bytes));
	data += sizeof(start) + sizeof(bytes);
	len -= sizeof(start) + sizeof(bytes);
	/* As registrations are: not empty, and no longer than there are addresses */
	if (!bytes || bytes - 1 > UINT64_MAX - start)
		return 0;
	ask_range(data, len, start, bytes);
	ask_limits(data, len);
	ask_mapped(data, len);
	return 0;
}
