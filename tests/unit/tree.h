/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sysfs trees in a temporary folder. Every function fails the test on error. */
#ifndef P2PMR_TESTS_TREE_H
#define P2PMR_TESTS_TREE_H

#include "unit.h"

struct tree {
	char root[64];
};

void tree_make(struct tree *tree);

/* All of it; nothing happens when it is gone already */
void tree_destroy(struct tree *tree);

/* Paths are below the root; missing folders are made. */
void tree_folder(const struct tree *tree, const char *path);
void tree_file(const struct tree *tree, const char *path, const char *content);
void tree_bytes(const struct tree *tree, const char *path, const void *bytes,
		size_t len);
void tree_link(const struct tree *tree, const char *path, const char *target);

/* A file, or a folder with all that is in it */
void tree_remove(const struct tree *tree, const char *path);

void tree_path(const struct tree *tree, const char *path, char *out,
	       size_t size);

/*
 * An NVMe drive as Linux 6.12 shows it: its PCI function, the controller and
 * the driver; with a CMB of @cmb_bytes when that is not 0, whose allocate file
 * is large enough to be mapped.
 */
void tree_nvme(const struct tree *tree, const char *address, const char *name,
	       size_t cmb_bytes);

/* p2pmem of a function: size and available of @bytes, unpublished */
void tree_p2pmem(const struct tree *tree, const char *address, size_t bytes);

/* Opens a context on the tree. */
struct p2pmr_context *tree_open(const struct tree *tree);

#endif
