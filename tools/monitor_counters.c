// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "monitor.h"
#include "sysfs.h"

/* Not a counter, but how often the driver is asked for them */
#define NO_COUNTER "lifespan"

static const struct monitor_counter *find(const struct monitor_sample *sample,
					  size_t hint,
					  const struct monitor_counter *like)
{
	size_t i;

	/* They come in the same order, as a rule */
	for (i = 0; i < sample->n_counters; i++) {
		const struct monitor_counter *c =
			&sample->counters[(hint + i) % sample->n_counters];

		if (c->port == like->port && !strcmp(c->name, like->name) &&
		    !strcmp(c->device, like->device))
			return c;
	}
	return NULL;
}

static void set_rate(struct monitor_counter *c, size_t hint,
		     const struct monitor_sample *sample,
		     const struct monitor_sample *before)
{
	const struct monitor_counter *old;

	if (!before || sample->ns <= before->ns)
		return;
	old = find(before, hint, c);
	/* Less than before: it was reset, or the device is another one */
	if (!old || c->value < old->value)
		return;
	c->rate_known = true;
	c->per_second = (c->value - old->value) * 1e9 /
			(sample->ns - before->ns);
}

/* What cannot be read, or is no number, is none of ours */
static int add(struct monitor_sample *sample,
	       const struct monitor_sample *before, const char *folder,
	       const char *device, unsigned int port, const char *name)
{
	struct monitor_counter *more, *c;
	char line[64];
	uint64_t value;

	if (!strcmp(name, NO_COUNTER) ||
	    sysfs_line(line, sizeof(line), "%s/%s", folder, name) ||
	    args_u64(line, 0, UINT64_MAX, &value))
		return 0;
	more = monitor_add(sample->counters, &sample->n_counters,
			   sizeof(*more));
	if (!more)
		return -1;
	sample->counters = more;
	c = &more[sample->n_counters - 1];
	snprintf(c->device, sizeof(c->device), "%s", device);
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->port = port;
	c->value = value;
	set_rate(c, sample->n_counters - 1, sample, before);
	return 0;
}

static int add_folder(struct monitor_sample *sample,
		      const struct monitor_sample *before, const char *folder,
		      const char *device, unsigned int port)
{
	char **names = sysfs_names(folder);
	int ret = names ? 0 : -1;
	size_t i;

	for (i = 0; !ret && names[i]; i++)
		ret = add(sample, before, folder, device, port, names[i]);
	sysfs_free_names(names);
	return ret;
}

static int add_ports(struct monitor_sample *sample,
		     const struct monitor_sample *before, const char *device)
{
	static const char *const kinds[] = { "counters", "hw_counters" };
	char folder[SYSFS_PATH_MAX];
	char **ports;
	uint64_t port;
	size_t i, j;
	int ret;

	snprintf(folder, sizeof(folder), "class/infiniband/%s/ports", device);
	ports = sysfs_names(folder);
	ret = ports ? 0 : -1;
	for (i = 0; !ret && ports[i]; i++) {
		if (args_u64(ports[i], 1, 255, &port))
			continue;
		for (j = 0; !ret && j < ARRAY_SIZE(kinds); j++) {
			snprintf(folder, sizeof(folder),
				 "class/infiniband/%s/ports/%u/%s", device,
				 (unsigned int)port, kinds[j]);
			ret = add_folder(sample, before, folder, device, port);
		}
	}
	sysfs_free_names(ports);
	return ret;
}

int monitor_counters_read(struct monitor_sample *sample,
			  const struct monitor_sample *before)
{
	char **devices = sysfs_names("class/infiniband");
	char folder[SYSFS_PATH_MAX];
	int ret = devices ? 0 : -1;
	size_t i;

	for (i = 0; !ret && devices[i]; i++) {
		snprintf(folder, sizeof(folder),
			 "class/infiniband/%s/hw_counters", devices[i]);
		ret = add_folder(sample, before, folder, devices[i], 0);
		if (!ret)
			ret = add_ports(sample, before, devices[i]);
	}
	sysfs_free_names(devices);
	return ret;
}
