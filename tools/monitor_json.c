// SPDX-License-Identifier: GPL-2.0-only
#include <json-c/json.h>

#include "json.h"
#include "monitor.h"

static struct json_object *provider_json(const struct monitor_provider *p)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "name", p->name);
	bad |= json_add_string(obj, "pci_address", p->pci_address);
	bad |= json_add_u64(obj, "size_bytes", p->size);
	bad |= json_add_u64(obj, "available_bytes", p->available);
	bad |= json_add_bool(obj, "published", p->published);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *owner_json(const struct monitor_owner *o)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	if (o->pid)
		bad |= json_add_u64(obj, "pid", o->pid);
	else
		bad |= json_add_null(obj, "pid");
	bad |= json_add_string(obj, "command", o->command);
	bad |= json_add_string(obj, "rdma_device", o->device);
	bad |= json_add_u64(obj, "regions", o->regions);
	bad |= json_add_u64(obj, "bytes", o->bytes);
	if (o->mapped_known)
		bad |= json_add_u64(obj, "mapped_peer_bytes", o->mapped);
	else
		bad |= json_add_null(obj, "mapped_peer_bytes");
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *counter_json(const struct monitor_counter *c)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "rdma_device", c->device);
	if (c->port)
		bad |= json_add_u64(obj, "port", c->port);
	else
		bad |= json_add_null(obj, "port");
	bad |= json_add_string(obj, "name", c->name);
	bad |= json_add_u64(obj, "value", c->value);
	if (c->rate_known)
		bad |= json_add_double(obj, "per_second", c->per_second, 3);
	else
		bad |= json_add_null(obj, "per_second");
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static int add_time(struct json_object *obj, time_t when)
{
	char text[32];
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%FT%TZ", &tm);
	return json_add_string(obj, "time", text);
}

struct json_object *monitor_json(const struct monitor_sample *sample)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *providers = json_object_new_array();
	struct json_object *owners = json_object_new_array();
	struct json_object *counters = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = 0; i < sample->n_providers; i++)
		bad |= json_append(providers,
				   provider_json(&sample->providers[i]));
	for (i = 0; i < sample->n_owners; i++)
		bad |= json_append(owners, owner_json(&sample->owners[i]));
	for (i = 0; i < sample->n_counters; i++)
		bad |= json_append(counters,
				   counter_json(&sample->counters[i]));
	bad |= add_time(obj, sample->when);
	bad |= json_add(obj, "providers", providers);
	if (sample->no_owners[0]) {
		json_object_put(owners);
		bad |= json_add_null(obj, "registrations");
	} else {
		bad |= json_add(obj, "registrations", owners);
	}
	bad |= json_add(obj, "counters", counters);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}
