// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "perf.h"

/* Letters are perftest's; what perftest does not have has no letter */
enum {
	KEY_OP = 256,
	KEY_MEM,
	KEY_COMPARE,
	KEY_COMPARE_SIDE,
	KEY_VERIFY,
	KEY_NO_VERIFY,
	KEY_JSON,
	KEY_JSON_FILE,
	KEY_GBITS,
	KEY_PROGRESS,
};

#define DOC_HEAD "Measure RDMA bandwidth between a server and a client."
#define DOC_ROLES "Without SERVER, be the server: wait for one client, take the parameters from it, and end after it."
#define DOC_AGREE "An option that is given to the server must agree with the client's."
#define DOC_WORDS "NAME is \"host\" or a name or PCI address that `p2pmr list` shows. SIZE takes the suffixes K, M and G (powers of 1024)."

static const char doc[] =
	DOC_HEAD "\v" DOC_ROLES " " DOC_AGREE "\n\n" DOC_WORDS;

static const struct argp_option options[] = {
	{ "ib-dev", 'd', "DEV", 0, "RDMA device (the first with an active port)", 1 },
	{ "ib-port", 'i', "PORT", 0, "port of the device (1)", 1 },
	{ "gid-index", 'x', "INDEX", 0, "GID to use (the best RoCE v2 one, IPv4 first)", 1 },
	{ "mtu", 'm', "BYTES", 0, "path MTU, 256 to 4096 (the port's)", 1 },
	{ "port", 'p', "PORT", 0, "TCP port of the control connection (18515)", 1 },
	{ "op", KEY_OP, "write|read", 0, "what the client does (write)", 2 },
	{ "size", 's', "SIZE", 0, "bytes of a message (65536)", 2 },
	{ "iters", 'n', "N", 0, "messages of each queue pair (1000)", 2 },
	{ "duration", 'D', "SECONDS", 0, "run that long instead of -n", 2 },
	{ "tx-depth", 't', "N", 0, "messages under way at once (128)", 2 },
	{ "qp", 'q', "N", 0, "queue pairs (1)", 2 },
	{ "cq-mod", 'Q', "N", 0, "messages per completion (100; 1 above 8 KiB)", 2 },
	{ "outs", 'o', "N", 0, "outstanding reads (as many as both devices can)", 2 },
	{ "mem", KEY_MEM, "NAME", 0, "this side's memory (host)", 3 },
	{ "compare", KEY_COMPARE, "NAME", 0, "client: first the same with NAME's memory, and the ratio", 3 },
	{ "compare-side", KEY_COMPARE_SIDE, "both|client|server", 0, "whose memory --compare changes (both)", 3 },
	{ "verify", KEY_VERIFY, NULL, 0, "check every byte that was received (the default)", 3 },
	{ "no-verify", KEY_NO_VERIFY, NULL, 0, "check nothing", 3 },
	{ "report_gbits", KEY_GBITS, NULL, 0, "bandwidth in Gb/s instead of MiB/s", 4 },
	{ "json", KEY_JSON, NULL, 0, "the report as JSON", 4 },
	{ "json-file", KEY_JSON_FILE, "FILE", 0, "the report as JSON to FILE, too", 4 },
	{ "progress", KEY_PROGRESS, NULL, 0, "a line on stderr each second, even if it is no terminal", 4 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

static void bad_value(struct argp_state *state, const char *option,
		      const char *arg, const char *allowed)
{
	argp_error(state, "%s %s: must be %s [USAGE]", option, arg, allowed);
}

static uint64_t get_number(struct argp_state *state, const char *option,
			   const char *arg, uint64_t min, uint64_t max)
{
	uint64_t val;

	if (args_u64(arg, min, max, &val))
		argp_error(state,
			   "%s %s: must be a whole number from %llu to %llu [USAGE]",
			   option, arg, (unsigned long long)min,
			   (unsigned long long)max);
	return val;
}

static uint64_t get_size(struct argp_state *state, const char *arg)
{
	uint64_t val;

	if (args_size(arg, 1, PERF_SIZE_MAX, &val))
		bad_value(state, "-s", arg, "a size from 1 to 1G");
	return val;
}

static uint8_t get_mtu(struct argp_state *state, const char *arg)
{
	static const struct {
		const char *word;
		enum ibv_mtu val;
	} mtus[] = {
		{ "256", IBV_MTU_256 },
		{ "512", IBV_MTU_512 },
		{ "1024", IBV_MTU_1024 },
		{ "2048", IBV_MTU_2048 },
		{ "4096", IBV_MTU_4096 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mtus); i++) {
		if (!strcmp(mtus[i].word, arg))
			return mtus[i].val;
	}
	bad_value(state, "-m", arg, "256, 512, 1024, 2048 or 4096");
	return 0;
}

static enum perf_op get_op(struct argp_state *state, const char *arg)
{
	if (!strcmp(arg, "read"))
		return PERF_READ;
	if (strcmp(arg, "write"))
		bad_value(state, "--op", arg, "write or read");
	return PERF_WRITE;
}

static enum perf_compare_side get_side(struct argp_state *state, const char *arg)
{
	if (!strcmp(arg, "client"))
		return PERF_COMPARE_CLIENT;
	if (!strcmp(arg, "server"))
		return PERF_COMPARE_SERVER;
	if (strcmp(arg, "both"))
		bad_value(state, "--compare-side", arg,
			  "both, client or server");
	return PERF_COMPARE_BOTH;
}

static const char *get_name(struct argp_state *state, const char *option,
			    const char *arg)
{
	if (!arg[0] || strlen(arg) >= WIRE_NAME_MAX)
		bad_value(state, option, arg, "a name of 1 to 63 characters");
	return arg;
}

/* What both sides may give; 0 or ARGP_ERR_UNKNOWN */
static error_t parse_shared(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;
	struct wire_params *p = &o->params;

	switch (key) {
	case 's':
		p->size = get_size(state, arg);
		o->given |= PERF_GIVEN_SIZE;
		break;
	case 'n':
		p->iterations = get_number(state, "-n", arg, 1, PERF_ITERATIONS_MAX);
		o->given |= PERF_GIVEN_ITERATIONS;
		break;
	case 'D':
		p->duration_s = get_number(state, "-D", arg, 1, PERF_DURATION_MAX);
		o->given |= PERF_GIVEN_DURATION;
		break;
	case 't':
		p->depth = get_number(state, "-t", arg, 1, PERF_DEPTH_MAX);
		o->given |= PERF_GIVEN_DEPTH;
		break;
	case 'q':
		p->qps = get_number(state, "-q", arg, 1, PERF_QPS_MAX);
		o->given |= PERF_GIVEN_QPS;
		break;
	case KEY_OP:
		p->op = get_op(state, arg);
		o->given |= PERF_GIVEN_OP;
		break;
	case KEY_VERIFY:
	case KEY_NO_VERIFY:
		p->verify = key == KEY_VERIFY;
		o->given |= PERF_GIVEN_VERIFY;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What each side has for itself */
static error_t parse_own(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;

	switch (key) {
	case 'd':
		o->device = get_name(state, "-d", arg);
		break;
	case 'i':
		o->ib_port = get_number(state, "-i", arg, 1, 255);
		break;
	case 'x':
		o->gid_index = get_number(state, "-x", arg, 0, 65535);
		break;
	case 'm':
		o->mtu = get_mtu(state, arg);
		break;
	case 'p':
		o->tcp_port = get_number(state, "-p", arg, 1, 65535);
		break;
	case 'Q':
		o->cq_mod = get_number(state, "-Q", arg, 1, PERF_DEPTH_MAX);
		break;
	case 'o':
		o->outs = get_number(state, "-o", arg, 1, 255);
		break;
	case KEY_MEM:
		o->mem = get_name(state, "--mem", arg);
		break;
	case KEY_COMPARE:
		o->compare = get_name(state, "--compare", arg);
		break;
	case KEY_COMPARE_SIDE:
		o->compare_side = get_side(state, arg);
		break;
	case KEY_GBITS:
		o->gbits = true;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_JSON_FILE:
		o->json_file = arg;
		break;
	case KEY_PROGRESS:
		o->progress = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What can only be said when all options are known */
static void check_whole(struct argp_state *state, const struct perf_opts *o)
{
	const struct wire_params *p = &o->params;
	struct perf_layout lay;

	if (o->given & PERF_GIVEN_ITERATIONS && o->given & PERF_GIVEN_DURATION)
		argp_error(state,
			   "-n and -D: one of them decides when to end, not both [USAGE]");
	if (perf_layout_init(&lay, p->size, p->depth, p->qps, p->iterations))
		argp_error(state,
			   "-s %llu and -q %u: together they need more than 4 GiB of memory [USAGE]",
			   (unsigned long long)p->size, p->qps);
	if (o->compare && !o->server)
		argp_error(state, "--compare: is for the client [USAGE]");
	if (o->compare_side != PERF_COMPARE_BOTH && !o->compare)
		argp_error(state, "--compare-side: needs --compare [USAGE]");
	if (o->compare_side == PERF_COMPARE_SERVER &&
	    strcmp(o->compare, PERF_HOST))
		argp_error(state,
			   "--compare-side server: the server compares its --mem with host only [USAGE]");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;

	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case ARGP_KEY_ARG:
		if (o->server)
			argp_error(state, "%s: one server only [USAGE]", arg);
		o->server = arg;
		return 0;
	case ARGP_KEY_END:
		if (!(o->given & PERF_GIVEN_DURATION) && !o->params.iterations)
			o->params.iterations = 1000;
		check_whole(state, o);
		return 0;
	default:
		if (!parse_shared(key, arg, state))
			return 0;
		return parse_own(key, arg, state);
	}
}

void perf_opts_parse(int argc, char **argv, struct perf_opts *opts)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[SERVER]",
		.doc = doc,
	};
	static char cmd[] = BW_CMD;

	*opts = (struct perf_opts){
		.mem = PERF_HOST,
		.params = {
			.size = 65536,
			.depth = 128,
			.qps = 1,
			.op = PERF_WRITE,
			.verify = true,
		},
		.ib_port = 1,
		.tcp_port = 18515,
		.gid_index = -1,
	};
	args_init(argv, cmd);
	/* What fails here is out of memory: all else ends in argp_error() */
	if (argp_parse(&argp, argc, argv, 0, NULL, opts))
		exit(CMD_USAGE);
}
