// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "clock.h"
#include "copy.h"
#include "stop.h"

/* How often to look up when nothing happens */
#define SLICE_MS 200
#define COMPLETIONS 32
/* How long the other end may take to say why the wire broke */
#define EXPLAIN_MS 3000

int copy_engine_open(struct copy *copy)
{
	/* A chunk is with the drive or not; files are with it for fsync() */
	unsigned int entries = copy->slots + COPY_FILES_MAX;
	int err = -io_uring_queue_init(entries, &copy->uring, 0);

	copy->has_uring = !err;
	if (!err)
		return 0;
	return fail(err == ENOSYS || err == EPERM ? CMD_IMPOSSIBLE : CMD_FAILED,
		    REASON_NO_IO_URING, err,
		    "See kernel.io_uring_disabled in `sysctl -a`, and RLIMIT_MEMLOCK.",
		    "The kernel gives this process no io_uring: %s.",
		    strerror(err));
}

void copy_engine_close(struct copy *copy)
{
	if (copy->has_uring)
		io_uring_queue_exit(&copy->uring);
	copy->has_uring = false;
	free(copy->bounce);
	copy->bounce = NULL;
}

struct io_uring_sqe *copy_engine_sqe(struct copy *copy)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&copy->uring);

	if (!sqe) {
		io_uring_submit(&copy->uring);
		sqe = io_uring_get_sqe(&copy->uring);
	}
	if (!sqe) {
		fail(CMD_FAILED, REASON_SYSTEM, EBUSY, "",
		     "The io_uring is full.");
		return NULL;
	}
	return sqe;
}

uint8_t *copy_engine_bounce(struct copy *copy, uint32_t slot)
{
	if (!copy->bounce)
		copy->bounce = aligned_alloc(COPY_BLOCK, (size_t)copy->slots *
					     copy->chunk_bytes);
	if (!copy->bounce) {
		fail_nomem();
		return NULL;
	}
	return copy->bounce + (size_t)slot * copy->chunk_bytes;
}

int copy_engine_sum(struct copy *copy, uint32_t slot, const uint8_t *data,
		    uint32_t len, uint64_t offset, uint64_t *sum)
{
	uint64_t begin = clock_ns();
	uint8_t *bounce;

	if (!data && !copy->staging.is_peer)
		data = copy_staging_slot(&copy->staging, slot);
	if (!data) {
		/* Many loads from a device, each of which is waited for */
		bounce = copy_engine_bounce(copy, slot);
		if (!bounce)
			return -1;
		if (p2pmr_buf_read(copy->staging.buf,
				   (size_t)slot * copy->chunk_bytes, bounce,
				   len))
			return fail_lib("");
		data = bounce;
	}
	*sum = XXH3_64bits_withSeed(data, len, offset);
	copy->mine.sum_us += (clock_ns() - begin) / 1000;
	return 0;
}

static bool has_left(struct p2pmr_buf *buf)
{
	struct p2pmr_provider *provider = p2pmr_buf_provider(buf);
	struct p2pmr_provider_space space;

	return p2pmr_provider_is_peer(provider) &&
	       p2pmr_provider_space(provider, &space) == -ENODEV;
}

int copy_engine_gone(const struct copy *copy)
{
	return fail(CMD_FAILED, "PROVIDER_GONE", ENODEV,
		    "See `dmesg` for why it left, and copy again.",
		    "The drive %s left or was reset, and took back the memory that the copy went through.",
		    copy->mine.memory);
}

static int fail_far_gone(const struct copy *copy)
{
	return fail(CMD_FAILED, "PROVIDER_GONE", ENODEV,
		    "See `dmesg` there for why, and copy again.",
		    "The memory at %s that the copy went through was taken back: its drive left or was reset.",
		    copy->ctl.peer);
}

/*
 * A drive that leaves takes its memory back first, and is gone from sysfs a moment
 * later: both ends have the same time to find out which of them it belonged to.
 * On a slow machine that moment is longer; then the status has to tell.
 */
int copy_engine_broken(struct copy *copy, const struct ibv_wc *wc)
{
	uint64_t end = clock_ms() + EXPLAIN_MS;

	if (wc->status == IBV_WC_LOC_PROT_ERR && copy->staging.is_peer)
		return copy_engine_gone(copy);
	do {
		if (has_left(copy->staging.buf))
			return copy_engine_gone(copy);
		if (copy_ctl_explains(&copy->ctl, SLICE_MS))
			return -1;
	} while (clock_ms() < end && !stop_requested());
	if (wc->status == IBV_WC_REM_ACCESS_ERR)
		return fail_far_gone(copy);
	return fail(CMD_FAILED, REASON_COMPLETION, EIO,
		    "Check the network, and see the kernel log of both ends.",
		    "The RDMA connection to %s broke: %s.", copy->ctl.peer,
		    ibv_wc_status_str(wc->status));
}

static int take_messages(struct copy *copy, const struct copy_engine_ops *ops,
			 void *end)
{
	struct copy_msg msg;
	int ret;

	while ((ret = copy_ctl_next(&copy->ctl, &msg)) > 0) {
		if (ops->message(end, &msg))
			return -1;
	}
	return ret;
}

static int take_completions(struct copy *copy,
			    const struct copy_engine_ops *ops, void *end)
{
	struct ibv_wc wc[COMPLETIONS];
	int n, i;

	while ((n = copy_rdma_poll(&copy->rdma, wc, COMPLETIONS)) > 0) {
		for (i = 0; i < n; i++) {
			if (wc[i].status != IBV_WC_SUCCESS)
				return copy_engine_broken(copy, &wc[i]);
			if (ops->completion(end, &wc[i]))
				return -1;
		}
	}
	return n;
}

int copy_engine_stay_in_touch(struct copy *copy)
{
	/* who is done may have left */
	if (copy->finished)
		return 0;
	return stop_check() || copy_ctl_work(&copy->ctl) ? -1 : 0;
}

static int take_io(struct copy *copy, const struct copy_engine_ops *ops,
		   void *end)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&copy->uring, &cqe)) {
		uint64_t id = io_uring_cqe_get_data64(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&copy->uring, cqe);
		if (ops->io(end, id, res) || copy_engine_stay_in_touch(copy))
			return -1;
	}
	return 0;
}

static int submit(struct copy *copy)
{
	int ret = io_uring_submit(&copy->uring);

	/* What the kernel has no room for now goes with the next round */
	if (ret >= 0 || ret == -EAGAIN || ret == -EBUSY || ret == -EINTR)
		return 0;
	return fail(CMD_FAILED, REASON_SYSTEM, -ret, "",
		    "io_uring_submit() failed: %s.", strerror(-ret));
}

static int wait_for_any(struct copy *copy)
{
	struct copy_ctl *ctl = &copy->ctl;
	struct pollfd fds[] = {
		{ .fd = copy->uring.ring_fd, .events = POLLIN },
		{ .fd = copy->rdma.channel->fd, .events = POLLIN },
		{ .fd = ctl->in, .events = copy_ctl_events_in(ctl) },
		{ .fd = ctl->out, .events = copy_ctl_events_out(ctl) },
	};

	/* A descriptor without events would still report its end */
	if (!fds[3].events)
		fds[3].fd = -1;
	if (poll(fds, ARRAY_SIZE(fds), SLICE_MS) < 0 && errno != EINTR)
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "poll() failed: %s.", strerror(errno));
	return fds[1].revents ? copy_rdma_take_event(&copy->rdma) : 0;
}

int copy_engine_run(struct copy *copy, const struct copy_engine_ops *ops,
		    void *end)
{
	while (!copy->finished) {
		if (stop_check() || copy_ctl_work(&copy->ctl) ||
		    take_messages(copy, ops, end) ||
		    take_completions(copy, ops, end) ||
		    take_io(copy, ops, end) || ops->step(end) ||
		    submit(copy))
			return -1;
		copy_progress_show(&copy->progress, copy->mine.peer_bytes +
				   copy->mine.host_bytes + copy->resumed_bytes);
		if (!copy->finished && wait_for_any(copy))
			return -1;
	}
	return 0;
}
