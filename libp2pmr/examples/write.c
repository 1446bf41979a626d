/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <string.h>

#include <p2pmr/p2pmr.h>
#include <rdma/rdma_verbs.h>

#define TRY(what) do { if (!(what)) err(1, #what); } while (0)

/* write SERVER PROVIDER: RDMA write from a drive's memory to the other host */
int main(int argc, char **argv)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP }, *to;
	struct ibv_qp_init_attr qp = { .cap = { 1, 1, 1, 1, 0 }, .sq_sig_all = 1 };
	struct rdma_conn_param param = { .retry_count = 7, .rnr_retry_count = 7 };
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *drive;
	struct p2pmr_buf *buf;
	struct rdma_cm_id *id;
	struct { uint64_t addr; uint32_t rkey; } there;
	struct ibv_mr *mr;
	struct ibv_wc wc;

	TRY(argc == 3 && ctx && (drive = p2pmr_provider_find(ctx, argv[2])));
	TRY(buf = p2pmr_buf_alloc(drive, 4096));
	TRY(!p2pmr_buf_write(buf, 0, "from a drive", 13));

	TRY(!rdma_getaddrinfo(argv[1], "7471", &hints, &to));
	TRY(!rdma_create_ep(&id, to, NULL, &qp));
	mr = p2pmr_reg_mr(id->pd, buf, IBV_ACCESS_LOCAL_WRITE, NULL);
	if (!mr)
		errx(1, "%s %s", p2pmr_reason_text(), p2pmr_reason_remedy());
	TRY(!rdma_connect(id, &param));
	TRY(id->event->param.conn.private_data_len >= sizeof(there));
	memcpy(&there, id->event->param.conn.private_data, sizeof(there));
	TRY(!rdma_post_write(id, NULL, p2pmr_buf_addr(buf), 4096, mr, 0,
			     there.addr, there.rkey));
	TRY(rdma_get_send_comp(id, &wc) == 1 && wc.status == IBV_WC_SUCCESS);
	return rdma_disconnect(id); /* the process ends: so does all it has */
}
