/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2pmr monitor: what its parts share. Functions that return int return 0, or -1
 * with the failure recorded (fail.h).
 */
#ifndef P2PMR_TOOLS_MONITOR_H
#define P2PMR_TOOLS_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "fail.h"

#define MONITOR_CMD "p2pmr monitor"
#define MONITOR_NAME_MAX 64
/* A signal may come just before a wait begins: none is longer than that */
#define MONITOR_LOOK_MS 500

struct json_object;

struct monitor_provider {
	char name[MONITOR_NAME_MAX];
	char pci_address[MONITOR_NAME_MAX];
	uint64_t size;
	uint64_t available;
	bool published;
};

/**
 * struct monitor_owner - what one process has registered with one RDMA device
 * @pid: 0: the kernel itself
 * @command: its name; of the kernel the part's, "nvmet_rdma"
 * @device: the RDMA device
 * @regions: how many
 * @bytes: of all of them
 * @mapped_known: could it be found out how much peer memory it has mapped?
 * @mapped: that, in all
 */
struct monitor_owner {
	uint32_t pid;
	char command[MONITOR_NAME_MAX];
	char device[MONITOR_NAME_MAX];
	uint64_t regions;
	uint64_t bytes;
	bool mapped_known;
	uint64_t mapped;
};

/**
 * struct monitor_counter - one counter of a driver
 * @device: the RDMA device
 * @port: 0: of the device as a whole
 * @name: as the driver calls it
 * @value: since the device is there
 * @rate_known: is there an earlier value?
 * @per_second: since then
 */
struct monitor_counter {
	char device[MONITOR_NAME_MAX];
	unsigned int port;
	char name[MONITOR_NAME_MAX];
	uint64_t value;
	bool rate_known;
	double per_second;
};

/**
 * struct monitor_sample - everything, as it was at one moment
 * @when: by the clock on the wall
 * @ns: by one that is never set
 * @providers: @n_providers of them, without "host"
 * @owners: @n_owners of them
 * @no_owners: why they are not known, or empty
 * @counters: @n_counters of them
 */
struct monitor_sample {
	time_t when;
	uint64_t ns;
	struct monitor_provider *providers;
	size_t n_providers;
	struct monitor_owner *owners;
	size_t n_owners;
	char no_owners[FAIL_TEXT_MAX];
	struct monitor_counter *counters;
	size_t n_counters;
};

/* @before: the sample before, for rates; NULL: there is none */
int monitor_sample_take(struct monitor_sample *sample,
			const struct monitor_sample *before);
void monitor_sample_free(struct monitor_sample *sample);

/* ---- its parts ---- */

/* From the kernel's RDMA netlink (monitor_owners.c) */
int monitor_owners_read(struct monitor_sample *sample);

/* Of /proc/PID/maps: bytes of p2pmem/allocate. 0, or -errno */
int monitor_mapped_read(FILE *maps, uint64_t *bytes);

/* From /sys/class/infiniband (monitor_counters.c) */
int monitor_counters_read(struct monitor_sample *sample,
			  const struct monitor_sample *before);

/* Room for one more of @n things of @size bytes at *@array; NULL after fail() */
void *monitor_add(void *array, size_t *n, size_t size);

/* ---- showing it (monitor_show.c) ---- */

/*
 * A sample as lines, names in them cut so that they are @width wide, if that is
 * enough; 0: as wide as they are
 */
int monitor_print(const struct monitor_sample *sample, FILE *f,
		  unsigned int width);

/* The same as one JSON object (monitor_json.c); NULL: out of memory */
struct json_object *monitor_json(const struct monitor_sample *sample);

/* ---- the terminal (monitor_term.c) ---- */

/* Is there one to draw on, and to read keys from? */
bool monitor_term_is_there(void);

/* Takes it over, and gives it back as it was */
int monitor_term_open(void);
void monitor_term_close(void);

/* Draws @text, cut to the terminal; lines are at most monitor_term_width() wide */
void monitor_term_draw(const char *text);
unsigned int monitor_term_width(void);

enum monitor_key {
	MONITOR_KEY_NONE,	/* time is over */
	MONITOR_KEY_QUIT,
	MONITOR_KEY_REDRAW,	/* the size has changed */
};

enum monitor_key monitor_term_wait(int timeout_ms);

#endif
