// SPDX-License-Identifier: GPL-2.0-only
/* A process that does anything at any time, and dies when it likes to */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer-tests.h"

#define SLOTS 12
#define MOST_PAGES 64u

/* A mapping, maybe registered; or a region whose mapping has been given up */
struct slot {
	uint8_t *area;
	size_t len;
	struct ibv_mr *mr;
};

struct wild {
	char **allocate;
	unsigned int nr_allocate;
	unsigned int seed;
	struct loopback lb;
	struct ibv_mr *host;
	struct slot slots[SLOTS];
	unsigned long moved;
};

static unsigned int any(struct wild *w, unsigned int below)
{
	return (unsigned int)rand_r(&w->seed) % below;
}

/* What drives that come and go may be answered with */
static void expect_one_of(const char *step, int err, const int *allowed)
{
	for (; *allowed; allowed++) {
		if (err == *allowed)
			return;
	}
	die("%s: %s", step, strerror(err));
}

static void wild_map(struct wild *w, struct slot *slot)
{
	static const int no_open[] = { ENOENT, ENODEV, 0 };
	/* ENOMEM: others have it */
	static const int no_map[] = { ENODEV, ENOENT, ENOMEM, 0 };
	size_t len = (1 + any(w, MOST_PAGES)) * PAGE;
	int fd;

	if (slot->area || slot->mr)
		return;
	fd = open(w->allocate[any(w, w->nr_allocate)], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		expect_one_of("open", errno, no_open);
		return;
	}
	slot->area = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	slot->len = len;
	if (slot->area == MAP_FAILED) {
		slot->area = NULL;
		expect_one_of("mmap", errno, no_map);
	}
	close(fd);
}

static void wild_unmap(struct slot *slot)
{
	if (slot->area && munmap(slot->area, slot->len))
		die("munmap: %s", strerror(errno));
	slot->area = NULL;
}

static void wild_register(struct wild *w, struct slot *slot)
{
	static const int no_reg[] = { ENODEV, EFAULT, 0 };
	size_t first;

	if (!slot->area || slot->mr)
		return;
	first = any(w, slot->len / PAGE) * PAGE;
	slot->mr = ibv_reg_mr(w->lb.pd, slot->area + first, slot->len - first,
			      ACCESS_ALL);
	if (!slot->mr)
		expect_one_of("ibv_reg_mr", errno, no_reg);
}

static void wild_deregister(struct slot *slot)
{
	if (slot->mr && ibv_dereg_mr(slot->mr))
		die("ibv_dereg_mr: %s", strerror(errno));
	slot->mr = NULL;
}

/* 1: it was done; 0: the memory is gone */
static int move(struct wild *w, struct request *req, const char *what)
{
	enum ibv_wc_status status = loopback_run(&w->lb, req);

	if (status == IBV_WC_SUCCESS)
		return 1;
	if (status != IBV_WC_REM_ACCESS_ERR)
		die("%s: %s", what, ibv_wc_status_str(status));
	loopback_reset(&w->lb);
	return 0;
}

/* What is written is there, as long as the drive is */
static void wild_move(struct wild *w, struct slot *slot)
{
	size_t i, len, half = w->host->length / 2;
	uint8_t *host = w->host->addr;
	uint64_t seed = any(w, 1 << 30);
	struct request req;

	if (!slot->mr)
		return;
	len = 1 + any(w, slot->mr->length);
	for (i = 0; i < len; i++)
		host[i] = pattern(seed, i);
	req = (struct request){ .opcode = IBV_WR_RDMA_WRITE, .local = w->host,
				.remote = slot->mr, .len = len,
				.remote_offset = any(w, slot->mr->length - len + 1) };
	if (!move(w, &req, "write"))
		return;
	req.opcode = IBV_WR_RDMA_READ;
	req.local_offset = half;
	if (!move(w, &req, "read"))
		return;
	check_bytes(host + half, len, seed, 0, "read back");
	w->moved++;
}

/* A child has the mappings as well, and may end in any way while it uses them */
static void wild_fork(struct wild *w)
{
	int status, how = any(w, 3);
	pid_t pid = fork();
	size_t i;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		for (i = 0; i < SLOTS; i++) {
			/* SIGBUS is what a drive that has left gives */
			if (w->slots[i].area)
				*(volatile uint64_t *)w->slots[i].area = i;
			if (how)
				wild_unmap(&w->slots[i]);
		}
		if (how == 1)
			raise(SIGKILL);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	if (status && !(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL ||
						WTERMSIG(status) == SIGBUS)))
		die("a child ended with status %#x", status);
}

static void wild_step(struct wild *w)
{
	struct slot *slot = &w->slots[any(w, SLOTS)];
	unsigned int what = any(w, 1000);

	if (what < 250)
		wild_map(w, slot);
	else if (what < 500)
		wild_register(w, slot);
	else if (what < 700)
		wild_move(w, slot);
	else if (what < 850)
		wild_unmap(slot);
	else if (what < 980)
		wild_deregister(slot);
	else if (what < 999)
		wild_fork(w);
	else
		raise(SIGKILL);
}

/* wild SEED ALLOCATE ALLOCATE: until SIGTERM, or until it kills itself */
void test_wild(char **argv)
{
	struct wild w = { .allocate = argv + 1, .seed = strtoul(argv[0], NULL, 0) };
	size_t i;

	while (w.allocate[w.nr_allocate])
		w.nr_allocate++;
	catch_term();
	loopback_open(&w.lb, device_name());
	w.host = must_reg(&w.lb, host_map(2 * MOST_PAGES * PAGE, NULL),
			  2 * MOST_PAGES * PAGE, ACCESS_ALL);
	announce("running");
	while (!term_came())
		wild_step(&w);
	for (i = 0; i < SLOTS; i++) {
		wild_deregister(&w.slots[i]);
		wild_unmap(&w.slots[i]);
	}
	must_dereg(w.host);
	loopback_close(&w.lb);
	printf("%lu moved\n", w.moved);
}
