// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer.h"

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void announce(const char *what)
{
	puts(what);
	fflush(stdout);
}

static volatile sig_atomic_t term;

static void on_term(int sig)
{
	(void)sig;
	term = 1;
}

void catch_term(void)
{
	signal(SIGTERM, on_term);
}

int term_came(void)
{
	return term;
}

void churn(int (*once)(void *arg), void *arg)
{
	unsigned long worked = 0, tried = 0;

	while (!term_came()) {
		if (once(arg))
			worked++;
		else
			usleep(1000);
		if (!tried++)
			announce("running");
	}
	if (!worked)
		die("none of %lu worked", tried);
	printf("%lu of %lu worked\n", worked, tried);
}

const struct test *find_test(const struct test *tests, size_t n,
			     const char *name, int args)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(tests[i].name, name) && tests[i].args == args)
			return &tests[i];
	}
	return NULL;
}

int udmabuf(size_t len)
{
	int memfd = memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int node = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), dmabuf;
	struct udmabuf_create create = { .memfd = memfd, .size = len,
					 .flags = UDMABUF_FLAGS_CLOEXEC };

	if (node < 0)
		die("/dev/udmabuf: %s", strerror(errno));
	if (memfd < 0 || ftruncate(memfd, len) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		die("memfd: %s", strerror(errno));
	dmabuf = ioctl(node, UDMABUF_CREATE, &create);
	if (dmabuf < 0)
		die("udmabuf: %s", strerror(errno));
	close(memfd);
	close(node);
	return dmabuf;
}

void *peer_map(const char *allocate, size_t len, void *at)
{
	int fd = open(allocate, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		die("%s: %s", allocate, strerror(errno));
	p = mmap(at, len, PROT_READ | PROT_WRITE,
		 MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
	if (p == MAP_FAILED)
		die("mmap of %zu bytes of %s: %s", len, allocate, strerror(errno));
	close(fd);
	return p;
}

static void *map_anon(size_t len, void *at, int prot, int flags)
{
	void *p = mmap(at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes: %s", len, strerror(errno));
	return p;
}

void *reserve(size_t len)
{
	return map_anon(len, NULL, PROT_NONE, MAP_NORESERVE);
}

void *host_map(size_t len, void *at)
{
	return map_anon(len, at, PROT_READ | PROT_WRITE, at ? MAP_FIXED : 0);
}

void peer_fill(void *addr, size_t len, uint64_t seed)
{
	volatile uint64_t *p = addr;
	uint8_t word[8];
	uint64_t value;
	size_t i, j;

	for (i = 0; i < len; i += 8) {
		for (j = 0; j < 8; j++)
			word[j] = pattern(seed, i + j);
		memcpy(&value, word, 8);
		p[i / 8] = value;
	}
}

void peer_read(void *dst, const void *addr, size_t len)
{
	const volatile uint64_t *p = addr;
	uint64_t value;
	size_t i;

	for (i = 0; i < len; i += 8) {
		value = p[i / 8];
		memcpy((uint8_t *)dst + i, &value, 8);
	}
}

static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	siglongjmp(bus_error, sig);
}

void check_sigbus(volatile uint64_t *p)
{
	signal(SIGBUS, on_bus_error);
	if (!sigsetjmp(bus_error, 1))
		die("the mapping can still be read: %#lx", *p);
	signal(SIGBUS, SIG_DFL);
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

void unbind_drive(const char *drive)
{
	write_file("/sys/bus/pci/drivers/nvme/unbind", drive);
}
