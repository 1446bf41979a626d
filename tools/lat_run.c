// SPDX-License-Identifier: GPL-2.0-only
/*
 * One message at a time, and how long it took. Reads and atomics: until the
 * completion, which carries the answer. Writes and sends: the other side
 * answers with one of its own, and half of the round trip counts, as in
 * perftest. Whether a write has arrived, only the CPU can see: the last byte
 * of each counts.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "clock.h"
#include "fail.h"
#include "perf.h"
#include "perf_hist.h"
#include "perf_progress.h"
#include "stop.h"

/* One completion for that many messages, of those that need none */
#define SIGNAL_EVERY 16
/*
 * How a wait goes on: hardware answers while this CPU spins. A software device
 * needs a CPU to answer, and where there is none to spare, the scheduler lets
 * whoever spins run to the end of its time slice, and yielding is no help: so
 * this one sleeps then, for as short as can be. Now and then the wait looks up:
 * at the clock, and at what else may have happened.
 */
#define SPIN_NS 1000000ULL
#define SPIN_TURNS 16
#define LOOK_NS 2000000ULL
#define STEP_NS 100000000ULL
/* A datagram that is not answered within that time was lost */
#define LOST_NS 3000000000ULL

struct lat {
	struct perf_pass *pass;
	struct chan *ch;
	struct ibv_qp *qp;
	struct perf_hist hist;
	struct perf_progress progress;
	struct ibv_send_wr wr;
	struct ibv_sge sge;
	volatile uint8_t *mark_out;	/* writes: the last byte of mine */
	volatile uint8_t *mark_in;	/* and of the other side's */
	uint64_t posted;
	uint64_t completed;
	uint64_t received;
	uint64_t start_ns;
	uint64_t next_step_ns;
	bool ping_pong;
};

/* A wait: since when, and when to look up */
struct wait {
	uint64_t start_ns;
	uint64_t look_ns;
	unsigned int turns;
};

/* What differs from one to the next */
static void prepare(struct lat *lat)
{
	perf_request_fill(lat->pass, 0, lat->posted, &lat->wr);
	if (!lat->ping_pong || (lat->posted + 1) % SIGNAL_EVERY == 0)
		lat->wr.send_flags |= IBV_SEND_SIGNALED;
}

static int lat_init(struct lat *lat, struct perf_pass *pass,
		    const struct perf_opts *opts, struct chan *ch)
{
	uint8_t *area = p2pmr_buf_addr(pass->mem.buf);
	uint64_t last = pass->params.size - 1;

	memset(lat, 0, sizeof(*lat));
	lat->pass = pass;
	lat->ch = ch;
	lat->qp = pass->conn.qp[0];
	lat->ping_pong = perf_is_ping_pong(&pass->params);
	lat->mark_out = area + pass->role * pass->lay.lane_bytes + last;
	lat->mark_in = area + perf_other(pass->role) * pass->lay.lane_bytes +
		       last;
	perf_request_init(pass, &lat->wr, &lat->sge);
	perf_progress_init(&lat->progress, &pass->params, opts->progress);
	prepare(lat);
	return perf_hist_init(&lat->hist);
}

/* And the next one is prepared: nothing else is between an answer and it */
static int post(struct lat *lat)
{
	struct ibv_send_wr *bad;
	int ret;

	if (lat->pass->params.op == PERF_WRITE)
		*lat->mark_out = lat->posted + 1;
	ret = ibv_post_send(lat->qp, &lat->wr, &bad);
	if (ret)
		return fail(CMD_FAILED, REASON_RDMA, ret, "",
			    "Cannot post work request %llu: %s.",
			    (unsigned long long)lat->posted, strerror(ret));
	lat->posted++;
	prepare(lat);
	return 0;
}

/* The number of completions, or -1 */
static int poll_completions(struct lat *lat)
{
	struct ibv_wc wc;
	int n = ibv_poll_cq(lat->pass->conn.cq, 1, &wc);

	if (n <= 0)
		return n ? fail(CMD_FAILED, REASON_RDMA, EIO, "",
				"Cannot poll the completion queue.") : 0;
	if (wc.status != IBV_WC_SUCCESS)
		return perf_fail_completion(lat->pass, lat->ch, &wc,
					    lat->completed);
	if (!(wc.wr_id & PERF_RECEIVE)) {
		lat->completed = PERF_WR_MESSAGES(wc.wr_id);
		return 1;
	}
	lat->received++;
	if (perf_post_receive(lat->pass, 0, PERF_WR_MESSAGES(wc.wr_id) +
			      lat->pass->params.rx_depth - 1))
		return -1;
	return 1;
}

static int fail_lost_datagram(const struct lat *lat)
{
	return fail(CMD_FAILED, REASON_COMPLETION, ETIMEDOUT,
		    "Use -c RC, which sends again what is lost.",
		    "Message %llu, a datagram, or the answer to it was lost.",
		    (unsigned long long)lat->posted);
}

/* What else may have happened than what is waited for */
static int look_up(struct lat *lat, struct wait *wait, uint64_t now)
{
	if (stop_check() || chan_watch(lat->ch, 0))
		return -1;
	/* While waiting for a write, that is how errors are noticed */
	if (lat->pass->params.op == PERF_WRITE && poll_completions(lat) < 0)
		return -1;
	if (lat->pass->role == PERF_CLIENT &&
	    lat->pass->conn.transport == PERF_UD &&
	    now - wait->start_ns > LOST_NS)
		return fail_lost_datagram(lat);
	wait->look_ns = now + LOOK_NS;
	return 0;
}

/* Once more in vain */
static int still_waiting(struct lat *lat, struct wait *wait)
{
	static const struct timespec shortest = { .tv_nsec = 1 };
	uint64_t now;

	if (++wait->turns % SPIN_TURNS)
		return 0;
	now = clock_ns();
	if (!wait->look_ns) {
		wait->start_ns = now;
		wait->look_ns = now + LOOK_NS;
	}
	if (now >= wait->look_ns)
		return look_up(lat, wait, now);
	if (now - wait->start_ns > SPIN_NS) {
		nanosleep(&shortest, NULL);
		/* From now on each turn */
		wait->turns = SPIN_TURNS - 1;
	}
	return 0;
}

/* Has the other side's message number @number arrived? Or, 1 as well, the end */
static int arrived(struct lat *lat, uint64_t number)
{
	if (lat->pass->params.op == PERF_WRITE)
		return *lat->mark_in == (uint8_t)number;
	if (poll_completions(lat) < 0)
		return -1;
	return lat->received >= number;
}

/* 1: it is there. 0: it will not come, the other side is done. Or -1 */
static int wait_message(struct lat *lat, uint64_t number)
{
	struct wait wait = { 0 };
	int ret;

	for (;;) {
		ret = arrived(lat, number);
		if (ret)
			break;
		if (still_waiting(lat, &wait))
			return -1;
		if (lat->ch->has_done && lat->pass->role == PERF_SERVER)
			return 0;
	}
	/* Nothing may be read before what says that it is there */
	atomic_thread_fence(memory_order_acquire);
	return ret;
}

static int wait_completion(struct lat *lat, uint64_t number)
{
	struct wait wait = { 0 };

	while (lat->completed < number) {
		int n = poll_completions(lat);

		if (n < 0 || (!n && still_waiting(lat, &wait)))
			return -1;
	}
	return 0;
}

/*
 * Completions of writes and sends say nothing new, but the queue that they
 * stand in is short: by the time that a second one is due, the first is there.
 */
static int reap(struct lat *lat)
{
	uint64_t signaled = lat->posted / SIGNAL_EVERY * SIGNAL_EVERY;

	if (signaled < 2 * SIGNAL_EVERY ||
	    lat->completed >= signaled - SIGNAL_EVERY)
		return 0;
	return wait_completion(lat, signaled - SIGNAL_EVERY);
}

/* Now and then: is there anything else to do? */
static int step(struct lat *lat, uint64_t now)
{
	if (now < lat->next_step_ns)
		return 0;
	lat->next_step_ns = now + STEP_NS;
	perf_progress_show(&lat->progress, now, lat->posted);
	if (stop_check())
		return -1;
	return chan_watch(lat->ch, 0);
}

static bool is_enough(const struct lat *lat, uint64_t now)
{
	const struct perf_params *p = &lat->pass->params;

	if (p->iterations)
		return lat->posted >= p->iterations;
	return now - lat->start_ns >= p->duration_s * 1000000000ULL;
}

/* While a message is under way there is time for what must not be measured */
static int meanwhile(struct lat *lat, uint64_t now, uint64_t sample_ns)
{
	if (sample_ns)
		perf_hist_add(&lat->hist, sample_ns);
	if (lat->ping_pong && reap(lat))
		return -1;
	return step(lat, now);
}

static int wait_answer(struct lat *lat)
{
	return lat->ping_pong ? wait_message(lat, lat->posted) :
				wait_completion(lat, lat->posted);
}

static int ping(struct lat *lat)
{
	uint64_t before = clock_ns(), now = before, sample_ns = 0;

	lat->start_ns = before;
	lat->next_step_ns = before + STEP_NS;
	do {
		if (post(lat) || meanwhile(lat, now, sample_ns) ||
		    wait_answer(lat) < 0)
			return -1;
		now = clock_ns();
		sample_ns = now - before;
		before = now;
	} while (!is_enough(lat, now));
	perf_hist_add(&lat->hist, sample_ns);
	return 0;
}

/* Answer until there is nothing more to answer */
static int pong(struct lat *lat)
{
	int ret;

	lat->start_ns = clock_ns();
	for (;;) {
		ret = wait_message(lat, lat->posted + 1);
		if (ret <= 0)
			return ret;
		if (post(lat) || reap(lat))
			return -1;
	}
}

static void fill_done(const struct lat *lat, struct wire_done *done)
{
	done->elapsed_ns = clock_ns() - lat->start_ns;
	done->messages = lat->posted;
	done->qps = 1;
	done->qp_messages[0] = lat->posted;
	perf_hist_get(&lat->hist, lat->ping_pong ? 2 : 1, &done->times);
}

int lat_run(struct perf_pass *pass, const struct perf_opts *opts,
	    struct chan *ch, struct wire_done *done, uint64_t *received)
{
	struct lat lat;
	int ret;

	if (!perf_pass_posts(pass))
		return perf_tell_done(ch, done);
	/* Else the shortest sleep is 50 us longer than it need be */
	prctl(PR_SET_TIMERSLACK, 1);
	ret = lat_init(&lat, pass, opts, ch);
	if (!ret)
		ret = pass->role == PERF_CLIENT ? ping(&lat) : pong(&lat);
	fill_done(&lat, done);
	*received = lat.received;
	perf_progress_end(&lat.progress);
	perf_hist_free(&lat.hist);
	return ret ? -1 : perf_tell_done(ch, done);
}
