// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stop.h"
#include "verify.h"

/* Small enough that Ctrl-C is heard while slow device memory is copied */
#define CHUNK_BYTES 65536

static const char *const way_names[] = {
	[VERIFY_REMOTE_WRITE] = "remote_write",
	[VERIFY_REMOTE_READ] = "remote_read",
	[VERIFY_LOCAL_WRITE] = "local_write",
	[VERIFY_LOCAL_READ] = "local_read",
	[VERIFY_REMOTE_ATOMIC] = "remote_atomic",
};

const char *verify_way_name(enum verify_way way)
{
	return way_names[way];
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int verify_side_open(struct verify_side *side, struct p2pmr_provider *provider,
		     uint64_t size)
{
	memset(side, 0, sizeof(*side));
	side->name = p2pmr_provider_name(provider);
	side->buf = p2pmr_buf_alloc(provider, size);
	if (!side->buf)
		return fail_lib("");
	side->size = p2pmr_buf_size(side->buf);
	side->expect = malloc(side->size);
	if (side->expect)
		return 0;
	verify_side_close(side);
	return fail_nomem();
}

void verify_side_close(struct verify_side *side)
{
	p2pmr_buf_free(side->buf);
	free(side->expect);
	memset(side, 0, sizeof(*side));
}

static uint64_t offset_in(const struct verify_run *run,
			  const struct verify_side *side,
			  const struct verify_case *c)
{
	return side == &run->near ? c->offset : c->far_offset;
}

static uint64_t next_key(struct verify_run *run)
{
	return perf_pattern_key(run->seed, run->step++);
}

/* The CPU writes; and this is what the memory must hold from now on */
int verify_set(struct verify_side *side, uint64_t offset, const void *src,
	       uint64_t len)
{
	memcpy(side->expect + offset, src, len);
	if (p2pmr_buf_write(side->buf, offset, src, len))
		return fail_lib("writing test data by the CPU");
	return 0;
}

/* The same with the data, or its complement, that belongs at @at of step @key */
static int fill(struct verify_run *run, struct verify_side *side,
		uint64_t offset, uint64_t len, uint64_t key, enum perf_fill what,
		uint64_t at)
{
	uint64_t done, n;

	for (done = 0; done < len; done += n) {
		if (stop_check())
			return -1;
		n = least(len - done, CHUNK_BYTES);
		perf_pattern_fill(key, what, at + done, run->scratch, n);
		if (verify_set(side, offset + done, run->scratch, n))
			return -1;
	}
	return 0;
}

/* After what, and where */
static void say_where(const struct verify_run *run,
		      const struct verify_wrong *wrong, char *text, size_t len)
{
	const struct verify_case *c = &wrong->c;

	if (wrong->whole)
		snprintf(text, len,
			 "in %s, where no message of the %s was to go",
			 wrong->far ? run->far.name : run->near.name,
			 verify_phase_name(c->phase));
	else
		snprintf(text, len,
			 "after %s of %llu bytes at offset %llu of %s, as %s",
			 verify_way_name(wrong->way),
			 (unsigned long long)c->len_bytes,
			 (unsigned long long)c->offset, run->near.name,
			 wrong->far ? "it arrived on the other side" :
				      "the CPU reads it");
}

int verify_fail(struct verify_run *run, const struct verify_wrong *wrong)
{
	const struct perf_verdict *v = &wrong->verdict;
	char where[256];

	run->wrong = *wrong;
	run->wrong.found = true;
	run->count[wrong->way].wrong = true;
	say_where(run, wrong, where, sizeof(where));
	return fail(CMD_FAILED, REASON_DATA_MISMATCH, EBADMSG,
		    "Run `dmesg`, and look at the path with `p2pmr topo -l`; do not trust this memory with this device.",
		    "Wrong data %s: %llu of %llu bytes, the first at offset %llu%s, where 0x%02x was expected and 0x%02x found.",
		    where, (unsigned long long)v->wrong_bytes,
		    (unsigned long long)v->checked_bytes,
		    (unsigned long long)v->first_offset,
		    wrong->far && !wrong->whole ? " there" : "", v->expected,
		    v->got);
}

/* Compare [offset, offset + len) with what must be there, by the CPU */
static int look(struct verify_run *run, const struct verify_side *side,
		uint64_t offset, uint64_t len, struct perf_verdict *verdict)
{
	uint64_t at, n;

	memset(verdict, 0, sizeof(*verdict));
	for (at = offset; at < offset + len; at += n) {
		if (stop_check())
			return -1;
		n = least(offset + len - at, CHUNK_BYTES);
		if (p2pmr_buf_read(side->buf, at, run->scratch, n))
			return fail_lib("reading the data by the CPU");
		perf_pattern_compare(side->expect + at, run->scratch, at, n,
				   verdict);
	}
	return 0;
}

/* The message, and what is around it */
int verify_check(struct verify_run *run, struct verify_side *side,
		 uint64_t offset, uint64_t len, enum verify_way way,
		 const struct verify_case *c)
{
	uint64_t before = least(offset, VERIFY_MARGIN);
	uint64_t after = least(side->size - offset - len, VERIFY_MARGIN);
	struct verify_wrong wrong = {
		.way = way,
		.far = side == &run->far,
		.c = *c,
	};

	if (look(run, side, offset - before, before + len + after,
		 &wrong.verdict))
		return -1;
	return wrong.verdict.wrong_bytes ? verify_fail(run, &wrong) : 0;
}

static int move(struct verify_run *run, enum verify_way way,
		const struct verify_case *c, size_t n)
{
	size_t i;

	if (run->mover.move(run->mover.arg, way, c, n))
		return -1;
	for (i = 0; i < n; i++)
		run->count[way].bytes += c[i].len_bytes;
	run->count[way].messages += n;
	return 0;
}

/* Data, or its complement, where the messages are to be taken from, or to go */
static int fill_all(struct verify_run *run, struct verify_side *side,
		    const struct verify_case *c, size_t n, uint64_t key,
		    enum perf_fill what)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (fill(run, side, offset_in(run, side, &c[i]), c[i].len_bytes,
			 key, what, c[i].offset))
			return -1;
	}
	return 0;
}

static int check_all(struct verify_run *run, struct verify_side *side,
		     const struct verify_case *c, size_t n, uint64_t key,
		     enum verify_way way)
{
	size_t i;

	for (i = 0; i < n; i++)
		perf_pattern_fill(key, PERF_FILL_DATA, c[i].offset, side->expect +
				offset_in(run, side, &c[i]), c[i].len_bytes);
	for (i = 0; i < n; i++) {
		if (verify_check(run, side, offset_in(run, side, &c[i]),
				 c[i].len_bytes, way, &c[i]))
			return -1;
	}
	return 0;
}

/* Data from the far side, over the complement of it: no old byte can look right */
static int bring_in(struct verify_run *run, enum verify_way way,
		    const struct verify_case *c, size_t n, uint64_t key)
{
	if (fill_all(run, &run->near, c, n, key, PERF_FILL_GUARD) ||
	    fill_all(run, &run->far, c, n, key, PERF_FILL_DATA) ||
	    move(run, way, c, n))
		return -1;
	return check_all(run, &run->near, c, n, key, way);
}

static int bring_out(struct verify_run *run, enum verify_way way,
		     const struct verify_case *c, size_t n, uint64_t key)
{
	if (fill_all(run, &run->far, c, n, key, PERF_FILL_GUARD) ||
	    move(run, way, c, n))
		return -1;
	return check_all(run, &run->far, c, n, key, way);
}

/*
 * In by RDMA, seen by the CPU, out by RDMA; by either device's request. Then
 * in by the CPU, and out by RDMA.
 */
static int run_batch(struct verify_run *run, const struct verify_case *c,
		     size_t n)
{
	uint64_t key = next_key(run);

	if (bring_in(run, VERIFY_REMOTE_WRITE, c, n, key) ||
	    bring_out(run, VERIFY_REMOTE_READ, c, n, key))
		return -1;
	key = next_key(run);
	if (bring_in(run, VERIFY_LOCAL_WRITE, c, n, key) ||
	    bring_out(run, VERIFY_LOCAL_READ, c, n, key))
		return -1;
	key = next_key(run);
	if (fill_all(run, &run->near, c, n, key, PERF_FILL_DATA))
		return -1;
	if (bring_out(run, VERIFY_REMOTE_READ, c, n, key) ||
	    bring_out(run, VERIFY_LOCAL_READ, c, n, key))
		return -1;
	return 0;
}

/* A message that went astray by more than the margin is found here */
static int look_through(struct verify_run *run, const struct verify_case *last,
			enum verify_way way)
{
	struct verify_side *sides[] = { &run->near, &run->far };
	struct verify_wrong wrong;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		wrong = (struct verify_wrong){
			.way = way,
			.whole = true,
			.far = sides[i] == &run->far,
			.c = *last,
		};
		if (look(run, sides[i], 0, sides[i]->size, &wrong.verdict))
			return -1;
		if (wrong.verdict.wrong_bytes)
			return verify_fail(run, &wrong);
	}
	return 0;
}

static void show_progress(struct verify_run *run, const struct verify_case *c)
{
	if (progress_is_due(&run->progress))
		progress_show(&run->progress,
			      "%s: message %zu of %zu, %llu bytes",
			      verify_phase_name(c->phase),
			      (size_t)(c - run->plan.cases) + 1, run->plan.n,
			      (unsigned long long)c->len_bytes);
}

static int run_plan(struct verify_run *run)
{
	const struct verify_case *c = run->plan.cases;
	const struct verify_case *end = c + run->plan.n;
	size_t n;

	for (; c < end; c += n) {
		show_progress(run, c);
		n = verify_plan_batch(c, end - c);
		if (run_batch(run, c, n))
			return -1;
		if ((c + n == end || c[n].phase != c->phase) &&
		    look_through(run, c, VERIFY_LOCAL_READ))
			return -1;
	}
	return 0;
}

static int run_atomics(struct verify_run *run)
{
	struct verify_case all = {
		.phase = VERIFY_ATOMICS,
		.len_bytes = sizeof(uint64_t),
	};

	if (verify_atomics(run))
		return -1;
	return look_through(run, &all, VERIFY_REMOTE_ATOMIC);
}

int verify_run(struct verify_run *run)
{
	uint64_t key = next_key(run);

	if (verify_plan_make(&run->plan, run->near.size))
		return -1;
	run->scratch = malloc(CHUNK_BYTES);
	if (!run->scratch)
		return fail_nomem();
	/* From here on every byte of both is known */
	if (fill(run, &run->near, 0, run->near.size, key, PERF_FILL_DATA, 0) ||
	    fill(run, &run->far, 0, run->far.size, key, PERF_FILL_GUARD, 0))
		return -1;
	if (run_plan(run))
		return -1;
	return run->atomics ? run_atomics(run) : 0;
}

void verify_run_free(struct verify_run *run)
{
	verify_plan_free(&run->plan);
	free(run->scratch);
	run->scratch = NULL;
}
