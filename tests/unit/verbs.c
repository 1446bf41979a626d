// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "verbs.h"

#include <stdlib.h>

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access);
int __wrap_ibv_dereg_mr(struct ibv_mr *mr);

static struct ibv_device device = { .name = "rdma_test" };
static struct ibv_context context = { .device = &device };

struct ibv_pd verbs_pd[2] = { { .context = &context }, { .context = &context } };
atomic_int verbs_registered, verbs_live;
int verbs_limit = -1, verbs_errno;
void (*verbs_on_register)(void);

void verbs_reset(void)
{
	atomic_store(&verbs_registered, 0);
	atomic_store(&verbs_live, 0);
	verbs_limit = -1;
	verbs_errno = 0;
	verbs_on_register = NULL;
}

struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr,
				       size_t length, uint64_t iova,
				       unsigned int access)
{
	struct ibv_mr *mr = NULL;
	int err = verbs_errno;

	(void)access;
	assert_true(iova == (uintptr_t)addr);
	if (verbs_on_register)
		verbs_on_register();
	if (!err && verbs_limit >= 0 && atomic_load(&verbs_live) >= verbs_limit)
		err = ENOMEM;
	if (!err)
		mr = malloc(sizeof(*mr));
	if (!mr) {
		errno = err ? err : ENOMEM;
		return NULL;
	}
	*mr = (struct ibv_mr){ .pd = pd, .addr = addr, .length = length };
	atomic_fetch_add(&verbs_registered, 1);
	atomic_fetch_add(&verbs_live, 1);
	errno = EXDEV;
	return mr;
}

int __wrap_ibv_dereg_mr(struct ibv_mr *mr)
{
	/* Who still uses it finds that it is of no protection domain. */
	mr->pd = NULL;
	free(mr);
	atomic_fetch_sub(&verbs_live, 1);
	errno = EXDEV;
	return 0;
}
