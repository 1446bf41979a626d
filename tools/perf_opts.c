// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
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
	KEY_FOREVER,
	KEY_JSON,
	KEY_JSON_FILE,
	KEY_PLOT,
	KEY_GBITS,
	KEY_PROGRESS,
};

#define DOC_ROLES "Without SERVER, be the server: wait for one client, take the parameters from it, and end after it."
#define DOC_AGREE "An option that is given to the server must agree with the client's."
#define DOC_WORDS "NAME is \"host\" or a name or PCI address that `p2pmr list` shows. SIZE takes the suffixes K, M and G (powers of 1024)."
#define DOC_TAIL "\v" DOC_ROLES " " DOC_AGREE "\n\n" DOC_WORDS

#define BW (1 << PERF_BW)
#define LAT (1 << PERF_LAT)

/* Which of the two commands has an option */
struct perf_option {
	unsigned int tools;
	struct argp_option argp;
};

static const struct perf_option options[] = {
	{ BW | LAT, { "ib-dev", 'd', "DEV", 0, "RDMA device (the first with an active port)", 1 } },
	{ BW | LAT, { "ib-port", 'i', "PORT", 0, "port of the device (1)", 1 } },
	{ BW | LAT, { "gid-index", 'x', "INDEX", 0, "GID to use (the best RoCE v2 one, IPv4 first)", 1 } },
	{ BW | LAT, { "mtu", 'm', "BYTES", 0, "path MTU, 256 to 4096 (the port's)", 1 } },
	{ BW | LAT, { "port", 'p', "PORT", 0, "TCP port of the control connection (18515)", 1 } },
	{ BW | LAT, { "rdma_cm", 'R', NULL, 0, "connect the queue pairs by rdma_cm", 1 } },
	{ BW | LAT, { "sl", 'S', "N", 0, "service level (0)", 1 } },
	{ BW | LAT, { "tos", 'T', "N", 0, "type of service, with -R (0)", 1 } },
	{ BW | LAT, { "op", KEY_OP, "write|read|send|atomic", 0, "what the client does (write)", 2 } },
	{ BW | LAT, { "atomic_type", 'A', "FETCH_AND_ADD|CMP_AND_SWAP", 0, "which atomic (FETCH_AND_ADD)", 2 } },
	{ BW | LAT, { "connection", 'c', "RC|UD", 0, "transport; UD can only send (RC)", 2 } },
	{ BW, { "size", 's', "SIZE", 0, "bytes of a message (65536)", 2 } },
	{ LAT, { "size", 's', "SIZE", 0, "bytes of a message (2)", 2 } },
	{ BW | LAT, { "all", 'a', NULL, 0, "all sizes: 2, 4, 8 ... 8M", 2 } },
	{ BW, { "iters", 'n', "N", 0, "messages of each queue pair (1000)", 2 } },
	{ LAT, { "iters", 'n', "N", 0, "round trips (1000)", 2 } },
	{ BW | LAT, { "duration", 'D', "SECONDS", 0, "run that long instead of -n", 2 } },
	{ BW, { "tx-depth", 't', "N", 0, "messages under way at once (128)", 2 } },
	{ BW | LAT, { "rx-depth", 'r', "N", 0, "receives that are ready for sends (512)", 2 } },
	{ BW, { "qp", 'q', "N", 0, "queue pairs (1)", 2 } },
	{ BW, { "bidirectional", 'b', NULL, 0, "the server does to the client what the client does to it", 2 } },
	{ BW, { "post_list", 'l', "N", 0, "work requests of each call (as many as have room, up to 16)", 2 } },
	{ BW, { "cq-mod", 'Q', "N", 0, "messages per completion (100; 1 above 8 KiB)", 2 } },
	{ BW | LAT, { "outs", 'o', "N", 0, "outstanding reads (as many as both devices can)", 2 } },
	{ BW, { "inline_size", 'I', "BYTES", 0, "messages of up to that size go inline (0)", 2 } },
	{ LAT, { "inline_size", 'I', "BYTES", 0, "messages of up to that size go inline (from host memory: writes 220, sends 236; else 0)", 2 } },
	{ BW | LAT, { "CPU-freq", 'F', NULL, 0, "no meaning; for perftest's users", 2 } },
	{ BW | LAT, { "forever", KEY_FOREVER, NULL, 0, "server: serve one client after the other", 2 } },
	{ BW | LAT, { "mem", KEY_MEM, "NAME", 0, "this side's memory (host)", 3 } },
	{ BW | LAT, { "compare", KEY_COMPARE, "NAME", 0, "client: first the same with NAME's memory, and the ratio", 3 } },
	{ BW | LAT, { "compare-side", KEY_COMPARE_SIDE, "both|client|server", 0, "whose memory --compare changes (both)", 3 } },
	{ BW | LAT, { "verify", KEY_VERIFY, NULL, 0, "check every byte that was received (the default)", 3 } },
	{ BW | LAT, { "no-verify", KEY_NO_VERIFY, NULL, 0, "check nothing", 3 } },
	{ BW, { "report_gbits", KEY_GBITS, NULL, 0, "bandwidth in Gb/s instead of MiB/s", 4 } },
	{ BW | LAT, { "json", KEY_JSON, NULL, 0, "the report as JSON", 4 } },
	{ BW | LAT, { "json-file", KEY_JSON_FILE, "FILE", 0, "the report as JSON to FILE, too", 4 } },
	{ BW | LAT, { "plot", KEY_PLOT, "FILE", 0, "client: the report as a picture over the sizes (SVG; takes gnuplot)", 4 } },
	{ BW | LAT, { "progress", KEY_PROGRESS, NULL, 0, "a line on stderr each second, even if it is no terminal", 4 } },
	{ BW | LAT, { NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 } },
};

static void bad_value(struct argp_state *state, const char *option,
		      const char *arg, const char *allowed)
{
	argp_error(state, "%s %s: must be %s [USAGE]", option, arg, allowed);
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
	enum perf_op op;

	for (op = PERF_WRITE; op <= PERF_ATOMIC; op++) {
		if (!strcmp(perf_op_name(op), arg))
			return op;
	}
	bad_value(state, "--op", arg, "write, read, send or atomic");
	return PERF_WRITE;
}

static enum perf_atomic get_atomic(struct argp_state *state, const char *arg)
{
	if (!strcmp(arg, "CMP_AND_SWAP"))
		return PERF_CMP_SWAP;
	if (strcmp(arg, "FETCH_AND_ADD"))
		bad_value(state, "-A", arg, "FETCH_AND_ADD or CMP_AND_SWAP");
	return PERF_FETCH_ADD;
}

static enum perf_transport get_transport(struct argp_state *state,
					 const char *arg)
{
	if (!strcmp(arg, "UD"))
		return PERF_UD;
	if (strcmp(arg, "RC"))
		bad_value(state, "-c", arg, "RC or UD");
	return PERF_RC;
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

/* What both sides may give, of numbers; 0 or ARGP_ERR_UNKNOWN */
static error_t parse_numbers(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;
	struct perf_params *p = &o->params;

	switch (key) {
	case 's':
		p->size = get_size(state, arg);
		o->given |= PERF_GIVEN_SIZE;
		break;
	case 'n':
		p->iterations = args_number(state, "-n", arg, 1, PERF_ITERATIONS_MAX);
		o->given |= PERF_GIVEN_ITERATIONS;
		break;
	case 'D':
		p->duration_s = args_number(state, "-D", arg, 1, PERF_DURATION_MAX);
		o->given |= PERF_GIVEN_DURATION;
		break;
	case 't':
		p->depth = args_number(state, "-t", arg, 1, PERF_DEPTH_MAX);
		o->given |= PERF_GIVEN_DEPTH;
		break;
	case 'r':
		p->rx_depth = args_number(state, "-r", arg, 1, PERF_DEPTH_MAX);
		o->given |= PERF_GIVEN_RX_DEPTH;
		break;
	case 'q':
		p->qps = args_number(state, "-q", arg, 1, PERF_QPS_MAX);
		o->given |= PERF_GIVEN_QPS;
		break;
	case 'S':
		p->sl = args_number(state, "-S", arg, 0, 15);
		o->given |= PERF_GIVEN_SL;
		break;
	case 'T':
		p->tos = args_number(state, "-T", arg, 0, 255);
		o->given |= PERF_GIVEN_TOS;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The same of words and switches */
static error_t parse_words(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;
	struct perf_params *p = &o->params;

	switch (key) {
	case 'a':
		p->sweep = true;
		o->given |= PERF_GIVEN_SWEEP;
		break;
	case 'b':
		p->both = true;
		o->given |= PERF_GIVEN_BOTH;
		break;
	case 'c':
		p->transport = get_transport(state, arg);
		o->given |= PERF_GIVEN_TRANSPORT;
		break;
	case 'A':
		p->atomic = get_atomic(state, arg);
		o->given |= PERF_GIVEN_ATOMIC;
		break;
	case 'R':
		p->cm = true;
		o->given |= PERF_GIVEN_CM;
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

/* What each side has for itself: how it does its part */
static error_t parse_own(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;

	switch (key) {
	case 'd':
		o->device = get_name(state, "-d", arg);
		break;
	case 'i':
		o->ib_port = args_number(state, "-i", arg, 1, 255);
		break;
	case 'x':
		o->gid_index = args_number(state, "-x", arg, 0, 65535);
		break;
	case 'm':
		o->mtu = get_mtu(state, arg);
		break;
	case 'p':
		o->tcp_port = args_number(state, "-p", arg, 1, 65535);
		break;
	case 'Q':
		o->cq_mod = args_number(state, "-Q", arg, 1, PERF_DEPTH_MAX);
		break;
	case 'o':
		o->outs = args_number(state, "-o", arg, 1, 255);
		break;
	case 'l':
		o->list = args_number(state, "-l", arg, 1, PERF_LIST_MAX);
		break;
	case 'I':
		o->inline_bytes = args_number(state, "-I", arg, 0, PERF_INLINE_MAX);
		break;
	case 'F':
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* And with what memory, and what it says of it */
static error_t parse_report(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;

	switch (key) {
	case KEY_MEM:
		o->mem = get_name(state, "--mem", arg);
		break;
	case KEY_FOREVER:
		o->forever = true;
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
	case KEY_PLOT:
		o->plot = arg;
		break;
	case KEY_PROGRESS:
		o->progress = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What was not given, and depends on what was */
static void fill_in(struct perf_opts *o)
{
	struct perf_params *p = &o->params;

	if (!p->iterations && !p->duration_s)
		p->iterations = 1000;
	if (p->sweep)
		p->size = PERF_SWEEP_LAST;
	if (p->op == PERF_ATOMIC && !(o->given & PERF_GIVEN_SIZE))
		p->size = PERF_ATOMIC_BYTES;
}

static void check_sizes(struct argp_state *state, const struct perf_opts *o)
{
	const struct perf_params *p = &o->params;

	if (p->sweep && o->given & PERF_GIVEN_SIZE)
		argp_error(state,
			   "-a and -s: one of them says how large messages are, not both [USAGE]");
	if (p->op == PERF_ATOMIC && p->sweep)
		argp_error(state,
			   "-a: an atomic operates on 8 bytes always [USAGE]");
	if (p->op == PERF_ATOMIC && p->size != PERF_ATOMIC_BYTES)
		argp_error(state,
			   "-s %llu: an atomic operates on 8 bytes [USAGE]",
			   (unsigned long long)p->size);
	/* Each list is posted at once, and the sweep's larger sizes shrink it */
	if (o->list > p->depth)
		argp_error(state,
			   "-l %u: cannot be more than -t, which is %u [USAGE]",
			   o->list, p->depth);
}

static void check_compare(struct argp_state *state, const struct perf_opts *o)
{
	if (o->compare && !o->server)
		argp_error(state, "--compare: is for the client [USAGE]");
	if (o->compare_side != PERF_COMPARE_BOTH && !o->compare)
		argp_error(state, "--compare-side: needs --compare [USAGE]");
	if (o->compare_side == PERF_COMPARE_SERVER &&
	    strcmp(o->compare, PERF_HOST))
		argp_error(state,
			   "--compare-side server: the server compares its --mem with host only [USAGE]");
	if (o->plot && !o->server)
		argp_error(state, "--plot: is for the client [USAGE]");
	if (o->forever && o->server)
		argp_error(state, "--forever: is for the server [USAGE]");
}

/* What can only be said when all options are known */
static void check_whole(struct argp_state *state, const struct perf_opts *o)
{
	const struct perf_params *p = &o->params;
	const char *wrong;

	if (o->given & PERF_GIVEN_ITERATIONS && o->given & PERF_GIVEN_DURATION)
		argp_error(state,
			   "-n and -D: one of them decides when to end, not both [USAGE]");
	if (p->transport == PERF_UD && p->op != PERF_SEND)
		argp_error(state,
			   "-c UD: datagrams can only be sent; add --op send [USAGE]");
	if (o->given & PERF_GIVEN_TOS && !p->cm)
		argp_error(state, "-T: needs -R, as in perftest [USAGE]");
	check_sizes(state, o);
	check_compare(state, o);
	wrong = perf_params_wrong(p);
	if (wrong)
		argp_error(state, "-s %llu and -q %u: %s [USAGE]",
			   (unsigned long long)p->size, p->qps, wrong);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static error_t (*const parsers[])(int, char *, struct argp_state *) = {
		parse_numbers, parse_words, parse_own, parse_report, args_help,
	};
	struct perf_opts *o = state->input;
	error_t ret = ARGP_ERR_UNKNOWN;
	size_t i;

	switch (key) {
	case ARGP_KEY_ARG:
		if (o->server)
			argp_error(state, "%s: one server only [USAGE]", arg);
		o->server = arg;
		return 0;
	case ARGP_KEY_END:
		fill_in(o);
		check_whole(state, o);
		return 0;
	default:
		for (i = 0; i < ARRAY_SIZE(parsers) && ret; i++)
			ret = parsers[i](key, arg, state);
		return ret;
	}
}

static void choose_options(struct argp_option *dst, enum perf_tool tool)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i].tools & 1U << tool)
			*dst++ = options[i].argp;
	}
	memset(dst, 0, sizeof(*dst));
}

void perf_opts_parse(int argc, char **argv, enum perf_tool tool,
		     struct perf_opts *opts)
{
	static char names[2][16] = { "p2pmr bw", "p2pmr lat" };
	struct argp_option chosen[ARRAY_SIZE(options) + 1];
	const struct argp argp = {
		.options = chosen,
		.parser = parse,
		.args_doc = "[SERVER]",
		.doc = tool == PERF_BW ?
		       "Measure RDMA bandwidth between a server and a client." DOC_TAIL :
		       "Measure RDMA latency between a server and a client." DOC_TAIL,
	};

	*opts = (struct perf_opts){
		.cmd = names[tool],
		.mem = PERF_HOST,
		.params = {
			.tool = tool,
			.size = tool == PERF_BW ? 65536 : 2,
			.depth = tool == PERF_BW ? 128 : 64,
			.rx_depth = 512,
			.qps = 1,
			.verify = true,
		},
		.ib_port = 1,
		.tcp_port = 18515,
		.gid_index = -1,
		.inline_bytes = PERF_INLINE_CHOOSE,
	};
	choose_options(chosen, tool);
	args_init(argv, names[tool]);
	/* What fails here is out of memory: all else ends in argp_error() */
	if (argp_parse(&argp, argc, argv, 0, NULL, opts))
		exit(CMD_USAGE);
}
