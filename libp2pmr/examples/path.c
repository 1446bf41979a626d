/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

static void print_acs(unsigned int acs)
{
	printf("%s%s%s%s%s\n",
	       acs & P2PMR_ACS_UNKNOWN ? "  ACS unknown" :
	       acs & P2PMR_ACS_CAPABLE ? "  ACS" : "",
	       acs & P2PMR_ACS_REQUEST_REDIRECT ? " request-redirect" : "",
	       acs & P2PMR_ACS_COMPLETION_REDIRECT ? " completion-redirect" : "",
	       acs & P2PMR_ACS_EGRESS_CONTROL ? " egress-control" : "",
	       acs == P2PMR_ACS_CAPABLE ? " off" : "");
}

static void print_side(const struct p2pmr_path *path, const char *name,
		       enum p2pmr_path_side side)
{
	const char *bridge = p2pmr_path_host_bridge(path, side);

	printf("%s: IOMMU %s, host bridge %s\n", name,
	       p2pmr_path_iommu_name(p2pmr_path_iommu(path, side)),
	       bridge ? bridge : "unknown");
}

static void print(const struct p2pmr_path *path)
{
	static const char *const sides[] = { "up", "common", "down" };
	const char *remedy = p2pmr_path_remedy(path);
	unsigned int hops = p2pmr_path_hops(path);

	printf("%s, distance %d\n%s\n",
	       p2pmr_path_kind_name(p2pmr_path_kind(path)),
	       p2pmr_path_distance(path), p2pmr_path_explanation(path));
	if (remedy)
		printf("%s\n", remedy);
	for (unsigned int i = 0; i < hops; i++) {
		printf("%-6s %s", sides[p2pmr_path_hop_side(path, i)],
		       p2pmr_path_hop_address(path, i));
		print_acs(p2pmr_path_hop_acs(path, i));
	}
	if (!hops)
		return;
	print_side(path, "provider", P2PMR_PATH_SIDE_PROVIDER);
	print_side(path, "RDMA device", P2PMR_PATH_SIDE_DEVICE);
	printf("through the host bridge, as of Linux %s: %s\n",
	       p2pmr_path_list_kernel(),
	       p2pmr_path_bridge_allowed(path) < 0 ? "not known" :
	       p2pmr_path_bridge_allowed(path) ? "allowed" : "not allowed");
}

/* path PROVIDER RDMA-DEVICE: what is between them */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_path *path = NULL;
	struct p2pmr_provider *p;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	if (p)
		path = p2pmr_path_query_name(p, argc > 2 ? argv[2] : "mlx5_0");
	if (path)
		print(path);
	else
		fprintf(stderr, "%s %s [%s]\n", p2pmr_reason_text(),
			p2pmr_reason_remedy(),
			p2pmr_reason_name(p2pmr_reason_code()));
	p2pmr_path_free(path);
	p2pmr_close(ctx);
	return !path;
}
