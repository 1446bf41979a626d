// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h> /* IWYU pragma: keep */
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "copy_direct.h"
#include "copy_drive.h"
#include "copy_name.h"
#include "copy_staging.h"
#include "fail.h"
#include "find.h"

#define HOST "host"
/* Any number but all ones, which is what is read of nothing */
#define CANARY 0x70326d72636f7079ULL

void copy_staging_close(struct copy_staging *st)
{
	p2pmr_flush_destroy(st->flush);
	if (st->mr)
		ibv_dereg_mr(st->mr);
	p2pmr_buf_free(st->buf);
	if (st->is_peer && st->look >= 0)
		close(st->look);
	memset(st, 0, sizeof(*st));
}

/* What may be better with less memory */
static bool is_too_much(void)
{
	switch (p2pmr_reason_code()) {
	case P2PMR_REASON_POOL_EXHAUSTED:
	case P2PMR_REASON_TOO_LARGE:
	case P2PMR_REASON_MEMLOCK:
	case P2PMR_REASON_OUT_OF_MEMORY:
		return true;
	default:
		return false;
	}
}

static int access_of(enum copy_role role)
{
	/* Reading is what flushes; the other end's queue pair is not let to */
	if (role == COPY_RECEIVER)
		return IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
		       IBV_ACCESS_REMOTE_READ;
	return IBV_ACCESS_LOCAL_WRITE;
}

/* 0, or -1 with the library's reason */
static int get_memory(struct copy_staging *st, struct copy_rdma *rdma,
		      struct p2pmr_provider *provider,
		      const struct copy_staging_ask *ask)
{
	st->canary_at = (size_t)st->chunk_bytes * st->slots;
	st->buf = p2pmr_buf_alloc(provider, st->canary_at + COPY_BLOCK);
	if (!st->buf)
		return -1;
	st->mr = p2pmr_reg_mr(rdma->dev.pd, st->buf, access_of(ask->role),
			      NULL);
	if (st->mr)
		return 0;
	p2pmr_buf_free(st->buf);
	st->buf = NULL;
	return -1;
}

/* Fewer chunks first, then smaller ones. False: there is nothing smaller */
static bool ask_for_less(struct copy_staging *st)
{
	if (st->slots > COPY_SLOTS_MIN) {
		st->slots = st->slots / 2 < COPY_SLOTS_MIN ? COPY_SLOTS_MIN :
							     st->slots / 2;
		return true;
	}
	if (st->chunk_bytes / 2 < COPY_CHUNK_MIN)
		return false;
	st->chunk_bytes = st->chunk_bytes / 2 / COPY_BLOCK * COPY_BLOCK;
	return true;
}

static int put_canary(struct copy_staging *st)
{
	static const uint64_t canary = CANARY;

	return p2pmr_buf_write(st->buf, st->canary_at, &canary,
			       sizeof(canary));
}

static int open_look(struct copy_staging *st, struct failure *failure)
{
	st->look = memfd_create("canary", MFD_CLOEXEC);
	if (st->look >= 0)
		return 0;
	copy_failure(failure, REASON_SYSTEM, errno, "",
		     "memfd_create() failed: %s.", strerror(errno));
	return -1;
}

/* By the kernel, who finds EFAULT where this process would get SIGBUS */
bool copy_staging_is_there(const struct copy_staging *st)
{
	uint64_t found;

	return !st->is_peer ||
	       (pwrite(st->look, st->addr + st->canary_at, sizeof(found),
		       0) == sizeof(found) &&
		pread(st->look, &found, sizeof(found), 0) == sizeof(found) &&
		found == CANARY);
}

static int make_flush(struct copy_staging *st, struct copy_rdma *rdma)
{
	const struct p2pmr_flush_opts *opts =
		P2PMR_OPTS(p2pmr_flush_opts,
			   .gid_index = rdma->dev.gid.gid_index + 1,
			   .port_num = rdma->dev.port);

	st->flush = p2pmr_flush_create(rdma->dev.pd, opts);
	return st->flush ? 0 : -1;
}

/*
 * All that this memory is needed for. 0, or -1 with a sentence that says what
 * it cannot do, in @failure.
 */
static int try_provider(struct copy_staging *st, struct copy_rdma *rdma,
			struct p2pmr_provider *provider,
			const struct copy_staging_ask *ask,
			struct failure *failure)
{
	bool is_peer = p2pmr_provider_is_peer(provider);
	int err;

	memset(st, 0, sizeof(*st));
	st->look = -1;
	st->chunk_bytes = ask->chunk_bytes;
	st->slots = ask->slots;
	while (get_memory(st, rdma, provider, ask)) {
		if (is_too_much() && ask_for_less(st))
			continue;
		failure_from_lib(failure, "");
		return -1;
	}
	st->addr = p2pmr_buf_addr(st->buf);
	st->is_peer = is_peer;
	if (is_peer && open_look(st, failure))
		goto err;
	if (is_peer && (put_canary(st) || (ask->role == COPY_RECEIVER &&
					   make_flush(st, rdma)))) {
		failure_from_lib(failure, "");
		goto err;
	}
	/* Host memory goes everywhere, if need be through the page cache */
	err = is_peer && ask->fd >= 0 ?
	      copy_direct_probe(ask->role, ask->fd, st->addr) : 0;
	if (!err)
		return 0;
	memset(failure, 0, sizeof(*failure));
	failure->status = CMD_IMPOSSIBLE;
	failure->errnum = -err;
	snprintf(failure->reason, sizeof(failure->reason), "%s",
		 REASON_NO_DIRECT_IO);
	snprintf(failure->text, sizeof(failure->text),
		 "Direct I/O between the files and the memory of %s fails with %s.",
		 p2pmr_provider_name(provider), strerrorname_np(-err));
	snprintf(failure->remedy, sizeof(failure->remedy),
		 "Use a file system with direct I/O, right on the drive or its partitions.");
err:
	copy_staging_close(st);
	return -1;
}

static void say_why(struct copy_stats *stats, struct p2pmr_provider *provider,
		    enum copy_near near, const struct copy_staging_ask *ask)
{
	char quoted[COPY_QUOTED_MAX];

	snprintf(stats->memory, sizeof(stats->memory), "%s",
		 p2pmr_provider_name(provider));
	if (ask->memory[0])
		snprintf(stats->why, sizeof(stats->why), "asked for");
	else
		snprintf(stats->why, sizeof(stats->why), "%s that holds %s",
			 near == COPY_NEAR_SAME ? "the drive" :
			 "on the same switch as the drive",
			 copy_quote(ask->path, quoted));
}

/* Does the RDMA device reach it, by what is known? */
static bool is_reached(struct copy_rdma *rdma, struct p2pmr_provider *provider,
		       struct failure *why)
{
	struct p2pmr_path *path = p2pmr_path_query(provider,
						   rdma->dev.ctx->device);
	bool reached = !path || p2pmr_path_kind(path) != P2PMR_PATH_NONE;

	if (!reached) {
		memset(why, 0, sizeof(*why));
		snprintf(why->reason, sizeof(why->reason), "PATH_NONE");
		snprintf(why->text, sizeof(why->text), "%s",
			 p2pmr_path_explanation(path));
	}
	p2pmr_path_free(path);
	return reached;
}

/* 0: taken. 1: none of these. @why: what was wrong with the first of them */
static int try_near(struct copy_staging *st, struct copy_rdma *rdma,
		    struct p2pmr_context *ctx,
		    const struct copy_staging_ask *ask,
		    const struct copy_drive *drive, enum copy_near near,
		    struct copy_stats *stats, struct failure *why)
{
	struct p2pmr_provider *provider = NULL;
	struct failure failure;

	while ((provider = p2pmr_provider_next(ctx, provider))) {
		if (!p2pmr_provider_is_peer(provider) ||
		    copy_drive_near(drive, provider) != near)
			continue;
		if (is_reached(rdma, provider, &failure) &&
		    !try_provider(st, rdma, provider, ask, &failure)) {
			say_why(stats, provider, near, ask);
			return 0;
		}
		if (!why->reason[0])
			*why = failure;
	}
	return 1;
}

static int take_named(struct copy_staging *st, struct copy_rdma *rdma,
		      struct p2pmr_context *ctx,
		      const struct copy_staging_ask *ask,
		      struct copy_stats *stats)
{
	struct p2pmr_provider *provider = find_provider(ctx, "--mem",
							ask->memory);
	struct failure f;

	if (!provider)
		return -1;
	if (try_provider(st, rdma, provider, ask, &f))
		return fail(f.status, f.reason, f.errnum, f.remedy, "%s",
			    f.text);
	say_why(stats, provider, COPY_NEAR_SAME, ask);
	return 0;
}

static int take_host(struct copy_staging *st, struct copy_rdma *rdma,
		     struct p2pmr_context *ctx,
		     const struct copy_staging_ask *ask,
		     const struct copy_drive *drive, const struct failure *why,
		     struct copy_stats *stats)
{
	struct p2pmr_provider *host = p2pmr_provider_find(ctx, HOST);
	struct failure f;

	if (!host)
		return fail_lib("");
	if (try_provider(st, rdma, host, ask, &f))
		return fail(f.status, f.reason, f.errnum, f.remedy, "%s",
			    f.text);
	snprintf(stats->memory, sizeof(stats->memory), HOST);
	if (why->reason[0])
		snprintf(stats->why, sizeof(stats->why), "%.300s [%s]",
			 why->text, why->reason);
	else if (drive->why_not[0])
		snprintf(stats->why, sizeof(stats->why), "%.300s",
			 drive->why_not);
	else
		snprintf(stats->why, sizeof(stats->why),
			 "%s has no peer memory, nor has a drive on the same switch",
			 drive->disk);
	return 0;
}

int copy_staging_open(struct copy_staging *st, struct copy_rdma *rdma,
		      struct p2pmr_context *ctx,
		      const struct copy_staging_ask *ask,
		      struct copy_stats *stats)
{
	struct failure why = { 0 };
	struct copy_drive drive = { .why_not = "there is no data to send" };
	struct stat sb;

	if (ask->memory[0])
		return take_named(st, rdma, ctx, ask, stats);
	if (ask->fd >= 0 && fstat(ask->fd, &sb))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "fstat() failed: %s.", strerror(errno));
	if (ask->fd >= 0)
		copy_drive_find(S_ISBLK(sb.st_mode) ? sb.st_rdev : sb.st_dev,
				&drive);
	if (!try_near(st, rdma, ctx, ask, &drive, COPY_NEAR_SAME, stats,
		      &why) ||
	    !try_near(st, rdma, ctx, ask, &drive, COPY_NEAR_SWITCH, stats,
		      &why))
		return 0;
	return take_host(st, rdma, ctx, ask, &drive, &why, stats);
}
