// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "copy_direct.h"
#include "copy_partial.h"
#include "copy_recv.h"

/* How often to note down how far a file has come */
#define MARK_BYTES (16U << 20)

struct recv_file *recv_file_find(struct receiver *r, uint32_t id)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (r->files[i].used && r->files[i].meta.id == id)
			return &r->files[i];
	}
	return NULL;
}

static const char *remedy_of(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
		return "Make room there and copy again.";
	case EACCES:
	case EPERM:
	case EROFS:
		return "Copy to a folder that may be written to.";
	case EEXIST:
	case EISDIR:
		return "Remove what is there, or copy to another name.";
	case ELOOP:
	case EXDEV:
		return "Links below the destination are not followed: remove that one.";
	default:
		return "";
	}
}

static int refuse(struct receiver *r, struct recv_file *file,
		  const struct failure *why)
{
	struct copy_msg msg = { .type = COPY_REFUSE };

	if (file->told)
		return 0;
	file->bad = true;
	file->told = true;
	copy_file_failed(r->copy, why);
	msg.u.verdict.id = file->meta.id;
	msg.u.verdict.why = *why;
	return copy_ctl_send(&r->copy->ctl, &msg);
}

/*
 * At once: the files that come behind it are on their way, and may fit. If it
 * cannot be had, they fail as this one did, and say so.
 */
static void give_room_back(struct recv_file *file)
{
	if (!file->partial && file->temporary[0] && ftruncate(file->fd, 0))
		return;
}

int recv_file_refuse(struct receiver *r, struct recv_file *file, int err,
		     const char *what)
{
	struct failure why;

	if (err == ENOSPC || err == EDQUOT)
		give_room_back(file);
	copy_failure(&why, REASON_DEST, err, remedy_of(err), "%s: %s: %s.",
		     file->shown, what, strerror(err));
	return refuse(r, file, &why);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Note down how far a file has come that may be gone on with */
static void mark(struct receiver *r, struct recv_file *file)
{
	uint64_t reached = recv_file_reached(r, file);

	/* Of a bad one, chunks were dropped: it ends where it was good */
	if (file->bad || reached <= file->marked ||
	    !copy_staging_is_there(&r->copy->staging))
		return;
	file->marked = reached;
	if (copy_partial_mark(file->fd, &file->meta, reached))
		file->partial = false;
}

static void discard(struct receiver *r, struct recv_file *file)
{
	if (file->partial && file->temporary[0])
		mark(r, file);
	/* While it is locked: who waits for a part looks then whether it is there */
	if (file->temporary[0] && !(file->partial && file->marked))
		unlinkat(file->parent, file->temporary, 0);
	close_fd(&file->fd);
	close_fd(&file->buffered);
	file->temporary[0] = '\0';
	close_fd(&file->parent);
}

void recv_files_discard(struct receiver *r)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (r->files[i].used)
			discard(r, &r->files[i]);
	}
}

int recv_file_fd(struct recv_file *file, bool direct)
{
	int fd;

	if (direct)
		return file->fd;
	if (file->buffered >= 0)
		return file->buffered;
	fd = copy_direct_without(file->fd, O_RDWR);
	if (fd >= 0)
		file->buffered = fd;
	return fd;
}

/* DONE, and forget it */
static int say_done(struct receiver *r, struct recv_file *file)
{
	struct copy_msg msg = { .type = COPY_DONE };

	/* Void chunks, of what is called good: nobody would hear of it */
	if (file->bad && !file->told)
		return copy_ctl_unexpected(&r->copy->ctl, "END");
	msg.u.verdict.id = file->meta.id;
	msg.u.verdict.good = !file->bad;
	if (!file->bad)
		copy_file_copied(r->copy, file->shown, file->meta.kind,
				 file->meta.size);
	discard(r, file);
	file->used = false;
	r->n_files--;
	return copy_ctl_send(&r->copy->ctl, &msg);
}

static int put_in_place(struct receiver *r, struct recv_file *file)
{
	if (!file->temporary[0])
		return say_done(r, file);
	if (!renameat(file->parent, file->temporary, file->parent,
		      file->name)) {
		file->temporary[0] = '\0';
		return say_done(r, file);
	}
	if (recv_file_refuse(r, file, errno, "cannot be put in place"))
		return -1;
	return say_done(r, file);
}

/* Whole blocks were written, and they may reach behind the end */
static int complete(struct receiver *r, struct recv_file *file)
{
	int ret = ftruncate(file->fd, file->meta.size) ? -errno : 0;

	if (!ret && file->partial)
		ret = copy_partial_clear(file->fd);
	file->partial = false;
	return ret ? ret : recv_file_attributes(r, file, file->fd);
}

static int begin_sync(struct receiver *r, struct recv_file *file)
{
	struct io_uring_sqe *sqe = copy_engine_sqe(r->copy);

	if (!sqe)
		return -1;
	file->syncing = true;
	io_uring_prep_fsync(sqe, file->fd, 0);
	io_uring_sqe_set_data64(sqe, RECV_IO_SYNC | (file - r->files));
	return 0;
}

static int refuse_sum(struct receiver *r, struct recv_file *file)
{
	struct failure why;

	copy_failure(&why, REASON_CHECKSUM, EIO,
		     "Copy it again; if that helps, test both drives and the way between them.",
		     "%s: what can be read back is not what was sent.",
		     file->shown);
	file->partial = false;
	return refuse(r, file, &why);
}

/* When nothing of it is under way any more */
static int try_finish(struct receiver *r, struct recv_file *file)
{
	int ret;

	if (!file->ended || file->done < file->expected || file->syncing)
		return 0;
	if (!file->bad && file->sum != file->sent_sum && refuse_sum(r, file))
		return -1;
	if (file->bad || recv_is_dry(r))
		return say_done(r, file);
	if (file->meta.kind != COPY_KIND_FILE)
		return put_in_place(r, file);
	if (file->expected && !copy_staging_is_there(&r->copy->staging))
		return copy_engine_gone(r->copy);
	ret = r->dest.device >= 0 ? 0 : complete(r, file);
	if (!ret)
		return begin_sync(r, file);
	if (recv_file_refuse(r, file, -ret, "cannot be completed"))
		return -1;
	return say_done(r, file);
}

int recv_file_synced(struct receiver *r, struct recv_file *file, int res)
{
	file->syncing = false;
	if (res >= 0)
		return put_in_place(r, file);
	if (recv_file_refuse(r, file, -res, "writing to the drive failed"))
		return -1;
	return say_done(r, file);
}

int recv_file_chunk_done(struct receiver *r, struct recv_file *file)
{
	file->done++;
	if (file->partial && !file->bad &&
	    recv_file_reached(r, file) - file->marked >= MARK_BYTES)
		mark(r, file);
	return try_finish(r, file);
}

int recv_file_end(struct receiver *r, const struct copy_verdict *verdict)
{
	struct recv_file *file = recv_file_find(r, verdict->id);

	if (!file || file->ended)
		return copy_ctl_unexpected(&r->copy->ctl, "END");
	file->ended = true;
	file->sent_sum = verdict->sum;
	if (verdict->good && !recv_is_dry(r))
		copy_count_hole(r->copy, file->meta.size - file->announced);
	if (!verdict->good) {
		/* Who was told of it says nothing about it */
		if (!file->told && !verdict->why.reason[0])
			return copy_ctl_unexpected(&r->copy->ctl, "END");
		if (!file->told)
			copy_file_failed(r->copy, &verdict->why);
		/* Of a source that changed, no part is of use */
		if (!file->told)
			file->partial = false;
		file->bad = true;
		file->told = true;
	}
	return try_finish(r, file);
}
