/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_CHOICE_H
#define P2PMR_CHOICE_H

#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include <p2pmr/buffer.h>
#include <p2pmr/path.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Which provider for this RDMA device? Those that it can reach and that have
 * enough memory left, best first:
 *
 * 1. by the kind of path: bus, bridge, cpu, and then unknown, which a
 *    registration has to confirm; never none
 * 2. the shorter distance
 * 3. on the RDMA device's own NUMA node
 * 4. more memory available
 * 5. the lower PCI address
 *
 * Host memory comes last, and only if the caller allows it.
 */
struct p2pmr_choice;

/**
 * struct p2pmr_choice_opts - options of p2pmr_choice_make() and p2pmr_buf_alloc_for()
 * @sz: sizeof(struct p2pmr_choice_opts)
 * @flags: P2PMR_CHOICE_HOST or 0
 */
struct p2pmr_choice_opts {
	size_t sz;
	uint64_t flags;
};

/* Host memory will do when there is no peer memory to be had */
#define P2PMR_CHOICE_HOST UINT64_C(1)

/**
 * p2pmr_choice_make() - the providers for an RDMA device, best first
 * @ctx: the context
 * @device: the RDMA device
 * @size_bytes: how much memory is wanted; at least 1
 * @opts: options, or NULL
 *
 * What it says holds for the moment: others allocate at the same time.
 *
 * Thread-safety: any thread.
 *
 * Return: the choice, which may be empty, or NULL with errno EINVAL, ENOMEM, or
 * ENODEV (reason NO_RDMA_DEVICE: @device has left).
 */
struct p2pmr_choice *p2pmr_choice_make(struct p2pmr_context *ctx,
				       struct ibv_device *device,
				       size_t size_bytes,
				       const struct p2pmr_choice_opts *opts);

/**
 * p2pmr_choice_free() - free a choice
 * @choice: the choice, or NULL
 */
void p2pmr_choice_free(struct p2pmr_choice *choice);

/**
 * p2pmr_choice_count() - how many there are
 * @choice: the choice
 *
 * Return: their number; 0 when no provider will do.
 */
size_t p2pmr_choice_count(const struct p2pmr_choice *choice);

/**
 * p2pmr_choice_provider() - one of them
 * @choice: the choice
 * @rank: 0 for the best
 *
 * Return: the provider, NULL when @rank is not below p2pmr_choice_count().
 */
struct p2pmr_provider *p2pmr_choice_provider(const struct p2pmr_choice *choice,
					     size_t rank);

/**
 * p2pmr_choice_kind() - by what kind of path it is reached
 * @choice: the choice
 * @rank: 0 for the best
 *
 * Return: the kind; P2PMR_PATH_CPU for host memory; P2PMR_PATH_NONE when
 * @rank is not below p2pmr_choice_count().
 */
enum p2pmr_path_kind p2pmr_choice_kind(const struct p2pmr_choice *choice,
				       size_t rank);

/**
 * p2pmr_buf_alloc_for() - allocate from the best provider for an RDMA device
 * @ctx: the context
 * @device: the RDMA device
 * @size_bytes: how much; at least 1, rounded up to whole pages
 * @opts: options, or NULL
 *
 * Tries the providers of p2pmr_choice_make() one after the other. Ask
 * p2pmr_buf_provider() which it was; host memory, which it takes only with
 * P2PMR_CHOICE_HOST, is counted by p2pmr_context_fallbacks().
 *
 * Thread-safety: any thread.
 *
 * Return: the buffer, or NULL with errno and the reason for which the best
 * provider would not do; or NULL with errno ENODEV (NO_CHOICE) when there is
 * none that the device can reach and that is large enough.
 */
struct p2pmr_buf *p2pmr_buf_alloc_for(struct p2pmr_context *ctx,
				      struct ibv_device *device,
				      size_t size_bytes,
				      const struct p2pmr_choice_opts *opts);

/**
 * p2pmr_context_fallbacks() - how often host memory had to do
 * @ctx: the context
 *
 * Thread-safety: any thread.
 *
 * Return: how many calls of p2pmr_buf_alloc_for() gave host memory.
 */
uint64_t p2pmr_context_fallbacks(const struct p2pmr_context *ctx);

#ifdef __cplusplus
}
#endif

#endif
