// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connecting the queue pairs by rdma_cm, each by an id of its own. The server
 * listens on a port that the kernel chooses, at the address of its GID, and
 * tells the client over the control channel; so -x holds here, too, and the
 * same server name does for both. What else the two sides need to know they
 * said there as well: rdma_cm brings the queue pairs together, no more.
 */
#include <netinet/in.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rdma/rdma_cma.h>

#include "fail.h"
#include "perf.h"

#define RESOLVE_MS 5000
/* How long the other side may take for one step */
#define STEP_MS 20000

/* What a connection brings along: whose it is */
struct cm_greeting {
	uint64_t seed;
	uint32_t qp;
};

struct perf_cm {
	struct rdma_event_channel *channel;
	struct rdma_cm_id *listener;
	struct rdma_cm_id **id;
	uint32_t ids;
};

static int fail_cm(const struct perf_dev *dev, const char *what, int err)
{
	return fail(CMD_FAILED, REASON_CONNECT, err,
		    "Check that the two GIDs reach each other (-x chooses another one), or leave out -R.",
		    "rdma_cm: cannot %s with %s, GID %u: %s.", what, dev->name,
		    dev->gid.gid_index, strerror(err));
}

static int cm_open(struct perf_pass *pass, struct perf_dev *dev)
{
	struct perf_cm *cm = calloc(1, sizeof(*cm));

	if (!cm)
		return fail_nomem();
	pass->cm = cm;
	cm->ids = pass->params.qps;
	cm->id = calloc(cm->ids, sizeof(*cm->id));
	if (!cm->id)
		return fail_nomem();
	cm->channel = rdma_create_event_channel();
	if (!cm->channel)
		return fail_cm(dev, "start (is the module rdma_ucm loaded?)",
			       errno);
	/* Waiting is to end when the user, or the other side, wants it to */
	if (fcntl(cm->channel->fd, F_SETFL,
		  fcntl(cm->channel->fd, F_GETFL) | O_NONBLOCK))
		return fail_cm(dev, "set up its file descriptor", errno);
	return 0;
}

void perf_cm_close(struct perf_pass *pass)
{
	struct perf_cm *cm = pass->cm;
	uint32_t i;

	if (!cm)
		return;
	for (i = 0; cm->id && i < cm->ids; i++) {
		if (cm->id[i])
			rdma_destroy_id(cm->id[i]);
	}
	if (cm->listener)
		rdma_destroy_id(cm->listener);
	if (cm->channel)
		rdma_destroy_event_channel(cm->channel);
	free(cm->id);
	free(cm);
	pass->cm = NULL;
}

static enum rdma_port_space port_space(const struct perf_pass *pass)
{
	return pass->params.transport == PERF_RC ? RDMA_PS_TCP : RDMA_PS_UDP;
}

/* RoCE's GIDs are IP addresses; those of one link need to know which one */
static void address_of(struct sockaddr_storage *addr, const uint8_t gid[16],
		       uint16_t port, uint32_t ifindex)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(addr, 0, sizeof(*addr));
	if (!memcmp(gid, mapped, sizeof(mapped))) {
		struct sockaddr_in *in = (struct sockaddr_in *)addr;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, gid + sizeof(mapped), 4);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, gid, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			in6->sin6_scope_id = ifindex;
	}
}

static int check_link(const struct perf_dev *dev)
{
	if (dev->port_attr.link_layer == IBV_LINK_LAYER_ETHERNET)
		return 0;
	return fail(CMD_FAILED, REASON_RDMA_DEVICE, EOPNOTSUPP,
		    "Leave out -R.",
		    "-R needs a GID that is an IP address, which those of %s are not.",
		    dev->name);
}

static int set_tos(struct rdma_cm_id *id, const struct perf_pass *pass,
		   const struct perf_dev *dev)
{
	uint8_t tos = pass->params.tos;

	if (!tos || !rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_TOS,
				     &tos, sizeof(tos)))
		return 0;
	return fail_cm(dev, "set the type of service", errno);
}

int perf_cm_listen(struct perf_pass *pass, struct perf_dev *dev)
{
	struct sockaddr_storage addr;
	struct perf_cm *cm;

	if (check_link(dev) || cm_open(pass, dev))
		return -1;
	cm = pass->cm;
	if (rdma_create_id(cm->channel, &cm->listener, NULL, port_space(pass)))
		return fail_cm(dev, "make an id", errno);
	address_of(&addr, pass->local.gid, 0, dev->gid.ndev_ifindex);
	if (set_tos(cm->listener, pass, dev))
		return -1;
	if (rdma_bind_addr(cm->listener, (struct sockaddr *)&addr))
		return fail_cm(dev, "bind to the address of the GID", errno);
	if (rdma_listen(cm->listener, cm->ids))
		return fail_cm(dev, "listen", errno);
	pass->local.cm_port = ntohs(rdma_get_src_port(cm->listener));
	return 0;
}

/* The next event, of whatever kind */
static int next_event(struct perf_pass *pass, struct perf_dev *dev,
		      struct chan *ch, struct rdma_cm_event **event)
{
	for (;;) {
		if (chan_wait_fd(ch, pass->cm->channel->fd, STEP_MS,
				 "a connection by rdma_cm"))
			return -1;
		if (!rdma_get_cm_event(pass->cm->channel, event))
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return fail_cm(dev, "read an event", errno);
	}
}

/* The next event, which must be of that kind; it is not acknowledged yet */
static int expect_event(struct perf_pass *pass, struct perf_dev *dev,
			struct chan *ch, enum rdma_cm_event_type type,
			const char *what, struct rdma_cm_event **event)
{
	int status;

	if (next_event(pass, dev, ch, event))
		return -1;
	if ((*event)->event == type)
		return 0;
	status = (*event)->status;
	fail(CMD_FAILED, REASON_CONNECT, status < 0 ? -status : ECONNREFUSED,
	     "Check that the two GIDs reach each other (-x chooses another one), or leave out -R.",
	     "rdma_cm: cannot %s with %s, GID %u: %s.", what, dev->name,
	     dev->gid.gid_index, rdma_event_str((*event)->event));
	rdma_ack_cm_event(*event);
	return -1;
}

static int expect_quietly(struct perf_pass *pass, struct perf_dev *dev,
			  struct chan *ch, enum rdma_cm_event_type type,
			  const char *what)
{
	struct rdma_cm_event *event;

	if (expect_event(pass, dev, ch, type, what, &event))
		return -1;
	rdma_ack_cm_event(event);
	return 0;
}

/* To the state that attr->qp_state says, as rdma_cm and both sides have it */
static int rc_step(struct perf_pass *pass, struct perf_dev *dev, uint32_t i,
		   enum ibv_qp_state state, const char *name)
{
	struct ibv_qp_attr attr = { .qp_state = state };
	int mask;

	if (rdma_init_qp_attr(pass->cm->id[i], &attr, &mask))
		return fail_cm(dev, "learn about the connection", errno);
	if (state == IBV_QPS_INIT) {
		attr.qp_access_flags = pass->conn.access;
	} else {
		perf_rc_limits(&attr, &pass->local, &pass->remote);
		perf_rc_patience(&attr);
		attr.ah_attr.sl = pass->conn.sl;
	}
	return perf_qp_modify(pass->conn.qp[i], &attr, mask, dev, name);
}

static int rc_ready(struct perf_pass *pass, struct perf_dev *dev, uint32_t i)
{
	if (rc_step(pass, dev, i, IBV_QPS_RTR, "RTR") ||
	    perf_post_receives(pass, i))
		return -1;
	return rc_step(pass, dev, i, IBV_QPS_RTS, "RTS");
}

/* Everything that a queue pair needs before the other side may send to it */
static int make_ready(struct perf_pass *pass, struct perf_dev *dev, uint32_t i)
{
	if (pass->params.transport == PERF_RC)
		return rc_step(pass, dev, i, IBV_QPS_INIT, "INIT") ||
		       rc_ready(pass, dev, i) ? -1 : 0;
	return perf_ud_start(pass->conn.qp[i], dev, pass->conn.psn[i]) ||
	       perf_post_receives(pass, i) ? -1 : 0;
}

static void fill_param(struct rdma_conn_param *param,
		       const struct perf_pass *pass, uint32_t i,
		       struct cm_greeting *greeting)
{
	*greeting = (struct cm_greeting){ htobe64(pass->seed), htobe32(i) };
	*param = (struct rdma_conn_param){
		.private_data = greeting,
		.private_data_len = sizeof(*greeting),
		.responder_resources = pass->local.rd_resp,
		.initiator_depth = pass->local.rd_init,
		.retry_count = 7,
		.rnr_retry_count = 7,
		.qp_num = pass->conn.qp[i]->qp_num,
	};
}

/* The client's side of one queue pair ------------------------------------- */

static int resolve(struct perf_pass *pass, struct perf_dev *dev,
		   struct chan *ch, struct rdma_cm_id *id)
{
	struct sockaddr_storage from, to;

	address_of(&from, pass->local.gid, 0, dev->gid.ndev_ifindex);
	address_of(&to, pass->remote.gid, pass->remote.cm_port,
		   dev->gid.ndev_ifindex);
	if (rdma_resolve_addr(id, (struct sockaddr *)&from,
			      (struct sockaddr *)&to, RESOLVE_MS))
		return fail_cm(dev, "find the server's address", errno);
	if (expect_quietly(pass, dev, ch, RDMA_CM_EVENT_ADDR_RESOLVED,
			   "find the server's address"))
		return -1;
	if (set_tos(id, pass, dev))
		return -1;
	if (rdma_resolve_route(id, RESOLVE_MS))
		return fail_cm(dev, "find a route to the server", errno);
	return expect_quietly(pass, dev, ch, RDMA_CM_EVENT_ROUTE_RESOLVED,
			      "find a route to the server");
}

static int client_rc(struct perf_pass *pass, struct perf_dev *dev,
		     struct chan *ch, uint32_t i)
{
	if (expect_quietly(pass, dev, ch, RDMA_CM_EVENT_CONNECT_RESPONSE,
			   "connect"))
		return -1;
	if (rc_ready(pass, dev, i))
		return -1;
	if (rdma_establish(pass->cm->id[i]))
		return fail_cm(dev, "complete the connection", errno);
	return 0;
}

static int client_ud(struct perf_pass *pass, struct perf_dev *dev,
		     struct chan *ch, uint32_t i)
{
	struct rdma_cm_event *event;
	int ret;

	if (expect_event(pass, dev, ch, RDMA_CM_EVENT_ESTABLISHED, "connect",
			 &event))
		return -1;
	pass->conn.remote_qpn[i] = event->param.ud.qp_num;
	event->param.ud.ah_attr.sl = pass->conn.sl;
	ret = perf_ud_address(&pass->conn, dev, &event->param.ud.ah_attr);
	pass->conn.remote_qkey = event->param.ud.qkey;
	rdma_ack_cm_event(event);
	return ret;
}

static int client_connect(struct perf_pass *pass, struct perf_dev *dev,
			  struct chan *ch, uint32_t i)
{
	struct perf_cm *cm = pass->cm;
	struct rdma_conn_param param;
	struct cm_greeting greeting;

	if (rdma_create_id(cm->channel, &cm->id[i], NULL, port_space(pass)))
		return fail_cm(dev, "make an id", errno);
	if (resolve(pass, dev, ch, cm->id[i]))
		return -1;
	if (pass->params.transport == PERF_RC) {
		if (rc_step(pass, dev, i, IBV_QPS_INIT, "INIT"))
			return -1;
	} else if (make_ready(pass, dev, i)) {
		return -1;
	}
	fill_param(&param, pass, i, &greeting);
	if (rdma_connect(cm->id[i], &param))
		return fail_cm(dev, "connect", errno);
	return pass->params.transport == PERF_RC ?
	       client_rc(pass, dev, ch, i) : client_ud(pass, dev, ch, i);
}

/* The server's side -------------------------------------------------------- */

/* Is it our client's? Its queue pair's number, or -1 */
static int whose(const struct perf_pass *pass,
		 const struct rdma_cm_event *event)
{
	bool rc = pass->params.transport == PERF_RC;
	const void *data = rc ? event->param.conn.private_data :
				event->param.ud.private_data;
	size_t len = rc ? event->param.conn.private_data_len :
			  event->param.ud.private_data_len;
	struct cm_greeting greeting;
	uint32_t i;

	if (!data || len < sizeof(greeting))
		return -1;
	memcpy(&greeting, data, sizeof(greeting));
	i = be32toh(greeting.qp);
	if (be64toh(greeting.seed) != pass->seed || i >= pass->cm->ids ||
	    pass->cm->id[i])
		return -1;
	return i;
}

static int server_accept(struct perf_pass *pass, struct perf_dev *dev,
			 uint32_t i)
{
	struct rdma_conn_param param;
	struct cm_greeting greeting;

	if (make_ready(pass, dev, i))
		return -1;
	fill_param(&param, pass, i, &greeting);
	if (rdma_accept(pass->cm->id[i], &param))
		return fail_cm(dev, "accept a connection", errno);
	return 0;
}

/* One of the client's connections; others are sent away */
static int server_connect(struct perf_pass *pass, struct perf_dev *dev,
			  struct chan *ch, uint32_t *accepted)
{
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;
	int i;

	if (next_event(pass, dev, ch, &event))
		return -1;
	if (event->event != RDMA_CM_EVENT_CONNECT_REQUEST) {
		rdma_ack_cm_event(event);
		return 0;
	}
	id = event->id;
	i = whose(pass, event);
	rdma_ack_cm_event(event);
	if (i < 0) {
		rdma_reject(id, NULL, 0);
		rdma_destroy_id(id);
		return 0;
	}
	pass->cm->id[i] = id;
	(*accepted)++;
	return server_accept(pass, dev, i);
}

/* Datagrams have no connection: what the client said of itself is the address */
static int server_address(struct perf_pass *pass, struct perf_dev *dev)
{
	struct ibv_ah_attr attr;
	uint32_t i;

	for (i = 0; i < pass->conn.qps; i++)
		pass->conn.remote_qpn[i] = pass->remote.qp[i].num;
	perf_ah_attr(&attr, &pass->conn, dev, &pass->remote);
	return perf_ud_address(&pass->conn, dev, &attr);
}

int perf_cm_connect(struct perf_pass *pass, struct perf_dev *dev,
		    struct chan *ch)
{
	uint32_t done = 0;
	uint32_t i;

	if (pass->role == PERF_SERVER) {
		while (done < pass->cm->ids) {
			if (server_connect(pass, dev, ch, &done))
				return -1;
		}
		return pass->params.transport == PERF_UD ?
		       server_address(pass, dev) : 0;
	}
	if (check_link(dev) || cm_open(pass, dev))
		return -1;
	for (i = 0; i < pass->cm->ids; i++) {
		if (client_connect(pass, dev, ch, i))
			return -1;
	}
	return 0;
}
