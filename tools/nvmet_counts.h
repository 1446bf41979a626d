/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel has counted: where the memory for a namespace's data came
 * from. Source: debugfs, nvmet/NQN/nsNSID/p2pmem, of the libp2pmr series.
 */
#ifndef P2PMR_TOOLS_NVMET_COUNTS_H
#define P2PMR_TOOLS_NVMET_COUNTS_H

struct json_object;

/*
 * Add "served" to a namespace: by class, "requests" and "bytes"; null when the
 * kernel does not count, or debugfs is not mounted. 0, or -1 when memory ran out.
 */
int nvmet_counts_add(struct json_object *ns, const char *nqn, const char *nsid);

/*
 * The same of all namespaces as the lines of a table, without those of zero
 * requests; NULL when memory ran out
 */
struct json_object *nvmet_counts_lines(struct json_object *namespaces);

#endif
