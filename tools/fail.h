/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a subcommand failed: one record per process. The first failure stays,
 * because what fails while cleaning up is a consequence of it.
 */
#ifndef P2PMR_TOOLS_FAIL_H
#define P2PMR_TOOLS_FAIL_H

#include <stdbool.h>

#include "cmd.h"

struct json_object;

#define FAIL_REASON_MAX 32
#define FAIL_TEXT_MAX 1024
#define FAIL_REMEDY_MAX 768

/* Reasons of the tools; those of the library keep the library's names */
#define REASON_USAGE "USAGE"
#define REASON_SYSTEM "SYSTEM"
#define REASON_OUT_OF_MEMORY "OUT_OF_MEMORY"
#define REASON_NO_RDMA_DEVICE "NO_RDMA_DEVICE"
#define REASON_RDMA_DEVICE "RDMA_DEVICE"
#define REASON_RDMA "RDMA"
#define REASON_COMPLETION "COMPLETION"
#define REASON_CONNECT "CONNECT"
#define REASON_PEER_LOST "PEER_LOST"
#define REASON_PROTOCOL "PROTOCOL"
#define REASON_PARAMETER_MISMATCH "PARAMETER_MISMATCH"
#define REASON_DATA_MISMATCH "DATA_MISMATCH"
#define REASON_INTERRUPTED "INTERRUPTED"
#define REASON_NO_DIRECT_IO "NO_DIRECT_IO"

struct failure {
	enum cmd_status status;
	int errnum;
	char reason[FAIL_REASON_MAX];
	char text[FAIL_TEXT_MAX];
	char remedy[FAIL_REMEDY_MAX];
};

/* Record a failure unless there is one; always returns -1 */
__attribute__((format(printf, 5, 6)))
int fail(enum cmd_status status, const char *reason, int errnum,
	 const char *remedy, const char *fmt, ...);

/* The same from the library's reason; @what names whose memory or "" */
int fail_lib(const char *what);

/* Out of memory, wherever that happens */
int fail_nomem(void);

bool fail_happened(void);
const struct failure *fail_get(void);

/* Forget it: for what is reported at once and survived */
void fail_clear(void);

/*
 * Print the recorded failure, as a sentence on stderr or, with @json, as an
 * object {"error": {...}} on stdout. Returns the exit status that goes with it.
 */
int fail_report(const char *cmd, bool json);

/* {"error": {...}} of the recorded failure; NULL when memory runs out */
struct json_object *fail_to_json(void);

/*
 * The same of any record, recorded here or not: {...} alone, and the sentence.
 */
struct json_object *failure_json(const struct failure *f);
void failure_print(const struct failure *f, const char *cmd);
/* Fill one in from the library's reason */
void failure_from_lib(struct failure *f, const char *what);

#endif
