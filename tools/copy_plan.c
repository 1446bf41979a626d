// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "copy_plan.h"

void copy_plan_init(struct copy_plan *plan, int fd, uint64_t size,
		    uint64_t max_bytes, bool dense)
{
	memset(plan, 0, sizeof(*plan));
	plan->fd = fd;
	plan->size = size;
	plan->max_bytes = max_bytes;
	plan->dense = dense;
}

/* Move @pos to the next data. False: there is none up to the end */
static bool find_data(struct copy_plan *plan)
{
	off_t begin = plan->dense ? -1 : lseek(plan->fd, plan->pos, SEEK_DATA);
	off_t end;

	if (!plan->dense && begin < 0 && errno == ENXIO)
		return false;
	/* A file system that does not know of holes has none */
	end = begin < 0 ? -1 : lseek(plan->fd, begin, SEEK_HOLE);
	if (end < 0) {
		plan->data_end = plan->size;
		return true;
	}
	begin -= begin % COPY_BLOCK;
	if ((uint64_t)begin > plan->pos)
		plan->pos = begin;
	plan->data_end = copy_whole_blocks(end);
	if (plan->data_end > plan->size)
		plan->data_end = plan->size;
	return plan->pos < plan->data_end;
}

bool copy_plan_next(struct copy_plan *plan, uint64_t *offset, uint64_t *len)
{
	if (plan->pos >= plan->size)
		return false;
	if (plan->pos >= plan->data_end && !find_data(plan)) {
		plan->pos = plan->size;
		return false;
	}
	*offset = plan->pos;
	*len = plan->data_end - plan->pos;
	if (*len > plan->max_bytes)
		*len = plan->max_bytes;
	plan->pos += *len;
	return true;
}
