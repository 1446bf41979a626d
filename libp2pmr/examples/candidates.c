/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* candidates: who could give a megabyte to the first RDMA device, best first */
int main(void)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_choice *choice = NULL;

	if (!devices || !devices[0]) {
		fputs("there is no RDMA device\n", stderr);
		return 1;
	}
	if (ctx)
		choice = p2pmr_choice_make(ctx, devices[0], 1 << 20, NULL);
	if (!choice) {
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		return 1;
	}
	for (size_t i = 0; i < p2pmr_choice_count(choice); i++)
		printf("%zu. %s, path %s\n", i + 1,
		       p2pmr_provider_name(p2pmr_choice_provider(choice, i)),
		       p2pmr_path_kind_name(p2pmr_choice_kind(choice, i)));

	p2pmr_choice_free(choice);
	p2pmr_close(ctx);
	ibv_free_device_list(devices);
	return 0;
}
