/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <p2pmr/p2pmr.h>

/* Which drives can read from and write to their own memory? */
int main(void)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p = NULL;

	while (ctx && (p = p2pmr_provider_next(ctx, p))) {
		const uint64_t data = P2PMR_NVME_CMB_RDS | P2PMR_NVME_CMB_WDS;
		struct p2pmr_nvme_info info = { .sz = sizeof(info) };
		char **names;

		if (p2pmr_provider_nvme_info(p, &info) ||
		    (info.cmb_uses & data) != data)
			continue;
		names = p2pmr_provider_nvme_namespaces(p);
		for (size_t i = 0; names && names[i]; i++)
			printf("/dev/%s: %s\n", names[i],
			       p2pmr_provider_name(p));
		free(names);
	}
	p2pmr_close(ctx);
	return !ctx;
}
