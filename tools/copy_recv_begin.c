// SPDX-License-Identifier: GPL-2.0-only
/* FILE: from what the sender says of a file to one that can be written to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy_direct.h"
#include "copy_partial.h"
#include "copy_recv.h"

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

int recv_file_attributes(const struct receiver *r,
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
		/* What it holds is of no use to another file */
		file->marked = 0;
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
	ret = recv_file_attributes(r, file, fd);
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
	if (recv_is_dry(r))
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

static bool is_dir(const struct copy_file *meta)
{
	return meta->kind == COPY_KIND_DIR || meta->kind == COPY_KIND_DIR_END;
}

static struct recv_file *free_place(struct receiver *r)
{
	size_t i;

	for (i = 0; i < COPY_FILES_MAX; i++) {
		if (!r->files[i].used)
			return &r->files[i];
	}
	return NULL;
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
	if (!ret)
		ret = copy_dest_may_make(file->parent, file->name, is_dir(meta),
					 recv_is_dry(r));
	/* What it would be in, might have been made before it */
	if (recv_is_dry(r))
		ret = ret == -ENOENT ? 0 : ret;
	else if (!ret)
		ret = make(r, file);
	if (ret)
		return recv_file_refuse(r, file, -ret, "cannot be made");
	return copy_goes_on(r->copy, meta) ? say_have(r, file) : 0;
}
