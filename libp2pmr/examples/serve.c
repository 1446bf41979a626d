/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <stdio.h>

#include <p2pmr/p2pmr.h>
#include <rdma/rdma_verbs.h>

#define TRY(what) do { if (!(what)) err(1, #what); } while (0)

/*
 * serve PROVIDER: let one client write into 4096 bytes of it, and show them. It may
 * read them, too, which is how it knows that they are in place.
 */
int main(int argc, char **argv)
{
	struct rdma_addrinfo hints = { .ai_flags = RAI_PASSIVE,
				       .ai_port_space = RDMA_PS_TCP }, *at;
	struct ibv_qp_init_attr qp = { .cap = { 1, 1, 1, 1, 0 }, .sq_sig_all = 1 };
	struct { uint64_t addr; uint32_t rkey; } here = { 0 };
	struct rdma_conn_param param = { .private_data = &here,
					 .private_data_len = sizeof(here),
					 .responder_resources = 1 };
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *provider;
	struct rdma_cm_event *event;
	struct rdma_cm_id *listener, *id;
	struct p2pmr_buf *buf;
	struct ibv_mr *mr;
	char text[64] = "";

	TRY(argc == 2 && ctx);
	TRY(provider = p2pmr_provider_find(ctx, argv[1]));
	TRY(buf = p2pmr_buf_alloc(provider, 4096));

	TRY(!rdma_getaddrinfo(NULL, "7471", &hints, &at));
	TRY(!rdma_create_ep(&listener, at, NULL, &qp));
	TRY(!rdma_listen(listener, 0));
	puts("listening");
	fflush(stdout);
	TRY(!rdma_get_request(listener, &id));
	mr = p2pmr_reg_mr(id->pd, buf, IBV_ACCESS_LOCAL_WRITE |
			  IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ, NULL);
	if (!mr)
		errx(1, "%s %s", p2pmr_reason_text(), p2pmr_reason_remedy());
	here.addr = (uintptr_t)mr->addr;
	here.rkey = mr->rkey;
	TRY(!rdma_accept(id, &param));

	/* The client disconnects when its write has completed */
	TRY(!rdma_get_cm_event(id->channel, &event));
	TRY(!p2pmr_buf_read(buf, 0, text, sizeof(text) - 1));
	printf("%s\n", text);
	return 0; /* the process ends: so does all it has */
}
