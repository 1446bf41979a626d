// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "perf.h"

static int disagree(const char *what, const char *mine, const char *theirs)
{
	return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
		    "Give both sides the same value, or leave it out on the server.",
		    "Client and server were given different values of %s: the client %s, the server %s.",
		    what, theirs, mine);
}

static int disagree_number(const char *what, uint64_t mine, uint64_t theirs)
{
	char text[2][32];

	snprintf(text[0], sizeof(text[0]), "%llu", (unsigned long long)mine);
	snprintf(text[1], sizeof(text[1]), "%llu", (unsigned long long)theirs);
	return disagree(what, text[0], text[1]);
}

static int agree_on_numbers(const struct perf_opts *server,
			    const struct perf_params *client)
{
	const struct perf_params *p = &server->params;
	const struct {
		enum perf_given given;
		const char *what;
		uint64_t mine, theirs;
	} numbers[] = {
		{ PERF_GIVEN_SIZE, "-s (message size)", p->size, client->size },
		{ PERF_GIVEN_ITERATIONS, "-n (iterations)", p->iterations,
		  client->iterations },
		{ PERF_GIVEN_DURATION, "-D (duration)", p->duration_s,
		  client->duration_s },
		{ PERF_GIVEN_DEPTH, "-t (depth)", p->depth, client->depth },
		{ PERF_GIVEN_RX_DEPTH, "-r (receive depth)", p->rx_depth,
		  client->rx_depth },
		{ PERF_GIVEN_QPS, "-q (queue pairs)", p->qps, client->qps },
		{ PERF_GIVEN_SL, "-S (service level)", p->sl, client->sl },
		{ PERF_GIVEN_TOS, "-T (type of service)", p->tos, client->tos },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (server->given & numbers[i].given &&
		    numbers[i].mine != numbers[i].theirs)
			return disagree_number(numbers[i].what,
					       numbers[i].mine,
					       numbers[i].theirs);
	}
	return 0;
}

static const char *yes_no(bool val)
{
	return val ? "with it" : "without";
}

static int agree_on_words(const struct perf_opts *server,
			  const struct perf_params *client)
{
	const struct perf_params *p = &server->params;
	const struct {
		enum perf_given given;
		const char *what;
		const char *mine, *theirs;
	} words[] = {
		{ PERF_GIVEN_OP, "--op", perf_op_name(p->op),
		  perf_op_name(client->op) },
		{ PERF_GIVEN_ATOMIC, "-A", perf_atomic_name(p->atomic),
		  perf_atomic_name(client->atomic) },
		{ PERF_GIVEN_TRANSPORT, "-c", perf_transport_name(p->transport),
		  perf_transport_name(client->transport) },
		{ PERF_GIVEN_SWEEP, "-a", yes_no(p->sweep),
		  yes_no(client->sweep) },
		{ PERF_GIVEN_BOTH, "-b", yes_no(p->both),
		  yes_no(client->both) },
		{ PERF_GIVEN_CM, "-R", yes_no(p->cm), yes_no(client->cm) },
		{ PERF_GIVEN_VERIFY, "--verify", yes_no(p->verify),
		  yes_no(client->verify) },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (server->given & words[i].given &&
		    strcmp(words[i].mine, words[i].theirs))
			return disagree(words[i].what, words[i].mine,
					words[i].theirs);
	}
	return 0;
}

int perf_params_agree(const struct perf_opts *server,
		      const struct perf_params *client)
{
	if (server->params.tool != client->tool)
		return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
			    "Use the same command on both sides.",
			    "The client is %s, the server %s.",
			    perf_tool_name(client->tool),
			    perf_tool_name(server->params.tool));
	if (agree_on_numbers(server, client))
		return -1;
	/* or it would wait for ever for room for one list */
	if (client->both && server->list > client->depth)
		return fail(CMD_FAILED, REASON_PARAMETER_MISMATCH, EINVAL,
			    "Give the server a smaller -l, or the client a larger -t.",
			    "The server has lists of %u (-l), which do not fit into the client's queues of %u (-t).",
			    server->list, client->depth);
	return agree_on_words(server, client);
}
