/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr copy: what its parts share. Functions that return int return 0, or -1
 * with the failure recorded (fail.h), unless they say otherwise. That is a
 * failure of the whole copy; one of a single file is a struct failure that goes
 * to copy_file_failed().
 */
#ifndef P2PMR_TOOLS_COPY_H
#define P2PMR_TOOLS_COPY_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "copy_ctl.h"
#include "copy_name.h" /* IWYU pragma: keep */
#include "copy_progress.h"
#include "copy_rdma.h"
#include "copy_staging.h"
#include "copy_wire.h"

struct json_object;

#define COPY_CMD "p2pmr copy"

#define REASON_SOURCE "SOURCE"
#define REASON_SOURCE_CHANGED "SOURCE_CHANGED"
#define REASON_DEST "DESTINATION"
#define REASON_CHECKSUM "CHECKSUM"
#define REASON_NO_IO_URING "NO_IO_URING"

/**
 * struct copy_opts - the command line
 * @server: be the far end
 * @from: where the sources are, for free(); NULL: here
 * @to: where the destination is; one of both is NULL
 * @shell: the remote shell, with its options
 * @program: p2pmr there
 * @sources: their paths, without slashes at the end
 * @dest: its path
 * @device, @memory, @gid_index, @ib_port: of this end
 * @hello: what the other end is told; what it has for sources and destination
 */
struct copy_opts {
	bool server;
	bool json;
	bool quiet;
	bool progress;
	char *from;
	char *to;
	const char *shell;
	const char *program;
	char **sources;
	char *dest;
	const char *device;
	const char *memory;
	uint32_t gid_index;
	uint32_t ib_port;
	struct copy_hello hello;
};

/* Fills in @opts; ends the process on a usage error, as argp does */
void copy_opts_parse(int argc, char **argv, struct copy_opts *opts);
void copy_opts_free(struct copy_opts *opts);

/**
 * struct copy - one end of a copy
 * @opts: the command line; at the far end, what came in HELLO is in its @hello
 * @role: of this end
 * @ctl: the control connection
 * @ctx: the library's
 * @rdma: the queue pair
 * @staging: memory for chunks
 * @remote: the other end of the queue pair
 * @chunk_bytes, @slots: what both ends can do
 * @dense: the receiver's: holes are to be sent
 * @folder: the receiver's: copy_folder_id() of the destination, or 0
 * @uring: the drive's requests
 * @bounce: host memory for what the peer path refuses, or NULL
 * @mine, @theirs: figures of both ends; @theirs when it has finished
 * @copied: files that are in place, @copied_bytes: their sizes
 * @resumed_bytes: that were there before
 * @hole_bytes: that were not sent, as there is nothing in them
 * @failed: files that could not be copied
 * @errors: what copy_file_failed() was told, for --json; or NULL
 * @progress: what the user sees meanwhile
 * @finished: nothing is left to do
 */
struct copy {
	struct copy_opts *opts;
	enum copy_role role;
	struct copy_ctl ctl;
	struct p2pmr_context *ctx;
	struct copy_rdma rdma;
	struct copy_staging staging;
	struct copy_endpoint remote;
	uint32_t chunk_bytes;
	uint32_t slots;
	bool dense;
	uint64_t folder;
	struct io_uring uring;
	bool has_uring;
	uint8_t *bounce;
	struct copy_stats mine;
	struct copy_stats theirs;
	uint64_t copied;
	uint64_t copied_bytes;
	uint64_t resumed_bytes;
	uint64_t hole_bytes;
	uint64_t failed;
	uint64_t begin_ns;
	uint64_t end_ns;
	struct json_object *errors;
	struct copy_progress progress;
	bool finished;
};

/* ---- copy_setup.c: up to where both ends have found each other ---- */

/* As the client: start the other end and tell it what is to be done */
int copy_setup_client(struct copy *copy);
/* As the server: be told */
int copy_setup_server(struct copy *copy);
/* @fd, @path: what copy_staging_open() is to be near to */
int copy_setup_rdma(struct copy *copy, int fd, const char *path);

/* Is it worth while to ask for the part of it that may be there? */
static inline bool copy_goes_on(const struct copy *copy,
				const struct copy_file *file)
{
	const uint32_t flags = COPY_PARTIAL | COPY_DRY_RUN;

	/* A device has no attribute that would tell */
	return !copy->dense && !copy->remote.dense &&
	       (copy->opts->hello.flags & flags) == COPY_PARTIAL &&
	       file->kind == COPY_KIND_FILE &&
	       file->size >= (uint64_t)copy->chunk_bytes * copy->slots;
}

/* ---- copy_engine.c: drive, wire and control connection at once ---- */

/**
 * struct copy_engine_ops - what sender and receiver do in their ways
 * @step: begin all that can be begun
 * @message: one has come
 * @completion: of a send or receive request
 * @io: of a request of the drive; @id is its user data
 */
struct copy_engine_ops {
	int (*step)(void *end);
	int (*message)(void *end, const struct copy_msg *msg);
	int (*completion)(void *end, const struct ibv_wc *wc);
	int (*io)(void *end, uint64_t id, int res);
};

int copy_engine_open(struct copy *copy);
void copy_engine_close(struct copy *copy);
/* Until copy->finished */
/*
 * Between chunks, where the CPU copies them: the other end takes silence for the end
 * of this one, and Ctrl-C is to be heard. 0, or -1 after fail()
 */
int copy_engine_stay_in_touch(struct copy *copy);

int copy_engine_run(struct copy *copy, const struct copy_engine_ops *ops,
		    void *end);
/* NULL after fail() */
struct io_uring_sqe *copy_engine_sqe(struct copy *copy);
/* The drive left whose memory the copy goes through: a failure */
int copy_engine_gone(const struct copy *copy);
/* A completion that is none, as a failure; what the other end says comes first */
int copy_engine_broken(struct copy *copy, const struct ibv_wc *wc);
/*
 * Checksum of a chunk that is in @data, or with NULL in the slot itself. 0, or -1
 * after fail()
 */
int copy_engine_sum(struct copy *copy, uint32_t slot, const uint8_t *data,
		    uint32_t len, uint64_t offset, uint64_t *sum);
/* The part of the host memory for what cannot go directly; NULL after fail() */
uint8_t *copy_engine_bounce(struct copy *copy, uint32_t slot);

/* ---- copy_send.c: after copy_setup_rdma() ---- */

int copy_send_run(struct copy *copy);

/* ---- copy_report.c ---- */

__attribute__((format(printf, 5, 6)))
void copy_failure(struct failure *f, const char *reason, int err,
		  const char *remedy, const char *fmt, ...);
/* One is in place */
void copy_file_copied(struct copy *copy, const char *name, enum copy_kind kind,
		      uint64_t size);
/* A file could not be copied: count it, and at the client say so */
void copy_file_failed(struct copy *copy, const struct failure *why);
/* No direct I/O between a file and the staging memory; the first reason stays */
void copy_count_refused(struct copy *copy, const char *name, int err);
/* A hole was gone past */
void copy_count_hole(struct copy *copy, uint64_t bytes);
/* Make ready for what follows */
void copy_report_begin(struct copy *copy);
/* The processor time that this process has used so far */
void copy_count_cpu(struct copy_stats *stats);
/* Ends the report, good or failed; returns the exit status */
int copy_report_end(struct copy *copy, bool good);

#endif
