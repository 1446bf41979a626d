// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "copy.h"

#define CHUNK_DEFAULT (512U << 10)
#define SLOTS_DEFAULT 16

/* What scp or rsync have a letter for has it here */
enum {
	KEY_REMOTE_PROGRAM = 256,
	KEY_LIVE,
	KEY_MEM,
	KEY_REMOTE_MEM,
	KEY_REMOTE_DEV,
	KEY_REMOTE_PORT,
	KEY_REMOTE_GID,
	KEY_CHUNK,
	KEY_DEPTH,
	KEY_JSON,
	KEY_PROGRESS,
	KEY_SERVER,
};

#define DOC_HEAD "Copy files between machines by RDMA, through the memory of the drives that hold them."
#define DOC_PLACES "Either the sources or the destination are on another machine: [USER@]HOST:PATH. Its end is started there by ssh."

static const char doc[] = DOC_HEAD "\v" DOC_PLACES;

static const struct argp_option options[] = {
	{ "recursive", 'r', NULL, 0, "copy folders, with all that is in them", 1 },
	{ "preserve", 'p', NULL, 0, "keep modes and times", 1 },
	{ "links", 'l', NULL, 0, "copy symbolic links as links", 1 },
	{ "checksum", 'c', NULL, 0, "read back what was written, and compare checksums", 1 },
	{ "partial", 'P', NULL, 0, "keep parts of files when it fails, and go on with those that are there", 1 },
	{ "dry-run", 'n', NULL, 0, "say what would be copied, and copy nothing", 1 },
	{ "live", KEY_LIVE, NULL, 0, "take files as read that change meanwhile", 1 },
	{ "rsh", 'e', "COMMAND", 0, "remote shell (ssh)", 2 },
	{ "remote-program", KEY_REMOTE_PROGRAM, "PATH", 0, "p2pmr on the other machine (p2pmr)", 2 },
	{ "mem", KEY_MEM, "NAME", 0, "memory of this machine: \"host\" or a name that `p2pmr list` shows (the drive's)", 3 },
	{ "remote-mem", KEY_REMOTE_MEM, "NAME", 0, "memory of the other one", 3 },
	{ "chunk", KEY_CHUNK, "SIZE", 0, "how much goes at once (512K)", 3 },
	{ "depth", KEY_DEPTH, "N", 0, "how many chunks are under way (16)", 3 },
	{ "ib-dev", 'd', "DEV", 0, "RDMA device (the first with an active port)", 4 },
	{ "ib-port", 'i', "PORT", 0, "port of the device (1)", 4 },
	{ "gid-index", 'x', "INDEX", 0, "GID to use (the best RoCE v2 one, IPv4 first)", 4 },
	{ "remote-ib-dev", KEY_REMOTE_DEV, "DEV", 0, "the same for the other machine", 4 },
	{ "remote-ib-port", KEY_REMOTE_PORT, "PORT", 0, NULL, 4 },
	{ "remote-gid-index", KEY_REMOTE_GID, "INDEX", 0, NULL, 4 },
	{ "json", KEY_JSON, NULL, 0, "the summary as JSON", 5 },
	{ "progress", KEY_PROGRESS, NULL, 0, "a line on stderr each second, even if it is no terminal", 5 },
	{ "quiet", 'q', NULL, 0, "no progress, no summary", 5 },
	{ "server", KEY_SERVER, NULL, OPTION_HIDDEN, NULL, 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ 0 }
};

/**
 * struct parse - what argp hands on from option to option
 * @words: what is no option
 */
struct parse {
	struct copy_opts *opts;
	char **words;
	size_t n;
};

static uint32_t get_chunk(struct argp_state *state, const char *arg)
{
	uint64_t val;

	if (args_size(arg, COPY_CHUNK_MIN, COPY_CHUNK_MAX, &val) ||
	    val % COPY_BLOCK)
		argp_error(state,
			   "--chunk %s: must be a multiple of 4K from 64K to 64M [USAGE]",
			   arg);
	return val;
}

static const char *get_name(struct argp_state *state, const char *option,
			    const char *arg)
{
	size_t len = strnlen(arg, COPY_NAME_MAX);

	if (!len || len == COPY_NAME_MAX)
		argp_error(state, "%s: must be a name of 1 to %d bytes [USAGE]",
			   option, COPY_NAME_MAX - 1);
	return arg;
}

static int parse_file_option(int key, char *arg, struct argp_state *state,
			     struct copy_opts *opts)
{
	switch (key) {
	case 'r':
		opts->hello.flags |= COPY_RECURSIVE;
		return 0;
	case 'p':
		opts->hello.flags |= COPY_PRESERVE;
		return 0;
	case 'l':
		opts->hello.flags |= COPY_LINKS;
		return 0;
	case 'c':
		opts->hello.flags |= COPY_CHECKSUM;
		return 0;
	case 'P':
		opts->hello.flags |= COPY_PARTIAL;
		return 0;
	case 'n':
		opts->hello.flags |= COPY_DRY_RUN;
		return 0;
	case KEY_LIVE:
		opts->hello.flags |= COPY_LIVE;
		return 0;
	default:
		return args_help(key, arg, state);
	}
}

static int parse_remote_option(int key, char *arg, struct argp_state *state,
			       struct copy_opts *opts)
{
	struct copy_hello *hello = &opts->hello;

	switch (key) {
	case KEY_REMOTE_MEM:
		strcpy(hello->memory, get_name(state, "--remote-mem", arg));
		return 0;
	case KEY_REMOTE_DEV:
		strcpy(hello->device, get_name(state, "--remote-ib-dev", arg));
		return 0;
	case KEY_REMOTE_PORT:
		hello->ib_port = args_number(state, "--remote-ib-port", arg, 1,
					     255);
		return 0;
	case KEY_REMOTE_GID:
		hello->gid_index = args_number(state, "--remote-gid-index", arg,
					       0, 65535) + 1;
		return 0;
	default:
		return parse_file_option(key, arg, state, opts);
	}
}

static int parse_own_option(int key, char *arg, struct argp_state *state,
			    struct copy_opts *opts)
{
	switch (key) {
	case KEY_MEM:
		opts->memory = get_name(state, "--mem", arg);
		return 0;
	case 'd':
		opts->device = get_name(state, "-d", arg);
		return 0;
	case 'i':
		opts->ib_port = args_number(state, "-i", arg, 1, 255);
		return 0;
	case 'x':
		opts->gid_index = args_number(state, "-x", arg, 0, 65535) + 1;
		return 0;
	case KEY_CHUNK:
		opts->hello.chunk_bytes = get_chunk(state, arg);
		return 0;
	case KEY_DEPTH:
		opts->hello.slots = args_number(state, "--depth", arg,
						COPY_SLOTS_MIN, COPY_SLOTS_MAX);
		return 0;
	default:
		return parse_remote_option(key, arg, state, opts);
	}
}

static int parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct copy_opts *opts = parse->opts;

	switch (key) {
	case 'e':
		opts->shell = arg;
		return 0;
	case KEY_REMOTE_PROGRAM:
		opts->program = arg;
		return 0;
	case KEY_JSON:
		opts->json = true;
		return 0;
	case KEY_PROGRESS:
		opts->progress = true;
		return 0;
	case 'q':
		opts->quiet = true;
		return 0;
	case KEY_SERVER:
		opts->server = true;
		return 0;
	case ARGP_KEY_ARG:
		parse->words[parse->n++] = arg;
		return 0;
	default:
		return parse_own_option(key, arg, state, opts);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "SOURCE... [USER@]HOST:DESTINATION\n[USER@]HOST:SOURCE... DESTINATION",
	.doc = doc,
};

/* argp_error() without a parser at work */
__attribute__((format(printf, 1, 2), noreturn))
static void usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs(COPY_CMD ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" [USAGE]\nTry `" COPY_CMD " --help' or `" COPY_CMD
	      " --usage' for more information.\n", stderr);
	exit(CMD_USAGE);
}

static void parse_place(const char *word, struct copy_place *place)
{
	char quoted[COPY_QUOTED_MAX];
	int ret = copy_place_parse(word, place);

	if (ret == -ENOMEM)
		usage_error("out of memory");
	if (ret || strlen(place->path) >= COPY_PATH_MAX)
		usage_error("\"%s\": must be a path or [USER@]HOST:PATH",
			    copy_quote(word, quoted));
}

/* Without the slashes at its end, which mean nothing for a source */
static char *source_path(const char *path)
{
	char quoted[COPY_QUOTED_MAX], name[COPY_PATH_MAX];
	char *copy;
	size_t len;

	if (!copy_name_of(path, name, sizeof(name)))
		usage_error("\"%s\": has no name that a copy could have; name it from the folder above",
			    copy_quote(path, quoted));
	copy = strdup(path);
	if (!copy)
		usage_error("out of memory");
	len = strlen(copy);
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	return copy;
}

static bool same_host(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* They would be under way at the same time, to one place */
static void check_names(const struct copy_opts *opts, size_t n)
{
	char name[COPY_PATH_MAX], **names = calloc(n, sizeof(*names));
	char quoted[COPY_QUOTED_MAX];
	size_t i;

	if (!names)
		usage_error("out of memory");
	for (i = 0; i < n; i++) {
		/* what has no name is refused later */
		names[i] = strdup(copy_name_of(opts->sources[i], name,
					       sizeof(name)) ? name : "");
		if (!names[i])
			usage_error("out of memory");
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (i = 1; i < n; i++) {
		if (*names[i] && !strcmp(names[i - 1], names[i]))
			usage_error("two sources are both called %s: copy one after the other, to two places",
				    copy_quote(names[i], quoted));
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void take_sources(struct copy_opts *opts, char **words, size_t n)
{
	struct copy_place place;
	size_t i;

	if (n > COPY_SOURCES_MAX)
		usage_error("at most %u sources", COPY_SOURCES_MAX);
	opts->sources = calloc(n + 1, sizeof(*opts->sources));
	if (!opts->sources)
		usage_error("out of memory");
	for (i = 0; i < n; i++) {
		parse_place(words[i], &place);
		if (i && !same_host(place.host, opts->from))
			usage_error("all sources must be on one machine");
		if (i)
			free(place.host);
		else
			opts->from = place.host;
		opts->sources[i] = source_path(place.path);
	}
	check_names(opts, n);
	opts->hello.sources = n;
}

static void take_places(struct copy_opts *opts, char **words, size_t n)
{
	struct copy_place dest;
	size_t len;

	if (n < 2)
		usage_error("there must be a source and a destination");
	take_sources(opts, words, n - 1);
	parse_place(words[n - 1], &dest);
	opts->to = dest.host;
	opts->dest = strdup(dest.path);
	if (!opts->dest)
		usage_error("out of memory");
	if (!opts->from == !opts->to)
		usage_error("either the sources or the destination must be on another machine");
	len = strlen(opts->dest);
	/* A folder that is copied may be what makes the destination one */
	if (n > 2 || (opts->dest[len - 1] == '/' &&
		      !(opts->hello.flags & COPY_RECURSIVE)))
		opts->hello.flags |= COPY_INTO_DIR;
	opts->hello.role = opts->to ? COPY_RECEIVER : COPY_SENDER;
	if (opts->to)
		strcpy(opts->hello.dest, opts->dest);
}

void copy_opts_parse(int argc, char **argv, struct copy_opts *opts)
{
	static char name[] = COPY_CMD;
	struct parse parse = { .opts = opts };

	*opts = (struct copy_opts){
		.shell = "ssh",
		.program = "p2pmr",
		.device = "",
		.memory = "",
		.ib_port = 1,
		.hello = {
			.chunk_bytes = CHUNK_DEFAULT,
			.slots = SLOTS_DEFAULT,
			.ib_port = 1,
		},
	};
	parse.words = calloc(argc + 1, sizeof(*parse.words));
	if (!parse.words)
		usage_error("out of memory");
	args_init(argv, name);
	argp_parse(&argp, argc, argv, 0, NULL, &parse);
	if (!opts->server)
		take_places(opts, parse.words, parse.n);
	else if (parse.n)
		usage_error("--server takes no arguments");
	free(parse.words);
}

void copy_opts_free(struct copy_opts *opts)
{
	size_t i;

	for (i = 0; opts->sources && opts->sources[i]; i++)
		free(opts->sources[i]);
	free(opts->sources);
	free(opts->dest);
	free(opts->from);
	free(opts->to);
}
