// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <p2pmr/p2pmr.h>

#include "json.h"
#include "nvmet.h"
#include "nvmet_ctrls.h"
#include "nvmet_fs.h"
#include "nvmet_schema.h"
#include "out.h"

/* As seen from the target's folder of configfs */
#define DEBUGFS "../../debug/nvmet"

struct p2pmr_provider *nvmet_provider_at(struct p2pmr_context *ctx,
					 const char *address)
{
	struct p2pmr_provider *provider = NULL;
	const char *its;

	while ((provider = p2pmr_provider_next(ctx, provider))) {
		its = p2pmr_provider_pci_address(provider);
		if (its && !strcmp(its, address))
			return provider;
	}
	return NULL;
}

/* Room for an address with the longest domain that Linux has */
#define ADDRESS_MAX 32

/* The address in the line "NSID ADDRESS"; NULL: there is none */
static const char *address_of(FILE *f, int64_t nsid, char address[ADDRESS_MAX])
{
	char line[64];
	int64_t its;

	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNd64 " %31s", &its, address) == 2 &&
		    its == nsid)
			return address;
	}
	return NULL;
}

/* A provider that has left has no name but its address */
static int add_provider(struct json_object *obj, struct p2pmr_context *ctx,
			const char *address)
{
	struct p2pmr_provider *provider;
	struct json_object *val;
	int bad = 0;

	if (!address)
		return json_add_null(obj, "provider");
	provider = nvmet_provider_at(ctx, address);
	val = json_object_new_object();
	bad |= json_add_string(val, "name",
			       provider ? p2pmr_provider_name(provider) : address);
	bad |= json_add_string(val, "pci_address", address);
	return json_add(obj, "provider", val) | bad;
}

static bool is_served(struct json_object *ns, const char *nqn)
{
	struct json_object *val;

	json_object_object_get_ex(ns, "enabled", &val);
	return json_object_get_boolean(val) &&
	       !strcmp(nvmet_get(ns, NULL, "subsystem"), nqn);
}

/* For each namespace that is served, what the kernel says in @f */
static int add_namespaces(struct json_object *ctrl, struct p2pmr_context *ctx,
			  struct json_object *namespaces, const char *nqn,
			  FILE *f)
{
	struct json_object *array = json_object_new_array();
	char address[ADDRESS_MAX];
	int bad = !array;
	size_t i;

	for (i = 0; i < json_object_array_length(namespaces); i++) {
		struct json_object *ns, *obj, *nsid;

		ns = json_object_array_get_idx(namespaces, i);
		if (!is_served(ns, nqn))
			continue;
		json_object_object_get_ex(ns, "nsid", &nsid);
		obj = json_object_new_object();
		bad |= json_add(obj, "nsid", json_object_get(nsid));
		bad |= add_provider(obj, ctx,
				    address_of(f, json_object_get_int64(nsid),
					       address));
		bad |= json_append(array, obj);
	}
	return json_add(ctrl, "namespaces", array) | bad;
}

/* A kernel without the series does not tell */
static int add_providers(struct json_object *ctrl, struct p2pmr_context *ctx,
			 struct json_object *namespaces, const char *nqn,
			 const char *folder)
{
	char path[NVMET_PATH_MAX];
	FILE *f;
	int bad;

	if (nvmet_fs_path(path, "%s/p2pmem", folder))
		return -1;
	f = fopen(path, "re");
	if (!f)
		return json_add_null(ctrl, "namespaces");
	bad = add_namespaces(ctrl, ctx, namespaces, nqn, f);
	fclose(f);
	return bad;
}

/* A file of the controller's folder; what the kernel does not have is null */
static int add_file(struct json_object *ctrl, const char *key,
		    const char *folder, const char *file)
{
	char value[NVMET_VALUE_MAX];

	if (nvmet_fs_read(folder, file, value) || !*value)
		return json_add_null(ctrl, key);
	/* what the host said, who may be anybody */
	out_make_plain(value);
	return json_add_string(ctrl, key, value);
}

static struct json_object *controller_json(struct p2pmr_context *ctx,
					   struct json_object *namespaces,
					   const char *nqn, const char *name)
{
	struct json_object *ctrl = json_object_new_object();
	char folder[NVMET_PATH_MAX], value[NVMET_VALUE_MAX];
	int bad = 0;

	bad |= nvmet_fs_join(folder, DEBUGFS "/%s/%s", nqn, name);
	bad |= json_add_string(ctrl, "subsystem", nqn);
	bad |= json_add_int(ctrl, "controller", atoi(name + strlen("ctrl")));
	bad |= add_file(ctrl, "host", folder, "hostnqn");
	bad |= add_file(ctrl, "host_address", folder, "host_traddr");
	bad |= nvmet_fs_read(folder, "port", value) ?
	       json_add_null(ctrl, "port") :
	       json_add_int(ctrl, "port", atoi(value));
	bad |= add_providers(ctrl, ctx, namespaces, nqn, folder);
	if (!bad)
		return ctrl;
	json_object_put(ctrl);
	return NULL;
}

static int add_subsystem(struct json_object *array, struct p2pmr_context *ctx,
			 struct json_object *namespaces, const char *nqn)
{
	struct nvmet_names names;
	char folder[NVMET_PATH_MAX];
	int bad = 0;
	size_t i;

	if (nvmet_fs_join(folder, DEBUGFS "/%s", nqn) ||
	    nvmet_fs_list(folder, DT_DIR, &names))
		return -1;
	for (i = 0; i < names.count; i++) {
		if (!strncmp(names.names[i], "ctrl", strlen("ctrl")))
			bad |= json_append(array,
					   controller_json(ctx, namespaces, nqn,
							   names.names[i]));
	}
	nvmet_names_free(&names);
	return bad;
}

int nvmet_ctrls_add(struct json_object *top, struct p2pmr_context *ctx,
		    struct json_object *subsystems)
{
	struct json_object *namespaces = nvmet_list(top, "namespaces");
	struct json_object *array;
	int bad = 0;
	size_t i;

	if (!nvmet_fs_exists(DEBUGFS))
		return json_add_null(top, "controllers");
	array = json_object_new_array();
	for (i = 0; i < json_object_array_length(subsystems); i++)
		bad |= add_subsystem(array, ctx, namespaces,
				     nvmet_get(json_object_array_get_idx(subsystems, i),
					       NULL, "nqn"));
	return json_add(top, "controllers", array) | bad;
}

static int add_line(struct json_object *lines, struct json_object *ctrl,
		    struct json_object *ns)
{
	struct json_object *line = json_object_new_object();
	int bad = !line;

	json_object_object_foreach(ctrl, key, val) {
		if (strcmp(key, "namespaces"))
			bad |= json_object_object_add(line, key,
						      json_object_get(val));
	}
	json_object_object_foreach(ns, ns_key, ns_val)
		bad |= json_object_object_add(line, ns_key,
					      json_object_get(ns_val));
	return json_append(lines, line) | bad;
}

struct json_object *nvmet_ctrls_lines(struct json_object *controllers)
{
	struct json_object *lines = json_object_new_array();
	struct json_object *ctrl, *namespaces;
	int bad = !lines;
	size_t i, j;

	for (i = 0; controllers && i < json_object_array_length(controllers); i++) {
		ctrl = json_object_array_get_idx(controllers, i);
		json_object_object_get_ex(ctrl, "namespaces", &namespaces);
		for (j = 0; namespaces && j < json_object_array_length(namespaces); j++)
			bad |= add_line(lines, ctrl,
					json_object_array_get_idx(namespaces, j));
	}
	if (!bad)
		return lines;
	json_object_put(lines);
	return NULL;
}
