/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The server end of bw and lat, all of it but the RDMA device: what it would
 * ask of one is done by no-device.c, and whatever it asks is looked at.
 */
#ifndef P2PMR_TESTS_FUZZ_NO_DEVICE_H
#define P2PMR_TESTS_FUZZ_NO_DEVICE_H

#include "../../tools/perf.h"

struct server_opts {
	enum perf_tool tool;
	unsigned int port;
	bool forever;
};

/* As `p2pmr bw` without arguments; the exit status. What fails is forgotten */
int no_device_server(const struct server_opts *server);

/* How many messages each side claims to have sent */
#define NO_DEVICE_MESSAGES 5

#endif
