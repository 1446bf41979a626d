/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this command made in configfs, so that it can take down that and nothing
 * else: a file of lines "INODE PATH" below /run, in the order of making. The
 * inode number is that of the folder or link, which lives in the kernel's
 * memory as long as the item does: one that somebody removed and somebody else
 * made anew has another number, and is not ours any more.
 */
#ifndef P2PMR_TOOLS_NVMET_MADE_H
#define P2PMR_TOOLS_NVMET_MADE_H

#include <stddef.h>
#include <stdint.h>

struct json_object;

struct nvmet_made_item {
	uint64_t inode;
	char *path;
};

/**
 * struct nvmet_made - the record; whoever has it open is alone
 * @fd: the file, locked
 * @count: of @items
 * @items: in the order in which they were made
 */
struct nvmet_made {
	int fd;
	size_t count;
	struct nvmet_made_item *items;
};

/* 0, or -1 after fail() */
int nvmet_made_open(struct nvmet_made *made);
void nvmet_made_close(struct nvmet_made *made);

/* @path was made just now; -1 after fail() when that cannot be recorded */
int nvmet_made_add(struct nvmet_made *made, const char *path);

/*
 * Take down items from the last to number @from. What cannot be taken down
 * stays recorded. @log: gets an object {"path", "result"} for each; or NULL.
 * -1 after fail().
 */
int nvmet_made_undo(struct nvmet_made *made, size_t from,
		    struct json_object *log);

#endif
