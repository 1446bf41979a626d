// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fail.h"
#include "json.h"
#include "out.h"
#include "perf.h"
#include "perf_hist.h"

#define MIB (1024.0 * 1024)
#define PS_PER_US 1e6

static double per_second(uint64_t n, uint64_t ns)
{
	return ns ? n * 1e9 / ns : 0;
}

static uint64_t lost(uint64_t sent, uint64_t received)
{
	return sent > received ? sent - received : 0;
}

static void add_side(struct perf_row *row, const struct wire_done *done)
{
	double rate = per_second(done->messages, done->elapsed_ns);

	row->messages += done->messages;
	row->messages_per_s += rate;
	row->bytes_per_s += rate * row->size;
	row->peak_bytes_per_s += done->peak_bytes_per_s;
	if (done->elapsed_ns > row->elapsed_ns)
		row->elapsed_ns = done->elapsed_ns;
}

void perf_row_fill(struct perf_row *row, const struct perf_pass *pass,
		   const struct wire_done *done,
		   const struct wire_verdict *verdict)
{
	bool local = pass->role == PERF_SERVER;
	const struct wire_endpoint *end[] = {
		local ? &pass->remote : &pass->local,
		local ? &pass->local : &pass->remote,
	};
	enum perf_role role;

	memset(row, 0, sizeof(*row));
	row->size = pass->params.size;
	row->mtu = pass->mtu;
	row->times = done[PERF_CLIENT].times;
	for (role = PERF_CLIENT; role <= PERF_SERVER; role++) {
		memcpy(row->memory[role], end[role]->memory, WIRE_NAME_MAX);
		memcpy(row->route[role], end[role]->route, WIRE_NAME_MAX);
		row->checked_bytes += verdict[role].data.checked_bytes;
		if (pass->params.op == PERF_SEND)
			row->lost += lost(done[role].messages,
					  verdict[perf_other(role)].received);
	}
	add_side(row, &done[PERF_CLIENT]);
	/* The answers of a ping-pong are in the times already */
	if (pass->params.both)
		add_side(row, &done[PERF_SERVER]);
}

void perf_report_row(struct perf_report *rep, const struct perf_row *row)
{
	rep->row[rep->rows++] = *row;
	if (rep->opts->json)
		return;
	if (!rep->header_done)
		perf_table_header(rep, row);
	rep->header_done = true;
	perf_table_row(rep, row);
	/* The next pass may take long */
	fflush(stdout);
}

void perf_report_reset(struct perf_report *rep)
{
	rep->params = rep->opts->params;
	memset(rep->ident, 0, sizeof(rep->ident));
	rep->rows = 0;
	rep->header_done = false;
}

double perf_row_ratio(const struct perf_report *rep, uint32_t second)
{
	const struct perf_row *row = &rep->row[second];
	double base, val;

	if (rep->params.tool == PERF_BW) {
		base = row[-1].bytes_per_s;
		val = row->bytes_per_s;
	} else {
		base = row[-1].times.percentile_ps[0];
		val = row->times.percentile_ps[0];
	}
	return base > 0 ? val / base : 0;
}

static const char *ratio_key(const struct perf_report *rep)
{
	return rep->params.tool == PERF_BW ? "ratio_bw_average" :
					     "ratio_t_typical";
}

static bool has_ratio(const struct perf_report *rep, uint32_t i)
{
	return rep->opts->compare && i % 2;
}

static struct json_object *side_json(const struct perf_report *rep,
				     enum perf_role role)
{
	const struct wire_ident *id = &rep->ident[role];
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "version", id->version);
	bad |= json_add_string(obj, "kernel_release", id->kernel);
	bad |= json_add_string(obj, "rdma_device", id->device);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *ends_json(const char text[2][WIRE_NAME_MAX])
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "client", text[PERF_CLIENT]);
	bad |= json_add_string(obj, "server", text[PERF_SERVER]);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

/* Times of lat, or of bw's messages from posting to completion */
static struct json_object *times_json(const struct perf_times *t)
{
	struct json_object *obj = json_object_new_object();
	char key[16];
	int bad = 0;
	int i;

	bad |= json_add_u64(obj, "samples", t->samples);
	bad |= json_add_double(obj, "t_min", t->min_ps / PS_PER_US, 3);
	bad |= json_add_double(obj, "t_max", t->max_ps / PS_PER_US, 3);
	bad |= json_add_double(obj, "t_typical",
			       t->percentile_ps[0] / PS_PER_US, 3);
	bad |= json_add_double(obj, "t_avg", t->avg_ps / PS_PER_US, 3);
	bad |= json_add_double(obj, "t_stdev", t->stdev_ps / PS_PER_US, 3);
	for (i = 0; i < PERF_PERCENTILES; i++) {
		snprintf(key, sizeof(key), "p%g", perf_percentiles[i]);
		bad |= json_add_double(obj, key,
				       t->percentile_ps[i] / PS_PER_US, 3);
	}
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

/* Of small messages on a slow device there is little of it, but it is not 0 */
static int add_mib(struct json_object *obj, const char *key, double bytes)
{
	return json_add_double(obj, key, bytes / MIB, bytes < MIB ? 6 : 3);
}

static int add_bw(struct json_object *obj, const struct perf_row *row)
{
	int bad = 0;

	if (row->peak_bytes_per_s > 0)
		bad |= add_mib(obj, "bw_peak_mib_per_s", row->peak_bytes_per_s);
	else
		bad |= json_add_null(obj, "bw_peak_mib_per_s");
	bad |= add_mib(obj, "bw_average_mib_per_s", row->bytes_per_s);
	bad |= json_add_double(obj, "bw_average_gbit_per_s",
			       row->bytes_per_s * 8 / 1e9, 6);
	bad |= json_add_double(obj, "msg_rate_mpps",
			       row->messages_per_s / 1e6, 6);
	return bad;
}

static struct json_object *row_json(const struct perf_report *rep, uint32_t i)
{
	const struct perf_row *row = &rep->row[i];
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add(obj, "memory", ends_json(row->memory));
	bad |= json_add(obj, "route", ends_json(row->route));
	bad |= json_add_u64(obj, "size_bytes", row->size);
	bad |= json_add_u64(obj, "iterations", row->messages);
	bad |= json_add_u64(obj, "elapsed_ns", row->elapsed_ns);
	if (rep->params.tool == PERF_BW)
		bad |= add_bw(obj, row);
	if (row->times.samples)
		bad |= json_add(obj, rep->params.tool == PERF_BW ?
				"completion_usec" : "latency_usec",
				times_json(&row->times));
	if (rep->params.op == PERF_SEND)
		bad |= json_add_u64(obj, "lost_messages", row->lost);
	bad |= json_add_u64(obj, "verified_bytes", row->checked_bytes);
	bad |= json_add_bool(obj, "complete", row->complete);
	if (has_ratio(rep, i))
		bad |= json_add_double(obj, ratio_key(rep),
				       perf_row_ratio(rep, i), 4);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *results_json(const struct perf_report *rep)
{
	struct json_object *array = json_object_new_array();
	int bad = 0;
	uint32_t i;

	for (i = 0; i < rep->rows; i++)
		bad |= json_append(array, row_json(rep, i));
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static int add_queues(struct json_object *obj, const struct perf_report *rep)
{
	const struct perf_params *p = &rep->params;
	int bad = 0;

	bad |= json_add_u64(obj, "qps", p->qps);
	if (p->tool == PERF_BW)
		bad |= json_add_u64(obj, "tx_depth", p->depth);
	if (p->op == PERF_SEND)
		bad |= json_add_u64(obj, "rx_depth", p->rx_depth);
	if (p->tool == PERF_BW && rep->opts->server && !p->sweep)
		bad |= json_add_u64(obj, "cq_mod", perf_cq_mod(rep->opts, p));
	if (p->tool == PERF_BW)
		bad |= json_add_bool(obj, "bidirectional", p->both);
	bad |= json_add_u64(obj, "sl", p->sl);
	bad |= json_add_u64(obj, "tos", p->tos);
	return bad;
}

static int add_params(struct json_object *obj, const struct perf_report *rep)
{
	const struct perf_params *p = &rep->params;
	int bad = 0;

	bad |= json_add_string(obj, "op", perf_op_name(p->op));
	if (p->op == PERF_ATOMIC)
		bad |= json_add_string(obj, "atomic_type",
				       perf_atomic_name(p->atomic));
	bad |= json_add_string(obj, "connection",
			       perf_transport_name(p->transport));
	bad |= json_add_bool(obj, "rdma_cm", p->cm);
	bad |= json_add_bool(obj, "all_sizes", p->sweep);
	bad |= json_add_u64(obj, "size_bytes", p->size);
	if (p->iterations)
		bad |= json_add_u64(obj, "iterations_per_qp", p->iterations);
	else
		bad |= json_add_u64(obj, "duration_s", p->duration_s);
	bad |= add_queues(obj, rep);
	bad |= json_add_bool(obj, "verify", p->verify);
	return bad;
}

static int add_device(struct json_object *obj, const struct perf_report *rep)
{
	const struct perf_dev *dev = rep->dev;
	char gid[INET6_ADDRSTRLEN];
	int bad = 0;

	bad |= json_add_string(obj, "rdma_device", dev->name);
	bad |= json_add_u64(obj, "ib_port", dev->port);
	bad |= json_add_u64(obj, "gid_index", dev->gid.gid_index);
	bad |= json_add_string(obj, "gid", perf_gid_text(dev, gid, sizeof(gid)));
	bad |= json_add_string(obj, "gid_type",
			       perf_gid_type_name(dev->gid.gid_type));
	bad |= json_add_u64(obj, "mtu_bytes", perf_mtu_bytes(rep->row[0].mtu));
	return bad;
}

/* @error: why it is not complete, or NULL */
static struct json_object *report_json(const struct perf_report *rep,
				       struct json_object *error)
{
	struct json_object *obj = json_object_new_object();
	enum perf_role role = rep->opts->server ? PERF_CLIENT : PERF_SERVER;
	int bad = 0;

	bad |= json_add_string(obj, "tool", rep->opts->cmd);
	bad |= json_add_string(obj, "version", P2PMR_VERSION);
	bad |= json_add_string(obj, "kernel_release", rep->ident[role].kernel);
	bad |= json_add_string(obj, "role", role == PERF_CLIENT ? "client" :
								 "server");
	bad |= add_device(obj, rep);
	bad |= json_add(obj, "client", side_json(rep, PERF_CLIENT));
	bad |= json_add(obj, "server", side_json(rep, PERF_SERVER));
	bad |= add_params(obj, rep);
	bad |= json_add(obj, "results", results_json(rep));
	if (has_ratio(rep, rep->rows - 1) && !rep->params.sweep)
		bad |= json_add_double(obj, ratio_key(rep),
				       perf_row_ratio(rep, rep->rows - 1), 4);
	if (error)
		bad |= json_add(obj, "error", error);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

/* What was measured before a failure is worth something, and is reported */
static struct json_object *whole_json(const struct perf_report *rep, bool good)
{
	if (good)
		return report_json(rep, NULL);
	if (!rep->rows)
		return fail_to_json();
	return report_json(rep, failure_json(fail_get()));
}

int perf_report_end(struct perf_report *rep, bool good)
{
	const struct perf_opts *opts = rep->opts;

	if (good && !opts->json)
		perf_table_ratios(rep);
	if (opts->json || opts->json_file)
		return out_end(opts->cmd, whole_json(rep, good), opts->json,
			       opts->json_file);
	return good ? CMD_GOOD : fail_report(opts->cmd, false);
}
