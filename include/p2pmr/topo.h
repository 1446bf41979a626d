/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_TOPO_H
#define P2PMR_TOPO_H

#include <p2pmr/path.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For those who ask about many paths at once. p2pmr_path_query() reads all that
 * is on the way each time; a topology reads each PCI function once, when it is
 * first asked about, and keeps what it read. It does not notice changes: free
 * it when the questions are answered.
 */
struct p2pmr_topo;

/**
 * p2pmr_topo_new() - a topology of which nothing is read yet
 * @ctx: the context; it must outlive the topology
 *
 * Thread-safety: any thread.
 *
 * Return: the topology, for p2pmr_topo_free(); or NULL with errno EINVAL (@ctx
 * is NULL) or ENOMEM.
 */
struct p2pmr_topo *p2pmr_topo_new(struct p2pmr_context *ctx);

/**
 * p2pmr_topo_free() - free a topology
 * @topo: the topology, or NULL
 *
 * Paths that came from it stay.
 */
void p2pmr_topo_free(struct p2pmr_topo *topo);

/**
 * p2pmr_topo_path() - as p2pmr_path_query_name(), reading nothing twice
 * @topo: the topology
 * @provider: a provider of the topology's context; not "host"
 * @rdma_device: the RDMA device's name, for example "mlx5_0"
 *
 * Thread-safety: one thread at a time for each topology.
 *
 * Return: as p2pmr_path_query_name(); EINVAL also for a provider of another
 * context.
 */
struct p2pmr_path *p2pmr_topo_path(struct p2pmr_topo *topo,
				   struct p2pmr_provider *provider,
				   const char *rdma_device);

/**
 * p2pmr_topo_acs() - what ACS does in any PCI function
 * @topo: the topology
 * @pci_address: "0000:04:00.0" or "04:00.0"
 * @acs: set as p2pmr_path_hop_acs() says; P2PMR_ACS_UNKNOWN also when there is
 *	no such function
 *
 * Source: the control register of the ACS extended capability.
 *
 * Thread-safety: one thread at a time for each topology.
 *
 * Return: 0; or -EINVAL for a NULL argument or one that is no PCI address.
 */
int p2pmr_topo_acs(struct p2pmr_topo *topo, const char *pci_address,
		   unsigned int *acs);

#ifdef __cplusplus
}
#endif

#endif
