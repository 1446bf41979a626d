// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>

#include <p2pmr/p2pmr.h>

#include "args.h"
#include "fail.h"
#include "json.h"
#include "nvmet.h"
#include "nvmet_counts.h"
#include "nvmet_ctrls.h"
#include "nvmet_fs.h"
#include "nvmet_net.h"
#include "nvmet_schema.h"
#include "out.h"
#include "table.h"

#define SHOW_CMD "p2pmr nvmet show"
#define JOINED_MAX 1024

/* What there is: the configuration, and the providers that it names */
struct show {
	struct json_object *conf;
	struct p2pmr_context *ctx;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "the same as JSON", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = args_json_only,
	.doc = "Show the target's namespaces and ports, and which peer memory each namespace is to be, and was, served from.",
};

static bool has_link(struct json_object *port, const char *nqn)
{
	struct json_object *links = nvmet_list(port, "subsystems");
	size_t i;

	for (i = 0; links && i < json_object_array_length(links); i++) {
		if (!strcmp(json_object_get_string(
				    json_object_array_get_idx(links, i)), nqn))
			return true;
	}
	return false;
}

/* The numbers of the ports that a subsystem is linked to */
static struct json_object *ports_of(const struct show *show, const char *nqn)
{
	struct json_object *ports = nvmet_list(show->conf, "ports");
	struct json_object *array = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = 0; ports && i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		if (has_link(port, nqn))
			bad |= json_append(array, json_object_new_int(
				atoi(nvmet_get(port, NULL, "portid"))));
	}
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *rdma_of(struct json_object *port)
{
	struct json_object *array = json_object_new_array();
	struct nvmet_net net = { 0 };
	int bad = 0;
	size_t i;

	if (!strcmp(nvmet_get(port, "addr", "trtype"), "rdma"))
		bad |= nvmet_net_find(nvmet_get(port, "addr", "adrfam"),
				      nvmet_get(port, "addr", "traddr"), &net);
	for (i = 0; i < net.rdma.count; i++)
		bad |= json_append(array,
				   json_object_new_string(net.rdma.names[i]));
	nvmet_net_free(&net);
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static int add_text(struct json_object *obj, const char *key, const char *text)
{
	return json_add_string(obj, key, *text ? text : NULL);
}

static int add_provider(struct json_object *obj,
			const struct p2pmr_provider *provider)
{
	struct json_object *val;
	int bad = 0;

	if (!provider)
		return json_add_null(obj, "provider");
	val = json_object_new_object();
	bad |= json_add_string(val, "name", p2pmr_provider_name(provider));
	bad |= json_add_string(val, "pci_address",
			       p2pmr_provider_pci_address(provider));
	return json_add(obj, "provider", val) | bad;
}

/* What is configured, and what the namespace was really served from */
static struct json_object *namespace_json(const struct show *show,
					  struct json_object *ns,
					  const char *nqn)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "subsystem", nqn);
	bad |= json_add(obj, "nsid", json_object_new_int64(
				atoll(nvmet_get(ns, NULL, "nsid"))));
	bad |= add_text(obj, "device", nvmet_get(ns, "device", "path"));
	bad |= json_add_bool(obj, "enabled",
			     !strcmp(nvmet_get(ns, NULL, "enable"), "1"));
	bad |= add_text(obj, "p2pmem", nvmet_get(ns, NULL, "p2pmem"));
	bad |= add_provider(obj, nvmet_provider_at(show->ctx,
					nvmet_get(ns, NULL, "p2pmem")));
	bad |= json_add(obj, "ports", ports_of(show, nqn));
	bad |= nvmet_counts_add(obj, nqn, nvmet_get(ns, NULL, "nsid"));
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static int add_namespaces(const struct show *show, struct json_object *array,
			  struct json_object *subsystem)
{
	struct json_object *in = nvmet_list(subsystem, "namespaces");
	const char *nqn = nvmet_get(subsystem, NULL, "nqn");
	size_t i;

	for (i = 0; in && i < json_object_array_length(in); i++) {
		if (json_append(array, namespace_json(show,
				json_object_array_get_idx(in, i), nqn)))
			return -1;
	}
	return 0;
}

static struct json_object *port_json(struct json_object *port)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *links = nvmet_list(port, "subsystems");
	const char *size = nvmet_get(port, "param", "inline_data_size");
	int bad = 0;

	bad |= json_add_int(obj, "port", atoi(nvmet_get(port, NULL, "portid")));
	bad |= add_text(obj, "transport", nvmet_get(port, "addr", "trtype"));
	bad |= add_text(obj, "family", nvmet_get(port, "addr", "adrfam"));
	bad |= add_text(obj, "address", nvmet_get(port, "addr", "traddr"));
	bad |= add_text(obj, "service", nvmet_get(port, "addr", "trsvcid"));
	bad |= *size && size[0] != '-' ?
	       json_add_int(obj, "inline_data_bytes", atoi(size)) :
	       json_add_null(obj, "inline_data_bytes");
	bad |= json_add(obj, "rdma_devices", rdma_of(port));
	bad |= json_add(obj, "subsystems", json_object_get(links));
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *show_json(const struct show *show)
{
	struct json_object *subsystems = nvmet_list(show->conf, "subsystems");
	struct json_object *ports = nvmet_list(show->conf, "ports");
	struct json_object *top = json_object_new_object();
	struct json_object *array = json_object_new_array();
	int bad = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(subsystems); i++)
		bad |= add_namespaces(show, array,
				      json_object_array_get_idx(subsystems, i));
	bad |= json_add(top, "namespaces", array);
	array = json_object_new_array();
	for (i = 0; i < json_object_array_length(ports); i++)
		bad |= json_append(array, port_json(
					json_object_array_get_idx(ports, i)));
	bad |= json_add(top, "ports", array);
	bad |= nvmet_ctrls_add(top, show->ctx, subsystems);
	if (!bad)
		return top;
	json_object_put(top);
	return NULL;
}

/* "1,2"; "-" when there is nothing */
static const char *join(struct json_object *array, char text[JOINED_MAX])
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(array) && used < JOINED_MAX; i++)
		used += snprintf(text + used, JOINED_MAX - used, "%s%s",
				 i ? "," : "", json_object_get_string(
					json_object_array_get_idx(array, i)));
	return i ? text : "-";
}

/* What a cell shows of a value in the JSON; @text is room for it */
static const char *cell(struct json_object *obj, const char *key,
			char text[JOINED_MAX])
{
	struct json_object *val = NULL;

	json_object_object_get_ex(obj, key, &val);
	switch (json_object_get_type(val)) {
	case json_type_null:
		return "-";
	case json_type_boolean:
		return json_object_get_boolean(val) ? "yes" : "no";
	case json_type_array:
		return join(val, text);
	case json_type_object:
		return cell(val, "name", text);
	default:
		return json_object_get_string(val);
	}
}

struct column {
	const char *head;
	const char *key;
	int flags;
};

static const struct column namespace_columns[] = {
	{ "SUBSYSTEM", "subsystem", 0 },
	{ "NSID", "nsid", SCOLS_FL_RIGHT },
	{ "DEVICE", "device", 0 },
	{ "ENABLED", "enabled", 0 },
	{ "P2PMEM", "p2pmem", 0 },
	{ "PROVIDER", "provider", 0 },
	{ "PORTS", "ports", 0 },
	{ NULL, NULL, 0 }
};

static const struct column port_columns[] = {
	{ "PORT", "port", SCOLS_FL_RIGHT },
	{ "TRANSPORT", "transport", 0 },
	{ "ADDRESS", "address", 0 },
	{ "SERVICE", "service", SCOLS_FL_RIGHT },
	{ "INLINE", "inline_data_bytes", SCOLS_FL_RIGHT },
	{ "RDMA", "rdma_devices", 0 },
	{ "SUBSYSTEMS", "subsystems", 0 },
	{ NULL, NULL, 0 }
};

static const struct column ctrl_columns[] = {
	{ "SUBSYSTEM", "subsystem", 0 },
	{ "CTRL", "controller", SCOLS_FL_RIGHT },
	{ "HOST", "host", 0 },
	{ "ADDRESS", "host_address", 0 },
	{ "NSID", "nsid", SCOLS_FL_RIGHT },
	{ "PROVIDER", "provider", 0 },
	{ NULL, NULL, 0 }
};

static const struct column count_columns[] = {
	{ "SUBSYSTEM", "subsystem", 0 },
	{ "NSID", "nsid", SCOLS_FL_RIGHT },
	{ "SERVED FROM", "class", 0 },
	{ "REQUESTS", "requests", SCOLS_FL_RIGHT },
	{ "BYTES", "bytes", SCOLS_FL_RIGHT },
	{ NULL, NULL, 0 }
};

static int fill_line(struct libscols_table *table,
		     const struct column *columns, struct json_object *obj)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[JOINED_MAX];
	int i;

	if (!line)
		return fail_nomem();
	for (i = 0; columns[i].head; i++) {
		if (scols_line_set_data(line, i, cell(obj, columns[i].key, text)))
			return fail_nomem();
	}
	return 0;
}

static int fill_table(struct libscols_table *table,
		      const struct column *columns, struct json_object *array)
{
	size_t i;

	for (i = 0; columns[i].head; i++) {
		if (!scols_table_new_column(table, columns[i].head, 0,
					    columns[i].flags))
			return fail_nomem();
	}
	for (i = 0; i < json_object_array_length(array); i++) {
		if (fill_line(table, columns, json_object_array_get_idx(array, i)))
			return -1;
	}
	return 0;
}

static int print_table(const struct column *columns, struct json_object *array)
{
	struct libscols_table *table = scols_new_table();
	int ret;

	if (!table)
		return fail_nomem();
	ret = fill_table(table, columns, array);
	if (!ret)
		ret = table_print(table);
	scols_unref_table(table);
	return ret;
}

/* A table that is left out when it has no lines; takes them over */
static int print_if_any(const struct column *columns, struct json_object *lines)
{
	int ret = 0;

	if (!lines)
		return fail_nomem();
	if (json_object_array_length(lines)) {
		putchar('\n');
		ret = print_table(columns, lines);
	}
	json_object_put(lines);
	return ret;
}

static int print_tables(struct json_object *top)
{
	struct json_object *namespaces = nvmet_list(top, "namespaces");
	struct json_object *ports = nvmet_list(top, "ports");

	scols_init_debug(0);
	if (!json_object_array_length(namespaces) &&
	    !json_object_array_length(ports)) {
		puts("Nothing is configured.");
		return 0;
	}
	if (print_table(namespace_columns, namespaces))
		return -1;
	putchar('\n');
	if (print_table(port_columns, ports))
		return -1;
	if (print_if_any(ctrl_columns,
			 nvmet_ctrls_lines(nvmet_list(top, "controllers"))))
		return -1;
	return print_if_any(count_columns, nvmet_counts_lines(namespaces));
}

static int print(const struct show *show, bool json)
{
	struct json_object *top = show_json(show);
	int ret;

	if (json)
		return out_json(top, "what is configured");
	if (!top)
		return fail_nomem();
	ret = print_tables(top);
	json_object_put(top);
	return ret;
}

int nvmet_show(int argc, char **argv)
{
	static char name[] = SHOW_CMD;
	struct show show = { 0 };
	bool json = false;
	int ret;

	args_init(argv, name);
	if (argp_parse(&argp, argc, argv, 0, NULL, &json))
		return CMD_USAGE;
	ret = nvmet_fs_present();
	if (!ret) {
		show.conf = nvmet_read(NULL);
		ret = show.conf ? 0 : -1;
	}
	if (!ret) {
		show.ctx = p2pmr_open(NULL);
		ret = show.ctx ? print(&show, json) : fail_lib("");
	}
	p2pmr_close(show.ctx);
	json_object_put(show.conf);
	return ret ? fail_report(SHOW_CMD, json) : CMD_GOOD;
}
