// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "copy.h"
#include "copy_folder.h"
#include "copy_recv.h"
#include "copy_walk.h"
#include "stop.h"

/* How long the last messages may take */
#define LAST_MS 30000

/*
 * How much there is, for those who wait; and a file that has data in it, opened,
 * to see which drive it is on: -1 when there is none
 */
static int survey(struct copy *copy, char name[COPY_WALK_PATH_MAX])
{
	const struct copy_hello *hello = &copy->opts->hello;
	struct copy_walk walk;
	struct copy_file file;
	struct failure why;
	uint64_t files = 0;
	int fd = -1, ret;

	copy_walk_begin(&walk, copy->opts->sources, hello->sources,
			hello->flags, false);
	while ((ret = copy_walk_next(&walk, &file, &why)) > 0) {
		/* The other end wants to know that we are there */
		if (stop_check() || copy_ctl_work(&copy->ctl))
			break;
		/* Folders come twice, and are none */
		files += ret == 1 && (file.kind == COPY_KIND_FILE ||
				      file.kind == COPY_KIND_LINK);
		copy_progress_count(&copy->progress, files);
		if (ret != 1 || !file.size)
			continue;
		copy->progress.total_bytes += file.size;
		if (fd >= 0)
			continue;
		fd = copy_walk_open(&walk, O_RDONLY | O_NONBLOCK);
		strcpy(name, walk.path);
	}
	copy_walk_end(&walk);
	return fd;
}

static int send_all(struct copy *copy)
{
	char name[COPY_WALK_PATH_MAX] = "";
	int fd = survey(copy, name);
	int ret;

	ret = fail_happened() ? -1 : copy_setup_rdma(copy, fd, name);
	if (fd >= 0)
		close(fd);
	copy->begin_ns = clock_ns();
	copy_progress_data(&copy->progress);
	return ret ? ret : copy_send_run(copy);
}

/* What the sources are called in the destination; the other end has no say */
static int name_sources(struct receiver *r)
{
	const struct copy_opts *opts = r->copy->opts;
	char name[256], quoted[COPY_QUOTED_MAX];
	uint32_t i;

	r->names = calloc(opts->hello.sources + 1, sizeof(*r->names));
	if (!r->names)
		return fail_nomem();
	for (i = 0; i < opts->hello.sources; i++) {
		if (!copy_name_of(opts->sources[i], name, sizeof(name)))
			return fail(CMD_FAILED, REASON_SOURCE, EINVAL,
				    "Name it from the folder above.",
				    "\"%s\" has no name that a copy could have.",
				    copy_quote(opts->sources[i], quoted));
		r->names[i] = strdup(name);
		if (!r->names[i])
			return fail_nomem();
	}
	return 0;
}

static void free_names(struct receiver *r)
{
	size_t i;

	for (i = 0; r->names && r->names[i]; i++)
		free(r->names[i]);
	free(r->names);
}

static int receive_all(struct copy *copy)
{
	const struct copy_hello *hello = &copy->opts->hello;
	const char *path = copy->opts->server ? hello->dest :
						copy->opts->dest;
	struct receiver *r = calloc(1, sizeof(*r));
	struct stat st;
	int ret;

	if (!r)
		return fail_nomem();
	r->copy = copy;
	r->dest.root = -1;
	r->dest.parent = -1;
	r->dest.device = -1;
	ret = name_sources(r);
	if (!ret)
		ret = copy_dest_open(&r->dest, path,
				     hello->flags & COPY_INTO_DIR);
	copy->dense = r->dest.device >= 0;
	if (!ret && !copy->dense && !fstat(r->dest.root, &st))
		copy->folder = copy_folder_id(&st);
	if (!ret) {
		copy_progress_wait(&copy->progress);
		ret = copy_setup_rdma(copy, copy->dense ? r->dest.device : r->dest.root, path);
	}
	copy->begin_ns = clock_ns();
	copy_progress_data(&copy->progress);
	if (!ret)
		ret = copy_receive_run(r);
	if (!ret)
		ret = copy_ctl_drain(&copy->ctl, LAST_MS);
	copy_dest_close(&r->dest);
	free_names(r);
	free(r);
	return ret;
}

/* A walk has each folder open that it is in, as deep as they may be */
static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(struct copy *copy)
{
	int ret = copy->opts->server ? copy_setup_server(copy) :
				       copy_setup_client(copy);

	if (ret)
		return ret;
	copy_progress_begin(&copy->progress, copy->opts->progress,
			    copy->opts->server || copy->opts->quiet);
	ret = copy->role == COPY_SENDER ? send_all(copy) :
					  receive_all(copy);
	copy->end_ns = clock_ns();
	copy_progress_clear(&copy->progress);
	return ret;
}

int cmd_copy(int argc, char **argv)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	struct copy_opts opts;
	int ret;

	copy_opts_parse(argc, argv, &opts);
	stop_install(COPY_CMD, opts.json);
	if (!copy) {
		fail_nomem();
		ret = fail_report(COPY_CMD, opts.json);
		copy_opts_free(&opts);
		return ret;
	}
	raise_open_files();
	copy->opts = &opts;
	copy->ctl.in = -1;
	copy_report_begin(copy);
	ret = run(copy);
	copy_engine_close(copy);
	copy_rdma_end(&copy->rdma);
	copy_staging_close(&copy->staging);
	copy_rdma_close(&copy->rdma);
	p2pmr_close(copy->ctx);
	copy_ctl_close(&copy->ctl);
	ret = copy_report_end(copy, !ret);
	free(copy);
	copy_opts_free(&opts);
	return ret;
}
