// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's loop: keep every send queue full, and note the time.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"
#include "bw_peak.h"
#include "perf_progress.h"
#include "clock.h"
#include "fail.h"
#include "stop.h"

/* Work requests per call of the driver, and completions */
#define BATCH 16
/* How long to poll in vain before going to sleep */
#define SPIN_NS 100000ULL
/* How often the loop looks at the clock, in turns, and up from its work */
#define LOOK_TURNS 64
#define LOOK_NS 100000000ULL
/* After an error completion, how long to wait for the peer's side of it */
#define LAST_WORDS_MS 1000

struct run_qp {
	struct ibv_qp *qp;
	uint64_t posted;
	uint64_t completed;
};

struct run {
	struct perf_pass *pass;
	struct chan *ch;
	struct run_qp *qp;
	struct bw_peak peak;
	struct perf_progress progress;
	struct ibv_send_wr wr[BATCH];
	struct ibv_sge sge[BATCH];
	uint64_t iterations;	/* of each queue pair; 0: until time is over */
	uint64_t deadline_ns;
	uint64_t posted;
	uint64_t completed;
	uint32_t qps;
	uint32_t depth;
	uint32_t cq_mod;
	bool time_over;
};

/* When to look up from the work */
struct look {
	uint64_t next_ns;
	uint64_t idle_ns;	/* polling in vain since then; 0: it is not */
	bool now;
};

static void prepare_requests(struct run *run)
{
	struct perf_pass *pass = run->pass;
	int i;

	for (i = 0; i < BATCH; i++) {
		struct ibv_send_wr *wr = &run->wr[i];

		run->sge[i].lkey = pass->mem.mr->lkey;
		run->sge[i].length = pass->params->size;
		wr->sg_list = &run->sge[i];
		wr->num_sge = 1;
		wr->opcode = pass->params->op == PERF_WRITE ?
			     IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ;
		wr->wr.rdma.rkey = pass->remote.rkey;
	}
}

static int run_init(struct run *run, struct perf_pass *pass,
		    const struct perf_opts *opts, struct chan *ch)
{
	const struct wire_params *p = pass->params;
	uint32_t i;

	memset(run, 0, sizeof(*run));
	run->pass = pass;
	run->ch = ch;
	run->iterations = p->iterations;
	run->qps = p->qps;
	run->depth = p->depth;
	run->cq_mod = perf_cq_mod(opts, p);
	run->qp = calloc(p->qps, sizeof(*run->qp));
	if (!run->qp)
		return fail_nomem();
	for (i = 0; i < p->qps; i++)
		run->qp[i].qp = pass->conn.qp[i];
	if (bw_peak_init(&run->peak, p->iterations * p->qps, p->size)) {
		free(run->qp);
		return -1;
	}
	perf_progress_init(&run->progress, p, opts->progress);
	prepare_requests(run);
	return 0;
}

static void run_free(struct run *run)
{
	perf_progress_end(&run->progress);
	bw_peak_free(&run->peak);
	free(run->qp);
}

/*
 * How many messages this queue pair still has to send. Without a count it
 * goes on until time is over, every slot has been used, and the last message
 * is one that completes.
 */
static uint64_t left_to_post(const struct run *run, const struct run_qp *qp)
{
	uint64_t tail;

	if (run->iterations)
		return run->iterations - qp->posted;
	if (!run->time_over)
		return UINT64_MAX;
	if (qp->posted < run->pass->lay.slots)
		return run->pass->lay.slots - qp->posted;
	tail = qp->posted % run->cq_mod;
	return tail ? run->cq_mod - tail : 0;
}

static bool is_signaled(const struct run *run, uint64_t message)
{
	return (message + 1) % run->cq_mod == 0 ||
	       message + 1 == run->iterations;
}

static void fill_request(struct run *run, uint32_t i, uint64_t message,
			 struct ibv_send_wr *wr, struct ibv_sge *sge)
{
	const struct perf_pass *pass = run->pass;
	uint64_t offset = perf_layout_offset(&pass->lay, i, message);

	sge->addr = pass->local.addr + offset;
	wr->wr.rdma.remote_addr = pass->remote.addr + offset;
	wr->wr_id = i;
	wr->send_flags = is_signaled(run, message) ? IBV_SEND_SIGNALED : 0;
	wr->next = NULL;
}

/* Post one list of requests to queue pair @i: 1, 0 when it is full, or -1 */
static int post_batch(struct run *run, uint32_t i)
{
	struct run_qp *qp = &run->qp[i];
	uint64_t n = run->depth - (qp->posted - qp->completed);
	uint64_t left = left_to_post(run, qp);
	struct ibv_send_wr *bad;
	uint64_t k;
	int ret;

	if (n > left)
		n = left;
	if (n > BATCH)
		n = BATCH;
	if (!n)
		return 0;

	for (k = 0; k < n; k++) {
		fill_request(run, i, qp->posted + k, &run->wr[k],
			     &run->sge[k]);
		if (k)
			run->wr[k - 1].next = &run->wr[k];
	}
	bw_peak_posted(&run->peak, run->posted, n);
	ret = ibv_post_send(qp->qp, run->wr, &bad);
	if (ret)
		return fail(CMD_FAILED, REASON_RDMA, ret, "",
			    "Cannot post work request %llu of queue pair %u: %s.",
			    (unsigned long long)qp->posted, i, strerror(ret));
	qp->posted += n;
	run->posted += n;
	return 1;
}

static int post_all(struct run *run)
{
	uint32_t i;
	int ret;

	for (i = 0; i < run->qps; i++) {
		do {
			ret = post_batch(run, i);
		} while (ret > 0);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/*
 * The cause of an error completion may lie on the other side, which then
 * tells or is gone: that is the better message.
 */
static int fail_completion(struct run *run, const struct ibv_wc *wc)
{
	if (chan_watch(run->ch, LAST_WORDS_MS))
		return -1;
	return fail(CMD_FAILED, REASON_COMPLETION, EIO,
		    "Run `dmesg` on both sides, and check that the GIDs reach each other and that no device was removed.",
		    "An RDMA %s ended with \"%s\" (vendor code %u) after %llu messages.",
		    perf_op_name(run->pass->params->op),
		    ibv_wc_status_str(wc->status), wc->vendor_err,
		    (unsigned long long)run->completed);
}

/* One completion stands for all messages since the last one */
static int complete(struct run *run, const struct ibv_wc *wc)
{
	struct run_qp *qp;
	uint64_t n;

	if (wc->status != IBV_WC_SUCCESS)
		return fail_completion(run, wc);
	if (wc->wr_id >= run->qps)
		return fail(CMD_FAILED, REASON_COMPLETION, EIO, "",
			    "The device completed a request that was not posted.");
	qp = &run->qp[wc->wr_id];
	n = run->cq_mod;
	if (n > qp->posted - qp->completed)
		n = qp->posted - qp->completed;
	qp->completed += n;
	run->completed += n;
	bw_peak_completed(&run->peak, run->completed);
	return 0;
}

/* The number of completions, or -1 */
static int poll_completions(struct run *run)
{
	struct ibv_wc wc[BATCH];
	int i, n;

	n = ibv_poll_cq(run->pass->conn.cq, BATCH, wc);
	if (n < 0)
		return fail(CMD_FAILED, REASON_RDMA, EIO, "",
			    "Cannot poll the completion queue.");
	for (i = 0; i < n; i++) {
		if (complete(run, &wc[i]))
			return -1;
	}
	return n;
}

/* What does not belong to the data path: now and then */
static int look_up(struct run *run, uint64_t *next_ns)
{
	uint64_t now = clock_ns();

	if (run->deadline_ns && now >= run->deadline_ns)
		run->time_over = true;
	if (now < *next_ns)
		return 0;
	*next_ns = now + LOOK_NS;
	perf_progress_show(&run->progress, now, run->completed);
	if (stop_check())
		return -1;
	return chan_watch(run->ch, 0);
}

static bool all_done(const struct run *run)
{
	uint32_t i;

	if (run->completed != run->posted)
		return false;
	for (i = 0; i < run->qps; i++) {
		if (left_to_post(run, &run->qp[i]))
			return false;
	}
	return true;
}

/* Sleep until the device or the other side has something to say */
static int sleep_for_event(struct run *run)
{
	struct perf_conn *conn = &run->pass->conn;
	struct pollfd pfd[] = {
		{ .fd = conn->channel->fd, .events = POLLIN },
		{ .fd = run->ch->fd, .events = POLLIN },
	};
	struct ibv_cq *cq;
	void *cookie;
	int n;

	if (ibv_req_notify_cq(conn->cq, 0))
		return fail(CMD_FAILED, REASON_RDMA, errno, "",
			    "Cannot ask for a completion event.");
	/* What came before that makes no event */
	n = poll_completions(run);
	if (n)
		return n < 0 ? -1 : 0;
	if (poll(pfd, ARRAY_SIZE(pfd), LOOK_NS / 1000000) <= 0)
		return 0;
	if (!(pfd[0].revents & POLLIN))
		return 0;
	if (ibv_get_cq_event(conn->channel, &cq, &cookie))
		return fail(CMD_FAILED, REASON_RDMA, errno, "",
			    "Cannot read a completion event: %s.",
			    strerror(errno));
	ibv_ack_cq_events(cq, 1);
	return 0;
}

/*
 * Nothing has completed. A device of hardware will have something in a moment;
 * a software one needs this CPU to get there.
 */
static int wait_completion(struct run *run, struct look *look)
{
	uint64_t now = clock_ns();

	if (!look->idle_ns)
		look->idle_ns = now;
	if (now - look->idle_ns < SPIN_NS) {
		sched_yield();
		return 0;
	}
	look->idle_ns = 0;
	look->now = true;
	return sleep_for_event(run);
}

static int loop(struct run *run, uint64_t start_ns)
{
	struct look look = { .next_ns = start_ns + LOOK_NS };
	unsigned int turns = 0;
	int n;

	do {
		if (post_all(run))
			return -1;
		n = poll_completions(run);
		if (n > 0)
			look.idle_ns = 0;
		else if (n < 0 || wait_completion(run, &look))
			return -1;
		if (look.now || ++turns % LOOK_TURNS == 0) {
			look.now = false;
			if (look_up(run, &look.next_ns))
				return -1;
		}
	} while (!all_done(run));
	return 0;
}

int bw_run(struct perf_pass *pass, const struct perf_opts *opts, struct chan *ch,
	   struct wire_done *done)
{
	uint64_t start_ns;
	struct run run;
	int ret;

	if (run_init(&run, pass, opts, ch))
		return -1;

	start_ns = clock_ns();
	if (pass->params->duration_s)
		run.deadline_ns = start_ns +
				  pass->params->duration_s * 1000000000ULL;
	ret = loop(&run, start_ns);
	done->elapsed_ns = clock_ns() - start_ns;
	done->messages = run.completed;
	if (!ret)
		done->peak_bytes_per_s = bw_peak_get(&run.peak);
	run_free(&run);
	return ret;
}
