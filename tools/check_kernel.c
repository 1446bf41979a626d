// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel was built with, and what is loaded. Whether it can do what is
 * needed is not concluded from its version: that is tried.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "args.h"
#include "check.h"
#include "sysfs.h"
#include "topo_tree.h"

#define RELEASE_MAX 128
#define LINE_MAX_LEN 512
#define NUMBER_MAX 32

/* Without the first there is no peer memory, without the second no RDMA of any */
static const char *const options[] = {
	"CONFIG_PCI_P2PDMA",
	"CONFIG_INFINIBAND_USER_ACCESS",
	"CONFIG_INFINIBAND_USER_MEM",
};

/* /proc and /boot are beside /sys; those of a recorded tree are beside that */
static FILE *open_plain(const char *release, char path[SYSFS_PATH_MAX])
{
	static const char *const places[][2] = {
		{ "boot/config-", "" },
		{ "lib/modules/", "/config" },
		{ "lib/modules/", "/build/.config" },
	};
	FILE *f = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places) && release[0] && !f; i++) {
		if (snprintf(path, SYSFS_PATH_MAX, "%s/../%s%s%s", sysfs_root(),
			     places[i][0], release, places[i][1]) >=
		    SYSFS_PATH_MAX)
			return NULL;
		f = fopen(path, "re");
	}
	return f;
}

/* "y", "m" or "n" of each option */
static void read_options(FILE *f, char values[ARRAY_SIZE(options)])
{
	char line[LINE_MAX_LEN];
	size_t i, len;

	memset(values, 'n', ARRAY_SIZE(options));
	while (fgets(line, sizeof(line), f)) {
		for (i = 0; i < ARRAY_SIZE(options); i++) {
			len = strlen(options[i]);
			if (!strncmp(line, options[i], len) &&
			    line[len] == '=')
				values[i] = line[len + 1];
		}
	}
}

/* Of the running kernel, without a library for the one compressed file */
static FILE *open_compressed(char path[SYSFS_PATH_MAX])
{
	if (sysfs_is_recorded() || access("/proc/config.gz", R_OK))
		return NULL;
	strcpy(path, "/proc/config.gz");
	return popen("exec gzip -dc </proc/config.gz 2>/dev/null", "re");
}

static void add_options(struct check_report *report,
			const struct topo_tree *tree, const char *path,
			const char values[ARRAY_SIZE(options)])
{
	char missing[CHECK_LIST_MAX] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (values[i] != 'y' && values[i] != 'm')
			check_list_add(missing, options[i]);
	}
	if (!missing[0])
		check_add(report, CHECK_PASS, "options", NULL, "",
			  "PCI_P2PDMA and user-space RDMA are built in (%s).",
			  path);
	else
		/* What is there after all says more than a file about it */
		check_add(report, tree->n_providers && tree->n_devices ?
			  CHECK_WARN : CHECK_NEVER, "options", NULL,
			  "Boot a kernel that was built with it.",
			  "The kernel was built without %s (%s).", missing,
			  path);
}

static void check_options(struct check_report *report,
			  const struct topo_tree *tree, const char *release)
{
	char path[SYSFS_PATH_MAX], values[ARRAY_SIZE(options)];
	FILE *f = open_plain(release, path);
	FILE *pipe = f ? NULL : open_compressed(path);
	bool whole = f;

	if (f || pipe)
		read_options(f ? f : pipe, values);
	if (f)
		fclose(f);
	if (pipe)
		whole = !pclose(pipe);
	if (whole)
		add_options(report, tree, path, values);
	else if (sysfs_is_recorded())
		check_add(report, CHECK_SKIP, "options", NULL, "",
			  "What the kernel was built with was not recorded.");
	else
		check_add(report, CHECK_SKIP, "options", NULL, "",
			  "What the kernel was built with cannot be read: there is neither /proc/config.gz nor /boot/config-%s.",
			  release);
}

/* A subsystem's folder tells as well when the module is built in */
static void check_modules(struct check_report *report,
			  const struct topo_tree *tree)
{
	bool nvme = sysfs_exists("class/nvme");
	bool rdma = sysfs_exists("class/infiniband");
	bool verbs = sysfs_exists("class/infiniband_verbs");

	if (!sysfs_is_recorded() && rdma && !verbs)
		check_add(report, CHECK_FAIL, "modules", NULL,
			  "Load it: modprobe ib_uverbs.",
			  "The module ib_uverbs is not loaded, without which no process can use RDMA.");
	else if (!rdma)
		check_add(report, CHECK_WARN, "modules", NULL,
			  "Load the RDMA device's driver, or rdma_rxe.",
			  "No RDMA driver is loaded%s.",
			  nvme ? ", but nvme is" : "");
	else if (!nvme && !tree->n_providers)
		check_add(report, CHECK_WARN, "modules", NULL,
			  "Load the driver of the device that has the memory: modprobe nvme.",
			  "The module nvme is not loaded.");
	else
		check_add(report, CHECK_PASS, "modules", NULL, "",
			  "The RDMA subsystem is there%s%s.",
			  verbs ? ", open to processes" : "",
			  nvme ? ", and so is nvme" : "");
}

void check_kernel(struct check_report *report, const struct topo_tree *tree)
{
	char release[RELEASE_MAX];

	if (sysfs_line(release, sizeof(release),
		       "../proc/sys/kernel/osrelease") || strchr(release, '/'))
		release[0] = '\0';
	if (release[0])
		check_add(report, CHECK_PASS, "kernel", NULL, "", "Linux %s.",
			  release);
	else
		check_add(report, CHECK_SKIP, "kernel", NULL, "",
			  "Which kernel it is cannot be read.");
	check_options(report, tree, release);
	check_modules(report, tree);
}

/* The capability counts in the initial user namespace alone */
static bool is_exempt(void)
{
	unsigned long long caps = 0;
	char line[LINE_MAX_LEN];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "CapEff: %llx", &caps);
	if (f)
		fclose(f);
	f = fopen("/proc/self/uid_map", "re");
	if (!f || !fgets(line, sizeof(line), f) ||
	    !strstr(line, " 4294967295"))
		caps = 0;
	if (f)
		fclose(f);
	/* CAP_IPC_LOCK */
	return caps & 1ULL << 14;
}

void check_limits(struct check_report *report, const struct topo_tree *tree)
{
	char have[NUMBER_MAX], need[NUMBER_MAX];
	uint64_t largest = 0;
	struct rlimit limit;
	size_t i;

	if (sysfs_is_recorded()) {
		check_add(report, CHECK_SKIP, "memlock", NULL, "",
			  "Limits are a process's, not the recorded machine's.");
		return;
	}
	for (i = 0; i < tree->n_providers; i++) {
		if (tree->providers[i].space.size_bytes > largest)
			largest = tree->providers[i].space.size_bytes;
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		limit.rlim_cur = RLIM_INFINITY;
	if (is_exempt() || limit.rlim_cur == RLIM_INFINITY) {
		check_add(report, CHECK_PASS, "memlock", NULL, "",
			  "This process may pin any amount of memory.");
		return;
	}
	args_human_size(limit.rlim_cur, have, sizeof(have));
	args_human_size(largest, need, sizeof(need));
	if (limit.rlim_cur >= largest && limit.rlim_cur)
		check_add(report, CHECK_PASS, "memlock", NULL, "",
			  "RLIMIT_MEMLOCK is %s.", have);
	else
		check_add(report, limit.rlim_cur < 65536 ? CHECK_FAIL : CHECK_WARN,
			  "memlock", NULL,
			  "Raise the limit: ulimit -l, memlock in limits.conf(5), LimitMEMLOCK= in systemd.exec(5).",
			  "RLIMIT_MEMLOCK is %s: no more can be registered, though the largest provider has %s.",
			  have, need);
}
