/* SPDX-License-Identifier: GPL-2.0-only */
/* Which RDMA device does an address belong to? */
#ifndef P2PMR_TOOLS_NVMET_NET_H
#define P2PMR_TOOLS_NVMET_NET_H

#include <stdbool.h>

#include "nvmet_fs.h"

/**
 * struct nvmet_net - who answers at an address
 * @any: it stands for all addresses, and whose it is shows when somebody
 *	connects
 * @on_host: an interface of this host has it
 * @rdma: the RDMA devices of that interface
 */
struct nvmet_net {
	bool any;
	bool on_host;
	struct nvmet_names rdma;
};

/* Is it an address of that family, "ipv4" or "ipv6"? */
bool nvmet_net_is_address(const char *family, const char *address);

/* @net: to be freed by nvmet_net_free(), on failure as well. -1 after fail() */
int nvmet_net_find(const char *family, const char *address,
		   struct nvmet_net *net);
void nvmet_net_free(struct nvmet_net *net);

#endif
