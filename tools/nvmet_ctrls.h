/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hosts that are connected, as the target's controllers, and which provider
 * each one really has for each namespace. Source: debugfs, nvmet/NQN/ctrlN, whose
 * p2pmem is of the libp2pmr series.
 */
#ifndef P2PMR_TOOLS_NVMET_CTRLS_H
#define P2PMR_TOOLS_NVMET_CTRLS_H

struct json_object;
struct p2pmr_context;
struct p2pmr_provider;

/* The provider at that PCI address; NULL: none is there (any more) */
struct p2pmr_provider *nvmet_provider_at(struct p2pmr_context *ctx,
					 const char *address);

/*
 * Add "controllers" to what is shown, which has "namespaces" already; null when
 * debugfs is not there to be read. @subsystems: of the configuration. 0, or -1
 * when memory ran out.
 */
int nvmet_ctrls_add(struct json_object *top, struct p2pmr_context *ctx,
		    struct json_object *subsystems);

/* The same as the lines of a table, one for each namespace of one; NULL: no memory */
struct json_object *nvmet_ctrls_lines(struct json_object *controllers);

#endif
