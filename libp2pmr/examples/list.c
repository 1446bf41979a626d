/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

int main(void)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p = NULL;
	struct p2pmr_provider_space space;

	if (!ctx) {
		fprintf(stderr, "%s\n", p2pmr_reason_text());
		return 1;
	}
	while ((p = p2pmr_provider_next(ctx, p))) {
		if (!p2pmr_provider_space(p, &space))
			printf("%s: %llu bytes\n", p2pmr_provider_name(p),
			       (unsigned long long)space.available_bytes);
	}
	p2pmr_close(ctx);
	return 0;
}
