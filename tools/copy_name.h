/* SPDX-License-Identifier: GPL-2.0-only */
/* Names: on the command line, from the other end, and in messages. */
#ifndef P2PMR_TOOLS_COPY_NAME_H
#define P2PMR_TOOLS_COPY_NAME_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct copy_place - one of the names on the command line
 * @host: "user@host", for free(); NULL: here
 * @path: what is behind the colon, or all of it; "." when that is nothing
 */
struct copy_place {
	char *host;
	const char *path;
};

/*
 * As scp does: a colon before the first slash makes a host of what is before
 * it; "[::1]:path" is an address with colons. 0, -EINVAL when host or user are
 * missing or a remote shell would take them for an option, or -ENOMEM.
 */
int copy_place_parse(const char *word, struct copy_place *place);

/*
 * The name that a source has in the folder that it is copied to: its last part.
 * False when it has none ("/", "..", "."). @name is as large as the path.
 */
bool copy_name_of(const char *path, char *name, size_t size);

/*
 * May the other end name a file so, below the destination? Parts that are not
 * empty, "." or "..", and none of them longer than a name may be. "" is not.
 */
bool copy_path_is_below(const char *path);

/*
 * A name in a message: what is no printable ASCII as \n, \t or \ooo, and cut
 * in the middle when it is long. Returns @text.
 */
#define COPY_QUOTED_MAX 256
char *copy_quote(const char *name, char text[COPY_QUOTED_MAX]);

#endif
