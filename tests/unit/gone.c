// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The provider has left, and then comes every call that the library has: each
 * one succeeds, or fails as it is said to. Twice: when nobody has told the
 * library, and when somebody has read the event. The memory is gone as well: who
 * touches it gets a SIGBUS, and regions on it cannot be registered.
 */
#include "tree.h"
#include "verbs.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake/fake.h"

#define ADDRESS "0000:01:00.0"
#define FOLDER "bus/pci/devices/" ADDRESS
#define SIZE 65536

struct ibv_cq *__wrap_ibv_create_cq(struct ibv_context *context, int cqe,
				    void *cq_context,
				    struct ibv_comp_channel *channel, int vector);
int __wrap_ibv_destroy_cq(struct ibv_cq *cq);
int __wrap_ibv_query_port(struct ibv_context *context, uint8_t port_num,
			  struct _compat_ibv_port_attr *attr);
struct ibv_mr *__wrap_ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length,
				 int access);
struct ibv_qp *__wrap_ibv_create_qp(struct ibv_pd *pd,
				    struct ibv_qp_init_attr *attr);
int __wrap_ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask);
int __wrap_ibv_destroy_qp(struct ibv_qp *qp);

/* --- an RDMA device whose read of the memory is denied -------------------- */

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		     struct ibv_send_wr **bad)
{
	(void)qp;
	(void)wr;
	(void)bad;
	return 0;
}

static int reads_left;

static int poll_cq(struct ibv_cq *cq, int entries, struct ibv_wc *wc)
{
	(void)cq;
	(void)entries;
	wc->status = IBV_WC_REM_ACCESS_ERR;
	return reads_left ? reads_left-- : 0;
}

static struct ibv_device device = { .name = "rxe0" };
static struct ibv_context verbs = {
	.device = &device,
	.ops = { .post_send = post_send, .poll_cq = poll_cq },
};
static struct ibv_pd pd = { .context = &verbs };
static struct ibv_cq cq = { .context = &verbs };
static struct ibv_mr scratch_mr;
static struct ibv_qp qp = { .context = &verbs };

int __wrap_ibv_query_port(struct ibv_context *context, uint8_t port_num,
			  struct _compat_ibv_port_attr *attr)
{
	struct ibv_port_attr *real = (struct ibv_port_attr *)attr;

	(void)context;
	(void)port_num;
	real->link_layer = IBV_LINK_LAYER_INFINIBAND;
	real->lid = 1;
	return 0;
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
	return &cq;
}

int __wrap_ibv_destroy_cq(struct ibv_cq *gone)
{
	return gone != &cq;
}

struct ibv_mr *__wrap_ibv_reg_mr(struct ibv_pd *in, void *addr, size_t length,
				 int access)
{
	struct ibv_mr *mr = malloc(sizeof(*mr));

	(void)access;
	assert_non_null(mr);
	*mr = scratch_mr;
	mr->pd = in;
	mr->addr = addr;
	mr->length = length;
	/* verbs.c frees it */
	atomic_fetch_add(&verbs_live, 1);
	return mr;
}

struct ibv_qp *__wrap_ibv_create_qp(struct ibv_pd *in,
				    struct ibv_qp_init_attr *attr)
{
	(void)in;
	(void)attr;
	return &qp;
}

int __wrap_ibv_modify_qp(struct ibv_qp *with, struct ibv_qp_attr *attr, int mask)
{
	(void)with;
	(void)attr;
	(void)mask;
	return 0;
}

int __wrap_ibv_destroy_qp(struct ibv_qp *gone)
{
	return gone != &qp;
}

/* --- what there is when it leaves ----------------------------------------- */

static struct tree tree;
static struct p2pmr_fake fake;
static struct p2pmr_context *ctx;
static struct p2pmr_provider *provider;
static struct p2pmr_buf *buf;
static struct p2pmr_arena *arena;
static void *piece;
static struct ibv_mr *mr;
static struct p2pmr_cache *cache;
static struct ibv_mr *cached;
static struct p2pmr_flush *flush;
static struct p2pmr_path *path;
static enum p2pmr_path_kind kind;
static struct p2pmr_choice *choice;

static void setup(void)
{
	verbs_reset();
	tree_make(&tree);
	tree_folder(&tree, FOLDER);
	tree_folder(&tree, "class/infiniband/rxe0");
	ctx = tree_open(&tree);
	fake = (struct p2pmr_fake){ .size = 2 * SIZE, .available = 2 * SIZE };
	assert_int_equal(p2pmr_fake_add(ctx, ADDRESS, &fake), 0);
	provider = p2pmr_provider_find(ctx, ADDRESS);
	buf = p2pmr_buf_alloc(provider, SIZE);
	assert_non_null(buf);
	arena = p2pmr_arena_create(buf, NULL);
	assert_non_null(arena);
	piece = p2pmr_arena_alloc(arena, 100, 0);
	assert_non_null(piece);
	mr = p2pmr_reg_mr(&pd, buf, ACCESS, NULL);
	assert_non_null(mr);
	cache = p2pmr_cache_create(NULL);
	assert_non_null(cache);
	cached = p2pmr_cache_get(cache, &pd, buf, 0, SIZE, ACCESS, NULL);
	assert_non_null(cached);
	flush = p2pmr_flush_create(&pd, NULL);
	assert_non_null(flush);
	path = p2pmr_path_query_name(provider, "rxe0");
	assert_non_null(path);
	kind = p2pmr_path_kind(path);
	choice = p2pmr_choice_make(ctx, &device, 4096, NULL);
	assert_non_null(choice);
	assert_int_equal(p2pmr_choice_count(choice), 1);
}

/* Also after whatever a row has done */
static void teardown(void)
{
	p2pmr_choice_free(choice);
	p2pmr_path_free(path);
	p2pmr_flush_destroy(flush);
	if (cached)
		assert_int_equal(p2pmr_cache_put(cache, cached), 0);
	p2pmr_cache_destroy(cache);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(atomic_load(&verbs_live), 0);
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	p2pmr_close(ctx);
	tree_destroy(&tree);
}

/* As the kernel does it: a mapping of nothing, and what is pinned next fails. */
static void leave(bool told)
{
	const struct p2pmr_uevent uevent = {
		"unbind", "pci", "/devices/pci0000:00/" ADDRESS,
	};
	struct p2pmr_event event;
	int file = memfd_create("gone", MFD_CLOEXEC);

	assert_true(file >= 0);
	assert_ptr_equal(mmap(p2pmr_buf_addr(buf), SIZE,
			      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			      file, 0), p2pmr_buf_addr(buf));
	close(file);
	fake.gone = true;
	verbs_errno = EFAULT;
	reads_left = 1;
	tree_remove(&tree, FOLDER);
	if (!told)
		return;
	assert_true(p2pmr_event_from_uevent(ctx, &uevent, &event));
	assert_int_equal(event.kind, P2PMR_EVENT_LEFT);
	assert_ptr_equal(event.provider, provider);
	p2pmr_provider_left(event.provider);
}

/* --- the calls: 0 or a negative errno -------------------------------------- */

static int result(const void *good)
{
	return good ? 0 : -errno;
}

static int call_find(void)
{
	return result(p2pmr_provider_find(ctx, ADDRESS));
}

static int call_next(void)
{
	return result(p2pmr_provider_next(ctx, NULL));
}

static int call_getters(void)
{
	assert_string_equal(p2pmr_provider_name(provider), ADDRESS);
	assert_string_equal(p2pmr_provider_type(provider), "fake");
	assert_string_equal(p2pmr_provider_pci_address(provider), ADDRESS);
	p2pmr_provider_pci_path(provider);
	p2pmr_provider_driver(provider);
	assert_int_equal(p2pmr_provider_numa_node(provider), -1);
	assert_true(p2pmr_provider_is_peer(provider));
	assert_ptr_equal(p2pmr_buf_provider(buf), provider);
	assert_int_equal(p2pmr_buf_size(buf), SIZE);
	assert_non_null(p2pmr_buf_addr(buf));
	return 0;
}

static int call_space(void)
{
	struct p2pmr_provider_space space;

	return p2pmr_provider_space(provider, &space);
}

static int call_nvme_info(void)
{
	struct p2pmr_nvme_info info = { .sz = sizeof(info) };

	return p2pmr_provider_nvme_info(provider, &info);
}

static int call_nvme_namespaces(void)
{
	char **names = p2pmr_provider_nvme_namespaces(provider);
	int ret = result(names);

	free(names);
	return ret;
}

static int call_buf_alloc(void)
{
	return result(p2pmr_buf_alloc(provider, 4096));
}

static int call_buf_alloc_opts(void)
{
	return result(p2pmr_buf_alloc_opts(provider, 4096,
					   P2PMR_OPTS(p2pmr_buf_opts)));
}

static int call_buf_alloc_for(void)
{
	return result(p2pmr_buf_alloc_for(ctx, &device, 4096, NULL));
}

static int call_buf_alloc_for_host(void)
{
	struct p2pmr_buf *host =
		p2pmr_buf_alloc_for(ctx, &device, 4096,
				    P2PMR_OPTS(p2pmr_choice_opts,
					       .flags = P2PMR_CHOICE_HOST));
	int ret = result(host);

	if (host)
		assert_false(p2pmr_provider_is_peer(p2pmr_buf_provider(host)));
	assert_int_equal(p2pmr_context_fallbacks(ctx), 1);
	p2pmr_buf_free(host);
	return ret;
}

static int call_buf_free(void)
{
	p2pmr_cache_put(cache, cached);
	p2pmr_arena_destroy(arena);
	p2pmr_buf_free(buf);
	cached = NULL;
	arena = NULL;
	buf = NULL;
	return 0;
}

static char bytes[256];

static int call_buf_write(void)
{
	return p2pmr_buf_write(buf, 0, bytes, sizeof(bytes));
}

static int call_buf_read(void)
{
	return p2pmr_buf_read(buf, 0, bytes, sizeof(bytes));
}

static int call_buf_fill(void)
{
	return p2pmr_buf_fill(buf, 0, 0x55, SIZE);
}

static int call_buf_compare(void)
{
	size_t differs;

	return p2pmr_buf_compare(buf, 0, bytes, sizeof(bytes), &differs);
}

static int call_choice_make(void)
{
	struct p2pmr_choice *now = p2pmr_choice_make(ctx, &device, 4096, NULL);
	int ret = result(now);

	if (now)
		assert_int_equal(p2pmr_choice_count(now), 0);
	p2pmr_choice_free(now);
	return ret;
}

/* One that was made before is as it was. */
static int call_choice_getters(void)
{
	assert_int_equal(p2pmr_choice_count(choice), 1);
	assert_ptr_equal(p2pmr_choice_provider(choice, 0), provider);
	p2pmr_choice_kind(choice, 0);
	return 0;
}

static int call_path_query(void)
{
	return result(p2pmr_path_query(provider, &device));
}

static int call_path_query_name(void)
{
	return result(p2pmr_path_query_name(provider, "rxe0"));
}

/* Likewise */
static int call_path_getters(void)
{
	assert_int_equal(p2pmr_path_kind(path), kind);
	assert_sentence(p2pmr_path_explanation(path));
	p2pmr_path_remedy(path);
	p2pmr_path_distance(path);
	p2pmr_path_bridge_allowed(path);
	p2pmr_path_peer_mr(path);
	p2pmr_path_peer_atomic(path);
	for (unsigned int i = 0; i <= p2pmr_path_hops(path); i++) {
		p2pmr_path_hop_address(path, i);
		p2pmr_path_hop_side(path, i);
		p2pmr_path_hop_acs(path, i);
	}
	p2pmr_path_iommu(path, P2PMR_PATH_SIDE_PROVIDER);
	p2pmr_path_host_bridge(path, P2PMR_PATH_SIDE_PROVIDER);
	return 0;
}

static int call_reg_mr(void)
{
	enum p2pmr_route route;
	int ret = result(p2pmr_reg_mr(&pd, buf, ACCESS, &route));

	assert_int_equal(route, P2PMR_ROUTE_NONE);
	return ret;
}

static int call_reg_addr(void)
{
	return result(p2pmr_reg_addr(&pd, p2pmr_buf_addr(buf), SIZE, ACCESS,
				     NULL));
}

static int call_dereg_mr(void)
{
	int ret = ibv_dereg_mr(mr);

	verbs_errno = 0;
	mr = ibv_reg_mr(&pd, bytes, sizeof(bytes), ACCESS);
	return ret;
}

static int call_cache_get(void)
{
	struct ibv_mr *again = p2pmr_cache_get(cache, &pd, buf, 0, SIZE, ACCESS,
					       NULL);
	int ret = result(again);

	if (again)
		assert_int_equal(p2pmr_cache_put(cache, again), 0);
	return ret;
}

static int call_cache_get_other(void)
{
	return result(p2pmr_cache_get(cache, &pd, buf, 0, 4096, ACCESS, NULL));
}

static int call_cache_put(void)
{
	int ret = p2pmr_cache_put(cache, cached);

	cached = NULL;
	return ret;
}

static int call_cache_invalidate(void)
{
	return p2pmr_cache_invalidate(cache, cached);
}

static int call_cache_forget_pd(void)
{
	call_cache_put();
	return p2pmr_cache_forget_pd(cache, &pd);
}

static int call_cache_stats(void)
{
	struct p2pmr_cache_stats stats;

	return p2pmr_cache_stats(cache, &stats);
}

static int call_cache_destroy(void)
{
	call_cache_put();
	p2pmr_cache_destroy(cache);
	cache = NULL;
	return 0;
}

static int call_flush(void)
{
	return p2pmr_flush(flush, mr, p2pmr_buf_addr(buf), SIZE);
}

/* Its completion has the error. */
static int call_flush_post(void)
{
	struct ibv_sge scratch = { .addr = (uintptr_t)bytes, .length = 1 };

	return p2pmr_flush_post(&qp, 1, &scratch,
				(uintptr_t)p2pmr_buf_addr(buf), SIZE, 1);
}

static int call_flush_create(void)
{
	struct p2pmr_flush *other = p2pmr_flush_create(&pd, NULL);
	int ret = result(other);

	p2pmr_flush_destroy(other);
	return ret;
}

static int call_arena_create(void)
{
	struct p2pmr_arena *other = p2pmr_arena_create(buf, NULL);
	int ret = result(other);

	p2pmr_arena_destroy(other);
	return ret;
}

static int call_arena_alloc(void)
{
	return result(p2pmr_arena_alloc(arena, 4096, 4096));
}

static int call_arena_free(void)
{
	return p2pmr_arena_free(arena, piece);
}

static int call_arena_size_of(void)
{
	assert_int_equal(p2pmr_arena_size_of(arena, piece), 128);
	return 0;
}

static int call_arena_stats(void)
{
	struct p2pmr_arena_stats stats;

	return p2pmr_arena_stats(arena, &stats);
}

static int call_events(void)
{
	struct p2pmr_events *events = p2pmr_events_open(ctx);
	struct p2pmr_event event;
	int ret = result(events);

	if (!events)
		return ret;
	assert_true(p2pmr_events_fd(events) >= 0);
	/* whatever else happens on this machine meanwhile is of nobody here */
	ret = p2pmr_events_next(events, &event);
	assert_true(ret == -EAGAIN || !ret);
	p2pmr_events_close(events);
	return 0;
}

/* Buffers keep it, and the provider with it. */
static int call_close(void)
{
	p2pmr_close(ctx);
	ctx = NULL;
	assert_string_equal(p2pmr_provider_name(p2pmr_buf_provider(buf)),
			    ADDRESS);
	return call_space();
}

/**
 * struct row - one call
 * @name: its name
 * @call: makes it
 * @err: what it fails with, positive, before the library was told
 * @code: the reason
 * @told_err: likewise, when it was
 * @told_code: likewise
 * @touches: the CPU touches the memory, which before that is a SIGBUS
 */
struct row {
	const char *name;
	int (*call)(void);
	int err;
	enum p2pmr_reason code;
	int told_err;
	enum p2pmr_reason told_code;
	bool touches;
};

#define CALL(what) .name = #what, .call = call_##what
#define FAILS(errno_, reason_) \
	.err = errno_, .code = P2PMR_REASON_##reason_, \
	.told_err = errno_, .told_code = P2PMR_REASON_##reason_
#define GONE FAILS(ENODEV, PROVIDER_GONE)
#define TOLD .told_err = ENODEV, .told_code = P2PMR_REASON_PROVIDER_GONE

static const struct row rows[] = {
	{ CALL(find) },
	{ CALL(next) },
	{ CALL(getters) },
	{ CALL(space), GONE },
	{ CALL(nvme_info), FAILS(EOPNOTSUPP, NOT_NVME) },
	{ CALL(nvme_namespaces), FAILS(EOPNOTSUPP, NOT_NVME) },
	{ CALL(buf_alloc), GONE },
	{ CALL(buf_alloc_opts), GONE },
	{ CALL(buf_alloc_for), FAILS(ENODEV, NO_CHOICE) },
	{ CALL(buf_alloc_for_host) },
	{ CALL(buf_write), TOLD, .touches = true },
	{ CALL(buf_read), TOLD, .touches = true },
	{ CALL(buf_fill), TOLD, .touches = true },
	{ CALL(buf_compare), TOLD, .touches = true },
	{ CALL(buf_free) },
	{ CALL(choice_make) },
	{ CALL(choice_getters) },
	{ CALL(path_query), GONE },
	{ CALL(path_query_name), GONE },
	{ CALL(path_getters) },
	{ CALL(reg_mr), GONE },
	/* An address alone is not known to be of a fake provider. */
	{ CALL(reg_addr), FAILS(EFAULT, SYSTEM) },
	{ CALL(dereg_mr) },
	/* A hit, as long as nobody knows better */
	{ CALL(cache_get), TOLD },
	{ CALL(cache_get_other), GONE },
	{ CALL(cache_put) },
	{ CALL(cache_invalidate) },
	{ CALL(cache_forget_pd) },
	{ CALL(cache_stats) },
	{ CALL(cache_destroy) },
	{ CALL(flush_create) },
	{ CALL(flush), FAILS(EIO, FLUSH_FAILED) },
	{ CALL(flush_post) },
	{ CALL(arena_create) },
	{ CALL(arena_alloc) },
	{ CALL(arena_free) },
	{ CALL(arena_size_of) },
	{ CALL(arena_stats) },
	{ CALL(events) },
	{ CALL(close), GONE },
};

static void run_rows(bool told)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = told ? rows[i].told_err : rows[i].err;
		int ret;

		if (rows[i].touches && !told)
			continue;
		setup();
		leave(told);
		assert_int_equal(p2pmr_buf_is_revoked(buf), told);
		ret = rows[i].call();
		if (ret != -err)
			fail_msg("%s: %d instead of %d: %s", rows[i].name, ret,
				 -err, p2pmr_reason_text());
		if (err)
			assert_reason(told ? rows[i].told_code : rows[i].code,
				      err);
		teardown();
	}
}

static void test_untold(void **state)
{
	(void)state;
	run_rows(false);
}

static void test_told(void **state)
{
	(void)state;
	run_rows(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untold),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
