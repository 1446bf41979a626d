/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two ends of a copy say to each other through the remote shell, and
 * nothing about how.
 *
 *	client			server (p2pmr copy --server)
 *	HELLO		->	what is to be done
 *	SOURCE		->	once for each
 *			<-	WELCOME
 *
 *	sender			receiver: each may be the client or the server
 *	ENDPOINT	->	its queue pair
 *			<-	ENDPOINT: its queue pair and staging memory, a token
 *	(RDMA: the token)
 *			<-	READY: it arrived
 *	FILE		->	a file, a directory or a link
 *			<-	HAVE: with PARTIAL, of a large file: up to here
 *	EXTENT		->	data of it, as many times as need be: the next
 *				chunks on the wire are this
 *	(RDMA: chunks; back: which of them are done with)
 *			<-	REFUSE: of a file, as it cannot be received
 *	END		->	of a file
 *			<-	DONE: it is in place, or nothing of it is
 *	FINISH		->	no more files
 *			<-	FINISH
 *
 * NOTE (a failure of one file) may be sent by either one, PING as well, and
 * ERROR, after which its sender closes. Decoding takes nothing on trust.
 */
#ifndef P2PMR_TOOLS_COPY_WIRE_H
#define P2PMR_TOOLS_COPY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "pack.h"

#define COPY_WIRE_MAGIC 0x70326370U
#define COPY_WIRE_VERSION 1
#define COPY_WIRE_HEADER_BYTES PACK_HEADER_BYTES
#define COPY_WIRE_PAYLOAD_MAX 16384

#define COPY_NAME_MAX 64	/* of a device */
#define COPY_WHY_MAX 384	/* a sentence */
#define COPY_PATH_MAX 4096
#define COPY_TOKEN_BYTES 16
#define COPY_SOURCES_MAX 65536U
#define COPY_CHUNK_MIN (64U << 10)
#define COPY_CHUNK_MAX (64U << 20)
#define COPY_SLOTS_MIN 2U
#define COPY_SLOTS_MAX 256U
/* Direct I/O is in units of this, whatever the drive's blocks are */
#define COPY_BLOCK 4096U
/* Files that the sender has begun and the receiver has not ended */
#define COPY_FILES_MAX 64U
#define COPY_SIZE_MAX ((uint64_t)INT64_MAX - COPY_CHUNK_MAX)

/*
 * Immediate data is the number of a slot: of the chunk that was written there,
 * or, in the other direction, that it can be written again.
 */
#define COPY_IMM_VOID 0x80000000U	/* nothing was: of a file that is bad */
#define COPY_IMM_TOKEN 0x40000000U	/* no chunk, but the token, in slot 0 */

enum copy_msg_type {
	COPY_HELLO = 1,
	COPY_SOURCE = 2,
	COPY_WELCOME = 3,
	COPY_ENDPOINT = 4,
	COPY_READY = 5,
	COPY_FILE = 6,
	COPY_EXTENT = 7,
	COPY_REFUSE = 8,
	COPY_END = 9,
	COPY_DONE = 10,
	COPY_NOTE = 11,
	COPY_FINISH = 12,
	COPY_ERROR = 13,
	COPY_PING = 14,
	COPY_HAVE = 15,
	COPY_MSG_TYPES,
};

enum copy_role {
	COPY_SENDER = 0,
	COPY_RECEIVER = 1,
};

/* What the user asked for, and both ends must know */
enum copy_flag {
	COPY_PRESERVE = 1 << 0,		/* modes and times */
	COPY_RECURSIVE = 1 << 1,
	COPY_LINKS = 1 << 2,		/* symbolic links as such */
	COPY_INTO_DIR = 1 << 3,		/* the destination must be a directory */
	COPY_LIVE = 1 << 4,		/* sources that change are taken as read */
	COPY_CHECKSUM = 1 << 5,
	COPY_PARTIAL = 1 << 6,
	COPY_DRY_RUN = 1 << 7,
	COPY_FLAGS = (1 << 8) - 1,
};

struct copy_hello {
	enum copy_role role;		/* of the server */
	uint32_t flags;
	uint32_t chunk_bytes;
	uint32_t slots;
	uint32_t sources;
	uint32_t gid_index;		/* plus 1; 0: choose */
	uint32_t ib_port;
	char device[COPY_NAME_MAX];	/* "": choose */
	char memory[COPY_NAME_MAX];	/* "": choose */
	char dest[COPY_PATH_MAX];	/* "" when the server is the sender */
};

struct copy_endpoint {
	uint32_t qp_num;
	uint32_t psn;
	uint8_t gid[16];
	uint32_t gid_kind;		/* enum ibv_gid_type */
	uint16_t lid;
	uint8_t mtu;			/* enum ibv_mtu */
	uint32_t chunk_bytes;		/* the most that it can do */
	uint32_t slots;
	/* the sender's alone */
	uint64_t total_bytes;		/* of all files; 0: not known */
	/* the receiver's alone */
	uint32_t rkey;
	uint64_t addr;
	bool dense;			/* holes are to be sent as zeroes */
	uint64_t folder;		/* copy_folder_id() of where it all goes */
	uint8_t token[COPY_TOKEN_BYTES];
};

enum copy_kind {
	COPY_KIND_FILE = 0,
	COPY_KIND_DIR = 1,
	COPY_KIND_LINK = 2,
	COPY_KIND_DIR_END = 3,		/* all in it is there: mode and times */
	COPY_KINDS,
};

struct copy_file {
	uint32_t id;
	uint32_t source;		/* which of the sources it belongs to */
	enum copy_kind kind;
	uint32_t mode;			/* permission bits */
	uint64_t size;
	int64_t atime_s;
	int64_t mtime_s;
	uint32_t atime_ns;
	uint32_t mtime_ns;
	char path[COPY_PATH_MAX];	/* below the source; "": itself */
	char target[COPY_PATH_MAX];	/* of a link */
};

/* Of a large file: how much of it was there before */
struct copy_have {
	uint32_t id;
	uint64_t offset;
};

struct copy_extent {
	uint32_t id;
	uint64_t offset;
	uint64_t len;
};

/* @why has no reason when the other end knows it */
struct copy_verdict {
	uint32_t id;
	bool good;
	uint64_t sum;			/* with END, and if asked for */
	struct failure why;
};

/* Where the bytes of files went, at one end */
struct copy_stats {
	char memory[COPY_NAME_MAX];
	char why[COPY_WHY_MAX];		/* this memory */
	char host_why[COPY_WHY_MAX];	/* not all went by the peer path */
	uint64_t peer_bytes;		/* between drive and peer memory */
	uint64_t host_bytes;		/* by any other way */
	uint64_t flushes;
	uint64_t cpu_us;		/* user time of the process */
	uint64_t sum_us;		/* checksums took of it, and waited for */
};

struct copy_msg {
	enum copy_msg_type type;
	union {
		struct copy_hello hello;
		char source[COPY_PATH_MAX];
		char version[COPY_NAME_MAX];
		struct copy_endpoint endpoint;
		struct copy_file file;
		struct copy_have have;
		struct copy_extent extent;
		struct copy_verdict verdict;	/* REFUSE, END, DONE */
		struct failure failure;		/* NOTE, ERROR */
		struct copy_stats stats;	/* FINISH */
	} u;
};

/* Returns the number of bytes, header included. @buf holds the largest message */
size_t copy_wire_encode(const struct copy_msg *msg,
			uint8_t buf[COPY_WIRE_HEADER_BYTES +
				    COPY_WIRE_PAYLOAD_MAX]);

/*
 * Both return 0, or -EPROTO with one sentence in @why. The header comes first
 * and tells how long the payload is: at most COPY_WIRE_PAYLOAD_MAX.
 */
int copy_wire_decode_header(const uint8_t buf[COPY_WIRE_HEADER_BYTES],
			    enum copy_msg_type *type, size_t *payload_bytes,
			    char why[PACK_WHY_MAX]);
int copy_wire_decode(enum copy_msg_type type, const uint8_t *payload,
		     size_t len, struct copy_msg *msg,
		     char why[PACK_WHY_MAX]);

/* Less than a header: may a message begin so? */
bool copy_wire_can_begin(const uint8_t *buf, size_t len);

const char *copy_msg_name(enum copy_msg_type type);

#endif
