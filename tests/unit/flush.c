// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Flushing, as far as it goes without an RDMA device: arguments, what is
 * posted, and what is undone when a verb fails. The guest has the rest.
 */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

struct ibv_cq *__wrap_ibv_create_cq(struct ibv_context *context, int cqe,
				    void *cq_context,
				    struct ibv_comp_channel *channel, int vector);
int __wrap_ibv_destroy_cq(struct ibv_cq *cq);
int __wrap_ibv_query_port(struct ibv_context *context, uint8_t port_num,
			  struct _compat_ibv_port_attr *attr);
struct ibv_mr *__wrap_ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length,
				 int access);
int __wrap_ibv_dereg_mr(struct ibv_mr *mr);
struct ibv_qp *__wrap_ibv_create_qp(struct ibv_pd *pd,
				    struct ibv_qp_init_attr *attr);
int __wrap_ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask);
int __wrap_ibv_destroy_qp(struct ibv_qp *qp);

/* The verb that fails, counted from 0; how many objects there are */
static int fails_at, calls, objects;

static bool fails(void)
{
	return calls++ == fails_at;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool no_memory;

void *__wrap_calloc(size_t count, size_t size)
{
	errno = ENOMEM;
	return no_memory ? NULL : __real_calloc(count, size);
}

/* What polling finds: so many completions, or an error, or nothing */
static int completions;
static bool poll_fails;

static int poll_cq(struct ibv_cq *of, int entries, struct ibv_wc *wc)
{
	(void)of;
	(void)entries;
	if (poll_fails) {
		poll_fails = false;
		return -1;
	}
	if (!completions)
		return 0;
	completions--;
	*wc = (struct ibv_wc){ .status = IBV_WC_SUCCESS };
	return 1;
}

static struct ibv_device device = { .name = "rdma_test" };
static struct ibv_context verbs = { .device = &device, .ops.poll_cq = poll_cq };
static struct ibv_pd pd = { .context = &verbs };
static struct ibv_cq cq = { .context = &verbs };
static struct ibv_mr mr;
static struct ibv_qp qp = { .context = &verbs, .qp_num = 17 };

int __wrap_ibv_query_port(struct ibv_context *context, uint8_t port_num,
			  struct _compat_ibv_port_attr *attr)
{
	struct ibv_port_attr *real = (struct ibv_port_attr *)attr;

	(void)context;
	(void)port_num;
	real->link_layer = IBV_LINK_LAYER_INFINIBAND;
	real->lid = 5;
	return fails() ? EIO : 0;
}

struct ibv_cq *__wrap_ibv_create_cq(struct ibv_context *context, int cqe,
				    void *cq_context,
				    struct ibv_comp_channel *channel, int vector)
{
	(void)context;
	(void)cqe;
	(void)cq_context;
	(void)channel;
	(void)vector;
	errno = EIO;
	return fails() ? NULL : (objects++, &cq);
}

int __wrap_ibv_destroy_cq(struct ibv_cq *gone)
{
	(void)gone;
	objects--;
	return 0;
}

struct ibv_mr *__wrap_ibv_reg_mr(struct ibv_pd *in, void *addr, size_t length,
				 int access)
{
	(void)in;
	(void)addr;
	(void)length;
	(void)access;
	errno = EIO;
	return fails() ? NULL : (objects++, &mr);
}

int __wrap_ibv_dereg_mr(struct ibv_mr *gone)
{
	(void)gone;
	objects--;
	return 0;
}

struct ibv_qp *__wrap_ibv_create_qp(struct ibv_pd *in,
				    struct ibv_qp_init_attr *attr)
{
	(void)in;
	(void)attr;
	errno = EIO;
	return fails() ? NULL : (objects++, &qp);
}

int __wrap_ibv_modify_qp(struct ibv_qp *with, struct ibv_qp_attr *attr, int mask)
{
	(void)with;
	/* it is connected to itself */
	if (mask & IBV_QP_DEST_QPN)
		assert_int_equal(attr->dest_qp_num, 17);
	return fails() ? EIO : 0;
}

int __wrap_ibv_destroy_qp(struct ibv_qp *gone)
{
	(void)gone;
	objects--;
	return 0;
}

/* Each verb fails once: nothing is left, and the reason names it */
static void test_each_verb_fails(void **state)
{
	struct p2pmr_flush *flush = NULL;

	(void)state;
	for (fails_at = 0; !flush; fails_at++) {
		calls = 0;
		errno = 0;
		flush = p2pmr_flush_create(&pd, NULL);
		if (flush)
			break;
		assert_reason(P2PMR_REASON_SYSTEM, EIO);
		assert_contains(p2pmr_reason_text(), "rdma_test");
		assert_int_equal(objects, 0);
		assert_true(fails_at < 20);
	}
	/* query_port, create_cq, reg_mr, create_qp, modify_qp three times */
	assert_int_equal(fails_at, 7);
	assert_int_equal(objects, 3);
	assert_leaves_errno(p2pmr_flush_destroy(flush));
	assert_int_equal(objects, 0);
}

static void test_no_memory(void **state)
{
	(void)state;
	no_memory = true;
	assert_null(p2pmr_flush_create(&pd, NULL));
	assert_reason(P2PMR_REASON_OUT_OF_MEMORY, ENOMEM);
	no_memory = false;
	assert_int_equal(objects, 0);
}

static struct ibv_send_wr posted;
static struct ibv_sge posted_sge;
static int post_result;

static int post_send(struct ibv_qp *to, struct ibv_send_wr *wr,
		     struct ibv_send_wr **bad)
{
	(void)to;
	posted = *wr;
	posted_sge = *wr->sg_list;
	if (post_result)
		*bad = wr;
	errno = ENOMEM;
	return post_result;
}

static void test_post(void **state)
{
	struct ibv_sge scratch = { .addr = 0x1000, .length = 64, .lkey = 3 };

	(void)state;
	verbs.ops.post_send = post_send;
	post_result = 0;
	assert_leaves_errno(assert_int_equal(
		p2pmr_flush_post(&qp, 42, &scratch, 0x10000, 4096, 9), 0));
	assert_int_equal(posted.wr_id, 42);
	assert_int_equal(posted.opcode, IBV_WR_RDMA_READ);
	assert_int_equal(posted.send_flags, IBV_SEND_SIGNALED);
	assert_int_equal(posted.wr.rdma.remote_addr, 0x10fff);
	assert_int_equal(posted.wr.rdma.rkey, 9);
	assert_int_equal(posted_sge.addr, 0x1000);
	assert_int_equal(posted_sge.length, 1);
	assert_int_equal(posted_sge.lkey, 3);

	post_result = ENOMEM;
	assert_int_equal(p2pmr_flush_post(&qp, 1, &scratch, 0, 1, 9), -ENOMEM);
	assert_reason(P2PMR_REASON_SYSTEM, ENOMEM);
	post_result = -1;
	assert_int_equal(p2pmr_flush_post(&qp, 1, &scratch, 0, 1, 9), -ENOMEM);
	assert_reason(P2PMR_REASON_SYSTEM, ENOMEM);
}

/* ---- a flush, and what comes of it ------------------------------------------------ */

static time_t seconds;
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

/* It goes by in leaps, for who waits long */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	*now = (struct timespec){ .tv_sec = seconds++ };
	return 0;
}

static int answered_post_send(struct ibv_qp *to, struct ibv_send_wr *wr,
			      struct ibv_send_wr **bad)
{
	completions++;
	return post_send(to, wr, bad);
}

static struct p2pmr_flush *make_flush(void)
{
	struct p2pmr_flush *flush;

	calls = 0;
	fails_at = -1;
	post_result = 0;
	completions = 0;
	verbs.ops.post_send = answered_post_send;
	mr = (struct ibv_mr){ .addr = &mr, .length = sizeof(mr), .rkey = 9 };
	flush = p2pmr_flush_create(&pd, NULL);
	assert_non_null(flush);
	assert_leaves_errno(assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), 0));
	return flush;
}

/* Its answer comes after all, and is not taken for that of the next read */
static void test_poll_fails(void **state)
{
	struct p2pmr_flush *flush = make_flush();

	(void)state;
	poll_fails = true;
	assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), -EIO);
	assert_reason(P2PMR_REASON_SYSTEM, EIO);
	assert_contains(p2pmr_reason_text(), "ibv_poll_cq()");
	assert_int_equal(completions, 0);
	assert_int_equal(objects, 2);
	assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), 0);
	p2pmr_flush_destroy(flush);
	assert_int_equal(objects, 0);
}

/* A queue pair that could not be connected is not posted to */
static void test_cannot_connect_again(void **state)
{
	struct p2pmr_flush *flush = make_flush();
	int i;

	(void)state;
	poll_fails = true;
	assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), -EIO);
	/* create_qp works, modify_qp does not */
	for (i = 1; i <= 3; i++) {
		calls = 0;
		fails_at = i;
		posted.wr.rdma.rkey = 0;
		assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), -EIO);
		assert_contains(p2pmr_reason_text(), "ibv_modify_qp()");
		assert_int_equal(posted.wr.rdma.rkey, 0);
		assert_int_equal(objects, 2);
	}
	fails_at = -1;
	assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), 0);
	p2pmr_flush_destroy(flush);
	assert_int_equal(objects, 0);
}

/* A device that has been removed */
static void test_no_answer(void **state)
{
	struct p2pmr_flush *flush = make_flush();

	(void)state;
	verbs.ops.post_send = post_send;
	assert_int_equal(p2pmr_flush(flush, &mr, &mr, 1), -EIO);
	assert_reason(P2PMR_REASON_FLUSH_FAILED, EIO);
	assert_contains(p2pmr_reason_text(), "answered nothing");
	assert_int_equal(objects, 2);
	p2pmr_flush_destroy(flush);
	assert_int_equal(objects, 0);
}

static void test_bad_arguments(void **state)
{
	const struct p2pmr_flush_opts old = { .sz = sizeof(size_t) };
	struct ibv_sge scratch = { .length = 1 }, empty = { .length = 0 };

	(void)state;
	assert_null(p2pmr_flush_create(NULL, NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_null(p2pmr_flush_create(&pd, &old));
	assert_reason(P2PMR_REASON_BAD_OPTIONS, EINVAL);
	assert_int_equal(p2pmr_flush(NULL, &mr, &mr, 1), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_flush_post(NULL, 0, &scratch, 0, 1, 0), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_flush_post(&qp, 0, NULL, 0, 1, 0), -EINVAL);
	assert_int_equal(p2pmr_flush_post(&qp, 0, &empty, 0, 1, 0), -EINVAL);
	assert_int_equal(p2pmr_flush_post(&qp, 0, &scratch, 0, 0, 0), -EINVAL);
	assert_int_equal(p2pmr_flush_post(&qp, 0, &scratch, UINT64_MAX, 2, 0), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_leaves_errno(p2pmr_flush_destroy(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_verb_fails),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_poll_fails),
		cmocka_unit_test(test_cannot_connect_again),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
