// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>

#include <json-c/json.h>

#include "json.h"
#include "nvmet.h"
#include "nvmet_counts.h"
#include "nvmet_fs.h"

/* "peer 12 49152" */
static int add_class(struct json_object *served, const char *line)
{
	uint64_t requests, bytes;
	struct json_object *val;
	char class[32];
	int bad = 0;

	if (sscanf(line, "%31s %" SCNu64 " %" SCNu64, class, &requests, &bytes) != 3)
		return 0; /* what a later kernel may have to say */
	val = json_object_new_object();
	bad |= json_add_u64(val, "requests", requests);
	bad |= json_add_u64(val, "bytes", bytes);
	return json_add(served, class, val) | bad;
}

int nvmet_counts_add(struct json_object *ns, const char *nqn, const char *nsid)
{
	char path[NVMET_PATH_MAX], line[256];
	struct json_object *served;
	int bad = 0;
	FILE *f;

	if (nvmet_fs_join(path, "%s/kernel/debug/nvmet/%s/ns%s/p2pmem",
			  nvmet_sysfs_root(), nqn, nsid))
		return -1;
	f = fopen(path, "re");
	if (!f)
		return json_add_null(ns, "served");
	served = json_object_new_object();
	while (fgets(line, sizeof(line), f))
		bad |= add_class(served, line);
	fclose(f);
	return json_add(ns, "served", served) | bad;
}

static int add_line(struct json_object *lines, struct json_object *ns,
		    const char *class, struct json_object *count)
{
	struct json_object *line, *val = NULL;
	int bad = 0;

	json_object_object_get_ex(count, "requests", &val);
	if (!json_object_get_int64(val))
		return 0;
	line = json_object_new_object();
	bad |= json_add(line, "requests", json_object_get(val));
	json_object_object_get_ex(count, "bytes", &val);
	bad |= json_add(line, "bytes", json_object_get(val));
	json_object_object_get_ex(ns, "subsystem", &val);
	bad |= json_add(line, "subsystem", json_object_get(val));
	json_object_object_get_ex(ns, "nsid", &val);
	bad |= json_add(line, "nsid", json_object_get(val));
	bad |= json_add_string(line, "class", class);
	return json_append(lines, line) | bad;
}

struct json_object *nvmet_counts_lines(struct json_object *namespaces)
{
	struct json_object *lines = json_object_new_array();
	struct json_object *ns, *served;
	int bad = !lines;
	size_t i;

	for (i = 0; i < json_object_array_length(namespaces); i++) {
		ns = json_object_array_get_idx(namespaces, i);
		if (!json_object_object_get_ex(ns, "served", &served) || !served)
			continue;
		json_object_object_foreach(served, class, count)
			bad |= add_line(lines, ns, class, count);
	}
	if (!bad)
		return lines;
	json_object_put(lines);
	return NULL;
}
