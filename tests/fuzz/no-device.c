// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/fail.h"
#include "../../tools/stop.h"
#include "no-device.h"

/* More than that, no test needs; what is asked for is checked all the same */
#define MEMORY_MAX (1U << 20)

int perf_dev_open(struct perf_dev *dev, const struct perf_opts *opts)
{
	memset(dev, 0, sizeof(*dev));
	dev->port = opts->ib_port;
	dev->port_attr.max_msg_sz = PERF_SIZE_MAX;
	dev->port_attr.active_mtu = IBV_MTU_1024;
	dev->port_attr.link_layer = IBV_LINK_LAYER_ETHERNET;
	dev->attr.max_qp_init_rd_atom = 16;
	dev->attr.max_qp_rd_atom = 16;
	dev->attr.atomic_cap = IBV_ATOMIC_HCA;
	dev->gid.gid_type = IBV_GID_TYPE_ROCE_V2;
	strcpy(dev->name, "none0");
	return 0;
}

void perf_dev_close(struct perf_dev *dev)
{
	(void)dev;
}

const char *perf_gid_type_name(uint32_t type)
{
	(void)type;
	return "RoCE v2";
}

int perf_mem_get(struct perf_mem *mem, struct perf_dev *dev,
		 struct p2pmr_provider *provider, uint64_t len_bytes, int access)
{
	(void)dev;
	(void)access;
	assert(len_bytes && len_bytes <= PERF_AREA_MAX);
	if (len_bytes > MEMORY_MAX)
		return fail(CMD_FAILED, "TOO_LARGE", ENOMEM, "",
			    "This server has less memory than that.");
	mem->name = p2pmr_provider_name(provider);
	mem->buf = p2pmr_buf_alloc(provider, len_bytes);
	mem->mr = calloc(1, sizeof(*mem->mr));
	return mem->buf && mem->mr ? 0 : fail_nomem();
}

void perf_mem_put(struct perf_mem *mem)
{
	free(mem->mr);
	p2pmr_buf_free(mem->buf);
	mem->mr = NULL;
	mem->buf = NULL;
}

int perf_conn_create(struct perf_conn *conn, struct perf_dev *dev,
		     const struct perf_conn_size *size)
{
	uint32_t i;

	(void)dev;
	assert(size->qps && size->qps <= PERF_QPS_MAX);
	assert(size->send_wr && size->send_wr <= PERF_DEPTH_MAX);
	assert(size->recv_wr && size->recv_wr <= PERF_DEPTH_MAX);
	assert(size->cqe <= PERF_QPS_MAX * (2 * PERF_DEPTH_MAX + 1));
	conn->qps = size->qps;
	conn->qp = calloc(size->qps, sizeof(*conn->qp));
	conn->psn = calloc(size->qps, sizeof(*conn->psn));
	if (!conn->qp || !conn->psn)
		return fail_nomem();
	for (i = 0; i < size->qps; i++) {
		conn->qp[i] = calloc(1, sizeof(*conn->qp[i]));
		if (!conn->qp[i])
			return fail_nomem();
	}
	return 0;
}

void perf_conn_destroy(struct perf_conn *conn)
{
	uint32_t i;

	for (i = 0; conn->qp && i < conn->qps; i++)
		free(conn->qp[i]);
	free(conn->qp);
	free(conn->psn);
	memset(conn, 0, sizeof(*conn));
}

int perf_conn_connect(struct perf_conn *conn, struct perf_dev *dev,
		      const struct wire_endpoint *local,
		      const struct wire_endpoint *remote)
{
	(void)dev;
	assert(conn->qps == local->qps && conn->qps == remote->qps);
	return 0;
}

int perf_cm_listen(struct perf_pass *pass, struct perf_dev *dev)
{
	(void)dev;
	pass->local.cm_port = 4791;
	return 0;
}

int perf_cm_connect(struct perf_pass *pass, struct perf_dev *dev,
		    struct chan *ch)
{
	return chan_watch(ch, 0) ? -1 :
	       perf_conn_connect(&pass->conn, dev, &pass->local, &pass->remote);
}

void perf_cm_close(struct perf_pass *pass)
{
	(void)pass;
}

/* The receives of sends are the device's business */
int __wrap_perf_pass_connect(struct perf_pass *pass, struct perf_dev *dev,
			     struct chan *ch);
int __wrap_perf_pass_connect(struct perf_pass *pass, struct perf_dev *dev,
			     struct chan *ch)
{
	if (pass->params.cm)
		return perf_cm_connect(pass, dev, ch);
	return perf_conn_connect(&pass->conn, dev, &pass->local, &pass->remote);
}

static int run(struct perf_pass *pass, struct chan *ch, struct wire_done *done,
	       uint64_t *received)
{
	uint32_t i;

	if (perf_pass_posts(pass)) {
		done->messages = NO_DEVICE_MESSAGES;
		done->elapsed_ns = 1000;
		done->qps = pass->params.qps;
		for (i = 0; i < done->qps; i++)
			done->qp_messages[i] = NO_DEVICE_MESSAGES;
	}
	*received = NO_DEVICE_MESSAGES;
	return perf_tell_done(ch, done);
}

int bw_run(struct perf_pass *pass, const struct perf_opts *opts,
	   struct chan *ch, struct wire_done *done, uint64_t *received)
{
	(void)opts;
	return run(pass, ch, done, received);
}

int lat_run(struct perf_pass *pass, const struct perf_opts *opts,
	    struct chan *ch, struct wire_done *done, uint64_t *received)
{
	(void)opts;
	return run(pass, ch, done, received);
}

int no_device_server(const struct server_opts *server)
{
	const struct perf_opts opts = {
		.cmd = perf_tool_name(server->tool),
		.mem = PERF_HOST,
		.params = {
			.tool = server->tool, .size = 65536, .iterations = 1000,
			.depth = 128, .rx_depth = 512, .qps = 1,
		},
		.ib_port = 1,
		.tcp_port = server->port,
		.inline_bytes = PERF_INLINE_CHOOSE,
		.forever = server->forever,
	};
	struct perf_report *rep = calloc(1, sizeof(*rep));
	static struct p2pmr_context *ctx;
	struct perf_dev dev;
	int ret;

	/* One for all of them: reading sysfs takes its time */
	if (!ctx)
		ctx = p2pmr_open(NULL);
	assert(rep && ctx);
	rep->opts = &opts;
	rep->params = opts.params;
	rep->dev = &dev;
	ret = perf_server(rep, &dev, ctx);
	/* What failed has said why */
	assert(!ret || fail_happened() || stop_requested());
	ret = perf_report_end(rep, !ret);
	fail_clear();
	free(rep);
	return ret;
}
