/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

static const char *yes_no(int answer)
{
	return answer < 0 ? "not known" : answer ? "yes" : "no";
}

static void print(struct p2pmr_provider *p, struct ibv_device *device)
{
	struct p2pmr_path *path = p2pmr_path_query(p, device);

	if (path)
		printf("%s to %s: %s, accepts such memory: %s, atomics there: %s\n",
		       ibv_get_device_name(device), p2pmr_provider_name(p),
		       p2pmr_path_kind_name(p2pmr_path_kind(path)),
		       yes_no(p2pmr_path_peer_mr(path)),
		       yes_no(p2pmr_path_peer_atomic(path)));
	else
		fprintf(stderr, "%s\n", p2pmr_reason_text());
	p2pmr_path_free(path);
}

/* peers: from each RDMA device to each provider */
int main(void)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p = NULL;

	if (!ctx || !devices || !devices[0]) {
		fputs("there is no RDMA device\n", stderr);
		return 1;
	}
	while ((p = p2pmr_provider_next(ctx, p))) {
		for (int i = 0; p2pmr_provider_is_peer(p) && devices[i]; i++)
			print(p, devices[i]);
	}
	p2pmr_close(ctx);
	ibv_free_device_list(devices);
	return 0;
}
