// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Buffers: memory of a provider, mapped. */
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* One a nanosecond lasts for 584 years. */
static atomic_uint_least64_t generations;

static int fail_too_large(const struct p2pmr_provider *provider,
			  size_t size_bytes, uint64_t all)
{
	return p2pmr_fail(P2PMR_REASON_TOO_LARGE, ENOMEM,
			  "Ask for less, or take a larger provider.",
			  "%zu bytes were asked for, but %s has only %" PRIu64
			  " bytes in all.", size_bytes, provider->name, all);
}

/* The provider has no such piece: say which of the ways that is. */
static int fail_no_space(const struct p2pmr_provider *provider, size_t size)
{
	struct p2pmr_provider_space space;
	int ret = provider->ops->space(provider, &space);

	if (ret)
		return ret;
	if (size > space.size_bytes)
		return fail_too_large(provider, size, space.size_bytes);
	if (size > space.available_bytes)
		return p2pmr_fail(P2PMR_REASON_POOL_EXHAUSTED, ENOMEM,
				  "Free buffers and their memory regions, here or in other processes, or ask for less.",
				  "%zu bytes were asked for, but only %" PRIu64
				  " of the %" PRIu64 " bytes of %s are available.",
				  size, space.available_bytes,
				  space.size_bytes, provider->name);
	return p2pmr_fail(P2PMR_REASON_POOL_EXHAUSTED, ENOMEM,
			  "Ask for smaller pieces, free other buffers of this provider, or raise RLIMIT_AS or vm.max_map_count if the process uses them up.",
			  "%zu bytes were asked for; %s has %" PRIu64
			  " bytes available, but not in one piece, or the process may map no more.",
			  size, provider->name, space.available_bytes);
}

static int check_huge(const struct p2pmr_provider *provider, size_t page)
{
	if (page & (page - 1))
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Use a size that /sys/kernel/mm/hugepages has, in bytes, or 0.",
				  "The option huge_page_bytes is %zu, which is no power of two.",
				  page);
	if (!provider->ops->map_huge)
		return p2pmr_fail(P2PMR_REASON_NO_HUGE_PAGES, EINVAL,
				  "Leave the option huge_page_bytes at 0 for peer memory.",
				  "Huge pages were asked for of %s, but only the provider \"host\" has them: the kernel maps peer memory in ordinary pages.",
				  provider->name);
	return 0;
}

static int check_dmabuf(const struct p2pmr_provider *provider)
{
	if (provider->ops->map_dmabuf)
		return 0;
	return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			  "Leave out P2PMR_BUF_DMABUF; for ordinary memory, make a dma-buf by udmabuf and import it.",
			  "A dma-buf was asked for of %s, but only peer memory is to be had as such.",
			  provider->name);
}

static int check_opts(const struct p2pmr_provider *provider,
		      const struct p2pmr_buf_opts *opts)
{
	if (opts->flags & ~(uint64_t)P2PMR_BUF_DMABUF)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Leave out the bits that this version does not have.",
				  "The option flags is 0x%" PRIx64 ".",
				  opts->flags);
	if (opts->huge_page_bytes) {
		int ret = check_huge(provider, opts->huge_page_bytes);

		if (ret)
			return ret;
	}
	return opts->flags & P2PMR_BUF_DMABUF ? check_dmabuf(provider) : 0;
}

static int map_dmabuf(struct p2pmr_buf *buf)
{
	return buf->provider->ops->map_dmabuf(buf->provider, buf->size,
					      &buf->dmabuf, &buf->addr);
}

/* Not to be had so by this user, or of this kernel */
static bool is_no_way(int ret)
{
	return ret == -EACCES || ret == -EPERM || ret == -EROFS ||
	       ret == -EOPNOTSUPP;
}

/* As the provider's own mapping, if that is of use here; else as a dma-buf */
static int map_either(struct p2pmr_buf *buf)
{
	const struct p2pmr_provider_ops *ops = buf->provider->ops;
	bool exports = ops->exports && ops->exports(buf->provider);
	struct p2pmr_reason_record before;
	int ret;

	if (exports && !p2pmr_devices_pin(buf->provider->ctx))
		return map_dmabuf(buf);
	p2pmr_reason_save(&before);
	ret = ops->map(buf->provider, buf->size, &buf->addr);
	if (!exports || !is_no_way(ret))
		return ret;
	p2pmr_reason_restore(&before);
	return map_dmabuf(buf);
}

static int map(struct p2pmr_provider *provider, size_t size_bytes,
	       const struct p2pmr_buf_opts *opts, struct p2pmr_buf *buf)
{
	size_t huge = opts->huge_page_bytes;
	size_t page = huge ? huge : (size_t)sysconf(_SC_PAGESIZE);
	int ret = check_opts(provider, opts);

	if (ret)
		return ret;
	/* Nothing is larger than that, and rounding up must not wrap. */
	if (size_bytes > PTRDIFF_MAX - (page - 1))
		return p2pmr_fail(P2PMR_REASON_TOO_LARGE, ENOMEM,
				  "Ask for less.",
				  "%zu bytes were asked for of %s, which is more than a process can map.",
				  size_bytes, provider->name);
	buf->provider = provider;
	buf->size = (size_bytes + page - 1) / page * page;
	if (huge)
		return provider->ops->map_huge(provider, buf->size, huge,
					       &buf->addr);
	ret = opts->flags & P2PMR_BUF_DMABUF ? map_dmabuf(buf) :
					       map_either(buf);
	if (ret == -ENOSPC)
		ret = fail_no_space(provider, buf->size);
	return ret;
}

/* Without memory yet */
static struct p2pmr_buf *buf_new(struct p2pmr_provider *provider)
{
	struct p2pmr_buf *buf = calloc(1, sizeof(*buf));

	if (!buf) {
		p2pmr_fail_memory("a buffer");
		return NULL;
	}
	buf->provider = provider;
	buf->dmabuf = -1;
	/* before it has its memory: one that is lost meanwhile counts as lost */
	buf->epoch = atomic_load(&provider->epoch);
	LIST_INIT(&buf->regions);
	return buf;
}

/* It has its memory. */
static struct p2pmr_buf *buf_made(struct p2pmr_buf *buf, const char *how)
{
	buf->generation = atomic_fetch_add(&generations, 1) + 1;
	p2pmr_context_get(buf->provider->ctx);
	p2pmr_info("%s %zu bytes of %s at %p", how, buf->size,
		   buf->provider->name, buf->addr);
	return buf;
}

/* It got none, and errno says why. */
static struct p2pmr_buf *buf_failed(struct p2pmr_buf *buf)
{
	int err = errno;

	if (buf->dmabuf >= 0)
		close(buf->dmabuf);
	free(buf);
	errno = err;
	return NULL;
}

struct p2pmr_buf *p2pmr_buf_alloc(struct p2pmr_provider *provider,
				  size_t size_bytes)
{
	return p2pmr_buf_alloc_opts(provider, size_bytes, NULL);
}

struct p2pmr_buf *p2pmr_buf_alloc_opts(struct p2pmr_provider *provider,
				       size_t size_bytes,
				       const struct p2pmr_buf_opts *opts)
{
	struct p2pmr_buf_opts known;
	int saved_errno = errno;
	struct p2pmr_buf *buf;

	if (!provider || !size_bytes) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a provider and a size of at least 1.",
			   "A buffer was asked for with %s.",
			   provider ? "a size of 0" : "a NULL provider");
		return NULL;
	}
	if (p2pmr_opts_read(opts, "p2pmr_buf_opts", sizeof(known), &known,
			    sizeof(known)))
		return NULL;
	buf = buf_new(provider);
	if (!buf)
		return NULL;
	if (map(provider, size_bytes, &known, buf))
		return buf_failed(buf);
	errno = saved_errno;
	return buf_made(buf, "allocated");
}

static int import(int fd, struct p2pmr_buf *buf)
{
	int ret = p2pmr_dmabuf_size(fd, &buf->size);
	int err;

	if (ret)
		return ret;
	buf->imported = true;
	buf->dmabuf = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (buf->dmabuf >= 0) {
		buf->addr = mmap(NULL, buf->size, PROT_READ | PROT_WRITE,
				 MAP_SHARED, buf->dmabuf, 0);
		if (buf->addr != MAP_FAILED)
			return 0;
	}
	err = errno;
	if (err == EACCES)
		return p2pmr_fail(P2PMR_REASON_NO_PERMISSION, err,
				  "Have it exported for reading and writing.",
				  "The dma-buf cannot be mapped for writing: its descriptor is not open for that.");
	return p2pmr_fail(P2PMR_REASON_SYSTEM, err,
			  "Register it by ibv_reg_dmabuf_mr() yourself, if its exporter does not let the CPU at the memory; see also ulimit -n and -v.",
			  "The dma-buf of %zu bytes cannot be mapped into this process: %s.",
			  buf->size, p2pmr_errno_name(err));
}

struct p2pmr_buf *p2pmr_buf_import(struct p2pmr_provider *provider, int fd)
{
	int saved_errno = errno;
	struct p2pmr_buf *buf;

	if (!provider) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass the provider whose memory it is, or the one called \"host\".",
			   "p2pmr_buf_import() was given a NULL provider.");
		return NULL;
	}
	buf = buf_new(provider);
	if (!buf)
		return NULL;
	if (import(fd, buf))
		return buf_failed(buf);
	errno = saved_errno;
	return buf_made(buf, "imported");
}

int p2pmr_buf_dmabuf(const struct p2pmr_buf *buf)
{
	return buf->dmabuf;
}

void p2pmr_buf_free(struct p2pmr_buf *buf)
{
	int saved_errno = errno;

	if (!buf)
		return;
	if (buf->cached)
		p2pmr_cache_forget_buf(buf);
	if (munmap(buf->addr, buf->size))
		p2pmr_warn("munmap of %zu bytes at %p: %s", buf->size,
			   buf->addr, p2pmr_errno_name(errno));
	if (buf->dmabuf >= 0)
		close(buf->dmabuf);
	p2pmr_context_put(buf->provider->ctx);
	free(buf);
	errno = saved_errno;
}

bool p2pmr_buf_is_revoked(const struct p2pmr_buf *buf)
{
	return buf->epoch != atomic_load(&buf->provider->epoch);
}

void *p2pmr_buf_addr(const struct p2pmr_buf *buf)
{
	return buf->addr;
}

size_t p2pmr_buf_size(const struct p2pmr_buf *buf)
{
	return buf->size;
}

struct p2pmr_provider *p2pmr_buf_provider(const struct p2pmr_buf *buf)
{
	return buf->provider;
}

static int fail_null(const char *function, const char *what)
{
	return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			  "Pass a buffer, and memory of your own.",
			  "%s() was given a NULL %s.", function, what);
}

/* Where the provider is known to have left, the CPU would get a SIGBUS. */
static int check_access(const struct p2pmr_buf *buf, size_t offset,
			size_t len_bytes, const char *function)
{
	if (!buf)
		return fail_null(function, "buffer");
	if (offset > buf->size || len_bytes > buf->size - offset)
		return p2pmr_fail(P2PMR_REASON_OUT_OF_RANGE, EINVAL,
				  "Keep offset plus length within p2pmr_buf_size().",
				  "%zu bytes at offset %zu do not lie within a buffer of %zu bytes.",
				  len_bytes, offset, buf->size);
	if (p2pmr_buf_is_revoked(buf))
		return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
				  "Free the buffer, and allocate another one when the provider has arrived again.",
				  "%s() was given a buffer that has lost its memory: %s has left.",
				  function, buf->provider->name);
	return 0;
}

int p2pmr_buf_write(struct p2pmr_buf *buf, size_t offset, const void *src,
		    size_t len_bytes)
{
	int ret = check_access(buf, offset, len_bytes, __func__);

	if (!ret && !src)
		ret = fail_null(__func__, "address");
	if (!ret)
		ret = p2pmr_dmabuf_begin(buf, true);
	if (ret)
		return ret;
	p2pmr_copy_to((char *)buf->addr + offset, src, len_bytes);
	return p2pmr_dmabuf_end(buf, true);
}

int p2pmr_buf_read(const struct p2pmr_buf *buf, size_t offset, void *dst,
		   size_t len_bytes)
{
	int ret = check_access(buf, offset, len_bytes, __func__);

	if (!ret && !dst)
		ret = fail_null(__func__, "address");
	if (!ret)
		ret = p2pmr_dmabuf_begin(buf, false);
	if (ret)
		return ret;
	p2pmr_copy_from(dst, (const char *)buf->addr + offset, len_bytes);
	return p2pmr_dmabuf_end(buf, false);
}

int p2pmr_buf_fill(struct p2pmr_buf *buf, size_t offset, unsigned char byte,
		   size_t len_bytes)
{
	int ret = check_access(buf, offset, len_bytes, __func__);

	if (!ret)
		ret = p2pmr_dmabuf_begin(buf, true);
	if (ret)
		return ret;
	p2pmr_copy_fill((char *)buf->addr + offset, byte, len_bytes);
	return p2pmr_dmabuf_end(buf, true);
}

int p2pmr_buf_compare(const struct p2pmr_buf *buf, size_t offset,
		      const void *with, size_t len_bytes,
		      size_t *first_difference)
{
	int ret = check_access(buf, offset, len_bytes, __func__);

	if (!ret && (!with || !first_difference))
		ret = fail_null(__func__, with ? "result" : "address");
	if (!ret)
		ret = p2pmr_dmabuf_begin(buf, false);
	if (ret)
		return ret;
	*first_difference = p2pmr_copy_compare((const char *)buf->addr + offset,
					       with, len_bytes);
	return p2pmr_dmabuf_end(buf, false);
}
