// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has memory registered: the kernel's RDMA netlink tells of each region its
 * length and its process. It does not tell whether it is peer memory; but what a
 * process has mapped of that is in /proc/PID/maps (monitor_mapped.c).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <rdma/rdma_netlink.h>

#include "monitor.h"
#include "out.h"
#include "sysfs.h"

struct device {
	uint32_t index;
	char name[MONITOR_NAME_MAX];
};

/* What a dump is read into */
struct reading {
	struct monitor_sample *sample;
	struct device *devices;
	size_t n_devices;
	const struct device *device;	/* of the regions that are being read */
	bool failed;
};

/* ---- its process ----------------------------------------------------------- */

static void find_mapped(struct monitor_owner *owner)
{
	char path[64];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/maps", owner->pid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	owner->mapped_known = !monitor_mapped_read(maps, &owner->mapped);
	fclose(maps);
}

/* A process that has ended since has none */
static void find_command(struct monitor_owner *owner)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", owner->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(owner->command, sizeof(owner->command), f))
		owner->command[0] = '\0';
	owner->command[strcspn(owner->command, "\n")] = '\0';
	out_make_plain(owner->command);
	fclose(f);
}

/* ---- owners --------------------------------------------------------------- */

/* The one that these regions belong to, found or new; NULL after fail() */
static struct monitor_owner *owner_of(struct monitor_sample *sample,
				      const char *device, uint32_t pid,
				      const char *kernel)
{
	struct monitor_owner *owner;
	size_t i;

	for (i = 0; i < sample->n_owners; i++) {
		owner = &sample->owners[i];
		if (owner->pid == pid && !strcmp(owner->device, device) &&
		    (pid || !strcmp(owner->command, kernel)))
			return owner;
	}
	owner = monitor_add(sample->owners, &sample->n_owners, sizeof(*owner));
	if (!owner)
		return NULL;
	sample->owners = owner;
	owner += sample->n_owners - 1;
	owner->pid = pid;
	snprintf(owner->device, sizeof(owner->device), "%s", device);
	snprintf(owner->command, sizeof(owner->command), "%s", kernel);
	if (pid) {
		find_command(owner);
		find_mapped(owner);
	}
	return owner;
}

static int add_region(struct reading *reading, struct nlattr *entry)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX];
	struct monitor_owner *owner;
	const char *kernel = "";
	uint32_t pid = 0;

	if (nla_parse_nested(tb, RDMA_NLDEV_ATTR_MAX - 1, entry, NULL))
		return 0;
	if (tb[RDMA_NLDEV_ATTR_RES_PID])
		pid = nla_get_u32(tb[RDMA_NLDEV_ATTR_RES_PID]);
	else if (tb[RDMA_NLDEV_ATTR_RES_KERN_NAME])
		kernel = nla_get_string(tb[RDMA_NLDEV_ATTR_RES_KERN_NAME]);
	owner = owner_of(reading->sample, reading->device->name, pid, kernel);
	if (!owner)
		return -1;
	owner->regions++;
	if (tb[RDMA_NLDEV_ATTR_RES_MRLEN])
		owner->bytes += nla_get_u64(tb[RDMA_NLDEV_ATTR_RES_MRLEN]);
	return 0;
}

static int on_regions(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX];
	struct reading *reading = arg;
	struct nlattr *entry;
	int left;

	if (nlmsg_parse(nlmsg_hdr(msg), 0, tb, RDMA_NLDEV_ATTR_MAX - 1, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_RES_MR])
		return NL_OK;
	nla_for_each_nested(entry, tb[RDMA_NLDEV_ATTR_RES_MR], left) {
		if (add_region(reading, entry)) {
			reading->failed = true;
			return NL_STOP;
		}
	}
	return NL_OK;
}

static int on_device(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX];
	struct reading *reading = arg;
	struct device *device;

	if (nlmsg_parse(nlmsg_hdr(msg), 0, tb, RDMA_NLDEV_ATTR_MAX - 1, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_DEV_INDEX] || !tb[RDMA_NLDEV_ATTR_DEV_NAME])
		return NL_OK;
	device = monitor_add(reading->devices, &reading->n_devices,
			     sizeof(*device));
	if (!device) {
		reading->failed = true;
		return NL_STOP;
	}
	reading->devices = device;
	device += reading->n_devices - 1;
	device->index = nla_get_u32(tb[RDMA_NLDEV_ATTR_DEV_INDEX]);
	snprintf(device->name, sizeof(device->name), "%s",
		 nla_get_string(tb[RDMA_NLDEV_ATTR_DEV_NAME]));
	return NL_OK;
}

/* ---- asking the kernel ---------------------------------------------------- */

/* 0 or -NLE_* */
static int ask(struct nl_sock *sock, int command, const struct device *device,
	       nl_recvmsg_msg_cb_t answer, struct reading *reading)
{
	struct nl_msg *msg;
	int ret;

	msg = nlmsg_alloc_simple(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command),
				 NLM_F_REQUEST | NLM_F_DUMP);
	if (!msg)
		return -NLE_NOMEM;
	ret = device ? nla_put_u32(msg, RDMA_NLDEV_ATTR_DEV_INDEX,
				   device->index) : 0;
	if (!ret)
		ret = nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM,
					  answer, reading);
	if (!ret)
		ret = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	return ret < 0 ? ret : nl_recvmsgs_default(sock);
}

static int ask_all(struct nl_sock *sock, struct reading *reading)
{
	size_t i;
	int ret;

	ret = ask(sock, RDMA_NLDEV_CMD_GET, NULL, on_device, reading);
	for (i = 0; !ret && !reading->failed && i < reading->n_devices; i++) {
		reading->device = &reading->devices[i];
		ret = ask(sock, RDMA_NLDEV_CMD_RES_MR_GET, reading->device,
			  on_regions, reading);
		/* It has left since */
		if (ret == -NLE_NODEV)
			ret = 0;
	}
	return ret;
}

static int compare(const void *a, const void *b)
{
	const struct monitor_owner *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int monitor_owners_read(struct monitor_sample *sample)
{
	struct reading reading = { .sample = sample };
	struct nl_sock *sock;
	int ret;

	if (sysfs_is_recorded()) {
		snprintf(sample->no_owners, sizeof(sample->no_owners),
			 "A recorded tree does not tell");
		return 0;
	}
	/* Where there is no RDMA, nothing is registered */
	if (!sysfs_exists("class/infiniband"))
		return 0;
	sock = nl_socket_alloc();
	if (!sock)
		return fail_nomem();
	nl_socket_disable_auto_ack(sock);
	ret = nl_connect(sock, NETLINK_RDMA);
	if (!ret)
		ret = ask_all(sock, &reading);
	nl_socket_free(sock);
	free(reading.devices);
	if (reading.failed)
		return -1;
	if (ret)
		snprintf(sample->no_owners, sizeof(sample->no_owners),
			 "The kernel does not tell by RDMA netlink: %s",
			 nl_geterror(ret));
	if (sample->n_owners)
		qsort(sample->owners, sample->n_owners,
		      sizeof(*sample->owners), compare);
	return 0;
}
