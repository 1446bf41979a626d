/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debian 12's libibverbs knows neither flush nor, for rxe, atomic write. So put
 * the request into rxe's send queue as the kernel expects it
 * (include/uapi/rdma/rdma_user_rxe.h), and let an ordinary request behind it
 * ring the doorbell.
 */
#ifndef P2PMR_TEST_RXE_RAW_H
#define P2PMR_TEST_RXE_RAW_H

#include <stdint.h>

#include "loopback.h"

enum { FLUSH_GLOBAL = 1, FLUSH_PERSISTENT = 2, FLUSH_RANGE = 0, FLUSH_MR = 1 };
#define ACCESS_FLUSH_GLOBAL (1 << 8)
#define ACCESS_FLUSH_PERSISTENT (1 << 9)
#define ACCESS_FLUSH (ACCESS_ALL | ACCESS_FLUSH_GLOBAL)

struct rxe_queue_buf;

/* No other request looks like it */
#define RAW_QUEUE_ID 0x2ff0a1b7c3d4e5f6ull

/* The queue in which the request was posted last that has the id RAW_QUEUE_ID */
struct rxe_queue_buf *raw_find_queue(void);

/* Both leave the request in the queue, for the next doorbell */
void raw_flush(struct rxe_queue_buf *q, uint32_t rkey, const void *addr, uint32_t len,
	       int type, int level);
void raw_atomic_write(struct rxe_queue_buf *q, uint32_t rkey, const void *addr,
		      uint64_t value);

#endif
