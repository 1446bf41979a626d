/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include <p2pmr/p2pmr.h>

/* Post receives into pieces of one buffer: one registration, one lkey */
static int post_receives(struct ibv_qp *qp, struct ibv_mr *mr,
			 struct p2pmr_arena *arena, unsigned int count)
{
	struct ibv_recv_wr *bad;

	while (count--) {
		void *piece = p2pmr_arena_alloc(arena, 4096, 0);
		/* may be more than was asked for, and may be used */
		uint32_t size = p2pmr_arena_size_of(arena, piece);
		struct ibv_sge sge = { (uintptr_t)piece, size, mr->lkey };
		struct ibv_recv_wr wr = {
			.wr_id = (uintptr_t)piece, .sg_list = &sge, .num_sge = 1,
		};

		if (!piece || ibv_post_recv(qp, &wr, &bad)) {
			p2pmr_arena_free(arena, piece);
			return -1;
		}
		/* once it has completed: p2pmr_arena_free(arena, wc.wr_id) */
	}
	return 0;
}

/* arena PROVIDER: 1,000 receives of 4 KiB, posted into 16 MiB of it */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *dev = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = dev ? ibv_alloc_pd(dev) : NULL;
	struct ibv_cq *cq = dev ? ibv_create_cq(dev, 1000, NULL, NULL, 0) : NULL;
	struct ibv_qp_init_attr init = {
		.send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC,
		.cap = { .max_recv_wr = 1000, .max_recv_sge = 1 },
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1 };
	struct ibv_qp *qp = pd && cq ? ibv_create_qp(pd, &init) : NULL;
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *p;
	struct p2pmr_buf *buf = NULL;
	struct ibv_mr *mr = NULL;
	struct p2pmr_arena *arena = NULL;
	struct p2pmr_arena_stats stats;

	p = ctx ? p2pmr_provider_find(ctx, argc > 1 ? argv[1] : "nvme0") : NULL;
	if (p)
		buf = p2pmr_buf_alloc(p, 16 << 20);
	if (buf && pd)
		mr = p2pmr_reg_mr(pd, buf, IBV_ACCESS_LOCAL_WRITE, NULL);
	if (mr)
		arena = p2pmr_arena_create(buf, NULL);
	if (!arena || !qp ||
	    ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			  IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) ||
	    post_receives(qp, mr, arena, 1000)) {
		fprintf(stderr, "%s\n%s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());
		return 1;
	}
	p2pmr_arena_stats(arena, &stats);
	printf("%llu pieces, all with lkey %#x\n",
	       (unsigned long long)stats.live_pieces, mr->lkey);

	/* the receives first, then the memory that they would write to */
	ibv_destroy_qp(qp);
	ibv_dereg_mr(mr);
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	ibv_destroy_cq(cq);
	ibv_dealloc_pd(pd);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return 0;
}
