// SPDX-License-Identifier: GPL-2.0-only
/* The report for people: perftest's columns, and what it does not have. */
#include <arpa/inet.h>
#include <stdio.h>

#include "perf.h"

#define MIB (1024.0 * 1024)
#define PS_PER_US 1e6

unsigned int perf_mtu_bytes(uint8_t mtu)
{
	return 128U << mtu;
}

const char *perf_gid_text(const struct perf_dev *dev, char *text, size_t len)
{
	if (!inet_ntop(AF_INET6, dev->gid.gid.raw, text, len))
		return "?";
	return text;
}

static const char *direction(const struct perf_params *p)
{
	if (p->tool == PERF_LAT)
		return perf_is_ping_pong(p) ? "latency: half of the round trip" :
					      "latency: until the answer";
	if (p->both)
		return "both ways";
	return p->op == PERF_READ ? "server to client" : "client to server";
}

static void print_what(const struct perf_params *p)
{
	printf("RDMA %s", perf_op_name(p->op));
	if (p->op == PERF_ATOMIC)
		printf(" (%s)", perf_atomic_name(p->atomic));
	printf(", %s\n", direction(p));
}

/* What the queue pairs are like; the client knows more of that */
static void print_queues(const struct perf_report *rep)
{
	const struct perf_params *p = &rep->params;

	printf(" Queue pairs: %u %s", p->qps,
	       perf_transport_name(p->transport));
	if (p->cm)
		printf(" by rdma_cm");
	if (p->tool == PERF_BW)
		printf(", TX depth: %u", p->depth);
	if (p->op == PERF_SEND)
		printf(", RX depth: %u", p->rx_depth);
	if (p->tool == PERF_BW && rep->opts->server && !p->sweep)
		printf(", CQ moderation: %u", perf_cq_mod(rep->opts, p));
	putchar('\n');
}

void perf_table_header(const struct perf_report *rep,
		       const struct perf_row *row)
{
	const char *unit = rep->opts->gbits ? "Gb/sec" : "MiB/sec";
	const struct perf_params *p = &rep->params;
	const struct perf_dev *dev = rep->dev;
	char gid[INET6_ADDRSTRLEN];

	print_what(p);
	printf(" Device: %s port %u, GID %u (%s, %s), MTU %u bytes\n",
	       dev->name, dev->port, dev->gid.gid_index,
	       perf_gid_text(dev, gid, sizeof(gid)),
	       perf_gid_type_name(dev->gid.gid_type),
	       perf_mtu_bytes(row->mtu));
	print_queues(rep);
	printf(" Data check: %s\n", p->verify ? "every byte received" : "none");
	printf(" Memory and route: client/server\n\n");
	if (p->tool == PERF_BW)
		printf(" #bytes     #iterations    BW peak[%s]    BW average[%s]   MsgRate[Mpps]   50%%[usec]  90%%[usec]  99%%[usec]  99.9%%[usec]  99.99%%[usec]  MEMORY               ROUTE\n",
		       unit, unit);
	else
		printf(" #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   99%% percentile[usec]   99.9%% percentile[usec]   50%%[usec]  90%%[usec]  99.99%%[usec]  MEMORY               ROUTE\n");
}

static void print_usec(uint64_t ps, int width)
{
	printf(" %-*.2f", width, ps / PS_PER_US);
}

static void print_bw(const struct perf_report *rep, const struct perf_row *row)
{
	double unit = rep->opts->gbits ? 1e9 / 8 : MIB;
	char peak[32] = "-";
	int i;

	if (row->peak_bytes_per_s > 0)
		snprintf(peak, sizeof(peak), "%.2f",
			 row->peak_bytes_per_s / unit);
	printf(" %-10llu %-14llu %-18s %-21.2f %-15.6f",
	       (unsigned long long)row->size,
	       (unsigned long long)row->messages, peak,
	       row->bytes_per_s / unit, row->messages_per_s / 1e6);
	for (i = 0; i < PERF_PERCENTILES; i++)
		print_usec(row->times.percentile_ps[i],
			   i < 3 ? 10 : i == 3 ? 12 : 13);
}

static void print_lat(const struct perf_row *row)
{
	const struct perf_times *t = &row->times;

	printf(" %-7llu %-14llu", (unsigned long long)row->size,
	       (unsigned long long)row->messages);
	print_usec(t->min_ps, 14);
	print_usec(t->max_ps, 12);
	print_usec(t->percentile_ps[0], 18);
	print_usec(t->avg_ps, 14);
	print_usec(t->stdev_ps, 15);
	print_usec(t->percentile_ps[2], 22);
	print_usec(t->percentile_ps[3], 24);
	print_usec(t->percentile_ps[0], 10);
	print_usec(t->percentile_ps[1], 10);
	print_usec(t->percentile_ps[4], 13);
}

void perf_table_row(const struct perf_report *rep, const struct perf_row *row)
{
	char memory[2 * WIRE_NAME_MAX];

	if (rep->params.tool == PERF_BW)
		print_bw(rep, row);
	else
		print_lat(row);
	snprintf(memory, sizeof(memory), "%s/%s", row->memory[PERF_CLIENT],
		 row->memory[PERF_SERVER]);
	printf(" %-20s %s/%s\n", memory, row->route[PERF_CLIENT],
	       row->route[PERF_SERVER]);
	if (row->lost)
		printf("   of these, %llu messages were lost\n",
		       (unsigned long long)row->lost);
}

void perf_table_ratios(const struct perf_report *rep)
{
	const char *what = rep->params.tool == PERF_BW ? "BW average" :
							 "t_typical";
	const struct perf_row *row = rep->row;
	uint32_t i;

	/* The server sees two passes and does not know what they are for */
	if (!rep->opts->compare || rep->rows < 2)
		return;
	printf("\n Ratio of %s, %s/%s to %s/%s:", what,
	       row[1].memory[PERF_CLIENT], row[1].memory[PERF_SERVER],
	       row[0].memory[PERF_CLIENT], row[0].memory[PERF_SERVER]);
	if (!rep->params.sweep) {
		printf(" %.3f\n", perf_row_ratio(rep, 1));
		return;
	}
	putchar('\n');
	for (i = 1; i < rep->rows; i += 2)
		printf(" %-10llu %.3f\n", (unsigned long long)row[i].size,
		       perf_row_ratio(rep, i));
}
