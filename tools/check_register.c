// SPDX-License-Identifier: GPL-2.0-only
/*
 * The proof: a page of each provider is registered with each RDMA device. That
 * it can be taken back again is what the device says of itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/verbs.h>

#include "check.h"
#include "sysfs.h"
#include "topo_tree.h"

#define PROBE_BYTES 4096
#define PROBE_ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		      IBV_ACCESS_REMOTE_READ)

/**
 * struct probe - one RDMA device
 * @asked: could it be opened and asked?
 * @caps: P2PMR_CAP_*
 * @good: providers of which it registered memory
 * @n_good: how many
 * @bad: of which it did not
 * @why: the first of these; or why it could not be asked
 */
struct probe {
	bool asked;
	unsigned int caps;
	char good[CHECK_LIST_MAX];
	size_t n_good;
	char bad[CHECK_LIST_MAX];
	struct failure why;
};

static void set_why(struct probe *probe, int err, const char *what)
{
	probe->why.errnum = err;
	snprintf(probe->why.reason, sizeof(probe->why.reason), REASON_RDMA);
	snprintf(probe->why.text, sizeof(probe->why.text), "%s: %s.", what,
		 strerror(err));
	snprintf(probe->why.remedy, sizeof(probe->why.remedy),
		 "Check that ib_uverbs is loaded, and the permissions of /dev/infiniband.");
}

static struct ibv_context *open_device(struct ibv_device **list, int n,
				       const char *name)
{
	int i;

	for (i = 0; i < n; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name))
			return ibv_open_device(list[i]);
	}
	errno = ENODEV;
	return NULL;
}

static void try_provider(struct probe *probe, struct ibv_pd *pd,
			 const struct topo_end *provider,
			 struct p2pmr_buf *buf)
{
	struct ibv_mr *mr = p2pmr_reg_mr(pd, buf, PROBE_ACCESS, NULL);

	if (mr) {
		ibv_dereg_mr(mr);
		check_list_add(probe->good, provider->name);
		probe->n_good++;
		return;
	}
	if (!probe->bad[0])
		failure_from_lib(&probe->why, "");
	check_list_add(probe->bad, provider->name);
}

static void try_device(struct probe *probe, struct ibv_context *verbs,
		       const struct topo_tree *tree, struct p2pmr_buf **bufs)
{
	struct ibv_pd *pd;
	size_t i;

	if (p2pmr_device_caps(verbs, &probe->caps)) {
		failure_from_lib(&probe->why, "");
		return;
	}
	pd = ibv_alloc_pd(verbs);
	if (!pd) {
		set_why(probe, errno, "It gives no protection domain");
		return;
	}
	probe->asked = true;
	for (i = 0; i < tree->n_providers; i++) {
		if (bufs[i])
			try_provider(probe, pd, &tree->providers[i], bufs[i]);
	}
	ibv_dealloc_pd(pd);
}

/* A page of each; what cannot be had is reported at once */
static void allocate(struct check_report *report, const struct topo_tree *tree,
		     struct p2pmr_buf **bufs)
{
	struct failure why;
	size_t i;

	for (i = 0; i < tree->n_providers; i++) {
		bufs[i] = p2pmr_buf_alloc(tree->providers[i].provider,
					  PROBE_BYTES);
		if (bufs[i])
			continue;
		failure_from_lib(&why, "");
		check_add_failure(report, CHECK_FAIL, "allocate",
				  tree->providers[i].name, &why);
	}
}

static enum check_state state_without(const struct failure *why, bool other)
{
	if (other)
		return CHECK_WARN;
	return why->status == CMD_IMPOSSIBLE ? CHECK_NEVER : CHECK_FAIL;
}

static void add_probe(struct check_report *report, const char *name,
		      const struct probe *probe, bool other)
{
	bool revokes = probe->caps & P2PMR_CAP_PEER_MR;

	if (!probe->asked) {
		check_add_failure(report, state_without(&probe->why, other),
				  "device", name, &probe->why);
		return;
	}
	if (revokes)
		check_add(report, CHECK_PASS, "device", name, "",
			  "Its driver takes peer memory%s.",
			  probe->caps & P2PMR_CAP_PEER_ATOMIC ?
			  ", atomic operations included" : "");
	else
		check_add(report, probe->n_good ? CHECK_WARN : CHECK_SKIP,
			  "device", name, "",
			  "Its driver does not say that it takes peer memory.");
	if (probe->n_good)
		check_add(report, CHECK_PASS, "pin", name, "",
			  "A page of %s was registered.", probe->good);
	if (probe->bad[0])
		check_add_failure(report, state_without(&probe->why, other),
				  "pin", name, &probe->why);
	if (probe->n_good && !revokes)
		check_add(report, CHECK_WARN, "revoke", name,
			  "Boot a kernel that carries the whole libp2pmr series, or do not unplug or unbind providers.",
			  "Regions on peer memory may not be taken back when the provider leaves: unbinding it would wait for whoever holds them.");
	else if (probe->n_good)
		check_add(report, CHECK_PASS, "revoke", name, "",
			  "Its driver says that regions are taken back when a provider leaves.");
}

static void probe_all(struct check_report *report, const struct topo_tree *tree,
		      struct p2pmr_buf **bufs, struct probe *probes)
{
	struct ibv_device **list;
	struct ibv_context *verbs;
	bool other = false;
	size_t i;
	int n = 0;

	allocate(report, tree, bufs);
	list = ibv_get_device_list(&n);
	for (i = 0; i < tree->n_devices; i++) {
		verbs = open_device(list, list ? n : 0, tree->devices[i].name);
		if (!verbs) {
			set_why(&probes[i], errno, "It cannot be opened");
			continue;
		}
		try_device(&probes[i], verbs, tree, bufs);
		ibv_close_device(verbs);
		other |= probes[i].n_good;
	}
	if (list)
		ibv_free_device_list(list);
	for (i = 0; i < tree->n_devices; i++)
		add_probe(report, tree->devices[i].name, &probes[i], other);
}

void check_register(struct check_report *report, const struct topo_tree *tree)
{
	struct p2pmr_buf **bufs;
	struct probe *probes;
	size_t i;

	if (!tree->n_devices) {
		check_add(report, CHECK_NEVER, "device", NULL,
			  "Load its driver, or add a software one: rdma link add rxe0 type rxe netdev eth0.",
			  "This machine has no RDMA device.");
		return;
	}
	if (sysfs_is_recorded()) {
		check_add(report, CHECK_SKIP, "pin", NULL,
			  "Run it on the machine itself.",
			  "Nothing can be registered on a recorded machine.");
		return;
	}
	bufs = calloc(tree->n_providers + 1, sizeof(struct p2pmr_buf *));
	probes = calloc(tree->n_devices, sizeof(*probes));
	if (!bufs || !probes)
		report->out_of_memory = true;
	else
		probe_all(report, tree, bufs, probes);
	for (i = 0; bufs && i < tree->n_providers; i++)
		p2pmr_buf_free(bufs[i]);
	free(bufs);
	free(probes);
}
