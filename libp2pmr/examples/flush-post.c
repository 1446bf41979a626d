/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <string.h>

#include <p2pmr/p2pmr.h>
#include <rdma/rdma_verbs.h>

#define TRY(what) do { if (!(what)) err(1, #what); } while (0)

/* flush-post SERVER: write to the other host's drive, and know when it is there */
int main(int argc, char **argv)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP }, *to;
	/* of the two requests, only the flush completes */
	struct ibv_qp_init_attr qp = { .cap = { 2, 1, 1, 1, 32 } };
	struct rdma_conn_param param = { .initiator_depth = 1, .retry_count = 7,
					 .rnr_retry_count = 7 };
	struct { uint64_t addr; uint32_t rkey; } there;
	char text[] = "in place", byte;
	struct ibv_mr *mr;
	struct ibv_sge scratch;
	struct rdma_cm_id *id;
	struct ibv_wc wc;

	if (argc < 2)
		errx(2, "usage: flush-post SERVER");
	TRY(!rdma_getaddrinfo(argv[1], "7471", &hints, &to));
	TRY(!rdma_create_ep(&id, to, NULL, &qp));
	TRY(mr = ibv_reg_mr(id->pd, &byte, 1, IBV_ACCESS_LOCAL_WRITE));
	scratch = (struct ibv_sge){ (uintptr_t)&byte, 1, mr->lkey };
	TRY(!rdma_connect(id, &param));
	TRY(id->event->param.conn.private_data_len >= sizeof(there));
	memcpy(&there, id->event->param.conn.private_data, sizeof(there));

	TRY(!rdma_post_write(id, NULL, text, sizeof(text), NULL, IBV_SEND_INLINE,
			     there.addr, there.rkey));
	TRY(!p2pmr_flush_post(id->qp, 1, &scratch, there.addr, sizeof(text),
			      there.rkey));
	TRY(rdma_get_send_comp(id, &wc) == 1 && wc.status == IBV_WC_SUCCESS);
	/* now the drive has it, and the other side may be told */
	return rdma_disconnect(id); /* the process ends: so does all it has */
}
