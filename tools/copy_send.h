/* SPDX-License-Identifier: GPL-2.0-only */
/* The sender: its files (copy_send_file.c) and its chunks (copy_send.c). */
#ifndef P2PMR_TOOLS_COPY_SEND_H
#define P2PMR_TOOLS_COPY_SEND_H

#include <sys/stat.h>

#include "copy.h" /* IWYU pragma: keep */
#include "copy_plan.h"
#include "copy_walk.h"

/**
 * struct send_file - a file that the receiver has not said DONE of
 * @used: this place of the table is taken
 * @direct: chunks are begun with direct I/O, through @fd
 * @planned: no more chunks of it will begin
 * @asking: how much of it does the receiver have?
 * @bad: it cannot be copied
 * @ended: END was sent
 * @fd: -1 for what is no file
 * @buffered: the same through the page cache; -1: not opened yet
 * @under_way: chunks that have begun, and are not all on the wire
 * @sum: of its chunks' checksums, whatever their order
 * @st: when it was opened
 */
struct send_file {
	bool used;
	bool direct;
	bool planned;
	bool asking;
	bool bad;
	bool ended;
	int fd;
	int buffered;
	uint32_t id;
	uint32_t under_way;
	enum copy_kind kind;
	uint64_t size;
	uint64_t sum;
	struct stat st;
	struct copy_plan plan;
	struct failure why;
	char name[COPY_QUOTED_MAX];
};

/**
 * struct send_chunk - what is in a slot
 * @busy: the slot is taken, until it was both sent and acknowledged
 * @sent: the write request has completed
 * @acked: the receiver is done with it
 * @direct: it is being read by direct I/O
 * @file: whose data
 * @offset: where in the file
 * @len: how much is wanted
 * @got: how much the drive has delivered
 */
struct send_chunk {
	bool busy;
	bool sent;
	bool acked;
	bool direct;
	struct send_file *file;
	uint64_t offset;
	uint32_t len;
	uint32_t got;
};

/**
 * struct sender - that end
 * @walk: through the sources
 * @walked: to their end
 * @current: the file whose chunks are begun
 * @extent_offset, @extent_left: of the piece that was announced
 * @next: slot of the next chunk
 * @files: which are under way, @n_files of them
 */
struct sender {
	struct copy *copy;
	struct copy_walk walk;
	bool walked;
	bool dirs_done;
	bool finish_sent;
	struct send_file *current;
	uint64_t extent_offset;
	uint64_t extent_left;
	uint32_t next;
	uint32_t next_id;
	uint32_t n_files;
	struct send_file files[COPY_FILES_MAX];
	struct send_chunk chunks[COPY_SLOTS_MAX];
};

/*
 * Begin the next file. 1: done, and if it has data it is @current. 0: there is
 * none now.
 */
int send_file_next(struct sender *s);
/* It cannot be copied; the first reason stays */
__attribute__((format(printf, 6, 7)))
void send_file_fail(struct sender *s, struct send_file *file,
		    const char *reason, int err, const char *remedy,
		    const char *fmt, ...);
/* END, when nothing of it is left to do */
int send_file_try_end(struct sender *s, struct send_file *file);
/* HAVE, REFUSE and DONE */
int send_file_have(struct sender *s, const struct copy_have *have);
int send_file_refused(struct sender *s, const struct copy_verdict *verdict);
int send_file_done(struct sender *s, const struct copy_verdict *verdict);
void send_files_close(struct sender *s);

#endif
