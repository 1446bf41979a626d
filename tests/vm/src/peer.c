// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}
