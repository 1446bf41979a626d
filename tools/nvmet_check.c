// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever can be known before anything is written. The kernel checks much of
 * this, too, but one step at a time, in words that only its log has, and it
 * says nothing when it serves from host memory after all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include <p2pmr/p2pmr.h>

#include "fail.h"
#include "nvmet.h"
#include "nvmet_device.h"
#include "nvmet_fs.h"
#include "nvmet_net.h"
#include "nvmet_schema.h"

/**
 * struct check - what a check goes by
 * @conf: what is to be made
 * @now: what there is
 * @ctx: the providers
 * @cmd: whose notes it prints
 */
struct check {
	struct json_object *conf;
	struct json_object *now;
	struct p2pmr_context *ctx;
	const char *cmd;
};

static int bad(const char *remedy, const char *where, const char *what)
{
	return fail(CMD_FAILED, REASON_BAD_CONFIG, EINVAL, remedy, "%s %s.",
		    where, what);
}

/* The item with that name of a list in the root; NULL: none */
static struct json_object *find_item(struct json_object *conf, const char *list,
				     const char *name)
{
	const struct nvmet_kind *kind = nvmet_find_part(&nvmet_root_kind, list);
	struct json_object *array = nvmet_list(conf, list);
	size_t i;

	for (i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (!strcmp(nvmet_get(item, NULL, kind->id.name), name))
			return item;
	}
	return NULL;
}

/* Each link leads to what is there or will be */
static int check_links(const struct check *check, const struct nvmet_kind *kind,
		       struct json_object *item)
{
	struct json_object *links = nvmet_list(item, kind->links);
	size_t i;

	for (i = 0; links && i < json_object_array_length(links); i++) {
		const char *name = json_object_get_string(
			json_object_array_get_idx(links, i));

		if (find_item(check->conf, kind->linked, name) ||
		    find_item(check->now, kind->linked, name))
			continue;
		return fail(CMD_FAILED, REASON_BAD_CONFIG, ENOENT,
			    "Add it to the list of that name, or take it out here.",
			    "%s %s: \"%s\" in %s is not among the %s.",
			    kind->list, nvmet_get(item, NULL, kind->id.name),
			    name, kind->links, kind->linked);
	}
	return 0;
}

static const char *p2pmem_of(struct json_object *ns)
{
	const char *p2pmem = nvmet_get(ns, NULL, "p2pmem");

	return strcmp(p2pmem, "0") ? p2pmem : "";
}

static bool is_published(const struct p2pmr_provider *provider)
{
	struct p2pmr_provider_space space;

	return p2pmr_provider_is_peer(provider) &&
	       !p2pmr_provider_space(provider, &space) && space.published;
}

static int check_provider(const struct check *check, const char *p2pmem,
			  const char *where)
{
	struct p2pmr_provider *provider = NULL;

	if (!strcmp(p2pmem, "1")) {
		while ((provider = p2pmr_provider_next(check->ctx, provider))) {
			if (is_published(provider))
				return 0;
		}
		return fail(CMD_IMPOSSIBLE, "NO_PROVIDER", ENODEV,
			    "See `p2pmr list`; or use --p2pmem=off (\"p2pmem\": \"0\" in a file).",
			    "%s: no device of this machine publishes peer memory.",
			    where);
	}
	provider = p2pmr_provider_find(check->ctx, p2pmem);
	if (!provider)
		return fail_lib(where);
	if (!is_published(provider))
		return fail(CMD_FAILED, "NO_PROVIDER", ENODEV,
			    "Name another one: the column PUBLISHED of `p2pmr list` has \"yes\".",
			    "%s: %s (%s) does not publish its memory to the kernel; an NVMe drive's CMB must take data both ways (RDS, WDS).",
			    where, p2pmr_provider_name(provider), p2pmem);
	return 0;
}

static int check_namespace(const struct check *check, struct json_object *ns,
			   const char *nqn)
{
	const char *path = nvmet_get(ns, "device", "path");
	const char *p2pmem = p2pmem_of(ns);
	char where[NVMET_PATH_MAX];

	snprintf(where, sizeof(where), "Namespace %s of %s",
		 nvmet_get(ns, NULL, "nsid"), nqn);
	if (!*path)
		return bad("Give it one (\"device\": { \"path\": ... }).", where,
			   "has no device");
	if (strcmp(nvmet_get(ns, NULL, "enable"), "1"))
		return 0;
	if (nvmet_device_check(path, *p2pmem, where))
		return -1;
	return *p2pmem ? check_provider(check, p2pmem, where) : 0;
}

static int check_subsystem(const struct check *check,
			   struct json_object *subsystem,
			   const struct nvmet_kind *kind)
{
	struct json_object *array = nvmet_list(subsystem, "namespaces");
	struct json_object *hosts = nvmet_list(subsystem, "allowed_hosts");
	const char *nqn = nvmet_get(subsystem, NULL, "nqn");
	size_t i;

	if (hosts && json_object_array_length(hosts) &&
	    !strcmp(nvmet_get(subsystem, "attr", "allow_any_host"), "1"))
		return bad("Take one of them out.", nqn,
			   "allows any host, and lists those that it allows");
	for (i = 0; array && i < json_object_array_length(array); i++) {
		if (check_namespace(check, json_object_array_get_idx(array, i),
				    nqn))
			return -1;
	}
	return check_links(check, kind, subsystem);
}

/* An RDMA device and one provider: 1 reachable, 0 not, -1 after fail() */
static int can_reach(const struct check *check, struct p2pmr_provider *provider,
		     const char *rdma, bool say)
{
	struct p2pmr_path *path = p2pmr_path_query_name(provider, rdma);
	enum p2pmr_path_kind kind;
	const char *remedy;

	if (!path)
		return fail_lib(p2pmr_provider_name(provider));
	kind = p2pmr_path_kind(path);
	remedy = p2pmr_path_remedy(path);
	if (say && kind == P2PMR_PATH_NONE)
		fail(CMD_IMPOSSIBLE, "PATH_NONE", ENXIO, remedy ? remedy : "",
		     "%s cannot reach the memory of %s: %s", rdma,
		     p2pmr_provider_name(provider),
		     p2pmr_path_explanation(path));
	else if (say && kind == P2PMR_PATH_UNKNOWN)
		fprintf(stderr,
			"%s: it is not known whether %s reaches the memory of %s: %s\n",
			check->cmd, rdma, p2pmr_provider_name(provider),
			p2pmr_path_explanation(path));
	p2pmr_path_free(path);
	return kind != P2PMR_PATH_NONE;
}

static int check_path(const struct check *check, const char *p2pmem,
		      const char *rdma)
{
	struct p2pmr_provider *provider = NULL;
	int ret;

	if (strcmp(p2pmem, "1")) {
		provider = p2pmr_provider_find(check->ctx, p2pmem);
		if (!provider)
			return fail_lib("");
		return can_reach(check, provider, rdma, true) > 0 ? 0 : -1;
	}
	while ((provider = p2pmr_provider_next(check->ctx, provider))) {
		if (!is_published(provider))
			continue;
		ret = can_reach(check, provider, rdma, false);
		if (ret)
			return ret < 0 ? -1 : 0;
	}
	return fail(CMD_IMPOSSIBLE, "PATH_NONE", ENXIO,
		    "See p2pmr_path_query(3) for what is in the way, provider by provider.",
		    "%s reaches none of the machine's peer memory.", rdma);
}

/* All pairs of a subsystem's namespaces and the port's RDMA devices */
static int check_paths(const struct check *check, const char *nqn,
		       const struct nvmet_net *net)
{
	struct json_object *subsystem, *array;
	size_t i, j;

	subsystem = find_item(check->conf, "subsystems", nqn);
	array = subsystem ? nvmet_list(subsystem, "namespaces") : NULL;
	for (i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *ns = json_object_array_get_idx(array, i);
		const char *p2pmem = p2pmem_of(ns);

		if (!*p2pmem || strcmp(nvmet_get(ns, NULL, "enable"), "1"))
			continue;
		for (j = 0; j < net->rdma.count; j++) {
			if (check_path(check, p2pmem, net->rdma.names[j]))
				return -1;
		}
	}
	return 0;
}

static const char *const address_keys[] = {
	"trtype", "adrfam", "traddr", "trsvcid", NULL
};

static bool same_address(struct json_object *a, struct json_object *b)
{
	const char *const *key;

	for (key = address_keys; *key; key++) {
		if (strcmp(nvmet_get(a, "addr", *key), nvmet_get(b, "addr", *key)))
			return false;
	}
	return true;
}

/* Is there another port at the same address? One without links listens not */
static int check_unused(struct json_object *conf, struct json_object *port)
{
	struct json_object *array = nvmet_list(conf, "ports");
	const char *id = nvmet_get(port, NULL, "portid");
	size_t i;

	for (i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *other = json_object_array_get_idx(array, i);
		struct json_object *links = nvmet_list(other, "subsystems");

		if (!strcmp(nvmet_get(other, NULL, "portid"), id) || !links ||
		    !json_object_array_length(links) ||
		    !same_address(other, port))
			continue;
		return fail(CMD_FAILED, REASON_ADDRESS_IN_USE, EADDRINUSE,
			    "Use that port, or another address or service.",
			    "Port %s: port %s listens at %s, service %s already.",
			    id, nvmet_get(other, NULL, "portid"),
			    nvmet_get(port, "addr", "traddr"),
			    nvmet_get(port, "addr", "trsvcid"));
	}
	return 0;
}

static int check_rdma_port(const struct check *check, struct json_object *port,
			   const struct nvmet_net *net)
{
	const char *address = nvmet_get(port, "addr", "traddr");
	struct json_object *links = nvmet_list(port, "subsystems");
	size_t i;

	if (net->on_host && !net->rdma.count)
		return fail(CMD_FAILED, REASON_NO_RDMA_DEVICE, ENODEV,
			    "Use the address of an interface that `rdma link` lists as netdev.",
			    "Port %s: the interface with address %s has no RDMA device.",
			    nvmet_get(port, NULL, "portid"), address);
	if (net->any)
		fprintf(stderr,
			"%s: port %s listens at all addresses, so it is not known which RDMA device is to reach the peer memory.\n",
			check->cmd, nvmet_get(port, NULL, "portid"));
	for (i = 0; links && i < json_object_array_length(links); i++) {
		if (check_paths(check, json_object_get_string(
					json_object_array_get_idx(links, i)), net))
			return -1;
	}
	return 0;
}

static int check_address(const struct check *check, struct json_object *port)
{
	const char *transport = nvmet_get(port, "addr", "trtype");
	const char *address = nvmet_get(port, "addr", "traddr");
	const char *family = nvmet_get(port, "addr", "adrfam");
	const char *id = nvmet_get(port, NULL, "portid");
	struct nvmet_net net = { 0 };
	int ret;

	if (!nvmet_net_is_address(family, address))
		return fail(CMD_FAILED, REASON_BAD_CONFIG, EINVAL,
			    "Give an IP address and its family, \"ipv4\" or \"ipv6\".",
			    "Port %s: \"%s\" is no address of the family \"%s\".",
			    id, address, family);
	ret = nvmet_net_find(family, address, &net);
	if (!ret && !net.any && !net.on_host)
		ret = fail(CMD_FAILED, REASON_NO_ADDRESS, EADDRNOTAVAIL,
			   "See `ip address` for those there are.",
			   "Port %s: no interface of this host has the address %s.",
			   id, address);
	if (!ret && !strcmp(transport, "rdma"))
		ret = check_rdma_port(check, port, &net);
	nvmet_net_free(&net);
	return ret;
}

static bool has_p2pmem(struct json_object *subsystem)
{
	struct json_object *array = nvmet_list(subsystem, "namespaces");
	size_t i;

	for (i = 0; array && i < json_object_array_length(array); i++) {
		if (*p2pmem_of(json_object_array_get_idx(array, i)))
			return true;
	}
	return false;
}

/* Not wrong, as another port may be an rdma one, but perhaps not meant */
static void tell_transport(const struct check *check, struct json_object *port,
			   const char *transport)
{
	struct json_object *links = nvmet_list(port, "subsystems");
	size_t i;

	for (i = 0; links && i < json_object_array_length(links); i++) {
		const char *nqn = json_object_get_string(
			json_object_array_get_idx(links, i));
		struct json_object *subsystem;

		subsystem = find_item(check->conf, "subsystems", nqn);
		if (subsystem && has_p2pmem(subsystem))
			fprintf(stderr,
				"%s: port %s has the transport %s, so %s is served from host memory there.\n",
				check->cmd, nvmet_get(port, NULL, "portid"),
				transport, nqn);
	}
}

static int check_port(const struct check *check, struct json_object *port,
		      const struct nvmet_kind *kind)
{
	const char *transport = nvmet_get(port, "addr", "trtype");

	if (!*transport)
		return fail(CMD_FAILED, REASON_BAD_CONFIG, EINVAL,
			    "Give it one (\"addr\": { \"trtype\": ... }).",
			    "Port %s has no transport.",
			    nvmet_get(port, NULL, "portid"));
	if (check_links(check, kind, port) || check_unused(check->now, port) ||
	    check_unused(check->conf, port))
		return -1;
	if (strcmp(transport, "rdma"))
		tell_transport(check, port, transport);
	return !strcmp(transport, "rdma") || !strcmp(transport, "tcp") ?
	       check_address(check, port) : 0;
}

static int check_all(const struct check *check, const char *list,
		     int (*one)(const struct check *check,
				struct json_object *item,
				const struct nvmet_kind *kind))
{
	const struct nvmet_kind *kind = nvmet_find_part(&nvmet_root_kind, list);
	struct json_object *array = nvmet_list(check->conf, list);
	size_t i;

	for (i = 0; array && i < json_object_array_length(array); i++) {
		if (one(check, json_object_array_get_idx(array, i), kind))
			return -1;
	}
	return 0;
}

int nvmet_check(struct json_object *conf, const char *cmd)
{
	struct check check = { .conf = conf, .cmd = cmd };
	int ret;

	check.ctx = p2pmr_open(NULL);
	if (!check.ctx)
		return fail_lib("");
	check.now = nvmet_read(NULL);
	ret = check.now ? 0 : -1;
	if (!ret)
		ret = check_all(&check, "subsystems", check_subsystem);
	if (!ret)
		ret = check_all(&check, "ports", check_port);
	json_object_put(check.now);
	p2pmr_close(check.ctx);
	return ret;
}
