// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was received into a drive's memory is written out by another drive, and
 * never by way of host memory:
 *
 *   lib-flush PROVIDER BLOCK-DEVICE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

#include "loopback.h"
#include "peer.h"

#define PAGE 4096u
#define LEN (16 * PAGE)

static struct loopback lb;
static struct p2pmr_provider *provider;

static struct p2pmr_buf *must_alloc(size_t size)
{
	struct p2pmr_buf *buf = p2pmr_buf_alloc(provider, size);

	if (!buf)
		die("p2pmr_buf_alloc: %s", p2pmr_reason_text());
	return buf;
}

static struct ibv_mr *must_reg_buf(struct p2pmr_buf *buf, int access)
{
	struct ibv_mr *mr = p2pmr_reg_mr(lb.pd, buf, access, NULL);

	if (!mr)
		die("p2pmr_reg_mr: %s", p2pmr_reason_text());
	return mr;
}

static void must_write(struct ibv_mr *host, struct ibv_mr *peer, uint64_t seed)
{
	struct request req = { .opcode = IBV_WR_RDMA_WRITE, .local = host,
			       .remote = peer, .len = LEN };
	uint8_t *h = host->addr;
	size_t i;

	for (i = 0; i < LEN; i++)
		h[i] = pattern(seed, i);
	if (loopback_run(&lb, &req) != IBV_WC_SUCCESS)
		die("the write failed");
}

/* The drive takes it from the other drive's memory; is it what was sent? */
static void write_out(int fd, const struct ibv_mr *peer, struct ibv_mr *host,
		      uint64_t seed)
{
	uint8_t *h = host->addr;
	size_t i;

	if (pwrite(fd, peer->addr, LEN, 0) != LEN)
		die("pwrite: %s", strerror(errno));
	memset(h, 0, LEN);
	if (pread(fd, h, LEN, 0) != LEN)
		die("pread: %s", strerror(errno));
	for (i = 0; i < LEN; i++) {
		if (h[i] != pattern(seed, i))
			die("byte %zu on the drive is %#x, not %#x", i, h[i],
			    pattern(seed, i));
	}
}

/* At the end where the memory is */
static void test_here(struct p2pmr_flush *flush, int fd, struct ibv_mr *peer,
		      struct ibv_mr *host)
{
	must_write(host, peer, 1);
	if (p2pmr_flush(flush, peer, peer->addr, LEN))
		die("p2pmr_flush: %s", p2pmr_reason_text());
	write_out(fd, peer, host, 1);
}

/* At the end that wrote */
static void test_there(int fd, struct ibv_mr *peer, struct ibv_mr *host)
{
	struct ibv_mr *scratch = must_reg(&lb, host_map(PAGE, NULL), PAGE, ACCESS_ALL);
	struct ibv_sge sge = { .addr = (uintptr_t)scratch->addr, .length = 8,
			       .lkey = scratch->lkey };

	must_write(host, peer, 2);
	if (p2pmr_flush_post(lb.qp[0], 7, &sge, (uintptr_t)peer->addr, LEN, peer->rkey))
		die("p2pmr_flush_post: %s", p2pmr_reason_text());
	if (loopback_wait(&lb) != IBV_WC_SUCCESS)
		die("the read failed");
	if (*(uint8_t *)scratch->addr != pattern(2, LEN - 1))
		die("it did not read the last byte");
	write_out(fd, peer, host, 2);
	must_dereg(scratch);
}

static void expect(int ret, int err, enum p2pmr_reason reason, const char *what)
{
	if (ret != -err || p2pmr_reason_code() != reason)
		die("%s: %d, %s: %s", what, ret,
		    p2pmr_reason_name(p2pmr_reason_code()), p2pmr_reason_text());
	printf("%s: %s %s\n", what, p2pmr_reason_text(), p2pmr_reason_remedy());
}

static void test_errors(struct p2pmr_flush *flush, struct ibv_mr *peer)
{
	struct p2pmr_flush *wrong;
	struct p2pmr_buf *buf = must_alloc(PAGE);
	struct ibv_mr *closed = must_reg_buf(buf, IBV_ACCESS_LOCAL_WRITE);

	expect(p2pmr_flush(flush, closed, closed->addr, PAGE), EIO,
	       P2PMR_REASON_FLUSH_FAILED, "no remote read");
	expect(p2pmr_flush(flush, peer, (char *)peer->addr + 1, peer->length), EINVAL,
	       P2PMR_REASON_OUT_OF_RANGE, "past the end");
	expect(p2pmr_flush(flush, peer, (char *)peer->addr - 1, 1), EINVAL,
	       P2PMR_REASON_OUT_OF_RANGE, "before the start");
	expect(p2pmr_flush(flush, peer, peer->addr, 0), EINVAL,
	       P2PMR_REASON_BAD_ARGUMENT, "nothing");
	wrong = p2pmr_flush_create(lb.pd, P2PMR_OPTS(p2pmr_flush_opts, .port_num = 9));
	if (wrong)
		die("there is no port 9");
	wrong = p2pmr_flush_create(lb.pd, P2PMR_OPTS(p2pmr_flush_opts, .gid_index = 1000));
	if (wrong || errno != ENODEV)
		die("there is no GID 999");
	/* and it works again */
	if (p2pmr_flush(flush, peer, peer->addr, 1))
		die("afterwards: %s", p2pmr_reason_text());
	must_dereg(closed);
	p2pmr_buf_free(buf);
}

int main(int argc, char **argv)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_flush *flush;
	struct ibv_mr *peer, *host;
	struct p2pmr_buf *buf;
	int fd;

	if (argc != 3 || !ctx)
		die("usage: lib-flush PROVIDER BLOCK-DEVICE");
	provider = p2pmr_provider_find(ctx, argv[1]);
	fd = open(argv[2], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (!provider || fd < 0)
		die("%s or %s is not there", argv[1], argv[2]);
	loopback_open(&lb, "rxe0");
	buf = must_alloc(LEN);
	peer = must_reg_buf(buf, ACCESS_ALL);
	host = must_reg(&lb, host_map(LEN, NULL), LEN, ACCESS_ALL);
	flush = p2pmr_flush_create(lb.pd, NULL);
	if (!flush)
		die("p2pmr_flush_create: %s", p2pmr_reason_text());

	test_here(flush, fd, peer, host);
	test_there(fd, peer, host);
	test_errors(flush, peer);

	p2pmr_flush_destroy(flush);
	must_dereg(host);
	must_dereg(peer);
	p2pmr_buf_free(buf);
	close(fd);
	loopback_close(&lb);
	p2pmr_close(ctx);
	return 0;
}
