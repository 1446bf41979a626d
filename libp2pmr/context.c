// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A context: what was found below one sysfs root. */
#include "private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int p2pmr_opts_read(const void *opts, const char *name, size_t least,
		    void *known, size_t known_size)
{
	const unsigned char *bytes = opts;
	size_t size;

	memset(known, 0, known_size);
	if (!opts)
		return 0;
	memcpy(&size, opts, sizeof(size));
	if (size < least)
		return p2pmr_fail(P2PMR_REASON_BAD_OPTIONS, EINVAL,
				  "Fill the struct with P2PMR_OPTS().",
				  "struct %s says that it is %zu bytes long, which is less than the %zu bytes of its first release.",
				  name, size, least);
	for (size_t i = known_size; i < size; i++) {
		if (bytes[i])
			return p2pmr_fail(P2PMR_REASON_BAD_OPTIONS, EINVAL,
					  "Use the library's newer release that knows the option, or leave the option at zero.",
					  "struct %s sets an option at offset %zu, of which this release of the library knows nothing.",
					  name, i);
	}
	memcpy(known, opts, size < known_size ? size : known_size);
	return 0;
}

static int check_root(const char *root)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = errno;

	if (fd < 0)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
				  "Mount sysfs, or correct P2PMR_SYSFS_ROOT or the option sysfs_root.",
				  "The sysfs root %s cannot be opened: %s.",
				  root, p2pmr_errno_name(err));
	close(fd);
	return 0;
}

static int scan(struct p2pmr_context *ctx)
{
	int ret = check_root(ctx->sysfs_root);

	for (size_t i = 0; !ret && p2pmr_provider_list[i]; i++)
		ret = p2pmr_provider_list[i]->scan(ctx,
						   p2pmr_provider_list[i]);
	return ret;
}

void p2pmr_context_get(struct p2pmr_context *ctx)
{
	atomic_fetch_add(&ctx->references, 1);
}

void p2pmr_context_put(struct p2pmr_context *ctx)
{
	struct p2pmr_provider *provider;

	if (atomic_fetch_sub(&ctx->references, 1) != 1)
		return;
	while ((provider = TAILQ_FIRST(&ctx->providers))) {
		TAILQ_REMOVE(&ctx->providers, provider, entry);
		free(provider);
	}
	free(ctx->sysfs_root);
	free(ctx);
}

static struct p2pmr_context *context_new(const char *root)
{
	struct p2pmr_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx) {
		p2pmr_fail_memory("a context");
		return NULL;
	}
	TAILQ_INIT(&ctx->providers);
	atomic_init(&ctx->references, 1);
	ctx->sysfs_root = strdup(root);
	if (!ctx->sysfs_root) {
		p2pmr_fail_memory("a context");
		p2pmr_context_put(ctx);
		return NULL;
	}
	return ctx;
}

struct p2pmr_context *p2pmr_open(const struct p2pmr_open_opts *opts)
{
	struct p2pmr_open_opts known;
	int saved_errno = errno;
	struct p2pmr_context *ctx;

	if (p2pmr_opts_read(opts, "p2pmr_open_opts", sizeof(known), &known,
			    sizeof(known)))
		return NULL;
	if (!known.sysfs_root)
		known.sysfs_root = p2pmr_sysfs_default_root();
	if (!*known.sysfs_root) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Name a directory, or leave the option out.",
			   "The option sysfs_root of p2pmr_open() is empty.");
		return NULL;
	}
	ctx = context_new(known.sysfs_root);
	if (!ctx)
		return NULL;
	if (scan(ctx)) {
		int err = errno;

		p2pmr_context_put(ctx);
		errno = err;
		return NULL;
	}
	errno = saved_errno;
	return ctx;
}

void p2pmr_close(struct p2pmr_context *ctx)
{
	unsigned int buffers;

	if (!ctx)
		return;
	buffers = atomic_load(&ctx->references) - 1;
	if (buffers)
		p2pmr_warn("p2pmr_close() with %u buffers not freed", buffers);
	p2pmr_context_put(ctx);
}
