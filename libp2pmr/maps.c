// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What /proc/self/maps says about a range of addresses. */
#include "private.h"

#include <inttypes.h>
#include <string.h>

#define ALLOCATE "/p2pmem/allocate"
/* What was mapped through a driver's own file: the function's address follows */
#define BY_DRIVER "anon_inode:p2pmem:"
#define DELETED " (deleted)"

/* The file of a dma-buf is nowhere, and its name may follow; Linux: dmabuffs_dname() */
#define DMABUF "/dmabuf:"

/* One line of the file: a mapping */
struct mapping {
	uint64_t start;
	uint64_t end;
	char perms[5];
	uint64_t inode;
	char *path;
	bool deleted;
};

/* Cuts @text off the end of @line; false: it does not end so */
static bool cut(char *line, const char *text)
{
	size_t len = strlen(line), tail = strlen(text);

	if (len < tail || strcmp(line + len - tail, text))
		return false;
	line[len - tail] = '\0';
	return true;
}

static bool parse(char *line, struct mapping *mapping)
{
	int path_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %n",
		   &mapping->start, &mapping->end, mapping->perms,
		   &mapping->inode, &path_at) != 4 || !path_at ||
	    strlen(mapping->perms) != 4 || mapping->start >= mapping->end)
		return false;
	mapping->path = line + path_at;
	cut(mapping->path, "\n");
	mapping->deleted = cut(mapping->path, DELETED);
	return true;
}

static bool is_by_driver(const char *path)
{
	return !strncmp(path, BY_DRIVER, strlen(BY_DRIVER));
}

static bool is_peer(const char *path)
{
	size_t len = strlen(path), tail = strlen(ALLOCATE);

	return is_by_driver(path) ||
	       (len > tail && !strcmp(path + len - tail, ALLOCATE));
}

/*
 * ".../0000:04:00.0/p2pmem/allocate": the folder before p2pmem names the
 * function. May cut @path.
 */
static const char *peer_function(char *path)
{
	char *function;

	if (is_by_driver(path))
		return path + strlen(BY_DRIVER);
	path[strlen(path) - strlen(ALLOCATE)] = '\0';
	function = strrchr(path, '/');
	return function ? function + 1 : "";
}

static void note_peer(struct p2pmr_range_facts *range,
		      const struct mapping *mapping, uint64_t from, uint64_t to)
{
	struct p2pmr_pci_address pci;
	char *path = range->peer_path;

	range->peer_bytes += to - from;
	if (range->peer)
		return;
	range->peer = true;
	range->peer_at = from;
	range->peer_inode = mapping->inode;
	range->peer_gone = mapping->deleted;
	if (strlen(mapping->path) >= sizeof(range->peer_path))
		return;
	strcpy(path, mapping->path);
	if (!p2pmr_pci_parse(peer_function(path), &pci))
		p2pmr_pci_format(&pci, range->peer_pci,
				 sizeof(range->peer_pci));
	strcpy(path, mapping->path);
}

static void note(struct p2pmr_range_facts *range, struct mapping *mapping,
		 uint64_t from, uint64_t to)
{
	char *path = mapping->path;

	if (mapping->perms[0] != 'r' && !range->no_read) {
		range->no_read = true;
		range->no_read_at = from;
	}
	if (mapping->perms[1] != 'w' && !range->no_write) {
		range->no_write = true;
		range->no_write_at = from;
	}
	if (is_peer(path))
		note_peer(range, mapping, from, to);
	else if (!strncmp(path, DMABUF, strlen(DMABUF)))
		range->dmabuf = true;
	else if (mapping->perms[3] == 's' && *path == '/' && !*range->file)
		snprintf(range->file, sizeof(range->file), "%.255s", path);
}

static void note_hole(struct p2pmr_range_facts *range, uint64_t at)
{
	if (range->hole)
		return;
	range->hole = true;
	range->hole_at = at;
}

/* The rest of a line that did not fit; only its path can be that long */
static void skip_rest(FILE *maps, const char *line)
{
	int c;

	if (strchr(line, '\n'))
		return;
	do
		c = getc(maps);
	while (c != '\n' && c != EOF);
}

void p2pmr_maps_scan(FILE *maps, uint64_t start, uint64_t len,
		     struct p2pmr_range_facts *range)
{
	/* The last byte, as the range may end where the address space does */
	uint64_t last = start + (len - 1), next = start;
	char line[P2PMR_PATH_LEN + 256];
	bool seen_all = false;

	memset(range, 0, sizeof(*range));
	while (!seen_all && fgets(line, sizeof(line), maps)) {
		struct mapping mapping;
		uint64_t to;

		skip_rest(maps, line);
		if (!parse(line, &mapping)) {
			p2pmr_warn("maps: not understood: %.200s", line);
			memset(range, 0, sizeof(*range));
			return;
		}
		if (mapping.end <= next)
			continue;
		if (mapping.start > last)
			break;
		if (mapping.start > next) {
			note_hole(range, next);
			next = mapping.start;
		}
		to = mapping.end - 1 >= last ? last + 1 : mapping.end;
		seen_all = mapping.end - 1 >= last;
		note(range, &mapping, next, to);
		next = to;
	}
	if (!seen_all)
		note_hole(range, next);
	range->known = true;
}
