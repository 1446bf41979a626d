// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include <json-c/json.h>

#include "args.h"
#include "json.h"
#include "out.h"
#include "table.h"
#include "verify.h"

#define NUMBER_MAX 32

static const struct table_column columns[] = {
	{ "ACCESS", 0 },
	{ "MESSAGES", SCOLS_FL_RIGHT },
	{ "BYTES", SCOLS_FL_RIGHT },
	{ "RESULT", 0 },
};

static bool is_refused(const struct verify_report *rep, enum verify_way way)
{
	return way == VERIFY_REMOTE_ATOMIC && rep->no_atomics.text[0];
}

static const char *result(const struct verify_report *rep, enum verify_way way)
{
	const struct verify_count *count = &rep->run->count[way];

	if (is_refused(rep, way))
		return "refused";
	if (count->wrong)
		return "wrong";
	return count->messages ? "right" : "not tried";
}

static int print_table(const struct verify_report *rep)
{
	char messages[NUMBER_MAX], bytes[NUMBER_MAX];
	struct table table;
	int i;

	if (table_open(&table, columns, ARRAY_SIZE(columns)))
		return -1;
	for (i = 0; i < VERIFY_WAYS; i++) {
		const char *const cells[] = {
			verify_way_name(i), messages, bytes, result(rep, i),
		};

		snprintf(messages, sizeof(messages), "%" PRIu64,
			 rep->run->count[i].messages);
		args_human_size(rep->run->count[i].bytes, bytes,
				sizeof(bytes));
		table_line(&table, cells);
	}
	return table_close(&table, stdout, 0);
}

static int print_text(const struct verify_report *rep)
{
	const struct perf_dev *near = &rep->rdma->dev[VERIFY_NEAR];
	const struct perf_dev *far = &rep->rdma->dev[VERIFY_FAR];
	char size[NUMBER_MAX];

	args_human_size(rep->run->near.size, size, sizeof(size));
	printf("%s of %s (route %s, path %s), by %s from %s; seed %" PRIu64 "\n\n",
	       size, rep->run->near.name, p2pmr_route_name(rep->rdma->route),
	       rep->path[0] ? rep->path : "-", near->name, far->name, rep->run->seed);
	if (print_table(rep))
		return -1;
	if (rep->no_atomics.text[0])
		printf("\nNo atomic operations: %s\n", rep->no_atomics.text);
	if (!fail_happened())
		puts("\nAll data is right, where it belongs and everywhere else.");
	return 0;
}

static struct json_object *count_json(const struct verify_report *rep,
				      enum verify_way way)
{
	const struct verify_count *count = &rep->run->count[way];
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "access", verify_way_name(way));
	bad |= json_add_string(obj, "result", result(rep, way));
	bad |= json_add_u64(obj, "messages", count->messages);
	bad |= json_add_u64(obj, "bytes", count->bytes);
	if (is_refused(rep, way))
		bad |= json_add(obj, "why", failure_json(&rep->no_atomics));
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *counts_json(const struct verify_report *rep)
{
	struct json_object *array = json_object_new_array();
	int bad = 0;
	int i;

	for (i = 0; i < VERIFY_WAYS; i++)
		bad |= json_append(array, count_json(rep, i));
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *wrong_json(const struct verify_wrong *wrong)
{
	struct json_object *obj = json_object_new_object();
	const struct perf_verdict *v = &wrong->verdict;
	int bad = 0;

	bad |= json_add_string(obj, "access", verify_way_name(wrong->way));
	bad |= json_add_string(obj, "step", verify_phase_name(wrong->c.phase));
	bad |= json_add_string(obj, "found_in", wrong->far ? "far" : "near");
	bad |= json_add_bool(obj, "outside_messages", wrong->whole);
	bad |= json_add_u64(obj, "message_offset", wrong->c.offset);
	bad |= json_add_u64(obj, "message_far_offset", wrong->c.far_offset);
	bad |= json_add_u64(obj, "message_bytes", wrong->c.len_bytes);
	bad |= json_add_u64(obj, "checked_bytes", v->checked_bytes);
	bad |= json_add_u64(obj, "wrong_bytes", v->wrong_bytes);
	bad |= json_add_u64(obj, "first_offset", v->first_offset);
	bad |= json_add_int(obj, "expected", v->expected);
	bad |= json_add_int(obj, "got", v->got);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static int add_setting(struct json_object *obj, const struct verify_report *rep)
{
	struct utsname uts;
	int bad = 0;

	bad |= json_add_string(obj, "tool", VERIFY_CMD);
	bad |= json_add_string(obj, "version", P2PMR_VERSION);
	bad |= json_add_string(obj, "kernel_release",
			       uname(&uts) ? NULL : uts.release);
	bad |= json_add_string(obj, "memory", rep->run->near.name);
	bad |= json_add_string(obj, "pci_address",
			       p2pmr_provider_pci_address(rep->provider));
	bad |= json_add_u64(obj, "size_bytes", rep->run->near.size);
	bad |= json_add_string(obj, "route",
			       p2pmr_route_name(rep->rdma->route));
	bad |= json_add_string(obj, "path", rep->path[0] ? rep->path : NULL);
	bad |= json_add_string(obj, "rdma_device",
			       rep->rdma->dev[VERIFY_NEAR].name);
	bad |= json_add_string(obj, "far_rdma_device",
			       rep->rdma->dev[VERIFY_FAR].name);
	bad |= json_add_u64(obj, "seed", rep->run->seed);
	return bad;
}

/* What fails before there is a memory to test is the failure alone */
static struct json_object *report_json(const struct verify_report *rep)
{
	struct json_object *obj = fail_happened() ? fail_to_json() :
						    json_object_new_object();
	int bad = 0;

	if (!rep->provider)
		return obj;
	bad |= add_setting(obj, rep);
	bad |= json_add(obj, "accesses", counts_json(rep));
	if (rep->run->wrong.found)
		bad |= json_add(obj, "wrong", wrong_json(&rep->run->wrong));
	bad |= json_add_string(obj, "verdict", rep->run->wrong.found ? "wrong" :
			       fail_happened() ? "unfinished" : "right");
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

int verify_report_end(const struct verify_report *rep)
{
	const struct verify_opts *opts = rep->opts;

	if (!opts->json && rep->provider)
		print_text(rep);
	return out_end(VERIFY_CMD, report_json(rep), opts->json, opts->json_file);
}
