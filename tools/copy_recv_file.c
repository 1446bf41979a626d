// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "copy_direct.h"
#include "copy_partial.h"
#include "copy_recv.h"

struct recv_file *recv_file_find(struct receiver *r, uint32_t id)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (r->files[i].used && r->files[i].meta.id == id)
			return &r->files[i];
	}
	return NULL;
}

static bool is_dry(const struct receiver *r)
{
	return r->copy->opts->hello.flags & COPY_DRY_RUN;
}

/* How often to note down how far a file has come */
#define MARK_BYTES (16U << 20)

static struct recv_file *free_place(struct receiver *r)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (!r->files[i].used)
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

int recv_file_refuse(struct receiver *r, struct recv_file *file, int err,
		     const char *what)
{
	struct failure why;

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
	if (file->bad || reached <= file->marked)
		return;
	file->marked = reached;
	if (copy_partial_mark(file->fd, &file->meta, reached))
		file->partial = false;
}

static void discard(struct receiver *r, struct recv_file *file)
{
	if (file->partial && file->temporary[0])
		mark(r, file);
	close_fd(&file->fd);
	close_fd(&file->buffered);
	if (file->temporary[0] && !(file->partial && file->marked))
		unlinkat(file->parent, file->temporary, 0);
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

/* Bits that give rights to who runs a file are not for others to set */
static mode_t mode_of(const struct receiver *r, const struct recv_file *file)
{
	if (r->copy->opts->hello.flags & COPY_PRESERVE)
		return file->meta.mode & 01777;
	return file->meta.mode & 0777 & ~r->umask;
}

static void times_of(const struct recv_file *file, struct timespec times[2])
{
	times[0].tv_sec = file->meta.atime_s;
	times[0].tv_nsec = file->meta.atime_ns;
	times[1].tv_sec = file->meta.mtime_s;
	times[1].tv_nsec = file->meta.mtime_ns;
}

static int set_attributes(const struct receiver *r,
			  const struct recv_file *file, int fd)
{
	struct timespec times[2];

	if (fchmod(fd, mode_of(r, file)))
		return -errno;
	if (!(r->copy->opts->hello.flags & COPY_PRESERVE))
		return 0;
	times_of(file, times);
	return futimens(fd, times) ? -errno : 0;
}

static int make_temporary(struct recv_file *file, int flags)
{
	file->fd = copy_dest_temporary(file->parent, O_RDWR | flags,
				       file->temporary);
	if (file->fd >= 0)
		return 0;
	/* A file system without O_DIRECT says so when the file is there already */
	if (flags && file->fd == -EINVAL)
		unlinkat(file->parent, file->temporary, 0);
	file->temporary[0] = '\0';
	return file->fd;
}

/* 0: what is there of it is gone on with. Else it is copied as any other */
static int open_part(struct recv_file *file, int flags)
{
	int fd = copy_partial_open(file->parent, file->name, O_RDWR | flags,
				   &file->meta, file->temporary,
				   &file->marked);

	if (fd < 0) {
		file->temporary[0] = '\0';
		return fd;
	}
	file->fd = fd;
	file->partial = true;
	file->announced = file->marked;
	return 0;
}

static int say_have(struct receiver *r, struct recv_file *file)
{
	struct copy_msg msg = { .type = COPY_HAVE };

	msg.u.have.id = file->meta.id;
	msg.u.have.offset = file->marked;
	r->copy->resumed_bytes += file->marked;
	return copy_ctl_send(&r->copy->ctl, &msg);
}

static int make_file(struct receiver *r, struct recv_file *file)
{
	int ret = copy_goes_on(r->copy, &file->meta) ?
		  open_part(file, O_DIRECT) : -ENOENT;

	if (ret)
		ret = make_temporary(file, O_DIRECT);

	file->direct = !ret && copy_direct_supported(file->fd);
	if (ret == -EINVAL)
		ret = make_temporary(file, 0);
	if (ret)
		return ret;
	if (!file->direct)
		copy_count_refused(r->copy, file->shown, EOPNOTSUPP);
	/* Writes within a file go on beside each other, as those at its end do not */
	return ftruncate(file->fd, file->meta.size) ? -errno : 0;
}

static int make_link(struct receiver *r, struct recv_file *file)
{
	struct timespec times[2];
	int ret = copy_dest_temporary_link(file->parent, file->meta.target,
					   file->temporary);

	if (ret) {
		file->temporary[0] = '\0';
		return ret;
	}
	times_of(file, times);
	if (r->copy->opts->hello.flags & COPY_PRESERVE &&
	    utimensat(file->parent, file->temporary, times,
		      AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

static int finish_dir(struct receiver *r, struct recv_file *file)
{
	int fd = copy_dest_open_dir(file->parent, file->name);
	int ret;

	if (fd < 0)
		return fd;
	ret = set_attributes(r, file, fd);
	close(fd);
	return ret;
}

/* All of it goes where it belongs at once: there is no other name to write to */
static int open_device(struct receiver *r, struct recv_file *file)
{
	uint64_t size;
	int ret = copy_direct_size(r->dest.device, &size);

	if (ret)
		return ret;
	if (file->meta.kind != COPY_KIND_FILE || file->meta.path[0] ||
	    r->copy->opts->hello.sources != 1)
		return -ENOTDIR;
	if (file->meta.size > size)
		return -ENOSPC;
	if (is_dry(r))
		return 0;
	file->fd = fcntl(r->dest.device, F_DUPFD_CLOEXEC, 0);
	file->direct = copy_direct_supported(file->fd);
	return file->fd < 0 ? -errno : 0;
}

static int make(struct receiver *r, struct recv_file *file)
{
	switch (file->meta.kind) {
	case COPY_KIND_DIR:
		/* Whatever its mode is to be, files are to be made in it */
		return copy_dest_make_dir(file->parent, file->name,
					  (file->meta.mode | 0700) & 0777);
	case COPY_KIND_DIR_END:
		return finish_dir(r, file);
	case COPY_KIND_LINK:
		return make_link(r, file);
	default:
		return make_file(r, file);
	}
}

/* Folders, what is in them, and links come with options alone */
static bool was_asked_for(const struct receiver *r,
			  const struct copy_file *meta)
{
	uint32_t flags = r->copy->opts->hello.flags;

	if (meta->kind == COPY_KIND_LINK && !(flags & COPY_LINKS))
		return false;
	return flags & COPY_RECURSIVE ||
	       (meta->kind == COPY_KIND_FILE && !meta->path[0]);
}

/* Its path below the destination; -errno when the other end made it up */
static int path_of(struct receiver *r, const struct copy_file *meta,
		   char path[COPY_PATH_MAX])
{
	const char *top = r->dest.top[0] ? r->dest.top :
					   r->names[meta->source];
	int len;

	if (meta->path[0] && !copy_path_is_below(meta->path))
		return -EPROTO;
	if (!was_asked_for(r, meta))
		return -EPROTO;
	len = snprintf(path, COPY_PATH_MAX, "%s%s%s", top,
		       meta->path[0] ? "/" : "", meta->path);
	return len < COPY_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int open_parent(struct receiver *r, struct recv_file *file,
		       const char *path)
{
	const char *name;
	int fd = copy_dest_parent(&r->dest, path, &name);

	if (fd < 0)
		return fd;
	if (strlen(name) >= sizeof(file->name))
		return -ENAMETOOLONG;
	strcpy(file->name, name);
	file->parent = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return file->parent < 0 ? -errno : 0;
}

static int begin_device(struct receiver *r, struct recv_file *file)
{
	int ret = open_device(r, file);

	return ret ? recv_file_refuse(r, file, -ret, "does not go on the device") :
		     0;
}

int recv_file_begin(struct receiver *r, const struct copy_file *meta)
{
	struct recv_file *file = free_place(r);
	char path[COPY_PATH_MAX];
	int ret;

	if (!file || recv_file_find(r, meta->id) ||
	    meta->source >= r->copy->opts->hello.sources)
		return copy_ctl_unexpected(&r->copy->ctl, "FILE");
	ret = path_of(r, meta, path);
	if (ret == -EPROTO)
		return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO,
			    "Do not copy from there.",
			    "%s sent what nobody asked for, or to where it does not belong.",
			    r->copy->ctl.peer);
	memset(file, 0, sizeof(*file));
	file->used = true;
	file->fd = -1;
	file->buffered = -1;
	file->parent = -1;
	file->meta = *meta;
	copy_quote(ret ? meta->path : path, file->shown);
	r->n_files++;
	if (r->dest.device >= 0)
		return begin_device(r, file);
	if (!ret)
		ret = open_parent(r, file, path);
	/* What it would be in, might have been made before it */
	if (is_dry(r))
		ret = ret == -ENOENT ? 0 : ret;
	else if (!ret)
		ret = make(r, file);
	if (ret)
		return recv_file_refuse(r, file, -ret, "cannot be made");
	return copy_goes_on(r->copy, meta) ? say_have(r, file) : 0;
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
	return ret ? ret : set_attributes(r, file, file->fd);
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
	if (file->bad || is_dry(r))
		return say_done(r, file);
	if (file->meta.kind != COPY_KIND_FILE)
		return put_in_place(r, file);
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
