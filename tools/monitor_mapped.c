// SPDX-License-Identifier: GPL-2.0-only
/* How much peer memory a process has mapped, from its /proc/PID/maps. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

/* How its mappings are called, by way of sysfs and of a drive's own device */
#define ALLOCATE_FILE "/p2pmem/allocate"
#define DRIVER_FILE "anon_inode:p2pmem:"

static bool is_peer(const char *line, size_t len)
{
	const size_t tail = strlen(ALLOCATE_FILE);
	int path_at = 0;

	if (len > tail && !strcmp(line + len - tail, ALLOCATE_FILE))
		return true;
	return sscanf(line, "%*s %*s %*s %*s %*s %n", &path_at) != EOF &&
	       !strncmp(line + path_at, DRIVER_FILE, strlen(DRIVER_FILE));
}

int monitor_mapped_read(FILE *maps, uint64_t *bytes)
{
	uint64_t start, end;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int ret;

	*bytes = 0;
	while ((len = getline(&line, &size, maps)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (!is_peer(line, len))
			continue;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 &&
		    end > start)
			*bytes += end - start;
	}
	/* errno alone does not tell: sscanf() leaves it for a number that is too large */
	ret = feof(maps) ? 0 : -errno;
	free(line);
	return ret;
}
