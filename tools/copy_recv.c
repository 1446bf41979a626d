// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chunk arrives in a slot, is flushed there and written to the drive, and the
 * sender is told that the slot is free. Which file it belongs to was announced
 * on the control connection, which may be the slower one: then it waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "copy_direct.h"
#include "copy_plan.h"
#include "copy_recv.h"

static struct recv_extent *extent_of(struct receiver *r, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < r->n_extents; i++) {
		struct recv_extent *ext = &r->extents[i];

		if (seq >= ext->first && seq - ext->first < ext->chunks)
			return ext;
	}
	return NULL;
}

static void forget_extent(struct receiver *r, struct recv_extent *ext)
{
	size_t at = ext - r->extents;

	r->n_extents--;
	memmove(ext, ext + 1, (r->n_extents - at) * sizeof(*ext));
}

uint64_t recv_file_reached(const struct receiver *r,
			   const struct recv_file *file)
{
	uint64_t reached = file->announced / COPY_BLOCK * COPY_BLOCK;
	uint32_t i;

	for (i = 0; i < r->n_extents; i++) {
		const struct recv_extent *ext = &r->extents[i];

		if (ext->id == file->meta.id && ext->offset < reached)
			reached = ext->offset;
	}
	for (i = 0; i < r->copy->slots; i++) {
		const struct recv_chunk *chunk = &r->chunks[i];

		if ((chunk->begun || chunk->unsure) &&
		    chunk->id == file->meta.id &&
		    chunk->offset < reached)
			reached = chunk->offset;
	}
	return reached;
}

static int add_extent(struct receiver *r, const struct copy_extent *new)
{
	struct recv_file *file = recv_file_find(r, new->id);
	uint64_t chunks = copy_plan_chunks(new->len, r->copy->chunk_bytes);

	if (!file || file->ended || file->meta.kind != COPY_KIND_FILE ||
	    new->offset > file->meta.size ||
	    new->len > file->meta.size - new->offset ||
	    chunks > r->copy->slots || r->n_extents > r->copy->slots)
		return copy_ctl_unexpected(&r->copy->ctl, "EXTENT");
	r->extents[r->n_extents++] = (struct recv_extent){
		.id = new->id,
		.offset = new->offset,
		.len = new->len,
		.first = r->next_seq,
		.chunks = chunks,
	};
	r->next_seq += chunks;
	file->expected += chunks;
	if (new->offset > file->announced)
		copy_count_hole(r->copy, new->offset - file->announced);
	file->announced = new->offset + new->len;
	return 0;
}

/* The slot is free: for the chunk that comes one round later */
static int free_slot(struct receiver *r, uint32_t slot)
{
	struct recv_chunk *chunk = &r->chunks[slot];
	struct recv_file *file = recv_file_find(r, chunk->id);

	chunk->ack_due = true;
	chunk->arrived = false;
	chunk->begun = false;
	chunk->unsure = true;
	return file ? recv_file_chunk_done(r, file) : 0;
}

static int drop(struct receiver *r, uint32_t slot, struct recv_file *file,
		int err, const char *what)
{
	if (recv_file_refuse(r, file, err, what))
		return -1;
	return free_slot(r, slot);
}

static int begin_write(struct receiver *r, uint32_t slot,
		       struct recv_file *file)
{
	struct copy *copy = r->copy;
	struct recv_chunk *chunk = &r->chunks[slot];
	uint8_t *addr = copy_staging_slot(&copy->staging, slot);
	int fd = recv_file_fd(file, chunk->direct);
	struct io_uring_sqe *sqe;
	uint64_t len = chunk->len;

	if (fd < 0)
		return drop(r, slot, file, -fd, "opening it again failed");
	if (chunk->direct) {
		len = copy_whole_blocks(len);
	} else if (copy->staging.is_peer) {
		addr = copy_engine_bounce(copy, slot);
		if (!addr)
			return -1;
		if (!chunk->put &&
		    p2pmr_buf_read(copy->staging.buf,
				   (size_t)slot * copy->chunk_bytes, addr,
				   len))
			return fail_lib("");
	}
	sqe = copy_engine_sqe(copy);
	if (!sqe)
		return -1;
	io_uring_prep_write(sqe, fd, addr + chunk->put, len - chunk->put,
			    chunk->offset + chunk->put);
	io_uring_sqe_set_data64(sqe, slot);
	return 0;
}

/* What has arrived in a slot, if it is known by now what it is */
static int take_slot(struct receiver *r, uint32_t slot)
{
	struct recv_chunk *chunk = &r->chunks[slot];
	struct recv_extent *ext = extent_of(r, chunk->seq);
	struct recv_file *file;
	uint64_t index;

	if (!ext)
		return 0;
	index = chunk->seq - ext->first;
	chunk->begun = true;
	chunk->unsure = false;
	chunk->id = ext->id;
	chunk->offset = ext->offset + index * r->copy->chunk_bytes;
	chunk->len = copy_plan_chunk_len(ext->len, r->copy->chunk_bytes,
					 index);
	chunk->put = 0;
	chunk->reading = false;
	if (++ext->begun == ext->chunks)
		forget_extent(r, ext);
	file = recv_file_find(r, chunk->id);
	if (!file)
		return copy_ctl_unexpected(&r->copy->ctl, "chunk");
	/* The sender does not send void chunks of files that it calls good */
	if (chunk->is_void)
		file->bad = true;
	if (file->bad)
		return free_slot(r, slot);
	/* A device has no end that whole blocks could be cut to */
	chunk->direct = file->direct &&
			(r->dest.device < 0 || !(chunk->len % COPY_BLOCK));
	return begin_write(r, slot, file);
}

/*
 * A completion says that the data is on its way. One read for all of them, as it
 * comes after everything that the same device wrote there before.
 */
static int flush(struct receiver *r)
{
	struct copy *copy = r->copy;

	if (!r->unflushed)
		return 0;
	r->unflushed = false;
	if (!copy->staging.flush)
		return 0;
	copy->mine.flushes++;
	if (p2pmr_flush(copy->staging.flush, copy->staging.mr,
			copy->staging.addr, 1))
		return fail_lib("");
	return 0;
}

static int send_acks(struct receiver *r)
{
	uint32_t slot;

	for (slot = 0; slot < r->copy->slots; slot++) {
		struct recv_chunk *chunk = &r->chunks[slot];

		if (!chunk->ack_due || r->acks == r->copy->slots)
			continue;
		chunk->ack_due = false;
		chunk->seq += r->copy->slots;
		r->acks++;
		if (copy_rdma_tell(&r->copy->rdma, slot, slot))
			return -1;
	}
	return 0;
}

static int finish(struct receiver *r)
{
	struct copy_msg msg = { .type = COPY_FINISH };

	copy_count_cpu(&r->copy->mine);
	msg.u.stats = r->copy->mine;
	r->copy->finished = true;
	return copy_ctl_send(&r->copy->ctl, &msg);
}

static int step(void *end)
{
	struct receiver *r = end;
	uint32_t slot;

	if (flush(r))
		return -1;
	for (slot = 0; slot < r->copy->slots; slot++) {
		struct recv_chunk *chunk = &r->chunks[slot];

		if (!chunk->arrived || chunk->begun)
			continue;
		if (take_slot(r, slot) || copy_engine_stay_in_touch(r->copy))
			return -1;
	}
	if (send_acks(r))
		return -1;
	return r->finish_due ? finish(r) : 0;
}

static int write_failed(struct receiver *r, uint32_t slot,
			struct recv_file *file, int err)
{
	struct recv_chunk *chunk = &r->chunks[slot];

	if (!chunk->direct || !copy_direct_refused(err))
		return drop(r, slot, file, err, "writing failed");
	if (file->direct)
		copy_count_refused(r->copy, file->shown, err);
	file->direct = false;
	chunk->direct = false;
	chunk->put = 0;
	return begin_write(r, slot, file);
}

/* From the drive again, and not by the way that it came */
static int begin_read(struct receiver *r, uint32_t slot,
		      struct recv_file *file)
{
	struct recv_chunk *chunk = &r->chunks[slot];
	uint8_t *addr = copy_engine_bounce(r->copy, slot);
	uint64_t len = chunk->direct ? copy_whole_blocks(chunk->len) :
				       chunk->len;
	struct io_uring_sqe *sqe = addr ? copy_engine_sqe(r->copy) : NULL;

	if (!sqe)
		return -1;
	io_uring_prep_read(sqe, recv_file_fd(file, chunk->direct),
			   addr + chunk->put, len - chunk->put,
			   chunk->offset + chunk->put);
	io_uring_sqe_set_data64(sqe, slot);
	return 0;
}

static int read_io(struct receiver *r, uint32_t slot, struct recv_file *file,
		   int res)
{
	struct recv_chunk *chunk = &r->chunks[slot];
	uint64_t sum;

	if (res <= 0 && res != -EAGAIN && res != -EINTR)
		return drop(r, slot, file, res ? -res : EIO,
			    "reading it back failed");
	chunk->put += res > 0 ? res : 0;
	if (chunk->put < chunk->len)
		return begin_read(r, slot, file);
	if (copy_engine_sum(r->copy, slot, copy_engine_bounce(r->copy, slot),
			    chunk->len, chunk->offset, &sum))
		return -1;
	file->sum ^= sum;
	return free_slot(r, slot);
}

static int write_done(struct receiver *r, uint32_t slot,
		      struct recv_file *file)
{
	struct recv_chunk *chunk = &r->chunks[slot];

	if (chunk->direct && r->copy->staging.is_peer)
		r->copy->mine.peer_bytes += chunk->len;
	else
		r->copy->mine.host_bytes += chunk->len;
	if (!(r->copy->opts->hello.flags & COPY_CHECKSUM))
		return free_slot(r, slot);
	chunk->reading = true;
	chunk->put = 0;
	return begin_read(r, slot, file);
}

static int io(void *end, uint64_t id, int res)
{
	struct receiver *r = end;
	struct recv_chunk *chunk;
	struct recv_file *file;

	if (id & RECV_IO_SYNC)
		return recv_file_synced(r, &r->files[id & ~RECV_IO_SYNC], res);
	chunk = &r->chunks[id];
	/* A file stays in the table until all of its chunks are done with */
	file = recv_file_find(r, chunk->id);
	if (chunk->reading)
		return read_io(r, id, file, res);
	if (res == -EAGAIN || res == -EINTR)
		return begin_write(r, id, file);
	if (res <= 0)
		return write_failed(r, id, file, res ? -res : ENOSPC);
	chunk->put += res;
	return chunk->put < chunk->len ? begin_write(r, id, file) :
					 write_done(r, id, file);
}

static int completion(void *end, const struct ibv_wc *wc)
{
	struct receiver *r = end;
	struct recv_chunk *chunk;
	uint32_t imm, slot;

	if (wc->opcode != IBV_WC_RECV_RDMA_WITH_IMM) {
		if (wc->opcode & IBV_WC_RECV)
			return copy_ctl_unexpected(&r->copy->ctl, "chunk");
		r->acks--;
		return 0;
	}
	imm = be32toh(wc->imm_data);
	slot = imm & ~COPY_IMM_VOID;
	chunk = slot < r->copy->slots ? &r->chunks[slot] : NULL;
	if (!chunk || chunk->arrived || chunk->ack_due)
		return copy_ctl_unexpected(&r->copy->ctl, "chunk");
	chunk->arrived = true;
	chunk->is_void = imm & COPY_IMM_VOID;
	r->unflushed = true;
	return copy_rdma_post_recv(&r->copy->rdma);
}

static int message(void *end, const struct copy_msg *msg)
{
	struct receiver *r = end;

	switch (msg->type) {
	case COPY_FILE:
		return recv_file_begin(r, &msg->u.file);
	case COPY_EXTENT:
		return add_extent(r, &msg->u.extent);
	case COPY_END:
		return recv_file_end(r, &msg->u.verdict);
	case COPY_NOTE:
		copy_file_failed(r->copy, &msg->u.failure);
		return 0;
	case COPY_FINISH:
		if (r->n_files || r->finish_due)
			break;
		r->copy->theirs = msg->u.stats;
		r->finish_due = true;
		return 0;
	default:
		break;
	}
	return copy_ctl_unexpected(&r->copy->ctl, copy_msg_name(msg->type));
}

static const struct copy_engine_ops receiver_ops = {
	.step = step,
	.message = message,
	.completion = completion,
	.io = io,
};

int copy_receive_run(struct receiver *r)
{
	uint32_t slot;
	int ret;

	for (slot = 0; slot < r->copy->slots; slot++)
		r->chunks[slot].seq = slot;
	r->umask = umask(0);
	umask(r->umask);
	ret = copy_engine_run(r->copy, &receiver_ops, r);
	/* The drive may still be at it: what it writes to must not go first */
	copy_engine_close(r->copy);
	recv_files_discard(r);
	return ret;
}
