// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events: the kernel's uevents of PCI functions and NVMe controllers. */
#include "private.h"

#include <libudev.h>
#include <stdlib.h>
#include <string.h>

struct p2pmr_events {
	struct p2pmr_context *ctx;
	struct udev *udev;
	struct udev_monitor *monitor;
};

static const char *const kind_names[] = {
	[P2PMR_EVENT_ARRIVED] = "arrived",
	[P2PMR_EVENT_LEAVING] = "leaving",
	[P2PMR_EVENT_LEFT] = "left",
	[P2PMR_EVENT_LOST] = "lost",
};

const char *p2pmr_event_kind_name(enum p2pmr_event_kind kind)
{
	if ((size_t)kind >= ARRAY_SIZE(kind_names) || !kind_names[kind])
		return "unknown";
	return kind_names[kind];
}

/* The last PCI address in a path such as /devices/pci0000:00/.../nvme/nvme0 */
static bool find_pci(const char *devpath, struct p2pmr_pci_address *pci)
{
	char name[P2PMR_NAME_LEN];
	bool found = false;
	size_t len;

	for (; *devpath; devpath += len) {
		devpath += strspn(devpath, "/");
		len = strcspn(devpath, "/");
		if (len >= sizeof(name))
			continue;
		memcpy(name, devpath, len);
		name[len] = '\0';
		/* with its domain: "00.0" and the like are no addresses here */
		if (len >= strlen("0000:00:00.0") && !p2pmr_pci_parse(name, pci))
			found = true;
	}
	return found;
}

/*
 * A function that is removed is unbound first, so "remove" says nothing new.
 * nvme has its CMB in place when its probe ends, which is what "bind" means.
 */
static enum p2pmr_event_kind classify(const struct p2pmr_uevent *uevent)
{
	if (!strcmp(uevent->subsystem, "nvme"))
		return strcmp(uevent->action, "remove") ? 0 : P2PMR_EVENT_LEAVING;
	if (strcmp(uevent->subsystem, "pci"))
		return 0;
	if (!strcmp(uevent->action, "bind"))
		return P2PMR_EVENT_ARRIVED;
	return strcmp(uevent->action, "unbind") ? 0 : P2PMR_EVENT_LEFT;
}

static struct p2pmr_provider *find_provider(struct p2pmr_context *ctx,
					    const char *pci_address)
{
	struct p2pmr_provider *provider;

	TAILQ_FOREACH(provider, &ctx->providers, entry) {
		if (!strcmp(provider->pci_address, pci_address))
			return provider;
	}
	return NULL;
}

bool p2pmr_event_from_uevent(struct p2pmr_context *ctx,
			     const struct p2pmr_uevent *uevent,
			     struct p2pmr_event *event)
{
	enum p2pmr_event_kind kind = classify(uevent);
	struct p2pmr_pci_address pci;
	char address[P2PMR_NAME_LEN];
	struct p2pmr_provider *provider;

	if (!kind || !find_pci(uevent->devpath, &pci))
		return false;
	p2pmr_pci_format(&pci, address, sizeof(address));
	provider = find_provider(ctx, address);
	if (strlen(address) >= sizeof(event->pci_address))
		return false;
	/* Most functions that come and go have nothing to do with this */
	if (kind == P2PMR_EVENT_ARRIVED ?
	    !p2pmr_sysfs_exists(ctx, "bus/pci/devices/%s/p2pmem", address) :
	    !provider)
		return false;

	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->provider = provider;
	strcpy(event->pci_address, address);
	return true;
}

static int fail_udev(const char *what, int err)
{
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "Let the process open a netlink socket, or do without events: p2pmr_provider_space() tells whether a provider is there.",
			  "The kernel's uevents cannot be listened to: %s failed: %s.",
			  what, p2pmr_errno_name(err));
}

static int listen_to_kernel(struct p2pmr_events *events)
{
	int ret;

	events->udev = udev_new();
	if (!events->udev)
		return p2pmr_fail_memory("events");
	/* "kernel" and not "udev": containers have no udevd */
	errno = 0;
	events->monitor = udev_monitor_new_from_netlink(events->udev, "kernel");
	if (!events->monitor)
		return fail_udev("opening the socket", errno ? errno : ENOMEM);
	ret = udev_monitor_filter_add_match_subsystem_devtype(events->monitor,
							      "pci", NULL);
	if (ret >= 0)
		ret = udev_monitor_filter_add_match_subsystem_devtype(
			events->monitor, "nvme", NULL);
	if (ret >= 0)
		ret = udev_monitor_enable_receiving(events->monitor);
	return ret < 0 ? fail_udev("setting the socket up", -ret) : 0;
}

struct p2pmr_events *p2pmr_events_open(struct p2pmr_context *ctx)
{
	int saved_errno = errno;
	struct p2pmr_events *events;

	if (!ctx) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass the context that p2pmr_open() returned.",
			   "p2pmr_events_open() was given a NULL context.");
		return NULL;
	}
	events = calloc(1, sizeof(*events));
	if (!events) {
		p2pmr_fail_memory("events");
		return NULL;
	}
	events->ctx = ctx;
	if (listen_to_kernel(events)) {
		int err = errno;

		p2pmr_events_close(events);
		errno = err;
		return NULL;
	}
	errno = saved_errno;
	return events;
}

int p2pmr_events_fd(const struct p2pmr_events *events)
{
	return udev_monitor_get_fd(events->monitor);
}

static bool read_device(struct p2pmr_events *events, struct udev_device *device,
			struct p2pmr_event *event)
{
	struct p2pmr_uevent uevent = {
		.action = udev_device_get_action(device),
		.subsystem = udev_device_get_subsystem(device),
		.devpath = udev_device_get_devpath(device),
	};

	if (!uevent.action || !uevent.subsystem || !uevent.devpath ||
	    !p2pmr_event_from_uevent(events->ctx, &uevent, event))
		return false;
	if (event->provider && event->kind != P2PMR_EVENT_ARRIVED)
		p2pmr_provider_left(event->provider);
	return true;
}

int p2pmr_events_next(struct p2pmr_events *events, struct p2pmr_event *event)
{
	int saved_errno = errno;
	struct udev_device *device;
	bool told = false;

	if (!events || !event)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass the events and a struct to fill in.",
				  "p2pmr_events_next() was given NULL %s.",
				  events ? "for the event" : "events");
	while (!told) {
		errno = 0;
		device = udev_monitor_receive_device(events->monitor);
		if (device) {
			told = read_device(events, device, event);
			udev_device_unref(device);
		} else if (errno == ENOBUFS) {
			memset(event, 0, sizeof(*event));
			event->kind = P2PMR_EVENT_LOST;
			told = true;
		} else {
			break;
		}
	}
	errno = saved_errno;
	return told ? 0 : -EAGAIN;
}

void p2pmr_events_close(struct p2pmr_events *events)
{
	int saved_errno = errno;

	if (!events)
		return;
	udev_monitor_unref(events->monitor);
	udev_unref(events->udev);
	free(events);
	errno = saved_errno;
}
