// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tree.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "bus/pci/devices"

void tree_make(struct tree *tree)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(tree->root, sizeof(tree->root), "%.40s/p2pmr-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(tree->root));
	/* Tests look at it as another user, too. */
	assert_int_equal(chmod(tree->root, 0755), 0);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_all(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
		assert_int_equal(errno, ENOENT);
}

void tree_destroy(struct tree *tree)
{
	if (*tree->root)
		remove_all(tree->root);
	*tree->root = '\0';
}

void tree_path(const struct tree *tree, const char *path, char *out,
	       size_t size)
{
	int len = snprintf(out, size, "%s/%s", tree->root, path);

	assert_in_range(len, 1, size - 1);
}

static void make_folders(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0755))
			assert_int_equal(errno, EEXIST);
		*at = '/';
	}
}

void tree_folder(const struct tree *tree, const char *path)
{
	char full[1024];

	tree_path(tree, path, full, sizeof(full));
	strcat(full, "/");
	make_folders(full);
}

void tree_bytes(const struct tree *tree, const char *path, const void *bytes,
		size_t len)
{
	char full[1024];
	FILE *file;

	tree_path(tree, path, full, sizeof(full));
	make_folders(full);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

void tree_file(const struct tree *tree, const char *path, const char *content)
{
	tree_bytes(tree, path, content, strlen(content));
}

void tree_link(const struct tree *tree, const char *path, const char *target)
{
	char full[1024];

	tree_path(tree, path, full, sizeof(full));
	make_folders(full);
	assert_int_equal(symlink(target, full), 0);
}

void tree_remove(const struct tree *tree, const char *path)
{
	char full[1024];

	tree_path(tree, path, full, sizeof(full));
	remove_all(full);
}

/* Format a path below the PCI function @address. */
static const char *below(char *out, size_t size, const char *address,
			 const char *rest)
{
	snprintf(out, size, DEVICES "/%s/%s", address, rest);
	return out;
}

void tree_p2pmem(const struct tree *tree, const char *address, size_t bytes)
{
	char path[256], full[512], number[32];

	snprintf(number, sizeof(number), "%zu\n", bytes);
	tree_file(tree, below(path, sizeof(path), address, "p2pmem/size"),
		  number);
	tree_file(tree, below(path, sizeof(path), address, "p2pmem/available"),
		  number);
	tree_file(tree, below(path, sizeof(path), address, "p2pmem/published"),
		  "0\n");
	tree_file(tree, below(path, sizeof(path), address, "p2pmem/allocate"),
		  "");
	tree_path(tree, path, full, sizeof(full));
	assert_int_equal(truncate(full, bytes), 0);
	assert_int_equal(chmod(full, 0660), 0);
}

void tree_nvme(const struct tree *tree, const char *address, const char *name,
	       size_t cmb_bytes)
{
	char path[256], rest[64], target[128];

	tree_file(tree, below(path, sizeof(path), address, "numa_node"), "0\n");
	tree_folder(tree, "bus/pci/drivers/nvme");
	tree_link(tree, below(path, sizeof(path), address, "driver"),
		  "../../drivers/nvme");
	snprintf(rest, sizeof(rest), "nvme/%s", name);
	tree_folder(tree, below(path, sizeof(path), address, rest));
	snprintf(path, sizeof(path), "class/nvme/%s/device", name);
	snprintf(target, sizeof(target), "../../../" DEVICES "/%s", address);
	tree_link(tree, path, target);
	if (cmb_bytes)
		tree_p2pmem(tree, address, cmb_bytes);
}

struct p2pmr_context *tree_open(const struct tree *tree)
{
	struct p2pmr_context *ctx;

	ctx = p2pmr_open(P2PMR_OPTS(p2pmr_open_opts, .sysfs_root = tree->root));
	assert_non_null(ctx);
	return ctx;
}
