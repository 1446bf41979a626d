// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <rdma/rdma_user_rxe.h>

#include "peer.h"
#include "rxe-raw.h"

enum { WR_FLUSH = 14, WR_ATOMIC_WRITE = 15 };

struct flush_wr {
	uint64_t remote_addr;
	uint32_t length;
	uint32_t rkey;
	uint8_t type;
	uint8_t level;
};

/* The id is the first word of a completion, too, but those are smaller */
struct rxe_queue_buf *raw_find_queue(void)
{
	const uint64_t wr_id = RAW_QUEUE_ID;
	FILE *maps = fopen("/proc/self/maps", "re");
	struct rxe_queue_buf *q, *found = NULL;
	unsigned long start, end;
	char line[512];
	uint32_t last;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/uverbs") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		q = (struct rxe_queue_buf *)start;
		last = (q->producer_index - 1) & q->index_mask;
		if (((uint64_t)last + 1) << q->log2_elem_size > end - start ||
		    1ul << q->log2_elem_size < sizeof(struct rxe_send_wqe))
			continue;
		if (!memcmp(q->data + ((size_t)last << q->log2_elem_size),
			    &wr_id, sizeof(wr_id)))
			found = q;
	}
	if (maps)
		fclose(maps);
	if (!found)
		die("cannot find rxe's send queue in this process");
	return found;
}

static void post(struct rxe_queue_buf *q, const struct rxe_send_wqe *wqe, size_t len)
{
	uint32_t index = q->producer_index & q->index_mask;

	memcpy(q->data + ((size_t)index << q->log2_elem_size), wqe, len);
	__atomic_store_n(&q->producer_index, (index + 1) & q->index_mask,
			 __ATOMIC_RELEASE);
}

void raw_flush(struct rxe_queue_buf *q, uint32_t rkey, const void *addr, uint32_t len,
	       int type, int level)
{
	struct rxe_send_wqe wqe = { .wr = { .opcode = WR_FLUSH,
					    .send_flags = IBV_SEND_SIGNALED } };
	struct flush_wr wr = {
		.remote_addr = (uintptr_t)addr, .length = len,
		.rkey = rkey, .type = type, .level = level,
	};

	memcpy(&wqe.wr.wr, &wr, sizeof(wr));
	wqe.iova = wr.remote_addr;
	/* what rxe puts on the wire is this length, not the request's */
	wqe.dma.length = wqe.dma.resid = len;
	post(q, &wqe, sizeof(wqe));
}

void raw_atomic_write(struct rxe_queue_buf *q, uint32_t rkey, const void *addr,
		      uint64_t value)
{
	union {
		struct rxe_send_wqe wqe;
		uint8_t bytes[sizeof(struct rxe_send_wqe) + 8];
	} u = { .wqe.wr = { .opcode = WR_ATOMIC_WRITE,
			    .send_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE } };

	u.wqe.wr.wr.rdma.remote_addr = (uintptr_t)addr;
	u.wqe.wr.wr.rdma.rkey = rkey;
	u.wqe.iova = (uintptr_t)addr;
	u.wqe.dma.length = u.wqe.dma.resid = sizeof(value);
	memcpy(u.bytes + offsetof(struct rxe_send_wqe, dma.inline_data), &value,
	       sizeof(value));
	post(q, &u.wqe, sizeof(u));
}
