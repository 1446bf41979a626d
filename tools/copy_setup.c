// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "copy.h"
#include "stop.h"

/* For answers that take no more than a look */
#define SETUP_MS 25000
#define TOKEN_MS 15000
#define SLICE_MS 100

/* ---- what is to be done ---- */

static int send_sources(struct copy *copy)
{
	struct copy_msg msg = { .type = COPY_SOURCE };
	uint32_t i;

	for (i = 0; i < copy->opts->hello.sources; i++) {
		strcpy(msg.u.source, copy->opts->sources[i]);
		if (!copy_ctl_has_room(&copy->ctl, 1) &&
		    copy_ctl_drain(&copy->ctl, COPY_CTL_LOGIN_MS))
			return -1;
		if (copy_ctl_send(&copy->ctl, &msg))
			return -1;
	}
	return 0;
}

int copy_setup_client(struct copy *copy)
{
	struct copy_opts *opts = copy->opts;
	const char *host = opts->from ? opts->from : opts->to;
	struct copy_msg msg = { .type = COPY_HELLO };

	copy->role = opts->hello.role == COPY_SENDER ? COPY_RECEIVER :
						       COPY_SENDER;
	if (copy_shell_start(&copy->ctl, opts->shell, host, opts->program))
		return -1;
	msg.u.hello = opts->hello;
	if (copy_ctl_send(&copy->ctl, &msg) || send_sources(copy))
		return -1;
	return copy_ctl_wait(&copy->ctl, COPY_WELCOME, &msg,
			     COPY_CTL_LOGIN_MS);
}

/* Nothing else may write into the control connection, or read from it */
static int take_stdio(struct copy *copy)
{
	int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO);

	if (in < 0 || out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "dup() failed: %s.", strerror(errno));
	return copy_ctl_init(&copy->ctl, in, out, "The client");
}

static int take_sources(struct copy *copy)
{
	struct copy_opts *opts = copy->opts;
	struct copy_msg msg;
	uint32_t i;

	opts->sources = calloc(opts->hello.sources + 1,
			       sizeof(*opts->sources));
	if (!opts->sources)
		return fail_nomem();
	for (i = 0; i < opts->hello.sources; i++) {
		if (copy_ctl_wait(&copy->ctl, COPY_SOURCE, &msg, SETUP_MS))
			return -1;
		opts->sources[i] = strdup(msg.u.source);
		if (!opts->sources[i])
			return fail_nomem();
	}
	return 0;
}

int copy_setup_server(struct copy *copy)
{
	struct copy_opts *opts = copy->opts;
	struct copy_msg msg;

	if (take_stdio(copy) ||
	    copy_ctl_wait(&copy->ctl, COPY_HELLO, &msg, SETUP_MS))
		return -1;
	opts->hello = msg.u.hello;
	opts->device = opts->hello.device;
	opts->memory = opts->hello.memory;
	opts->gid_index = opts->hello.gid_index;
	opts->ib_port = opts->hello.ib_port;
	copy->role = opts->hello.role;
	if (take_sources(copy))
		return -1;
	memset(&msg, 0, sizeof(msg));
	msg.type = COPY_WELCOME;
	strcpy(msg.u.version, P2PMR_VERSION);
	return copy_ctl_send(&copy->ctl, &msg);
}

/* ---- RDMA ---- */

static int get_resources(struct copy *copy, int fd, const char *path)
{
	const struct copy_opts *opts = copy->opts;
	struct copy_staging_ask ask = {
		.role = copy->role,
		.memory = opts->memory,
		.fd = fd,
		.path = path,
		.chunk_bytes = opts->hello.chunk_bytes,
		.slots = opts->hello.slots,
	};

	copy->ctx = p2pmr_open(NULL);
	if (!copy->ctx)
		return fail_lib("");
	if (copy_rdma_open(&copy->rdma, opts->device, opts->ib_port,
			   opts->gid_index) ||
	    copy_staging_open(&copy->staging, &copy->rdma, copy->ctx, &ask,
			      &copy->mine))
		return -1;
	return copy_rdma_make_qp(&copy->rdma, copy->staging.slots);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What both can do, and with that the queue pair goes live */
static int meet(struct copy *copy)
{
	struct copy_staging *st = &copy->staging;

	copy->chunk_bytes = least(st->chunk_bytes, copy->remote.chunk_bytes);
	copy->slots = least(st->slots, copy->remote.slots);
	st->chunk_bytes = copy->chunk_bytes;
	st->slots = copy->slots;
	return copy_rdma_connect(&copy->rdma, copy->role, copy->slots,
				 &copy->remote);
}

static int send_endpoint(struct copy *copy, const uint8_t *token)
{
	struct copy_msg msg = { .type = COPY_ENDPOINT };
	struct copy_endpoint *ep = &msg.u.endpoint;

	copy_rdma_describe(&copy->rdma, ep);
	ep->chunk_bytes = copy->staging.chunk_bytes;
	ep->slots = copy->staging.slots;
	ep->total_bytes = copy->progress.total_bytes;
	ep->dense = copy->dense;
	ep->folder = copy->folder;
	if (token) {
		ep->rkey = copy->staging.mr->rkey;
		ep->addr = (uintptr_t)copy->staging.addr;
		memcpy(ep->token, token, COPY_TOKEN_BYTES);
	}
	return copy_ctl_send(&copy->ctl, &msg);
}

static int take_endpoint(struct copy *copy)
{
	struct copy_msg msg;

	/* It may have many files to look through first */
	if (copy_ctl_wait(&copy->ctl, COPY_ENDPOINT, &msg,
			  COPY_CTL_WHILE_ALIVE))
		return -1;
	copy->remote = msg.u.endpoint;
	if (copy->role == COPY_RECEIVER)
		copy->progress.total_bytes = msg.u.endpoint.total_bytes;
	return 0;
}

/* The one completion that there is before the copy begins */
static int wait_completion(struct copy *copy, struct ibv_wc *wc)
{
	uint64_t end = clock_ms() + TOKEN_MS;
	int got;

	while (!(got = copy_rdma_poll(&copy->rdma, wc, 1))) {
		struct pollfd fds[] = {
			{ .fd = copy->rdma.channel->fd, .events = POLLIN },
			{ .fd = copy->ctl.in, .events = POLLIN },
		};

		if (stop_check() || copy_ctl_work(&copy->ctl))
			return -1;
		if (clock_ms() >= end)
			return fail(CMD_FAILED, REASON_CONNECT, ETIMEDOUT,
				    "Check that the two ends' RDMA devices are on one network (-d, -x, --remote-ib-dev, --remote-gid-index choose others).",
				    "Nothing came over the RDMA connection from %s.",
				    copy->ctl.peer);
		poll(fds, ARRAY_SIZE(fds), SLICE_MS);
		if (fds[0].revents && copy_rdma_take_event(&copy->rdma))
			return -1;
	}
	if (got < 0)
		return -1;
	return wc->status == IBV_WC_SUCCESS ? 0 : copy_engine_broken(copy, wc);
}

/* Show that it is the same process at both ends of both connections */
static int show_token(struct copy *copy)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)copy->staging.addr,
		.length = COPY_TOKEN_BYTES,
		.lkey = copy->staging.mr->lkey,
	};
	struct ibv_wc wc;

	if (p2pmr_buf_write(copy->staging.buf, 0, copy->remote.token,
			    COPY_TOKEN_BYTES))
		return fail_lib("");
	if (copy_rdma_write(&copy->rdma, 0, &sge, copy->remote.addr,
			    copy->remote.rkey, COPY_IMM_TOKEN))
		return -1;
	return wait_completion(copy, &wc);
}

static int check_token(struct copy *copy, const uint8_t *token)
{
	uint8_t got[COPY_TOKEN_BYTES];
	struct ibv_wc wc;

	if (wait_completion(copy, &wc))
		return -1;
	if (copy->staging.flush &&
	    p2pmr_flush(copy->staging.flush, copy->staging.mr,
			copy->staging.addr, COPY_TOKEN_BYTES))
		return fail_lib("");
	if (p2pmr_buf_read(copy->staging.buf, 0, got, sizeof(got)))
		return fail_lib("");
	if (wc.opcode == IBV_WC_RECV_RDMA_WITH_IMM &&
	    be32toh(wc.imm_data) == COPY_IMM_TOKEN &&
	    !memcmp(got, token, sizeof(got)))
		return 0;
	return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO, "",
		    "Who came over the RDMA connection is not %s.",
		    copy->ctl.peer);
}

static int setup_sender(struct copy *copy)
{
	struct copy_msg msg;

	/* The receiver is connected before it answers: nothing is lost */
	if (send_endpoint(copy, NULL) || take_endpoint(copy) || meet(copy) ||
	    show_token(copy))
		return -1;
	return copy_ctl_wait(&copy->ctl, COPY_READY, &msg, SETUP_MS);
}

static int setup_receiver(struct copy *copy)
{
	static const struct copy_msg ready = { .type = COPY_READY };
	uint8_t token[COPY_TOKEN_BYTES];

	if (getrandom(token, sizeof(token), 0) != sizeof(token))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "getrandom() failed: %s.", strerror(errno));
	if (take_endpoint(copy) || meet(copy) || send_endpoint(copy, token) ||
	    check_token(copy, token))
		return -1;
	return copy_ctl_send(&copy->ctl, &ready);
}

int copy_setup_rdma(struct copy *copy, int fd, const char *path)
{
	int ret;

	if (get_resources(copy, fd, path))
		return -1;
	ret = copy->role == COPY_SENDER ? setup_sender(copy) :
					  setup_receiver(copy);
	return ret ? ret : copy_engine_open(copy);
}
