// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The receiver of a copy, fed by hand: how much of a file does it keep as good when
 * the other end is gone? Wire, drive and control connection are this file's. With
 * real ones, the moment that this is about is too short to be hit: the sender's drive
 * has gone, what was in its memory is on the wire as all ones, and nobody has said so.
 */
#include <endian.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/copy_direct.h"
#include "../../tools/copy_partial.h"
#include "../../tools/copy_recv.h"

/* Last: it has a macro of its own that is called fail() */
#include <cmocka.h>

#define CHUNK COPY_CHUNK_MIN
#define SLOTS 2
#define ID 7

static uint8_t memory[SLOTS * CHUNK];
static struct copy_opts opts;
static struct copy copy;
static struct receiver receiver;
static const struct copy_engine_ops *ops;
/* What the other end does before it is gone */
static void (*other_end)(void);
static bool drive_is_there;
/* What was noted down last */
static uint64_t marked;

/* ---- this end's surroundings ---- */

int copy_engine_run(struct copy *c, const struct copy_engine_ops *the_ops,
		    void *end)
{
	(void)c;
	(void)end;
	ops = the_ops;
	other_end();
	return -1;
}

void copy_engine_close(struct copy *c)
{
	(void)c;
}

struct io_uring_sqe *copy_engine_sqe(struct copy *c)
{
	static struct io_uring_sqe sqe;

	(void)c;
	return &sqe;
}

uint8_t *copy_engine_bounce(struct copy *c, uint32_t slot)
{
	(void)c;
	return memory + slot * CHUNK;
}

int copy_engine_sum(struct copy *c, uint32_t slot, const uint8_t *data,
		    uint32_t len, uint64_t offset, uint64_t *sum)
{
	(void)c;
	(void)slot;
	(void)data;
	(void)len;
	(void)offset;
	*sum = 0;
	return 0;
}

int copy_engine_gone(const struct copy *c)
{
	(void)c;
	return -1;
}

int copy_engine_stay_in_touch(struct copy *c)
{
	(void)c;
	return 0;
}

bool copy_staging_is_there(const struct copy_staging *st)
{
	(void)st;
	return drive_is_there;
}

int copy_rdma_tell(struct copy_rdma *rdma, uint64_t wr_id, uint32_t imm)
{
	(void)rdma;
	(void)wr_id;
	(void)imm;
	return 0;
}

int copy_rdma_post_recv(struct copy_rdma *rdma)
{
	(void)rdma;
	return 0;
}

int copy_ctl_send(struct copy_ctl *ctl, const struct copy_msg *msg)
{
	(void)ctl;
	(void)msg;
	return 0;
}

int copy_ctl_unexpected(const struct copy_ctl *ctl, const char *what)
{
	(void)ctl;
	fail_msg("unexpected: %s", what);
	return -1;
}

const char *copy_msg_name(enum copy_msg_type type)
{
	(void)type;
	return "";
}

int fail_lib(const char *prefix)
{
	(void)prefix;
	return -1;
}

void copy_failure(struct failure *f, const char *reason, int err,
		  const char *remedy, const char *fmt, ...)
{
	(void)f;
	(void)remedy;
	(void)fmt;
	fail_msg("%s, errno %d", reason, err);
}

void copy_file_copied(struct copy *c, const char *name, enum copy_kind kind,
		      uint64_t size)
{
	(void)c;
	(void)name;
	(void)kind;
	(void)size;
}

void copy_file_failed(struct copy *c, const struct failure *why)
{
	(void)c;
	(void)why;
}

void copy_count_refused(struct copy *c, const char *name, int err)
{
	(void)c;
	(void)name;
	(void)err;
}

void copy_count_hole(struct copy *c, uint64_t bytes)
{
	(void)c;
	(void)bytes;
}

void copy_count_cpu(struct copy_stats *stats)
{
	(void)stats;
}

int copy_direct_without(int fd, int flags)
{
	(void)flags;
	return dup(fd);
}

bool copy_direct_refused(int err)
{
	(void)err;
	return false;
}

int copy_partial_mark(int fd, const struct copy_file *meta, uint64_t done)
{
	assert_true(fd >= 0);
	assert_int_equal(meta->id, ID);
	marked = done;
	return 0;
}

int copy_partial_clear(int fd)
{
	(void)fd;
	return 0;
}

int recv_file_attributes(const struct receiver *r,
			 const struct recv_file *file, int fd)
{
	(void)r;
	(void)file;
	(void)fd;
	return 0;
}

int recv_file_begin(struct receiver *r, const struct copy_file *meta)
{
	struct recv_file *file = &r->files[0];

	*file = (struct recv_file){
		.used = true,
		.direct = true,
		.partial = true,
		.fd = memfd_create("part", 0),
		.buffered = -1,
		.parent = -1,
		.meta = *meta,
		.temporary = "part",
		.name = "file",
	};
	assert_true(file->fd >= 0);
	r->n_files = 1;
	return 0;
}

/* ---- what the other end says, and the drive ---- */

static void begin_file(void)
{
	struct copy_msg msg = {
		.type = COPY_FILE,
		.u.file = { .id = ID, .size = 16 * CHUNK },
	};

	assert_int_equal(ops->message(&receiver, &msg), 0);
}

static void announce(uint64_t first, uint64_t chunks)
{
	struct copy_msg msg = {
		.type = COPY_EXTENT,
		.u.extent = { ID, first * CHUNK, chunks * CHUNK },
	};

	assert_int_equal(ops->message(&receiver, &msg), 0);
}

static void arrives(uint32_t slot, uint32_t flags)
{
	struct ibv_wc wc = {
		.opcode = IBV_WC_RECV_RDMA_WITH_IMM,
		.imm_data = htobe32(slot | flags),
	};

	assert_int_equal(ops->completion(&receiver, &wc), 0);
	assert_int_equal(ops->step(&receiver), 0);
}

static void is_written(uint32_t slot)
{
	assert_int_equal(ops->io(&receiver, slot, CHUNK), 0);
	assert_int_equal(ops->step(&receiver), 0);
}

/* ---- tests ---- */

static uint64_t kept_of(void (*what_happens)(void))
{
	memset(&copy, 0, sizeof(copy));
	memset(&receiver, 0, sizeof(receiver));
	copy.opts = &opts;
	copy.chunk_bytes = CHUNK;
	copy.slots = SLOTS;
	copy.staging.addr = memory;
	copy.staging.chunk_bytes = CHUNK;
	copy.staging.is_peer = true;
	receiver.copy = &copy;
	receiver.dest.device = -1;
	other_end = what_happens;
	drive_is_there = true;
	marked = 0;
	assert_int_equal(copy_receive_run(&receiver), -1);
	return marked / CHUNK;
}

static void two_are_written(void)
{
	begin_file();
	announce(0, 2);
	arrives(0, 0);
	arrives(1, 0);
	is_written(0);
	is_written(1);
}

/* That a chunk arrived says nothing: the next one in its slot says it was good */
static void test_unconfirmed(void **state)
{
	(void)state;
	assert_int_equal(kept_of(two_are_written), 0);
}

static void first_is_confirmed(void)
{
	two_are_written();
	announce(2, 1);
	arrives(0, 0);
}

static void test_confirmed(void **state)
{
	(void)state;
	assert_int_equal(kept_of(first_is_confirmed), 1);
}

static void both_are_confirmed(void)
{
	first_is_confirmed();
	announce(3, 1);
	arrives(1, 0);
	/* The drive is done with them in another order */
	is_written(1);
	is_written(0);
}

static void test_both(void **state)
{
	(void)state;
	assert_int_equal(kept_of(both_are_confirmed), 2);
}

static void second_is_void(void)
{
	first_is_confirmed();
	announce(3, 1);
	arrives(1, COPY_IMM_VOID);
}

/* The sender has given the file up: it is not known from where on it is bad */
static void test_void(void **state)
{
	(void)state;
	assert_int_equal(kept_of(second_is_void), 0);
}

static void own_drive_leaves(void)
{
	both_are_confirmed();
	drive_is_there = false;
}

/* What was read from this end's memory then may have been all ones as well */
static void test_own_drive(void **state)
{
	(void)state;
	assert_int_equal(kept_of(own_drive_leaves), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unconfirmed),
		cmocka_unit_test(test_confirmed),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_void),
		cmocka_unit_test(test_own_drive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
