// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "nvmet_net.h"

struct address {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* An IPv6 address may name its interface: "fe80::1%eth0" */
static bool parse_address(const char *family, const char *text,
			  struct address *address)
{
	char plain[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");

	memset(address, 0, sizeof(*address));
	if (len >= sizeof(plain))
		return false;
	memcpy(plain, text, len);
	plain[len] = '\0';
	if (!strcmp(family, "ipv4")) {
		address->family = AF_INET;
		return !text[len] && inet_pton(AF_INET, plain, &address->v4) == 1;
	}
	address->family = AF_INET6;
	return !strcmp(family, "ipv6") &&
	       inet_pton(AF_INET6, plain, &address->v6) == 1;
}

bool nvmet_net_is_address(const char *family, const char *address)
{
	struct address parsed;

	return parse_address(family, address, &parsed);
}

static bool is_any(const struct address *address)
{
	return address->family == AF_INET ?
	       address->v4.s_addr == htonl(INADDR_ANY) :
	       IN6_IS_ADDR_UNSPECIFIED(&address->v6);
}

static bool is_of(const struct ifaddrs *at, const struct address *address)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (!at->ifa_addr || at->ifa_addr->sa_family != address->family)
		return false;
	if (address->family == AF_INET) {
		memcpy(&in, at->ifa_addr, sizeof(in));
		return in.sin_addr.s_addr == address->v4.s_addr;
	}
	memcpy(&in6, at->ifa_addr, sizeof(in6));
	return IN6_ARE_ADDR_EQUAL(&in6.sin6_addr, &address->v6);
}

static bool has_line(const char *path, const char *want)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char line[64];
	ssize_t len;

	if (fd < 0)
		return false;
	/* An unused entry of a GID table cannot be read */
	len = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (len <= 0)
		return false;
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return !strcmp(line, want);
}

static int add_device(struct nvmet_names *rdma, const char *name, size_t len)
{
	char **grown;
	size_t i;

	for (i = 0; i < rdma->count; i++) {
		if (strlen(rdma->names[i]) == len &&
		    !strncmp(rdma->names[i], name, len))
			return 0;
	}
	grown = reallocarray(rdma->names, rdma->count + 1, sizeof(*grown));
	if (!grown)
		return fail_nomem();
	rdma->names = grown;
	grown[rdma->count] = strndup(name, len);
	if (!grown[rdma->count])
		return fail_nomem();
	rdma->count++;
	return 0;
}

/*
 * add_found() - RDMA devices by a pattern of files in sysfs
 * @interface: files with this line count; NULL: all do
 * @before: the name of the device follows this in a path
 */
static int add_found(struct nvmet_names *rdma, const char *pattern,
		     const char *interface, const char *before)
{
	glob_t found;
	int ret = 0;
	size_t i;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc && !ret; i++) {
		const char *path = found.gl_pathv[i];
		const char *name = strstr(path, before) + strlen(before);

		if (!interface || has_line(path, interface))
			ret = add_device(rdma, name, strcspn(name, "/"));
	}
	globfree(&found);
	return ret;
}

/* RoCE's tables of GIDs name the interface; IPoIB's is on the same function */
static int find_rdma(struct nvmet_names *rdma, const char *interface)
{
	char pattern[NVMET_PATH_MAX];

	snprintf(pattern, sizeof(pattern),
		 "%s/class/infiniband/*/ports/*/gid_attrs/ndevs/*",
		 nvmet_sysfs_root());
	if (add_found(rdma, pattern, interface, "/class/infiniband/"))
		return -1;
	if (rdma->count)
		return 0;
	snprintf(pattern, sizeof(pattern), "%s/class/net/%s/device/infiniband/*",
		 nvmet_sysfs_root(), interface);
	return add_found(rdma, pattern, NULL, "/device/infiniband/");
}

int nvmet_net_find(const char *family, const char *address,
		   struct nvmet_net *net)
{
	struct ifaddrs *all, *at;
	struct address parsed;
	int ret = 0;

	*net = (struct nvmet_net){ 0 };
	if (!parse_address(family, address, &parsed))
		return 0;
	net->any = is_any(&parsed);
	if (net->any)
		return 0;
	if (getifaddrs(&all))
		return fail(CMD_FAILED, REASON_SYSTEM, errno, "",
			    "The interfaces of this host cannot be listed: %s.",
			    strerror(errno));
	for (at = all; at && !ret; at = at->ifa_next) {
		if (!is_of(at, &parsed))
			continue;
		net->on_host = true;
		ret = find_rdma(&net->rdma, at->ifa_name);
	}
	freeifaddrs(all);
	return ret;
}

void nvmet_net_free(struct nvmet_net *net)
{
	nvmet_names_free(&net->rdma);
}
