// SPDX-License-Identifier: GPL-2.0-only
/*
 * One side's loop: keep every send queue full and every receive queue, too,
 * and note the time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bw_peak.h"
#include "clock.h"
#include "fail.h"
#include "perf.h"
#include "perf_hist.h"
#include "perf_progress.h"
#include "stop.h"

/* Completions of one call of the driver */
#define BATCH 16
/*
 * How long to poll in vain before going to sleep: long enough for a slow device's
 * next completion, which polling sees first. (Yielding instead of either makes a
 * software device slower: the scheduler then lets others go first at the wrong
 * time.)
 */
#define SPIN_NS 20000000ULL
/* How often the loop looks at the clock, in turns, and up from its work */
#define LOOK_TURNS 64
#define LOOK_NS 100000000ULL
/* Once the other side has sent everything, how long to wait for more of it */
#define DRAIN_NS 500000000ULL
/* Times of posting are kept for that many messages under way, of all queues */
#define TIMES_MAX (1U << 20)

struct run_qp {
	struct ibv_qp *qp;
	uint64_t posted;
	uint64_t completed;
	uint64_t receives;	/* posted */
};

struct run {
	struct perf_pass *pass;
	const struct perf_opts *opts;
	struct chan *ch;
	struct run_qp *qp;
	struct bw_peak peak;
	struct perf_hist hist;
	struct perf_progress progress;
	struct ibv_send_wr wr[PERF_LIST_MAX];
	struct ibv_sge sge[PERF_LIST_MAX];
	uint64_t *posted_ns;	/* of the messages under way; NULL: not kept */
	uint64_t iterations;	/* of each queue pair; 0: until time is over */
	uint64_t deadline_ns;
	uint64_t posted;
	uint64_t completed;
	uint64_t received;
	uint32_t qps;
	uint32_t depth;
	uint32_t cq_mod;
	bool time_over;
};

/* When to look up from the work */
struct look {
	uint64_t next_ns;
	uint64_t idle_ns;	/* polling in vain since then; 0: it is not */
	unsigned int idle_turns;
	unsigned int turns;
	bool now;
};

/* Everything that a side needs that posts */
static int prepare_posting(struct run *run)
{
	const struct perf_params *p = &run->pass->params;
	unsigned int i;

	if (bw_peak_init(&run->peak, p->iterations * p->qps, p->size) ||
	    perf_hist_init(&run->hist))
		return -1;
	if ((uint64_t)p->qps * p->depth <= TIMES_MAX) {
		run->posted_ns = calloc((size_t)p->qps * p->depth,
					sizeof(*run->posted_ns));
		if (!run->posted_ns)
			return fail_nomem();
	}
	for (i = 0; i < PERF_LIST_MAX; i++)
		perf_request_init(run->pass, &run->wr[i], &run->sge[i]);
	return 0;
}

static void run_free(struct run *run)
{
	perf_progress_end(&run->progress);
	bw_peak_free(&run->peak);
	perf_hist_free(&run->hist);
	free(run->posted_ns);
	free(run->qp);
	free(run);
}

static struct run *run_new(struct perf_pass *pass,
			   const struct perf_opts *opts, struct chan *ch)
{
	const struct perf_params *p = &pass->params;
	struct run *run = calloc(1, sizeof(*run));
	uint32_t i;

	if (!run) {
		fail_nomem();
		return NULL;
	}
	run->pass = pass;
	run->opts = opts;
	run->ch = ch;
	run->iterations = p->iterations;
	run->qps = p->qps;
	run->depth = p->depth;
	run->cq_mod = perf_cq_mod(opts, p);
	perf_progress_init(&run->progress, p, opts->progress);
	run->qp = calloc(p->qps, sizeof(*run->qp));
	if (!run->qp) {
		fail_nomem();
		goto err;
	}
	for (i = 0; i < p->qps; i++) {
		run->qp[i].qp = pass->conn.qp[i];
		run->qp[i].receives = p->rx_depth;
	}
	if (perf_pass_posts(pass) && prepare_posting(run))
		goto err;
	return run;
err:
	run_free(run);
	return NULL;
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

/* How many work requests queue pair @qp gets in one call, 0: not now */
static uint64_t list_length(const struct run *run, const struct run_qp *qp)
{
	uint64_t room = run->depth - (qp->posted - qp->completed);
	uint64_t left = left_to_post(run, qp);
	uint64_t most = run->opts->list ? run->opts->list : PERF_LIST_ROOM;
	uint64_t n = left < most ? left : most;

	if (n <= room)
		return n;
	/* With -l the lists are of that length; else as they fit */
	return run->opts->list ? 0 : room;
}

static void note_posting(struct run *run, uint32_t i, uint64_t n)
{
	uint64_t first = run->qp[i].posted;
	uint64_t now = clock_ns();
	uint64_t k;

	bw_peak_posted(&run->peak, run->posted, n, now);
	if (!run->posted_ns)
		return;
	for (k = first; k < first + n; k++)
		run->posted_ns[(uint64_t)i * run->depth + k % run->depth] = now;
}

/* Post one list of requests to queue pair @i: 1, 0 when it is full, or -1 */
static int post_list(struct run *run, uint32_t i)
{
	struct run_qp *qp = &run->qp[i];
	uint64_t n = list_length(run, qp);
	struct ibv_send_wr *bad;
	uint64_t k;
	int ret;

	if (!n)
		return 0;
	for (k = 0; k < n; k++) {
		perf_request_fill(run->pass, i, qp->posted + k, &run->wr[k]);
		if (is_signaled(run, qp->posted + k))
			run->wr[k].send_flags |= IBV_SEND_SIGNALED;
		if (k)
			run->wr[k - 1].next = &run->wr[k];
	}
	/* A list that waits for room must not wait for a completion to come */
	if (run->opts->list)
		run->wr[n - 1].send_flags |= IBV_SEND_SIGNALED;
	note_posting(run, i, n);
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
			ret = post_list(run, i);
		} while (ret > 0);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int fail_stray(void)
{
	return fail(CMD_FAILED, REASON_COMPLETION, EIO, "",
		    "The device completed a request that was not posted.");
}

/* One completion stands for all messages since the last one */
static int complete_post(struct run *run, const struct ibv_wc *wc,
			 uint64_t now)
{
	uint64_t messages = PERF_WR_MESSAGES(wc->wr_id);
	uint32_t i = PERF_WR_QP(wc->wr_id);
	struct run_qp *qp = &run->qp[i];

	if (messages <= qp->completed || messages > qp->posted)
		return fail_stray();
	if (run->posted_ns)
		perf_hist_add(&run->hist, now -
			      run->posted_ns[(uint64_t)i * run->depth +
					     (messages - 1) % run->depth]);
	run->completed += messages - qp->completed;
	qp->completed = messages;
	bw_peak_completed(&run->peak, run->completed, now);
	return 0;
}

/* Take a message, and have another one take its place */
static int complete_receive(struct run *run, const struct ibv_wc *wc)
{
	uint32_t i = PERF_WR_QP(wc->wr_id);

	run->received++;
	return perf_post_receive(run->pass, i, run->qp[i].receives++);
}

static int complete(struct run *run, const struct ibv_wc *wc, uint64_t now)
{
	if (wc->status != IBV_WC_SUCCESS)
		return perf_fail_completion(run->pass, run->ch, wc,
					    run->completed);
	if (PERF_WR_QP(wc->wr_id) >= run->qps)
		return fail_stray();
	if (wc->wr_id & PERF_RECEIVE)
		return complete_receive(run, wc);
	return complete_post(run, wc, now);
}

/* The number of completions, or -1 */
static int poll_completions(struct run *run)
{
	struct ibv_wc wc[BATCH];
	uint64_t now;
	int i, n;

	n = ibv_poll_cq(run->pass->conn.cq, BATCH, wc);
	if (n < 0)
		return fail(CMD_FAILED, REASON_RDMA, EIO, "",
			    "Cannot poll the completion queue.");
	if (!n)
		return 0;
	now = clock_ns();
	for (i = 0; i < n; i++) {
		if (complete(run, &wc[i], now))
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
	if (!perf_sleep(run->ch, conn->channel->fd))
		return 0;
	if (ibv_get_cq_event(conn->channel, &cq, &cookie))
		return fail(CMD_FAILED, REASON_RDMA, errno, "",
			    "Cannot read a completion event: %s.",
			    strerror(errno));
	ibv_ack_cq_events(cq, 1);
	return 0;
}

/* Nothing has completed */
static int wait_completion(struct run *run, struct look *look)
{
	uint64_t now;

	/* Where the clock is a device, reading it takes longer than all the rest */
	if (++look->idle_turns % LOOK_TURNS)
		return 0;
	now = clock_ns();
	if (!look->idle_ns)
		look->idle_ns = now;
	if (now - look->idle_ns < SPIN_NS)
		return 0;
	look->idle_ns = 0;
	look->now = true;
	return sleep_for_event(run);
}

/* One turn of either loop */
static int turn(struct run *run, struct look *look)
{
	int n = poll_completions(run);

	if (n > 0)
		look->idle_ns = 0;
	else if (n < 0 || wait_completion(run, look))
		return -1;
	if (!look->now && ++look->turns % LOOK_TURNS)
		return 0;
	look->now = false;
	return look_up(run, &look->next_ns);
}

static int post_and_complete(struct run *run, uint64_t start_ns)
{
	struct look look = { .next_ns = start_ns + LOOK_NS };

	do {
		if (post_all(run) || turn(run, &look))
			return -1;
	} while (!all_done(run));
	return 0;
}

/* Until all that the other side sent is there, or nothing more comes */
static int receive_rest(struct run *run)
{
	struct look look = { 0 };
	uint64_t received = 0;
	uint64_t quiet_ns = 0;

	while (!run->ch->has_done ||
	       run->received < run->ch->done.messages) {
		uint64_t now = clock_ns();

		if (!run->ch->has_done || received != run->received)
			quiet_ns = now;
		else if (now - quiet_ns > DRAIN_NS)
			break;
		received = run->received;
		if (turn(run, &look))
			return -1;
	}
	return 0;
}

static void fill_done(struct run *run, struct wire_done *done,
		      uint64_t elapsed_ns)
{
	uint32_t i;

	done->elapsed_ns = elapsed_ns;
	done->messages = run->completed;
	done->qps = run->qps;
	for (i = 0; i < run->qps; i++)
		done->qp_messages[i] = run->qp[i].posted;
	perf_hist_get(&run->hist, 1, &done->times);
}

static int post_side(struct run *run, struct wire_done *done)
{
	const struct perf_params *p = &run->pass->params;
	uint64_t start_ns = clock_ns();
	int ret;

	if (p->duration_s)
		run->deadline_ns = start_ns + p->duration_s * 1000000000ULL;
	ret = post_and_complete(run, start_ns);
	fill_done(run, done, clock_ns() - start_ns);
	if (!ret)
		done->peak_bytes_per_s = bw_peak_get(&run->peak);
	return ret;
}

/*
 * A server that posts nothing and receives nothing sleeps on the control
 * channel until the client is done: spinning would take the CPU from a
 * software RDMA device, and from the client beside it.
 */
int bw_run(struct perf_pass *pass, const struct perf_opts *opts,
	   struct chan *ch, struct wire_done *done, uint64_t *received)
{
	struct run *run = run_new(pass, opts, ch);
	int ret = 0;

	if (!run)
		return -1;
	if (perf_pass_posts(pass))
		ret = post_side(run, done);
	if (!ret)
		ret = perf_tell_done(ch, done);
	if (!ret && perf_pass_receives(pass))
		ret = receive_rest(run);
	*received = run->received;
	run_free(run);
	return ret;
}
