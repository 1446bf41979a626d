// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"
#include "fail.h"
#include "near.h"

#define GIDS_MAX 1024

const char *perf_gid_type_name(uint32_t type)
{
	switch (type) {
	case IBV_GID_TYPE_IB:
		return "IB";
	case IBV_GID_TYPE_ROCE_V1:
		return "RoCE v1";
	case IBV_GID_TYPE_ROCE_V2:
		return "RoCE v2";
	default:
		return "unknown";
	}
}

static bool is_mapped_ipv4(const union ibv_gid *gid)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(gid->raw, prefix, sizeof(prefix));
}

static bool is_zero_gid(const union ibv_gid *gid)
{
	static const union ibv_gid zero;

	return !memcmp(gid, &zero, sizeof(zero));
}

/* RoCE v2 before all else, and of its addresses the one that routes best */
static int gid_score(const struct ibv_gid_entry *entry)
{
	bool link_local = entry->gid.raw[0] == 0xfe &&
			  (entry->gid.raw[1] & 0xc0) == 0x80;
	int score;

	switch (entry->gid_type) {
	case IBV_GID_TYPE_ROCE_V2:
		score = 30;
		break;
	case IBV_GID_TYPE_IB:
		score = 20;
		break;
	default:
		score = 10;
		break;
	}
	if (is_mapped_ipv4(&entry->gid))
		return score + 3;
	return link_local ? score + 1 : score + 2;
}

int perf_gid_pick(const struct ibv_gid_entry *list, size_t n, unsigned int port)
{
	int best_score = 0;
	int best = -1;
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i].port_num != port || is_zero_gid(&list[i].gid))
			continue;
		if (gid_score(&list[i]) <= best_score)
			continue;
		best_score = gid_score(&list[i]);
		best = i;
	}
	return best;
}

static int gid_find(const struct ibv_gid_entry *list, ssize_t n,
		    unsigned int port, unsigned int index)
{
	ssize_t i;

	for (i = 0; i < n; i++) {
		if (list[i].port_num == port && list[i].gid_index == index)
			return i;
	}
	return -1;
}

static int choose_gid(struct perf_dev *dev, int wanted)
{
	struct ibv_gid_entry *list;
	ssize_t n;
	int found;
	int ret = 0;

	list = calloc(GIDS_MAX, sizeof(*list));
	if (!list)
		return fail_nomem();

	n = ibv_query_gid_table(dev->ctx, list, GIDS_MAX, 0);
	if (n < 0) {
		ret = fail(CMD_FAILED, REASON_RDMA, -n, "",
			   "Cannot read the GIDs of %s: %s.", dev->name,
			   strerror(-n));
		goto out;
	}
	found = wanted < 0 ? perf_gid_pick(list, n, dev->port) :
			     gid_find(list, n, dev->port, wanted);
	if (found >= 0)
		dev->gid = list[found];
	else if (wanted < 0)
		ret = fail(CMD_FAILED, REASON_RDMA_DEVICE, ENOENT,
			   "Give its network interface an address.",
			   "%s port %u has no GID.", dev->name, dev->port);
	else
		ret = fail(CMD_FAILED, REASON_RDMA_DEVICE, ENOENT,
			   "Leave out -x to let the best one be chosen.",
			   "%s port %u has no GID at index %d.", dev->name,
			   dev->port, wanted);
out:
	free(list);
	return ret;
}

static void not_found(struct ibv_device **list, int n, const char *name)
{
	const char **names = calloc(n + 1, sizeof(*names));
	char text[NEAR_TEXT_MAX];
	int i;

	if (!names) {
		fail_nomem();
		return;
	}
	for (i = 0; i < n; i++)
		names[i] = ibv_get_device_name(list[i]);
	fail(CMD_FAILED, REASON_NO_RDMA_DEVICE, ENODEV,
	     near_names(name, names, n, text),
	     "There is no RDMA device \"%.64s\".", name);
	free(names);
}

static bool port_active(struct ibv_device *device, unsigned int port)
{
	struct ibv_context *ctx = ibv_open_device(device);
	struct ibv_port_attr attr;
	bool active;

	if (!ctx)
		return false;
	active = !ibv_query_port(ctx, port, &attr) &&
		 attr.state == IBV_PORT_ACTIVE;
	ibv_close_device(ctx);
	return active;
}

/* The device of that name; without a name the first that is ready */
static struct ibv_device *find_device(struct ibv_device **list, int n,
				      const struct perf_opts *opts)
{
	int i;

	for (i = 0; i < n; i++) {
		if (opts->device ?
		    !strcmp(ibv_get_device_name(list[i]), opts->device) :
		    port_active(list[i], opts->ib_port))
			return list[i];
	}
	if (!opts->device && n)
		return list[0];

	if (opts->device)
		not_found(list, n, opts->device);
	else
		fail(CMD_IMPOSSIBLE, REASON_NO_RDMA_DEVICE, ENODEV,
		     "Load its driver, or add a software one (`rdma link add rxe0 type rxe netdev eth0`).",
		     "This machine has no RDMA device.");
	return NULL;
}

static int open_device(struct perf_dev *dev, const struct perf_opts *opts)
{
	struct ibv_device **list;
	struct ibv_device *device;
	int n = 0;
	int ret = 0;

	/* Without the kernel's RDMA subsystem there is no list at all */
	list = ibv_get_device_list(&n);
	device = find_device(list, list ? n : 0, opts);
	if (!device) {
		ret = -1;
		goto out;
	}
	snprintf(dev->name, sizeof(dev->name), "%s",
		 ibv_get_device_name(device));
	dev->ctx = ibv_open_device(device);
	if (!dev->ctx)
		ret = fail(CMD_FAILED, REASON_RDMA, errno,
			   "Check the permissions of /dev/infiniband.",
			   "Cannot open the RDMA device %s: %s.", dev->name,
			   strerror(errno));
out:
	if (list)
		ibv_free_device_list(list);
	return ret;
}

static int query_device(struct perf_dev *dev)
{
	int ret;

	ret = ibv_query_device(dev->ctx, &dev->attr);
	if (ret)
		return fail(CMD_FAILED, REASON_RDMA, ret, "",
			    "Cannot ask %s what it can do: %s.", dev->name,
			    strerror(ret));
	if (dev->port > dev->attr.phys_port_cnt)
		return fail(CMD_FAILED, REASON_RDMA_DEVICE, ENOENT,
			    "Choose another one with -i.",
			    "%s has no port %u; its ports are 1 to %u.",
			    dev->name, dev->port, dev->attr.phys_port_cnt);
	ret = ibv_query_port(dev->ctx, dev->port, &dev->port_attr);
	if (ret)
		return fail(CMD_FAILED, REASON_RDMA, ret, "",
			    "Cannot ask for the state of %s port %u: %s.",
			    dev->name, dev->port, strerror(ret));
	if (dev->port_attr.state != IBV_PORT_ACTIVE)
		return fail(CMD_FAILED, REASON_RDMA_DEVICE, ENETDOWN,
			    "Bring its network interface up.",
			    "%s port %u is not active (%s).", dev->name,
			    dev->port,
			    ibv_port_state_str(dev->port_attr.state));
	return 0;
}

int perf_dev_open(struct perf_dev *dev, const struct perf_opts *opts)
{
	memset(dev, 0, sizeof(*dev));
	dev->port = opts->ib_port;
	if (open_device(dev, opts))
		return -1;
	if (query_device(dev) || choose_gid(dev, opts->gid_index))
		goto err;
	dev->pd = ibv_alloc_pd(dev->ctx);
	if (!dev->pd) {
		fail(CMD_FAILED, REASON_RDMA, errno, "",
		     "Cannot allocate a protection domain on %s: %s.",
		     dev->name, strerror(errno));
		goto err;
	}
	return 0;
err:
	perf_dev_close(dev);
	return -1;
}

void perf_dev_close(struct perf_dev *dev)
{
	if (dev->pd)
		ibv_dealloc_pd(dev->pd);
	if (dev->ctx)
		ibv_close_device(dev->ctx);
	dev->pd = NULL;
	dev->ctx = NULL;
}
