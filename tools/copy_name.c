// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy_name.h"

/* Where the path begins, or NULL: it is here. @len: of the host's part */
static const char *find_path(const char *word, size_t *len)
{
	const char *end;

	/* Behind the first bracket, colons are the address's */
	if (word[0] == '[' || (strchr(word, '@') && strstr(word, "@["))) {
		end = strstr(word, "]:");
		if (end && end < word + strcspn(word, "/")) {
			*len = end + 1 - word;
			return end + 2;
		}
	}
	*len = strcspn(word, ":/");
	return word[*len] == ':' ? word + *len + 1 : NULL;
}

/* "user@[::1]" is "user@::1" to a remote shell */
static void drop_brackets(char *host)
{
	char *open = strchr(host, '[');
	size_t len;

	if (!open)
		return;
	memmove(open, open + 1, strlen(open));
	len = strlen(host);
	if (len && host[len - 1] == ']')
		host[len - 1] = '\0';
}

static bool is_host(const char *host)
{
	const char *at = strrchr(host, '@');
	const char *name = at ? at + 1 : host;

	return name[0] && name[0] != '-' && host[0] != '-' && host[0] != '@';
}

int copy_place_parse(const char *word, struct copy_place *place)
{
	const char *path;
	size_t len;

	memset(place, 0, sizeof(*place));
	if (!word[0])
		return -EINVAL;
	path = find_path(word, &len);
	place->path = path ? path : word;
	if (!path)
		return 0;
	if (!path[0])
		place->path = ".";
	place->host = strndup(word, len);
	if (!place->host)
		return -ENOMEM;
	drop_brackets(place->host);
	if (is_host(place->host))
		return 0;
	free(place->host);
	place->host = NULL;
	return -EINVAL;
}

bool copy_name_of(const char *path, char *name, size_t size)
{
	size_t end = strlen(path), begin;

	while (end && path[end - 1] == '/')
		end--;
	begin = end;
	while (begin && path[begin - 1] != '/')
		begin--;
	if (begin == end || end - begin >= size || end - begin > NAME_MAX)
		return false;
	memcpy(name, path + begin, end - begin);
	name[end - begin] = '\0';
	return strcmp(name, ".") && strcmp(name, "..");
}

static bool is_part(const char *part, size_t len)
{
	if (!len || len > NAME_MAX)
		return false;
	if (part[0] != '.')
		return true;
	return !(len == 1 || (len == 2 && part[1] == '.'));
}

bool copy_path_is_below(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (!is_part(path, len))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

/* One character as it is shown; returns how long that is */
static int show(char c, char shown[5])
{
	unsigned char byte = c;

	if (c == '\n' || c == '\t' || c == '\\')
		return sprintf(shown, "\\%c", c == '\n' ? 'n' :
					      c == '\t' ? 't' : '\\');
	if (byte < ' ' || byte > '~')
		return sprintf(shown, "\\%03o", byte);
	shown[0] = c;
	shown[1] = '\0';
	return 1;
}

char *copy_quote(const char *name, char text[COPY_QUOTED_MAX])
{
	/* Room for "..." and the end of the name behind it */
	const size_t head_max = COPY_QUOTED_MAX - 3 - 1 - 60;
	size_t used = 0, len = strlen(name), i = 0;
	char shown[5];

	for (i = 0; i < len && used + 4 < head_max; i++)
		used += snprintf(text + used, COPY_QUOTED_MAX - used, "%.*s",
				 show(name[i], shown), shown);
	text[used] = '\0';
	if (i == len)
		return text;
	if (len - i > 15) {
		used += snprintf(text + used, COPY_QUOTED_MAX - used, "...");
		i = len - 15;
	}
	for (; i < len; i++)
		used += snprintf(text + used, COPY_QUOTED_MAX - used, "%.*s",
				 show(name[i], shown), shown);
	return text;
}
