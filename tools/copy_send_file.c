// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "copy_direct.h"
#include "copy_send.h"

void send_file_fail(struct sender *s, struct send_file *file,
		    const char *reason, int err, const char *remedy,
		    const char *fmt, ...)
{
	char text[FAIL_TEXT_MAX / 2];
	va_list ap;

	if (file->bad)
		return;
	file->bad = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy_failure(&file->why, reason, err, remedy, "%s: %s.", file->name,
		     text);
	copy_file_failed(s->copy, &file->why);
}

static struct send_file *free_place(struct sender *s)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (!s->files[i].used)
			return &s->files[i];
	}
	return NULL;
}

static struct send_file *find(struct sender *s, uint32_t id)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (s->files[i].used && s->files[i].id == id)
			return &s->files[i];
	}
	return NULL;
}

/* What is no file after all must not be waited for */
static int open_source(const struct copy_walk *walk, bool exclusive,
		       bool *direct)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	int fd;

	/* For a device: nobody is to have it mounted */
	if (exclusive)
		flags |= O_EXCL;
	fd = copy_walk_open(walk, flags | O_DIRECT);
	*direct = fd >= 0 && copy_direct_supported(fd);
	return fd < 0 && errno == EINVAL ? copy_walk_open(walk, flags) : fd;
}

/* 0, or what is wrong with it, in @why */
static int open_file(struct sender *s, struct send_file *file,
		     struct copy_file *meta, struct failure *why)
{
	bool live = s->copy->opts->hello.flags & COPY_LIVE;

	file->fd = open_source(&s->walk, !live, &file->direct);
	if (file->fd < 0 || fstat(file->fd, &file->st) ||
	    copy_direct_size(file->fd, &meta->size)) {
		copy_failure(why, REASON_SOURCE, errno,
			     errno == EACCES ?
			     "Copy as a user who may read it." :
			     errno == EBUSY ?
			     "Unmount it first, or take it as it is with --live." : "",
			     "%s: %s.", file->name, strerror(errno));
		return -1;
	}
	if (!S_ISREG(file->st.st_mode) && !S_ISBLK(file->st.st_mode)) {
		copy_failure(why, REASON_SOURCE, EINVAL, "",
			     "%s: is no file any more.", file->name);
		return -1;
	}
	if (!file->direct)
		copy_count_refused(s->copy, file->name, EOPNOTSUPP);
	/* As of now, not as of when the folder was read */
	meta->mode = file->st.st_mode & 07777;
	meta->mtime_s = file->st.st_mtim.tv_sec;
	meta->mtime_ns = file->st.st_mtim.tv_nsec;
	if (meta->size > COPY_SIZE_MAX) {
		copy_failure(why, REASON_SOURCE, EFBIG, "",
			     "%s: is too large.", file->name);
		return -1;
	}
	file->size = meta->size;
	copy_plan_init(&file->plan, file->fd, file->size,
		       (uint64_t)s->copy->chunk_bytes * s->copy->slots,
		       s->copy->remote.dense);
	return 0;
}

/* What cannot even be begun: the client's user is told, here or there */
static int note(struct sender *s, const struct failure *why)
{
	struct copy_msg msg = { .type = COPY_NOTE };

	copy_file_failed(s->copy, why);
	if (!s->copy->opts->server)
		return 0;
	msg.u.failure = *why;
	return copy_ctl_send(&s->copy->ctl, &msg);
}

static void close_file(struct send_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->buffered >= 0)
		close(file->buffered);
	file->fd = -1;
	file->buffered = -1;
}

static int begin(struct sender *s, struct copy_msg *msg)
{
	struct send_file *file = free_place(s);
	struct failure why;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	file->buffered = -1;
	copy_quote(s->walk.path, file->name);
	msg->type = COPY_FILE;
	if (msg->u.file.kind == COPY_KIND_FILE &&
	    open_file(s, file, &msg->u.file, &why)) {
		close_file(file);
		return note(s, &why);
	}
	file->used = true;
	file->kind = msg->u.file.kind;
	file->id = s->next_id++;
	s->n_files++;
	msg->u.file.id = file->id;
	file->asking = copy_goes_on(s->copy, &msg->u.file);
	if (copy_ctl_send(&s->copy->ctl, msg))
		return -1;
	if (file->size && !(s->copy->opts->hello.flags & COPY_DRY_RUN)) {
		s->current = file;
		return 0;
	}
	file->planned = true;
	return send_file_try_end(s, file);
}

/* With all files in place, folders get the times that they should have */
static bool go_through_dirs(struct sender *s)
{
	const struct copy_hello *hello = &s->copy->opts->hello;
	const uint32_t both = COPY_PRESERVE | COPY_RECURSIVE;

	if (s->dirs_done || (hello->flags & both) != both)
		return false;
	if (s->n_files)
		return true;
	s->dirs_done = true;
	copy_walk_end(&s->walk);
	copy_walk_begin(&s->walk, s->copy->opts->sources, hello->sources,
			hello->flags, true);
	s->walk.not_into = s->copy->remote.folder;
	return true;
}

int send_file_next(struct sender *s)
{
	struct copy_msg msg;
	struct failure why;
	int ret;

	if (s->walked || s->n_files == COPY_FILES_MAX)
		return 0;
	ret = copy_walk_next(&s->walk, &msg.u.file, &why);
	if (ret < 0)
		return -1;
	if (!ret) {
		s->walked = !go_through_dirs(s);
		return 0;
	}
	if (ret == 2)
		return note(s, &why) ? -1 : 1;
	return begin(s, &msg) ? -1 : 1;
}

static void check_unchanged(struct sender *s, struct send_file *file)
{
	struct stat st;

	if (file->fd < 0 || s->copy->opts->hello.flags & COPY_LIVE)
		return;
	if (fstat(file->fd, &st))
		send_file_fail(s, file, REASON_SOURCE, errno, "", "%s",
			       strerror(errno));
	else if (st.st_size != file->st.st_size ||
		 st.st_mtim.tv_sec != file->st.st_mtim.tv_sec ||
		 st.st_mtim.tv_nsec != file->st.st_mtim.tv_nsec)
		send_file_fail(s, file, REASON_SOURCE_CHANGED, EBUSY,
			       "Copy it again when nobody writes to it, or take it as it comes with --live.",
			       "it changed while it was copied (from %lld to %lld bytes), so that no copy was made",
			       (long long)file->st.st_size,
			       (long long)st.st_size);
}

int send_file_try_end(struct sender *s, struct send_file *file)
{
	struct copy_msg msg = { .type = COPY_END };

	if (!file->planned || file->under_way || file->ended)
		return 0;
	check_unchanged(s, file);
	close_file(file);
	file->ended = true;
	msg.u.verdict.id = file->id;
	msg.u.verdict.good = !file->bad;
	msg.u.verdict.sum = file->sum;
	if (file->bad)
		msg.u.verdict.why = file->why;
	return copy_ctl_send(&s->copy->ctl, &msg);
}

int send_file_have(struct sender *s, const struct copy_have *have)
{
	struct send_file *file = find(s, have->id);

	if (!file || !file->asking || have->offset > file->size)
		return copy_ctl_unexpected(&s->copy->ctl, "HAVE");
	file->asking = false;
	file->plan.pos = have->offset;
	s->copy->resumed_bytes += have->offset;
	return 0;
}

int send_file_refused(struct sender *s, const struct copy_verdict *verdict)
{
	struct send_file *file = find(s, verdict->id);

	if (!file)
		return copy_ctl_unexpected(&s->copy->ctl, "REFUSE");
	if (!file->bad)
		copy_file_failed(s->copy, &verdict->why);
	file->asking = false;
	file->bad = true;
	return 0;
}

int send_file_done(struct sender *s, const struct copy_verdict *verdict)
{
	struct send_file *file = find(s, verdict->id);

	if (!file || !file->ended)
		return copy_ctl_unexpected(&s->copy->ctl, "DONE");
	if (verdict->good && file->bad)
		return copy_ctl_unexpected(&s->copy->ctl, "DONE");
	if (verdict->good)
		copy_file_copied(s->copy, file->name, file->kind, file->size);
	file->used = false;
	s->n_files--;
	return 0;
}

void send_files_close(struct sender *s)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (s->files[i].used)
			close_file(&s->files[i]);
	}
	copy_walk_end(&s->walk);
}
