/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that is either written whole or not at all: until out_file_close() it
 * has another name, so that on a full disk the old one is still there.
 */
#ifndef P2PMR_TOOLS_OUT_FILE_H
#define P2PMR_TOOLS_OUT_FILE_H

#include <stdio.h>
#include <sys/types.h>

/**
 * struct out_file - a file to be written
 * @stream: write here
 * @path: its name in the end
 * @temporary: its name until then; NULL: @path is no regular file, such as a
 *	pipe or /dev/stdout, and is written to at once
 */
struct out_file {
	FILE *stream;
	char *path;
	char *temporary;
};

/*
 * @path: "-" is standard output. @mode: of a regular file; 0: as the old one's, or
 * by the umask. 0, or -1 after fail()
 */
int out_file_open(struct out_file *file, const char *path, mode_t mode);

/* Everything must have arrived. 0, or -1 after fail(), with nothing changed */
int out_file_close(struct out_file *file);

/* Give up: nothing changes */
void out_file_abandon(struct out_file *file);

#endif
