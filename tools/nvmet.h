/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "p2pmr nvmet": the kernel's NVMe over Fabrics target, through configfs.
 *
 * A configuration is one json-c object in the form of the files that nvmetcli
 * saves, with p2pmem added. nvmet_schema.c says what may be in it, and where in
 * configfs it goes; what reads, checks, writes and saves walks these tables.
 */
#ifndef P2PMR_TOOLS_NVMET_H
#define P2PMR_TOOLS_NVMET_H

struct json_object;

/* Room for a file below configfs; NQNs have at most 223 bytes */
#define NVMET_PATH_MAX 1024
/* A file of configfs is at most a page, and ends with a newline */
#define NVMET_VALUE_MAX 4096
/* Where in a file something is: "subsystems[0].namespaces[1].device.path" */
#define NVMET_PLACE_MAX 512

#define REASON_NO_NVMET "NO_NVMET"
#define REASON_BAD_FILE "BAD_FILE"
#define REASON_BAD_CONFIG "BAD_CONFIG"
#define REASON_EXISTS "EXISTS"
#define REASON_ADDRESS_IN_USE "ADDRESS_IN_USE"
#define REASON_NO_ADDRESS "NO_ADDRESS"
#define REASON_NO_DEVICE "NO_DEVICE"
#define REASON_DEVICE_NO_P2PDMA "DEVICE_NO_P2PDMA"
#define REASON_REFUSED "REFUSED"

/* The actions, each with its own options */
int nvmet_set(int argc, char **argv);
int nvmet_show(int argc, char **argv);
int nvmet_save(int argc, char **argv);
int nvmet_restore(int argc, char **argv);
int nvmet_clear(int argc, char **argv);

/*
 * nvmet_read.c: all that is configured, in the form of a file; NULL after
 * fail(). @cmd: print what a file cannot hold, as a note of that command;
 * NULL: print nothing.
 */
struct json_object *nvmet_read(const char *cmd);

/* nvmet_check.c: will the kernel take it, and will it do what it is for? */
int nvmet_check(struct json_object *conf, const char *cmd);

/* nvmet_apply.c: make what is not there yet; all of it or nothing */
struct nvmet_made;
int nvmet_apply(struct json_object *conf, struct nvmet_made *made);

#endif
