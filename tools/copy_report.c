// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <json-c/json.h>

#include "args.h"
#include "copy.h"
#include "json.h"

#define SIZE_TEXT_MAX 32
/* A million files that cannot be read are told, but not all kept in memory */
#define ERRORS_MAX 1000

void copy_failure(struct failure *f, const char *reason, int err,
		  const char *remedy, const char *fmt, ...)
{
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->status = CMD_FAILED;
	f->errnum = err;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
	snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

void copy_report_begin(struct copy *copy)
{
	/* Without memory for them, the errors are still printed */
	if (copy->opts->json)
		copy->errors = json_object_new_array();
}

void copy_file_copied(struct copy *copy, const char *name, enum copy_kind kind,
		      uint64_t size)
{
	const struct copy_opts *opts = copy->opts;

	if (kind != COPY_KIND_FILE && kind != COPY_KIND_LINK)
		return;
	copy->copied++;
	copy->copied_bytes += size;
	if (opts->hello.flags & COPY_DRY_RUN && !opts->server &&
	    !opts->json && !opts->quiet)
		puts(name);
}

void copy_file_failed(struct copy *copy, const struct failure *why)
{
	copy->failed++;
	/* It is the client that people look at, and it gets to know */
	if (copy->opts->server)
		return;
	copy_progress_clear(&copy->progress);
	if (!copy->errors)
		failure_print(why, COPY_CMD);
	else if (copy->failed <= ERRORS_MAX)
		json_append(copy->errors, failure_json(why));
}

void copy_count_refused(struct copy *copy, const char *name, int err)
{
	struct copy_stats *mine = &copy->mine;

	if (mine->host_why[0] || !copy->staging.is_peer)
		return;
	snprintf(mine->host_why, sizeof(mine->host_why),
		 "direct I/O between %.200s and the memory of %s failed with %s",
		 name, mine->memory, strerrorname_np(err));
}

void copy_count_hole(struct copy *copy, uint64_t bytes)
{
	struct copy_progress *pr = &copy->progress;

	copy->hole_bytes += bytes;
	/* Nobody has to wait for it */
	pr->total_bytes -= bytes < pr->total_bytes ? bytes : pr->total_bytes;
}

void copy_count_cpu(struct copy_stats *stats)
{
	struct rusage ru;

	if (!getrusage(RUSAGE_SELF, &ru))
		stats->cpu_us = ru.ru_utime.tv_sec * 1000000ULL +
				ru.ru_utime.tv_usec;
}

static double seconds(const struct copy *copy)
{
	return (copy->end_ns - copy->begin_ns) / 1e9;
}

static uint64_t copied_now(const struct copy *copy)
{
	uint64_t not_sent = copy->resumed_bytes + copy->hole_bytes;

	return copy->copied_bytes > not_sent ? copy->copied_bytes - not_sent :
					       0;
}

static struct json_object *stats_json(const struct copy_stats *s)
{
	struct json_object *obj = json_object_new_object();
	int bad = 0;

	bad |= json_add_string(obj, "memory", s->memory);
	bad |= json_add_string(obj, "why", s->why);
	bad |= json_add_u64(obj, "peer_bytes", s->peer_bytes);
	bad |= json_add_u64(obj, "host_bytes", s->host_bytes);
	bad |= json_add_string(obj, "host_why",
			       s->host_why[0] ? s->host_why :
			       s->host_bytes ? s->why : NULL);
	bad |= json_add_u64(obj, "flushes", s->flushes);
	bad |= json_add_u64(obj, "user_time_us", s->cpu_us);
	bad |= json_add_u64(obj, "checksum_time_us", s->sum_us);
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static struct json_object *report_json(struct copy *copy)
{
	bool sent = copy->role == COPY_SENDER;
	struct json_object *obj = json_object_new_object();
	double s = seconds(copy);
	int bad = 0;

	bad |= json_add_bool(obj, "dry_run", copy->opts->hello.flags &
			     COPY_DRY_RUN);
	bad |= json_add_u64(obj, "files", copy->copied);
	bad |= json_add_u64(obj, "bytes", copy->copied_bytes);
	bad |= json_add_u64(obj, "resumed_bytes", copy->resumed_bytes);
	bad |= json_add_u64(obj, "hole_bytes", copy->hole_bytes);
	bad |= json_add_u64(obj, "failed", copy->failed);
	bad |= json_add_double(obj, "elapsed_s", s, 6);
	bad |= json_add_double(obj, "rate_mib_per_s",
			       copied_now(copy) / s / (1 << 20), 2);
	bad |= json_add_u64(obj, "chunk_bytes", copy->chunk_bytes);
	bad |= json_add_u64(obj, "depth", copy->slots);
	bad |= json_add(obj, "sender",
			stats_json(sent ? &copy->mine : &copy->theirs));
	bad |= json_add(obj, "receiver",
			stats_json(sent ? &copy->theirs : &copy->mine));
	bad |= json_add(obj, "errors", json_object_get(copy->errors));
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

static void print_end(const char *what, const char *where,
		      const struct copy_stats *s)
{
	char peer[SIZE_TEXT_MAX], host[SIZE_TEXT_MAX];

	printf("%s %s through %s (%s)\n", what, where, s->memory, s->why);
	printf("  %s by the peer path, %s by the host",
	       args_human_size(s->peer_bytes, peer, sizeof(peer)),
	       args_human_size(s->host_bytes, host, sizeof(host)));
	if (s->host_bytes && s->host_why[0])
		printf(": %s", s->host_why);
	putchar('\n');
	if (s->sum_us)
		printf("  %.2f s for checksums, which the processor reads the data for\n",
		       s->sum_us / 1e6);
}

static void print_dry_run(const struct copy *copy)
{
	char size[SIZE_TEXT_MAX];

	printf("%llu %s, %s would be copied\n",
	       (unsigned long long)copy->copied,
	       copy->copied == 1 ? "file" : "files",
	       args_human_size(copy->copied_bytes, size, sizeof(size)));
}

static void print_report(const struct copy *copy)
{
	bool sent = copy->role == COPY_SENDER;
	char size[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];

	if (copy->opts->hello.flags & COPY_DRY_RUN) {
		print_dry_run(copy);
		return;
	}
	printf("%llu %s, %s in %.2f s (%s/s)\n",
	       (unsigned long long)copy->copied,
	       copy->copied == 1 ? "file" : "files",
	       args_human_size(copy->copied_bytes, size, sizeof(size)),
	       seconds(copy),
	       args_human_size(copied_now(copy) / seconds(copy), rate,
			       sizeof(rate)));
	if (copy->resumed_bytes)
		printf("%s of it was there before\n",
		       args_human_size(copy->resumed_bytes, size,
				       sizeof(size)));
	if (copy->hole_bytes)
		printf("%s of it are holes\n",
		       args_human_size(copy->hole_bytes, size, sizeof(size)));
	print_end("sent by", sent ? "this machine" : copy->ctl.peer,
		  sent ? &copy->mine : &copy->theirs);
	print_end("received by", sent ? copy->ctl.peer : "this machine",
		  sent ? &copy->theirs : &copy->mine);
}

static int report_good(struct copy *copy)
{
	struct json_object *obj;

	if (!copy->opts->json) {
		if (!copy->opts->quiet)
			print_report(copy);
		return copy->failed ? CMD_FAILED : CMD_GOOD;
	}
	obj = report_json(copy);
	if (!obj || json_print(stdout, obj)) {
		fail_nomem();
		json_object_put(obj);
		return fail_report(COPY_CMD, false);
	}
	json_object_put(obj);
	return copy->failed ? CMD_FAILED : CMD_GOOD;
}

/* Of files that had failed before all of it did, nothing else would tell */
static int report_bad(struct copy *copy)
{
	struct json_object *obj;

	if (!copy->opts->json || !copy->errors)
		return fail_report(COPY_CMD, copy->opts->json);
	obj = fail_to_json();
	if (!obj || json_add(obj, "errors", json_object_get(copy->errors)) ||
	    json_print(stdout, obj))
		failure_print(fail_get(), COPY_CMD);
	json_object_put(obj);
	return fail_get()->status;
}

int copy_report_end(struct copy *copy, bool good)
{
	int ret;

	if (good)
		ret = copy->opts->server ? CMD_GOOD : report_good(copy);
	else if (copy->opts->server)
		/* The client has been told, or is gone */
		ret = fail_get()->status;
	else
		ret = report_bad(copy);
	json_object_put(copy->errors);
	return ret;
}
