/* SPDX-License-Identifier: GPL-2.0-only */
/* What "p2pmr list" shows of one provider. */
#ifndef P2PMR_TOOLS_LIST_FACTS_H
#define P2PMR_TOOLS_LIST_FACTS_H

#include <stdbool.h>

#include <p2pmr/p2pmr.h>

struct json_object;

#define LIST_USES_MAX 32

/**
 * struct list_facts - a provider, as it was when it was asked
 * @space: how much memory it has
 * @is_nvme: is there anything in @nvme and @namespaces?
 * @nvme: what the drive says
 * @namespaces: ends with NULL
 */
struct list_facts {
	struct p2pmr_provider_space space;
	bool is_nvme;
	struct p2pmr_nvme_info nvme;
	char **namespaces;
};

/*
 * @drive: ask the drive, too? 0; 1 when the provider left since the list was
 * made, which is no reason to withhold the others; -1 after fail().
 */
int list_facts_get(const struct p2pmr_provider *pr, bool drive,
		   struct list_facts *facts);

void list_facts_release(struct list_facts *facts);

/* Does the kernel show what the drive says about its CMB? */
bool list_facts_cmb_known(const struct list_facts *facts);

/* "SQS,RDS,WDS". Returns @text */
char *list_facts_uses(const struct list_facts *facts,
		      char text[LIST_USES_MAX]);

/* One provider in the output of --json; NULL: out of memory */
struct json_object *list_facts_json(const struct p2pmr_provider *pr,
				    const struct list_facts *facts);

#endif
