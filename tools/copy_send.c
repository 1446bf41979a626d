// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chunk goes through a slot: the drive reads into it, it is written to the
 * slot of the same number at the other end, and that says when it has been done
 * with. Slots are taken in turn; how long each step takes is another matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "copy_direct.h"
#include "copy_send.h"

/* Messages that one step of the loop below may make */
#define MESSAGES_A_STEP 4

/* To the other end; a chunk of a file that is not copied takes its turn empty */
static int put_on_wire(struct sender *s, uint32_t slot, bool good)
{
	struct copy *copy = s->copy;
	struct send_chunk *chunk = &s->chunks[slot];
	struct ibv_sge sge = {
		.addr = (uintptr_t)copy_staging_slot(&copy->staging, slot),
		.length = good ? chunk->len : 0,
		.lkey = copy->staging.mr->lkey,
	};
	uint64_t to = copy->remote.addr + (uint64_t)slot * copy->chunk_bytes;

	return copy_rdma_write(&copy->rdma, slot, &sge, to, copy->remote.rkey,
			       slot | (good ? 0 : COPY_IMM_VOID));
}

/* The descriptor for a chunk's way; -1 after send_file_fail() */
static int fd_for(struct sender *s, struct send_chunk *chunk)
{
	struct send_file *file = chunk->file;
	int fd;

	if (chunk->direct)
		return file->fd;
	if (file->buffered >= 0)
		return file->buffered;
	fd = copy_direct_without(file->fd, O_RDONLY);
	if (fd >= 0)
		file->buffered = fd;
	else
		send_file_fail(s, file, REASON_SOURCE, -fd, "",
			       "opening it again failed: %s", strerror(-fd));
	return file->buffered;
}

static int begin_read(struct sender *s, uint32_t slot)
{
	struct copy *copy = s->copy;
	struct send_chunk *chunk = &s->chunks[slot];
	uint8_t *addr = copy_staging_slot(&copy->staging, slot);
	uint64_t len = chunk->len - chunk->got;
	int fd = fd_for(s, chunk);
	struct io_uring_sqe *sqe;

	if (fd < 0)
		return put_on_wire(s, slot, false);
	/* The end of a file is within its last block; what is read is not */
	if (chunk->direct)
		len = copy_whole_blocks(chunk->len) - chunk->got;
	else if (copy->staging.is_peer)
		addr = copy_engine_bounce(copy, slot);
	sqe = addr ? copy_engine_sqe(copy) : NULL;
	if (!sqe)
		return -1;
	io_uring_prep_read(sqe, fd, addr + chunk->got, len,
			   chunk->offset + chunk->got);
	io_uring_sqe_set_data64(sqe, slot);
	return 0;
}

static int announce(struct sender *s)
{
	struct copy_msg msg = { .type = COPY_EXTENT };
	struct copy_extent *ext = &msg.u.extent;
	struct send_file *file = s->current;
	uint64_t pos = file->plan.pos;

	ext->id = file->id;
	if (!copy_plan_next(&file->plan, &ext->offset, &ext->len)) {
		copy_count_hole(s->copy, file->size - pos);
		file->planned = true;
		s->current = NULL;
		return send_file_try_end(s, file);
	}
	copy_count_hole(s->copy, ext->offset - pos);
	s->extent_offset = ext->offset;
	s->extent_left = ext->len;
	return copy_ctl_send(&s->copy->ctl, &msg);
}

static int begin_chunk(struct sender *s)
{
	struct copy *copy = s->copy;
	uint32_t slot = s->next;
	struct send_chunk *chunk = &s->chunks[slot];

	*chunk = (struct send_chunk){
		.busy = true,
		.file = s->current,
		.offset = s->extent_offset,
		.len = copy_plan_chunk_len(s->extent_left, copy->chunk_bytes,
					   0),
		.direct = s->current->direct,
	};
	s->extent_offset += chunk->len;
	s->extent_left -= chunk->len;
	s->next = (slot + 1) % copy->slots;
	s->current->under_way++;
	return s->current->bad ? put_on_wire(s, slot, false) :
				 begin_read(s, slot);
}

static int finish(struct sender *s)
{
	struct copy_msg msg = { .type = COPY_FINISH };

	copy_count_cpu(&s->copy->mine);
	msg.u.stats = s->copy->mine;
	s->finish_sent = true;
	return copy_ctl_send(&s->copy->ctl, &msg);
}

static int step(void *end)
{
	struct sender *s = end;
	int ret;

	while (copy_ctl_has_room(&s->copy->ctl, MESSAGES_A_STEP)) {
		if (!s->current) {
			ret = send_file_next(s);
			if (ret < 0)
				return -1;
			if (!ret)
				break;
			continue;
		}
		if (s->current->asking || s->chunks[s->next].busy)
			break;
		/* What was announced is sent, but no more of a bad file is */
		if (!s->extent_left && s->current->bad)
			s->current->plan.pos = s->current->plan.size;
		ret = s->extent_left ? begin_chunk(s) : announce(s);
		if (ret)
			return -1;
	}
	if (s->walked && !s->n_files && !s->finish_sent)
		return finish(s);
	return 0;
}

static int read_failed(struct sender *s, uint32_t slot, int err)
{
	struct send_chunk *chunk = &s->chunks[slot];
	struct send_file *file = chunk->file;

	if (chunk->direct && copy_direct_refused(err)) {
		if (file->direct)
			copy_count_refused(s->copy, file->name, err);
		file->direct = false;
		chunk->direct = false;
		chunk->got = 0;
		return begin_read(s, slot);
	}
	send_file_fail(s, file, REASON_SOURCE, err, "",
		       "reading at offset %llu failed: %s",
		       (unsigned long long)chunk->offset + chunk->got,
		       strerror(err));
	return put_on_wire(s, slot, false);
}

static int truncated(struct sender *s, uint32_t slot)
{
	struct send_chunk *chunk = &s->chunks[slot];

	send_file_fail(s, chunk->file, REASON_SOURCE_CHANGED, EBUSY,
		       "Copy it again when nobody writes to it.",
		       "it became shorter than %llu bytes while it was copied, so that no copy was made",
		       (unsigned long long)chunk->file->size);
	return put_on_wire(s, slot, false);
}

/* What the drive has delivered, as it goes on the wire */
static int add_sum(struct sender *s, uint32_t slot)
{
	struct send_chunk *chunk = &s->chunks[slot];
	uint64_t sum;

	if (!(s->copy->opts->hello.flags & COPY_CHECKSUM))
		return 0;
	if (copy_engine_sum(s->copy, slot, NULL, chunk->len, chunk->offset,
			    &sum))
		return -1;
	chunk->file->sum ^= sum;
	return 0;
}

static int read_done(struct sender *s, uint32_t slot)
{
	struct copy *copy = s->copy;
	struct send_chunk *chunk = &s->chunks[slot];

	if (chunk->direct && copy->staging.is_peer) {
		copy->mine.peer_bytes += chunk->len;
	} else {
		copy->mine.host_bytes += chunk->len;
		if (!chunk->direct && copy->staging.is_peer &&
		    p2pmr_buf_write(copy->staging.buf,
				    (size_t)slot * copy->chunk_bytes,
				    copy_engine_bounce(copy, slot),
				    chunk->len))
			return fail_lib("");
	}
	if (add_sum(s, slot))
		return -1;
	return put_on_wire(s, slot, true);
}

static int io(void *end, uint64_t id, int res)
{
	struct sender *s = end;
	struct send_chunk *chunk = &s->chunks[id];

	if (res == -EAGAIN || res == -EINTR)
		return begin_read(s, id);
	if (res < 0)
		return read_failed(s, id, -res);
	chunk->got += res;
	if (chunk->got >= chunk->len)
		return read_done(s, id);
	/* Direct reads end within a block at the end of the file alone */
	if (!res || (chunk->direct && chunk->got % COPY_BLOCK))
		return truncated(s, id);
	return begin_read(s, id);
}

/*
 * Of a file that ends with this chunk, END says that all of it is good: so it was
 * read from memory that was still there
 */
static int end_write(struct sender *s, struct send_chunk *chunk)
{
	if (!copy_staging_is_there(&s->copy->staging))
		return copy_engine_gone(s->copy);
	chunk->sent = true;
	chunk->file->under_way--;
	return send_file_try_end(s, chunk->file);
}

static int completion(void *end, const struct ibv_wc *wc)
{
	struct sender *s = end;
	struct send_chunk *chunk;
	uint32_t slot;

	if (wc->opcode != IBV_WC_RECV) {
		slot = wc->wr_id;
		if (end_write(s, &s->chunks[slot]))
			return -1;
	} else {
		slot = be32toh(wc->imm_data);
		if (!(wc->wc_flags & IBV_WC_WITH_IMM) ||
		    slot >= s->copy->slots || !s->chunks[slot].busy ||
		    s->chunks[slot].acked)
			return copy_ctl_unexpected(&s->copy->ctl, "chunk");
		s->chunks[slot].acked = true;
		if (copy_rdma_post_recv(&s->copy->rdma))
			return -1;
	}
	chunk = &s->chunks[slot];
	chunk->busy = !(chunk->sent && chunk->acked);
	return 0;
}

static int message(void *end, const struct copy_msg *msg)
{
	struct sender *s = end;

	switch (msg->type) {
	case COPY_HAVE:
		return send_file_have(s, &msg->u.have);
	case COPY_REFUSE:
		return send_file_refused(s, &msg->u.verdict);
	case COPY_DONE:
		return send_file_done(s, &msg->u.verdict);
	case COPY_FINISH:
		if (!s->finish_sent)
			break;
		s->copy->theirs = msg->u.stats;
		s->copy->finished = true;
		return 0;
	default:
		break;
	}
	return copy_ctl_unexpected(&s->copy->ctl, copy_msg_name(msg->type));
}

static const struct copy_engine_ops sender_ops = {
	.step = step,
	.message = message,
	.completion = completion,
	.io = io,
};

int copy_send_run(struct copy *copy)
{
	struct sender *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return fail_nomem();
	s->copy = copy;
	copy_walk_begin(&s->walk, copy->opts->sources,
			copy->opts->hello.sources, copy->opts->hello.flags,
			false);
	s->walk.not_into = copy->remote.folder;
	ret = copy_engine_run(copy, &sender_ops, s);
	send_files_close(s);
	free(s);
	return ret;
}
