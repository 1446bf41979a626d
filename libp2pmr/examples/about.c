/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

static const char *or_none(const char *s)
{
	return s ? s : "none";
}

/* about: what each provider is, and where */
int main(void)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p = NULL;

	while (ctx && (p = p2pmr_provider_next(ctx, p))) {
		printf("%s: %s, driver %s, NUMA node %d, at %s by %s\n",
		       p2pmr_provider_name(p), p2pmr_provider_type(p),
		       or_none(p2pmr_provider_driver(p)),
		       p2pmr_provider_numa_node(p),
		       or_none(p2pmr_provider_pci_address(p)),
		       or_none(p2pmr_provider_pci_path(p)));
	}
	if (!ctx)
		fprintf(stderr, "%s\n", p2pmr_reason_text());
	p2pmr_close(ctx);
	return !ctx;
}
