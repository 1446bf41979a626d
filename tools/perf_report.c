// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "perf.h"
#include "fail.h"
#include "json.h"

#define MIB (1024.0 * 1024)

static double average_bytes_per_s(const struct perf_report *rep,
				  const struct perf_row *row)
{
	if (!row->done.elapsed_ns)
		return 0;
	return (double)row->done.messages * rep->params.size * 1e9 /
	       row->done.elapsed_ns;
}

/* Millions per second */
static double message_rate(const struct perf_row *row)
{
	if (!row->done.elapsed_ns)
		return 0;
	return row->done.messages * 1e3 / row->done.elapsed_ns;
}

static unsigned int mtu_bytes(uint8_t mtu)
{
	return 128U << mtu;
}

static const char *gid_text(const struct perf_dev *dev, char *text, size_t len)
{
	if (!inet_ntop(AF_INET6, dev->gid.gid.raw, text, len))
		return "?";
	return text;
}

static void print_header(const struct perf_report *rep, const struct perf_row *row)
{
	const struct wire_params *p = &rep->params;
	const struct perf_dev *dev = rep->dev;
	char gid[INET6_ADDRSTRLEN];

	printf("RDMA %s, %s\n", perf_op_name(p->op), p->op == PERF_WRITE ?
	       "client to server" : "server to client");
	printf(" Device: %s port %u, GID %u (%s, %s), MTU %u bytes\n",
	       dev->name, dev->port, dev->gid.gid_index,
	       gid_text(dev, gid, sizeof(gid)),
	       perf_gid_type_name(dev->gid.gid_type), mtu_bytes(row->mtu));
	printf(" Queue pairs: %u, TX depth: %u", p->qps, p->depth);
	if (rep->cq_mod)
		printf(", CQ moderation: %u", rep->cq_mod);
	printf("\n Data check: %s\n", p->verify ? "every byte received" : "none");
	printf(" Memory and route: client/server\n\n");
	printf(" #bytes     #iterations    BW peak[%s]    BW average[%s]   MsgRate[Mpps]   MEMORY               ROUTE\n",
	       rep->opts->gbits ? "Gb/sec" : "MiB/sec",
	       rep->opts->gbits ? "Gb/sec" : "MiB/sec");
}

static void print_row(const struct perf_report *rep, const struct perf_row *row)
{
	double unit = rep->opts->gbits ? 1e9 / 8 : MIB;
	char memory[2 * WIRE_NAME_MAX];
	char peak[32] = "-";

	if (row->done.peak_bytes_per_s)
		snprintf(peak, sizeof(peak), "%.2f",
			 row->done.peak_bytes_per_s / unit);
	snprintf(memory, sizeof(memory), "%s/%s", row->memory[PERF_CLIENT],
		 row->memory[PERF_SERVER]);
	printf(" %-10llu %-14llu %-18s %-21.2f %-15.6f %-20s %s/%s\n",
	       (unsigned long long)rep->params.size,
	       (unsigned long long)row->done.messages, peak,
	       average_bytes_per_s(rep, row) / unit, message_rate(row), memory,
	       row->route[PERF_CLIENT], row->route[PERF_SERVER]);
}

void perf_report_row(struct perf_report *rep, const struct perf_row *row)
{
	rep->row[rep->rows++] = *row;
	if (rep->opts->json)
		return;
	if (!rep->header_done)
		print_header(rep, row);
	rep->header_done = true;
	print_row(rep, row);
	/* The second pass may take long */
	fflush(stdout);
}

/* Of the second row to the first; 0 when there are not two */
static double ratio(const struct perf_report *rep)
{
	double base;

	if (rep->rows < 2)
		return 0;
	base = average_bytes_per_s(rep, &rep->row[0]);
	return base > 0 ? average_bytes_per_s(rep, &rep->row[1]) / base : 0;
}

static void print_ratio(const struct perf_report *rep)
{
	const struct perf_row *row = rep->row;

	/* The server sees two passes and does not know what they are for */
	if (!rep->opts->compare || rep->rows < 2)
		return;
	printf("\n Ratio of BW average, %s/%s to %s/%s: %.3f\n",
	       row[1].memory[PERF_CLIENT], row[1].memory[PERF_SERVER],
	       row[0].memory[PERF_CLIENT], row[0].memory[PERF_SERVER],
	       ratio(rep));
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

static struct json_object *row_json(const struct perf_report *rep,
				    const struct perf_row *row)
{
	struct json_object *obj = json_object_new_object();
	double average = average_bytes_per_s(rep, row);
	double peak = row->done.peak_bytes_per_s;
	int bad = 0;

	bad |= json_add(obj, "memory", ends_json(row->memory));
	bad |= json_add(obj, "route", ends_json(row->route));
	bad |= json_add_u64(obj, "size_bytes", rep->params.size);
	bad |= json_add_u64(obj, "iterations", row->done.messages);
	bad |= json_add_u64(obj, "elapsed_ns", row->done.elapsed_ns);
	if (peak > 0)
		bad |= json_add_double(obj, "bw_peak_mib_per_s", peak / MIB, 3);
	else
		bad |= json_add_null(obj, "bw_peak_mib_per_s");
	bad |= json_add_double(obj, "bw_average_mib_per_s", average / MIB, 3);
	bad |= json_add_double(obj, "bw_average_gbit_per_s",
			       average * 8 / 1e9, 6);
	bad |= json_add_double(obj, "msg_rate_mpps", message_rate(row), 6);
	bad |= json_add_u64(obj, "verified_bytes", row->verdict.checked_bytes);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *results_json(const struct perf_report *rep)
{
	struct json_object *array = json_object_new_array();
	int bad = 0;
	int i;

	for (i = 0; i < rep->rows; i++)
		bad |= json_append(array, row_json(rep, &rep->row[i]));
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static int add_params(struct json_object *obj, const struct perf_report *rep)
{
	const struct wire_params *p = &rep->params;
	int bad = 0;

	bad |= json_add_string(obj, "op", perf_op_name(p->op));
	bad |= json_add_u64(obj, "size_bytes", p->size);
	if (p->iterations)
		bad |= json_add_u64(obj, "iterations_per_qp", p->iterations);
	else
		bad |= json_add_u64(obj, "duration_s", p->duration_s);
	bad |= json_add_u64(obj, "qps", p->qps);
	bad |= json_add_u64(obj, "tx_depth", p->depth);
	if (rep->cq_mod)
		bad |= json_add_u64(obj, "cq_mod", rep->cq_mod);
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
	bad |= json_add_string(obj, "gid", gid_text(dev, gid, sizeof(gid)));
	bad |= json_add_string(obj, "gid_type",
			       perf_gid_type_name(dev->gid.gid_type));
	bad |= json_add_u64(obj, "mtu_bytes", mtu_bytes(rep->row[0].mtu));
	return bad;
}

static struct json_object *report_json(const struct perf_report *rep)
{
	struct json_object *obj = json_object_new_object();
	enum perf_role role = rep->opts->server ? PERF_CLIENT : PERF_SERVER;
	int bad = 0;

	bad |= json_add_string(obj, "tool", BW_CMD);
	bad |= json_add_string(obj, "version", P2PMR_VERSION);
	bad |= json_add_string(obj, "kernel_release", rep->ident[role].kernel);
	bad |= json_add_string(obj, "role", role == PERF_CLIENT ? "client" :
								 "server");
	bad |= add_device(obj, rep);
	bad |= json_add(obj, "client", side_json(rep, PERF_CLIENT));
	bad |= json_add(obj, "server", side_json(rep, PERF_SERVER));
	bad |= add_params(obj, rep);
	bad |= json_add(obj, "results", results_json(rep));
	if (rep->opts->compare && rep->rows == 2)
		bad |= json_add_double(obj, "ratio_bw_average", ratio(rep), 4);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static int write_file(const char *path, struct json_object *obj)
{
	FILE *f = fopen(path, "w");
	int err = 0;

	if (!f || json_print(f, obj))
		err = errno;
	if (f && fclose(f) && !err)
		err = errno;
	if (!err)
		return 0;
	return fail(CMD_FAILED, REASON_SYSTEM, err, "Check --json-file.",
		    "Cannot write the report to %s: %s.", path, strerror(err));
}

static int end_good(struct perf_report *rep)
{
	struct json_object *obj = NULL;
	int ret = 0;

	if (!rep->opts->json)
		print_ratio(rep);
	if (!rep->opts->json && !rep->opts->json_file)
		return 0;

	obj = report_json(rep);
	if (!obj)
		return fail_nomem();
	if (rep->opts->json_file)
		ret = write_file(rep->opts->json_file, obj);
	if (!ret && rep->opts->json && json_print(stdout, obj))
		ret = fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			   "Cannot write the report: %s.", strerror(errno));
	json_object_put(obj);
	return ret;
}

int perf_report_end(struct perf_report *rep, bool good)
{
	struct json_object *obj;

	if (good && !end_good(rep))
		return CMD_GOOD;

	/* A file of an earlier run must not pass for this one's */
	obj = rep->opts->json_file ? fail_to_json() : NULL;
	if (obj)
		write_file(rep->opts->json_file, obj);
	json_object_put(obj);
	return fail_report(BW_CMD, rep->opts->json);
}
