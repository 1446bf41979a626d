/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receiver: its files (copy_recv_begin.c, copy_recv_file.c) and its chunks
 * (copy_recv.c).
 */
#ifndef P2PMR_TOOLS_COPY_RECV_H
#define P2PMR_TOOLS_COPY_RECV_H

#include "copy.h"
#include "copy_dest.h"

/**
 * struct recv_file - a file for which DONE was not said
 * @used: this place of the table is taken
 * @direct: chunks are begun with direct I/O, through @fd
 * @bad: nothing of it is to be put in place
 * @told: both ends know that
 * @ended: the sender has said END
 * @partial: what there is of it is kept, if the copy fails
 * @syncing: its data is on the way to the drive
 * @fd: -1 for what is no file
 * @buffered: the same through the page cache; -1: not opened yet
 * @parent: the folder that it is in
 * @expected: chunks that were announced
 * @announced: up to here it was announced
 * @marked: and up to here, it is known to be right
 * @sum: of the checksums of what was written, @sent_sum: of what was sent
 * @done: those of them that were written, or dropped
 * @temporary: its name until then; "": it has none
 * @name: its name when it is done
 * @shown: for messages
 */
struct recv_file {
	bool used;
	bool direct;
	bool bad;
	bool told;
	bool ended;
	bool partial;
	bool syncing;
	int fd;
	int buffered;
	int parent;
	uint64_t expected;
	uint64_t done;
	uint64_t announced;
	uint64_t marked;
	uint64_t sum;
	uint64_t sent_sum;
	struct copy_file meta;
	char temporary[COPY_TEMPORARY_MAX];
	char name[256];
	char shown[COPY_QUOTED_MAX];
};

/**
 * struct recv_chunk - what is in a slot
 * @arrived: something was written to it
 * @begun: it is on its way to the drive
 * @ack_due: it is done with, and the sender to be told
 * @is_void: of a file that the sender gave up
 * @direct: it is being written by direct I/O
 * @reading: it was written, and is being read back
 * @unsure: it is done with; that it was good is what the next one in this slot says,
 *	which the sender begins when it has made sure, or END
 * @seq: how many chunks were before it, in all of the copy
 * @id: of its file
 * @offset: where in the file
 * @len: how much
 * @put: how much of it is written, or read back
 */
struct recv_chunk {
	bool arrived;
	bool begun;
	bool ack_due;
	bool is_void;
	bool direct;
	bool reading;
	bool unsure;
	uint64_t seq;
	uint32_t id;
	uint64_t offset;
	uint32_t len;
	uint32_t put;
};

/**
 * struct recv_extent - announced, and not all arrived
 * @first: its first chunk's seq
 * @chunks: how many there are
 * @begun: how many of them have arrived
 */
struct recv_extent {
	uint32_t id;
	uint64_t offset;
	uint64_t len;
	uint64_t first;
	uint32_t chunks;
	uint32_t begun;
};

/* Each has a slot for its first chunk, so that there can be no more */
#define RECV_EXTENTS_MAX (COPY_SLOTS_MAX + 1)

/**
 * struct receiver - that end
 * @names: what the sources are called in the destination
 * @umask: of this process
 * @extents: in order, @n_extents of them
 * @next_seq: of the next chunk that is announced
 * @unflushed: something has arrived since the last flush
 * @acks: acknowledgements that have not completed
 */
struct receiver {
	struct copy *copy;
	struct copy_dest dest;
	char **names;
	mode_t umask;
	uint64_t next_seq;
	uint32_t n_files;
	uint32_t n_extents;
	uint32_t acks;
	bool unflushed;
	bool finish_due;
	struct recv_file files[COPY_FILES_MAX];
	struct recv_extent extents[RECV_EXTENTS_MAX];
	struct recv_chunk chunks[COPY_SLOTS_MAX];
};

/* user data of a request of the drive: a slot, or the place of a file */
#define RECV_IO_SYNC (1ULL << 32)

struct recv_file *recv_file_find(struct receiver *r, uint32_t id);
static inline bool recv_is_dry(const struct receiver *r)
{
	return r->copy->opts->hello.flags & COPY_DRY_RUN;
}

/* FILE and END */
int recv_file_begin(struct receiver *r, const struct copy_file *meta);
int recv_file_end(struct receiver *r, const struct copy_verdict *verdict);
/* It cannot be received: tell the sender; the first reason counts */
int recv_file_refuse(struct receiver *r, struct recv_file *file, int err,
		     const char *what);
/* One more of its chunks is done with */
int recv_file_chunk_done(struct receiver *r, struct recv_file *file);
/* Its data is on the drive, or @res is an error */
int recv_file_synced(struct receiver *r, struct recv_file *file, int res);
/* copy_recv.c: up to where all of it was written */
uint64_t recv_file_reached(const struct receiver *r,
			   const struct recv_file *file);
/* Mode and times as they are to be. 0 or -errno */
int recv_file_attributes(const struct receiver *r,
			 const struct recv_file *file, int fd);
/* For a chunk's way: a descriptor or -errno */
int recv_file_fd(struct recv_file *file, bool direct);
/* After copy_setup_rdma(), with @dest and @names */
int copy_receive_run(struct receiver *r);
/* Whatever is not in place goes */
void recv_files_discard(struct receiver *r);

#endif
