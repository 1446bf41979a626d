/* SPDX-License-Identifier: GPL-2.0-only */
/* What "p2pmr nvmet set" is told, and the configuration that it makes of it. */
#ifndef P2PMR_TOOLS_NVMET_OPTS_H
#define P2PMR_TOOLS_NVMET_OPTS_H

#include <stdbool.h>

struct json_object;

#define NVMET_HOSTS_MAX 64

struct nvmet_opts {
	bool json;
	bool check_only;
	const char *file;
	const char *nqn;
	const char *nsid;
	const char *device;
	const char *p2pmem;
	const char *port;
	const char *transport;
	const char *address;
	const char *service;
	const char *inline_size;
	int n_hosts;
	const char *hosts[NVMET_HOSTS_MAX];
};

void nvmet_opts_parse(struct nvmet_opts *opts, int argc, char **argv);

/* In the form of a file, unchecked; NULL after fail() */
struct json_object *nvmet_opts_conf(const struct nvmet_opts *opts);

#endif
