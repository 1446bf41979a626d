// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "fail.h"
#include "json.h"
#include "list_facts.h"

static const struct {
	enum p2pmr_nvme_cmb_use bit;
	const char *name;
} uses[] = {
	{ P2PMR_NVME_CMB_SQS, "SQS" },
	{ P2PMR_NVME_CMB_CQS, "CQS" },
	{ P2PMR_NVME_CMB_LISTS, "LISTS" },
	{ P2PMR_NVME_CMB_RDS, "RDS" },
	{ P2PMR_NVME_CMB_WDS, "WDS" },
};

#define N_USES (sizeof(uses) / sizeof(uses[0]))

static int failed(const struct p2pmr_provider *pr)
{
	if (p2pmr_reason_code() == P2PMR_REASON_PROVIDER_GONE)
		return 1;
	return fail_lib(p2pmr_provider_name(pr));
}

static int get_drive(const struct p2pmr_provider *pr, struct list_facts *facts)
{
	facts->nvme.sz = sizeof(facts->nvme);
	if (p2pmr_provider_nvme_info(pr, &facts->nvme)) {
		if (p2pmr_reason_code() == P2PMR_REASON_NOT_NVME)
			return 0;
		return failed(pr);
	}
	facts->namespaces = p2pmr_provider_nvme_namespaces(pr);
	if (!facts->namespaces)
		return failed(pr);
	facts->is_nvme = true;
	return 0;
}

int list_facts_get(const struct p2pmr_provider *pr, bool drive,
		   struct list_facts *facts)
{
	*facts = (struct list_facts){ 0 };
	if (p2pmr_provider_space(pr, &facts->space))
		return failed(pr);
	return drive ? get_drive(pr, facts) : 0;
}

void list_facts_release(struct list_facts *facts)
{
	free(facts->namespaces);
	facts->namespaces = NULL;
}

bool list_facts_cmb_known(const struct list_facts *facts)
{
	return facts->is_nvme && facts->nvme.cmb_size_bytes;
}

/* Name of the use with number @i, counted from 0, that the CMB has; NULL: none */
static const char *use_name(const struct list_facts *facts, unsigned int i)
{
	unsigned int bit;

	for (bit = 0; bit < N_USES; bit++) {
		if (facts->nvme.cmb_uses & uses[bit].bit && !i--)
			return uses[bit].name;
	}
	return NULL;
}

char *list_facts_uses(const struct list_facts *facts, char text[LIST_USES_MAX])
{
	const char *use;
	unsigned int i;
	int used = 0;

	text[0] = '\0';
	for (i = 0; (use = use_name(facts, i)); i++)
		used += snprintf(text + used, LIST_USES_MAX - used, "%s%s",
				 i ? "," : "", use);
	return text;
}

static struct json_object *namespaces_json(char *const *names)
{
	struct json_object *array = json_object_new_array();
	int bad = !array;

	for (; !bad && *names; names++)
		bad |= json_append(array, json_object_new_string(*names));
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *uses_json(const struct list_facts *facts)
{
	struct json_object *array = json_object_new_array();
	int bad = !array;
	const char *use;
	unsigned int i;

	for (i = 0; !bad && (use = use_name(facts, i)); i++)
		bad |= json_append(array, json_object_new_string(use));
	if (!bad)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *drive_json(const struct list_facts *facts)
{
	struct json_object *obj = json_object_new_object();
	const struct p2pmr_nvme_info *nvme = &facts->nvme;
	int bad = 0;

	bad |= json_add(obj, "namespaces", namespaces_json(facts->namespaces));
	if (list_facts_cmb_known(facts)) {
		bad |= json_add_u64(obj, "cmb_size_bytes",
				    nvme->cmb_size_bytes);
		bad |= json_add_int(obj, "cmb_bar", nvme->cmb_bar);
		bad |= json_add_u64(obj, "cmb_offset_bytes",
				    nvme->cmb_offset_bytes);
		bad |= json_add(obj, "cmb_supports", uses_json(facts));
	} else {
		bad |= json_add_null(obj, "cmb_size_bytes");
		bad |= json_add_null(obj, "cmb_bar");
		bad |= json_add_null(obj, "cmb_offset_bytes");
		bad |= json_add_null(obj, "cmb_supports");
	}
	bad |= nvme->queues == P2PMR_NVME_QUEUES_NONE ?
	       json_add_bool(obj, "cmb_has_queues", false) :
	       json_add_null(obj, "cmb_has_queues");
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}

struct json_object *list_facts_json(const struct p2pmr_provider *pr,
				    const struct list_facts *facts)
{
	const struct p2pmr_provider_space *space = &facts->space;
	struct json_object *obj = json_object_new_object();
	bool peer = p2pmr_provider_is_peer(pr);
	int numa = p2pmr_provider_numa_node(pr);
	int bad = 0;

	bad |= json_add_string(obj, "name", p2pmr_provider_name(pr));
	bad |= json_add_string(obj, "type", p2pmr_provider_type(pr));
	bad |= json_add_string(obj, "pci_address",
			       p2pmr_provider_pci_address(pr));
	bad |= json_add_string(obj, "pci_path", p2pmr_provider_pci_path(pr));
	bad |= json_add_string(obj, "driver", p2pmr_provider_driver(pr));
	bad |= numa < 0 ? json_add_null(obj, "numa_node") :
			  json_add_int(obj, "numa_node", numa);
	bad |= json_add_u64(obj, "size_bytes", space->size_bytes);
	bad |= json_add_u64(obj, "available_bytes", space->available_bytes);
	bad |= peer ? json_add_bool(obj, "published", space->published) :
		      json_add_null(obj, "published");
	bad |= facts->is_nvme ? json_add(obj, "nvme", drive_json(facts)) :
				json_add_null(obj, "nvme");
	if (!bad)
		return obj;
	json_object_put(obj);
	return NULL;
}
