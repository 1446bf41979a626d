// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes the same way on both sides: who they are, and one pass after they
 * have met.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "fail.h"
#include "perf.h"
#include "stop.h"

/* How long a sleep may be: what is not waited for is looked at in between */
#define SLEEP_MS 100
/* After an error completion, how long to wait for the peer's side of it */
#define LAST_WORDS_MS 1000

/* What both sides know in the end */
struct outcome {
	struct wire_done done[2];	/* client's, server's */
	struct wire_verdict verdict[2];
};

void perf_ident(struct wire_ident *id, const struct perf_dev *dev,
		const char *memory)
{
	struct utsname uts;

	memset(id, 0, sizeof(*id));
	snprintf(id->version, sizeof(id->version), "%s", P2PMR_VERSION);
	if (!uname(&uts))
		snprintf(id->kernel, sizeof(id->kernel), "%.*s",
			 WIRE_NAME_MAX - 1, uts.release);
	snprintf(id->device, sizeof(id->device), "%s", dev->name);
	snprintf(id->memory, sizeof(id->memory), "%s", memory);
}

/*
 * The cause of an error completion may lie on the other side, which then
 * tells or is gone: that is the better message.
 */
int perf_fail_completion(const struct perf_pass *pass, struct chan *ch,
			 const struct ibv_wc *wc, uint64_t messages)
{
	if (chan_watch(ch, LAST_WORDS_MS))
		return -1;
	return fail(CMD_FAILED, REASON_COMPLETION, EIO,
		    "Run `dmesg` on both sides, and check that the GIDs reach each other and that no device was removed.",
		    "An RDMA %s ended with \"%s\" (vendor code %u) after %llu messages.",
		    perf_op_name(pass->params.op),
		    ibv_wc_status_str(wc->status), wc->vendor_err,
		    (unsigned long long)messages);
}

int perf_tell_done(struct chan *ch, const struct wire_done *done)
{
	struct wire_msg msg = { .type = WIRE_DONE };

	msg.u.done = *done;
	return chan_send(ch, &msg);
}

bool perf_sleep(const struct chan *ch, int fd)
{
	struct pollfd pfd[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = ch->fd, .events = POLLIN },
	};

	return poll(pfd, ARRAY_SIZE(pfd), SLEEP_MS) > 0 &&
	       pfd[0].revents & POLLIN;
}

static int tell_verdict(struct chan *ch, const struct wire_verdict *verdict)
{
	struct wire_msg msg = { .type = WIRE_VERDICT };

	msg.u.verdict = *verdict;
	return chan_send(ch, &msg);
}

static int hear_verdict(struct perf_pass *pass, struct chan *ch,
			struct wire_verdict *verdict)
{
	struct wire_msg msg;

	if (chan_recv(ch, WIRE_VERDICT, &msg,
		      perf_memory_timeout_ms(&pass->lay)))
		return -1;
	*verdict = msg.u.verdict;
	return 0;
}

/* The server judges first, then the client */
static int exchange_verdicts(struct perf_pass *pass, struct chan *ch,
			     struct wire_verdict verdict[2],
			     const struct wire_done done[2])
{
	enum perf_role me = pass->role;

	if (me == PERF_CLIENT && hear_verdict(pass, ch, &verdict[PERF_SERVER]))
		return -1;
	if (perf_pass_check(pass, done, &verdict[me].data) ||
	    tell_verdict(ch, &verdict[me]))
		return -1;
	if (me == PERF_SERVER)
		return hear_verdict(pass, ch, &verdict[PERF_CLIENT]);
	return 0;
}

/* The counts of the other side's queue pairs are used as ours are */
static int check_done(const struct perf_pass *pass,
		      const struct wire_done *done)
{
	if (!done->messages || done->qps == pass->params.qps)
		return 0;
	return fail(CMD_FAILED, REASON_PROTOCOL, EPROTO, "",
		    "The other side reports on %u queue pairs where %u were agreed.",
		    done->qps, pass->params.qps);
}

static int fail_wrong(const struct perf_verdict *v, const char *where)
{
	return fail(CMD_FAILED, REASON_DATA_MISMATCH, EBADMSG,
		    "Run `dmesg` on both sides and check the path between the devices; do not trust this memory.",
		    "Wrong data in %s: %llu of %llu bytes, the first at offset %llu, where 0x%02x was expected and 0x%02x found.",
		    where, (unsigned long long)v->wrong_bytes,
		    (unsigned long long)v->checked_bytes,
		    (unsigned long long)v->first_offset, v->expected, v->got);
}

/* Of datagrams some may be lost, but not all of them */
static int check_received(const struct perf_pass *pass,
			  const struct outcome *out, enum perf_role role)
{
	uint64_t sent = out->done[perf_other(role)].messages;

	if (pass->params.op != PERF_SEND || !sent ||
	    out->verdict[role].received)
		return 0;
	return fail(CMD_FAILED, REASON_COMPLETION, EIO,
		    "Check that the GIDs reach each other (-x chooses another one).",
		    "Of %llu messages, none arrived.",
		    (unsigned long long)sent);
}

/* Both sides fail of the same: no need to tell each other */
static int judge(const struct perf_pass *pass, const struct outcome *out)
{
	static const char *const where[] = {
		[PERF_CLIENT] = "the client's memory",
		[PERF_SERVER] = "the server's memory",
	};
	enum perf_role role;

	for (role = PERF_CLIENT; role <= PERF_SERVER; role++) {
		const struct perf_verdict *v = &out->verdict[role].data;

		if (check_received(pass, out, role))
			return -1;
		if (v->wrong_bytes)
			return fail_wrong(v, where[role]);
	}
	return 0;
}

static void report(struct perf_report *rep, const struct perf_pass *pass,
		   const struct outcome *out, bool complete)
{
	struct perf_row row;

	perf_row_fill(&row, pass, out->done, out->verdict);
	row.complete = complete;
	/* What was under way may well have arrived */
	if (!complete)
		row.lost = 0;
	perf_report_row(rep, &row);
}

static int run(struct perf_report *rep, struct perf_pass *pass,
	       struct chan *ch, struct outcome *out)
{
	enum perf_role me = pass->role, other = perf_other(me);
	uint64_t *received = &out->verdict[me].received;
	struct wire_msg msg;
	int ret;

	if (pass->params.tool == PERF_BW)
		ret = bw_run(pass, rep->opts, ch, &out->done[me], received);
	else
		ret = lat_run(pass, rep->opts, ch, &out->done[me], received);
	if (ret) {
		/* What there is so far is worth something */
		if (stop_requested() && me == PERF_CLIENT &&
		    out->done[me].messages)
			report(rep, pass, out, false);
		return -1;
	}
	if (chan_recv(ch, WIRE_DONE, &msg, CHAN_FOREVER))
		return -1;
	out->done[other] = msg.u.done;
	return check_done(pass, &out->done[other]);
}

int perf_session_pass(struct perf_report *rep, struct perf_pass *pass,
		      struct chan *ch)
{
	struct outcome *out = calloc(1, sizeof(*out));
	int ret = -1;

	if (!out)
		return fail_nomem();
	if (run(rep, pass, ch, out) ||
	    exchange_verdicts(pass, ch, out->verdict, out->done))
		goto out;
	ret = judge(pass, out);
	if (ret)
		ch->peer_knows = true;
	else
		report(rep, pass, out, true);
out:
	free(out);
	return ret;
}
