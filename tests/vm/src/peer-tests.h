/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests of peer-mr, and what they share */
#ifndef P2PMR_TEST_PEER_TESTS_H
#define P2PMR_TEST_PEER_TESTS_H

#include "loopback.h"
#include "peer.h"

#define PAGE 4096u

/* The RDMA device to use: RDMA_DEVICE, else rxe0 */
const char *device_name(void);

void must_succeed(enum ibv_wc_status status, const char *what);

/* Are the bytes the pattern's, from its byte "first" on? */
void check_bytes(const uint8_t *got, size_t len, uint64_t seed, size_t first,
		 const char *what);

/* Write into a region at an offset, look with the CPU, read it back */
void round_trip(struct loopback *lb, struct ibv_mr *peer, struct ibv_mr *host,
		size_t at, size_t from, size_t len, int by_send);

void test_data(char **argv);
void test_mixed(char **argv);
void test_two(char **argv);
void test_soak(char **argv);
void test_fork(char **argv);
void test_atomic(char **argv);
void test_atomic_many(char **argv);
void test_flush(char **argv);
void test_late_duplicate(char **argv);
void test_revoked(char **argv);
void test_revoked_window(char **argv);
void test_revoked_two(char **argv);
void test_revoked_rereg(char **argv);
void test_revoked_reset(char **argv);
void test_hold_many(char **argv);
void test_traffic(char **argv);
void test_stalled(char **argv);
void test_churn(char **argv);
void test_outlives(char **argv);
void test_outlives_fork(char **argv);
void test_part(char **argv);
void test_race(char **argv);
void test_hold_unmapped(char **argv);
void test_wild(char **argv);

#endif
