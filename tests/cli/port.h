/* SPDX-License-Identifier: GPL-2.0-only */
/* A TCP port for tests that listen. */
#ifndef P2PMR_TESTS_CLI_PORT_H
#define P2PMR_TESTS_CLI_PORT_H

#include "tool.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* One that was free a moment ago; returns its socket, which keeps it */
static inline int free_port(unsigned int *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

#endif
