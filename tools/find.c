// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <p2pmr/p2pmr.h>

#include "fail.h"
#include "find.h"
#include "near.h"
#include "sysfs.h"

/* The providers' names, and @devices; NULL: fail() was called */
static const char **all_names(struct p2pmr_context *ctx, char *const *devices,
			      size_t *n)
{
	struct p2pmr_provider *pr = NULL;
	const char **names;
	size_t i;

	*n = 0;
	while ((pr = p2pmr_provider_next(ctx, pr)))
		(*n)++;
	for (i = 0; devices && devices[i]; i++)
		(*n)++;
	names = calloc(*n + 1, sizeof(*names));
	if (!names) {
		fail_nomem();
		return NULL;
	}
	*n = 0;
	while ((pr = p2pmr_provider_next(ctx, pr))) {
		/* With devices, "host" is nothing to ask for */
		if (!devices || p2pmr_provider_is_peer(pr))
			names[(*n)++] = p2pmr_provider_name(pr);
	}
	for (i = 0; devices && devices[i]; i++)
		names[(*n)++] = devices[i];
	return names;
}

static void not_found(struct p2pmr_context *ctx, const char *option,
		      char *const *devices, const char *name)
{
	char text[NEAR_TEXT_MAX];
	const char **names;
	size_t n;

	names = all_names(ctx, devices, &n);
	if (!names)
		return;
	fail(CMD_FAILED, "NO_PROVIDER", ENODEV,
	     near_names(name, names, n, text),
	     "%s%sThere is no provider %s\"%.64s\".", option,
	     option[0] ? ": " : "", devices ? "or RDMA device " : "", name);
	free(names);
}

/* Of a device that exists, the library knows why it is no provider */
static bool exists(const char *name)
{
	if (!strncmp(name, "/dev/", 5))
		name += 5;
	return sysfs_exists("class/nvme/%s", name) ||
	       sysfs_exists("bus/pci/devices/%s", name) ||
	       sysfs_exists("bus/pci/devices/0000:%s", name);
}

struct p2pmr_provider *find_provider(struct p2pmr_context *ctx,
				     const char *option, const char *name)
{
	struct p2pmr_provider *pr = p2pmr_provider_find(ctx, name);

	if (!pr && p2pmr_reason_code() == P2PMR_REASON_NO_PROVIDER &&
	    !exists(name))
		not_found(ctx, option, NULL, name);
	else if (!pr)
		fail_lib(option);
	return pr;
}

enum find find_end(struct p2pmr_context *ctx, char *const *devices,
		   const char *name)
{
	struct p2pmr_provider *pr;
	size_t i;

	for (i = 0; devices[i]; i++) {
		if (!strcmp(devices[i], name))
			return FIND_DEVICE;
	}
	pr = p2pmr_provider_find(ctx, name);
	if (pr && p2pmr_provider_is_peer(pr))
		return FIND_PROVIDER;
	if (pr || !name[0] || !exists(name))
		not_found(ctx, "", devices, name);
	else
		fail_lib("");
	return FIND_NONE;
}
