/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* One line: how far it is from each RDMA device */
static int print_row(struct p2pmr_topo *topo, struct p2pmr_provider *provider,
		     int count, char **devices)
{
	unsigned int acs;

	if (p2pmr_topo_acs(topo, p2pmr_provider_pci_address(provider), &acs))
		return -1;
	printf("%s%s:", p2pmr_provider_name(provider),
	       acs & P2PMR_ACS_REQUEST_REDIRECT ? " (redirects requests)" : "");
	for (int i = 0; i < count; i++) {
		struct p2pmr_path *path = p2pmr_topo_path(topo, provider,
							  devices[i]);

		if (!path)
			return -1;
		printf(" %s %d", p2pmr_path_kind_name(p2pmr_path_kind(path)),
		       p2pmr_path_distance(path));
		p2pmr_path_free(path);
	}
	putchar('\n');
	return 0;
}

/* topo RDMA-DEVICE...: from each provider to each of these */
int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_topo *topo = ctx ? p2pmr_topo_new(ctx) : NULL;
	struct p2pmr_provider *provider = NULL;
	int ret = topo ? 0 : -1;

	while (!ret && (provider = p2pmr_provider_next(ctx, provider))) {
		if (p2pmr_provider_is_peer(provider))
			ret = print_row(topo, provider, argc - 1, argv + 1);
	}
	if (ret)
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
	p2pmr_topo_free(topo);
	p2pmr_close(ctx);
	return ret ? 1 : 0;
}
