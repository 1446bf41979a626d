// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_fs.h"
#include "nvmet_opts.h"
#include "nvmet_schema.h"

enum {
	OPT_NSID = 0x100,
	OPT_PORT,
	OPT_INLINE,
	OPT_HOST,
	OPT_CHECK,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to serve:", 1 },
	{ "nqn", 'n', "NQN", 0, "the subsystem's name", 1 },
	{ "device", 'd', "PATH", 0, "block device or file of the namespace", 1 },
	{ "nsid", OPT_NSID, "N", 0, "the namespace's number (1)", 1 },
	{ "p2pmem", 'p', "WHAT", 0,
	  "peer memory: a provider, \"auto\" (the kernel chooses), or \"off\" (auto)", 1 },
	{ "host", OPT_HOST, "NQN", 0,
	  "a host that may connect; can be repeated (any host)", 1 },
	{ NULL, 0, NULL, 0, "Where to listen:", 2 },
	{ "transport", 't', "TYPE", 0, "rdma, tcp or loop (rdma)", 2 },
	{ "traddr", 'a', "ADDRESS", 0,
	  "IP address (none: make no port)", 2 },
	{ "trsvcid", 's', "PORT", 0, "service, the IP port (4420)", 2 },
	{ "port", OPT_PORT, "N", 0, "the port's number (the least unused)", 2 },
	{ "inline-data-size", OPT_INLINE, "BYTES", 0,
	  "data that comes with a command, and so to host memory (0, with --p2pmem=off what the kernel takes)", 2 },
	{ NULL, 0, NULL, 0, "Other:", 3 },
	{ "file", 'f', "FILE", 0,
	  "all of this from a file, as save and nvmetcli write it", 3 },
	{ "check", OPT_CHECK, NULL, 0, "check, and change nothing", 3 },
	{ "json", 'j', NULL, 0, "say as JSON what was made, or what failed", 3 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static void add_host(struct nvmet_opts *opts, const char *nqn,
		     struct argp_state *state)
{
	if (opts->n_hosts == NVMET_HOSTS_MAX)
		argp_error(state, "--host: at most %d; a file takes more [USAGE]",
			   NVMET_HOSTS_MAX);
	else
		opts->hosts[opts->n_hosts++] = nqn;
}

static void check_whole(const struct nvmet_opts *opts, struct argp_state *state)
{
	bool flags = opts->nqn || opts->device || opts->nsid || opts->p2pmem ||
		     opts->port || opts->transport || opts->address ||
		     opts->service || opts->inline_size || opts->n_hosts;

	if (opts->file && flags)
		argp_error(state, "--file: goes with --check and --json only [USAGE]");
	if (!opts->file && !(opts->nqn && opts->device))
		argp_error(state, "--nqn and --device, or --file, must be given [USAGE]");
	if (!opts->address && (opts->service || opts->inline_size))
		argp_error(state, "--trsvcid and --inline-data-size: need --traddr [USAGE]");
	if (!opts->address && !opts->transport && opts->port)
		argp_error(state, "--port: needs --traddr, or --transport loop [USAGE]");
	if (!opts->address && opts->transport && strcmp(opts->transport, "loop"))
		argp_error(state, "--transport %s: needs --traddr [USAGE]",
			   opts->transport);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct nvmet_opts *opts = state->input;

	switch (key) {
	case 'n':
		opts->nqn = arg;
		return 0;
	case 'd':
		opts->device = arg;
		return 0;
	case OPT_NSID:
		opts->nsid = arg;
		return 0;
	case 'p':
		opts->p2pmem = arg;
		return 0;
	case OPT_HOST:
		add_host(opts, arg, state);
		return 0;
	case 't':
		opts->transport = arg;
		return 0;
	case 'a':
		opts->address = arg;
		return 0;
	case 's':
		opts->service = arg;
		return 0;
	case OPT_PORT:
		opts->port = arg;
		return 0;
	case OPT_INLINE:
		opts->inline_size = arg;
		return 0;
	case 'f':
		opts->file = arg;
		return 0;
	case OPT_CHECK:
		opts->check_only = true;
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_END:
		check_whole(opts, state);
		return 0;
	default:
		return args_options_only(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Make a target that serves a drive from peer memory. What is there already is left as it is; if a step fails, what was made is taken down again.",
};

void nvmet_opts_parse(struct nvmet_opts *opts, int argc, char **argv)
{
	argp_parse(&argp, argc, argv, 0, NULL, opts);
}

/* What p2pmem is set to: "0", "1" or a PCI address. -1 after fail() */
static int find_p2pmem(const char *word, char *p2pmem, size_t size)
{
	struct p2pmr_provider *provider;
	struct p2pmr_context *ctx;
	const char *value = NULL;

	if (!word || !strcmp(word, "auto") || !strcmp(word, "1"))
		value = "1";
	else if (!strcmp(word, "off") || !strcmp(word, "0"))
		value = "0";
	if (value) {
		snprintf(p2pmem, size, "%s", value);
		return 0;
	}
	ctx = p2pmr_open(NULL);
	provider = ctx ? p2pmr_provider_find(ctx, word) : NULL;
	if (!provider) {
		fail_lib("--p2pmem");
		p2pmr_close(ctx);
		return -1;
	}
	value = p2pmr_provider_pci_address(provider);
	if (value)
		snprintf(p2pmem, size, "%s", value);
	else
		fail(CMD_USAGE, REASON_USAGE, EINVAL,
		     "Name a provider of peer memory, or use --p2pmem=off.",
		     "--p2pmem %s: is no peer memory.", word);
	p2pmr_close(ctx);
	return value ? 0 : -1;
}

static int add_names(struct json_object *obj, const char *key,
		     const char *const *names, int count)
{
	struct json_object *array = json_object_new_array();
	int bad = 0;
	int i;

	for (i = 0; i < count; i++)
		bad |= json_append(array, json_object_new_string(names[i]));
	return json_add(obj, key, array) | bad;
}

/* An array of one item */
static int add_one(struct json_object *obj, const char *key,
		   struct json_object *item)
{
	struct json_object *array = json_object_new_array();
	int bad = json_append(array, item);

	return json_add(obj, key, array) | bad;
}

static struct json_object *namespace_json(const struct nvmet_opts *opts,
					  const char *p2pmem)
{
	struct json_object *device = json_object_new_object();
	struct json_object *ns = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(ns, "nsid", opts->nsid ? opts->nsid : "1");
	bad |= json_add_string(device, "path", opts->device);
	bad |= json_add(ns, "device", device);
	bad |= json_add_string(ns, "p2pmem", p2pmem);
	bad |= json_add_int(ns, "enable", 1);
	if (!bad)
		return ns;
	json_object_put(ns);
	return NULL;
}

/* Who may connect to a subsystem that is there was decided by who made it */
static int add_access(struct json_object *subsystem,
		      const struct nvmet_opts *opts)
{
	struct json_object *attr;
	char path[NVMET_PATH_MAX];

	if (opts->n_hosts)
		return add_names(subsystem, "allowed_hosts", opts->hosts,
				 opts->n_hosts);
	snprintf(path, sizeof(path), "subsystems/%.256s", opts->nqn);
	if (!strchr(opts->nqn, '/') && nvmet_fs_exists(path))
		return 0;
	attr = json_object_new_object();
	return json_add_string(attr, "allow_any_host", "1") |
	       json_add(subsystem, "attr", attr);
}

static struct json_object *subsystem_json(const struct nvmet_opts *opts,
					  const char *p2pmem)
{
	struct json_object *subsystem = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(subsystem, "nqn", opts->nqn);
	bad |= add_access(subsystem, opts);
	bad |= add_one(subsystem, "namespaces", namespace_json(opts, p2pmem));
	if (!bad)
		return subsystem;
	json_object_put(subsystem);
	return NULL;
}

static struct json_object *hosts_json(const struct nvmet_opts *opts)
{
	struct json_object *array = json_object_new_array();
	int bad = !array;
	int i;

	for (i = 0; i < opts->n_hosts && !bad; i++) {
		struct json_object *host = json_object_new_object();

		bad |= json_add_string(host, "nqn", opts->hosts[i]);
		bad |= json_append(array, host);
	}
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static const char *transport_of(const struct nvmet_opts *opts)
{
	return opts->transport ? opts->transport : "rdma";
}

static struct json_object *address_json(const struct nvmet_opts *opts)
{
	struct json_object *addr = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(addr, "trtype", transport_of(opts));
	if (opts->address) {
		bad |= json_add_string(addr, "adrfam",
				       strchr(opts->address, ':') ? "ipv6" : "ipv4");
		bad |= json_add_string(addr, "traddr", opts->address);
		bad |= json_add_string(addr, "trsvcid",
				       opts->service ? opts->service : "4420");
	}
	if (!bad)
		return addr;
	json_object_put(addr);
	return NULL;
}

/*
 * The port that has this very address, for another subsystem to be linked to;
 * else the least unused number
 */
static int find_port(struct json_object *now, struct json_object *addr,
		     char *id, size_t size)
{
	static const char *const keys[] = {
		"trtype", "adrfam", "traddr", "trsvcid"
	};
	struct json_object *array = nvmet_list(now, "ports");
	size_t i, key;
	int least = 1;

	for (i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *port = json_object_array_get_idx(array, i);
		const char *other = nvmet_get(port, NULL, "portid");
		bool same = true;

		for (key = 0; key < ARRAY_SIZE(keys); key++)
			same &= !strcmp(nvmet_get(port, "addr", keys[key]),
					nvmet_get(addr, NULL, keys[key]));
		if (same) {
			snprintf(id, size, "%s", other);
			return 1;
		}
		/* They come in order */
		if (atoi(other) == least)
			least++;
	}
	snprintf(id, size, "%d", least);
	return 0;
}

static struct json_object *port_json(const struct nvmet_opts *opts,
				     const char *p2pmem)
{
	struct json_object *addr = address_json(opts);
	struct json_object *now = nvmet_read(NULL);
	struct json_object *port, *param;
	const char *inline_size;
	bool there = false;
	char id[32] = "";
	int bad = 0;

	if (!addr || !now) {
		json_object_put(addr);
		json_object_put(now);
		return NULL;
	}
	if (!opts->port)
		there = find_port(now, addr, id, sizeof(id));
	json_object_put(now);
	port = json_object_new_object();
	bad |= json_add_string(port, "portid", opts->port ? opts->port : id);
	bad |= json_add(port, "addr", addr);
	inline_size = opts->inline_size;
	if (!inline_size && opts->address && !there && strcmp(p2pmem, "0"))
		inline_size = "0";
	if (inline_size) {
		param = json_object_new_object();
		bad |= json_add_string(param, "inline_data_size", inline_size);
		bad |= json_add(port, "param", param);
	}
	bad |= add_names(port, "subsystems", &opts->nqn, 1);
	if (!bad)
		return port;
	json_object_put(port);
	return NULL;
}

struct json_object *nvmet_opts_conf(const struct nvmet_opts *opts)
{
	struct json_object *conf = json_object_new_object();
	char p2pmem[64];
	int bad = 0;

	if (find_p2pmem(opts->p2pmem, p2pmem, sizeof(p2pmem))) {
		json_object_put(conf);
		return NULL;
	}
	if (opts->n_hosts)
		bad |= json_add(conf, "hosts", hosts_json(opts));
	bad |= add_one(conf, "subsystems", subsystem_json(opts, p2pmem));
	if (opts->address || opts->transport)
		bad |= add_one(conf, "ports", port_json(opts, p2pmem));
	if (!bad)
		return conf;
	/* Unless there is another cause already */
	fail_nomem();
	json_object_put(conf);
	return NULL;
}
