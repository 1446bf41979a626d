// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a dma-buf taken back by the same operations as other memory?
 *
 * No driver of the lab's kernels imports dma-bufs for good, so this is both: an
 * exporter of one page that can move it, and an RDMA device, never registered,
 * that has the page as a umem. The cases run when the module is loaded, and it
 * does not load if one of them fails.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>

MODULE_IMPORT_NS(DMA_BUF);

static struct platform_device *pdev;
static struct ib_device dev;

/* ---- the exporter --------------------------------------------------------- */

struct source {
	struct dma_buf *dmabuf;
	struct page *page;
	int fd;
	int pins;
	int maps;
};

static int source_pin(struct dma_buf_attachment *attach)
{
	struct source *src = attach->dmabuf->priv;

	src->pins++;
	return 0;
}

static void source_unpin(struct dma_buf_attachment *attach)
{
	struct source *src = attach->dmabuf->priv;

	src->pins--;
}

static struct sg_table *source_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	struct source *src = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);

	ret = sg_alloc_table(sgt, 1, GFP_KERNEL);
	if (ret)
		goto err_free;
	sg_set_page(sgt->sgl, src->page, PAGE_SIZE, 0);

	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_table;

	src->maps++;
	return sgt;

err_table:
	sg_free_table(sgt);
err_free:
	kfree(sgt);
	return ERR_PTR(ret);
}

static void source_unmap(struct dma_buf_attachment *attach,
			 struct sg_table *sgt, enum dma_data_direction dir)
{
	struct source *src = attach->dmabuf->priv;

	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	src->maps--;
}

static void source_release(struct dma_buf *dmabuf)
{
	struct source *src = dmabuf->priv;

	__free_page(src->page);
	kfree(src);
}

static const struct dma_buf_ops source_ops = {
	.pin = source_pin,
	.unpin = source_unpin,
	.map_dma_buf = source_map,
	.unmap_dma_buf = source_unmap,
	.release = source_release,
};

static struct source *source_create(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct source *src;
	int ret = -ENOMEM;

	src = kzalloc(sizeof(*src), GFP_KERNEL);
	if (!src)
		return ERR_PTR(-ENOMEM);

	src->page = alloc_page(GFP_KERNEL);
	if (!src->page)
		goto err_free;

	info.ops = &source_ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR | O_CLOEXEC;
	info.priv = src;
	src->dmabuf = dma_buf_export(&info);
	if (IS_ERR(src->dmabuf)) {
		ret = PTR_ERR(src->dmabuf);
		goto err_page;
	}

	src->fd = dma_buf_fd(src->dmabuf, O_CLOEXEC);
	if (src->fd < 0) {
		ret = src->fd;
		dma_buf_put(src->dmabuf); /* frees src */
		return ERR_PTR(ret);
	}

	return src;

err_page:
	__free_page(src->page);
err_free:
	kfree(src);
	return ERR_PTR(ret);
}

/* The exporter wants its page back */
static void source_move(struct source *src)
{
	dma_resv_lock(src->dmabuf->resv, NULL);
	dma_buf_move_notify(src->dmabuf);
	dma_resv_unlock(src->dmabuf->resv);
}

/* ---- the driver ----------------------------------------------------------- */

static void probe_invalidate(void *priv)
{
	int *calls = priv;

	++*calls;
}

static const struct ib_umem_revoke_ops probe_ops = {
	.invalidate = probe_invalidate,
};

/* What the cases start from: one umem of the page, locked */
static struct ib_umem *get_locked(struct source *src)
{
	struct ib_umem_dmabuf *umem_dmabuf;

	umem_dmabuf = ib_umem_dmabuf_get_pinned_revocable_and_lock(
		&dev, 0, PAGE_SIZE, src->fd, IB_ACCESS_LOCAL_WRITE, &probe_ops);

	return IS_ERR(umem_dmabuf) ? ERR_CAST(umem_dmabuf) : &umem_dmabuf->umem;
}

/* ---- the cases ------------------------------------------------------------ */

#define expect(cond)							\
	do {								\
		if (!(cond)) {						\
			pr_err("dmabuf_probe: %s: not so: %s\n",	\
			       __func__, #cond);			\
			return -EPROTO;					\
		}							\
	} while (0)

static int in_use(struct source *src, struct ib_umem *umem)
{
	int calls = 0;

	ib_umem_revoke_unlock(umem, &calls);
	/* without DMABUF_MOVE_NOTIFY, the mapping has a pin of its own */
	expect(src->pins > 0 && src->maps == 1);
	source_move(src);
	expect(calls == 1);
	expect(src->pins == 0 && src->maps == 0);
	source_move(src);
	expect(calls == 1);
	ib_umem_release(umem);
	expect(calls == 1);
	return 0;
}

static int not_in_use(struct source *src, struct ib_umem *umem)
{
	ib_umem_revoke_unlock(umem, NULL);
	source_move(src);
	expect(src->pins == 0 && src->maps == 0);
	ib_umem_release(umem);
	return 0;
}

static int released(struct source *src, struct ib_umem *umem)
{
	int calls = 0;

	ib_umem_revoke_unlock(umem, &calls);
	ib_umem_release(umem);
	expect(calls == 0);
	expect(src->pins == 0 && src->maps == 0);
	source_move(src);
	expect(calls == 0);
	return 0;
}

static int handed_over(struct source *src, struct ib_umem *umem)
{
	int first = 0, second = 0;

	ib_umem_revoke_unlock(umem, &first);
	ib_umem_revoke_lock(umem);
	ib_umem_revoke_unlock(umem, &second);
	source_move(src);
	expect(first == 0 && second == 1);
	ib_umem_release(umem);
	return 0;
}

static int run(int (*test)(struct source *src, struct ib_umem *umem))
{
	struct source *src = source_create();
	struct ib_umem *umem;
	int ret;

	if (IS_ERR(src))
		return PTR_ERR(src);

	umem = get_locked(src);
	ret = IS_ERR(umem) ? PTR_ERR(umem) : test(src, umem);
	close_fd(src->fd);
	return ret;
}

static int __init dmabuf_probe_init(void)
{
	static int (*const tests[])(struct source *, struct ib_umem *) = {
		in_use, not_in_use, released, handed_over,
	};
	unsigned int i;
	int ret;

	pdev = platform_device_register_simple("dmabuf_probe", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	ret = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));

	dev.dma_device = &pdev->dev;
	for (i = 0; !ret && i < ARRAY_SIZE(tests); i++)
		ret = run(tests[i]);

	if (ret)
		platform_device_unregister(pdev);
	return ret;
}

static void __exit dmabuf_probe_exit(void)
{
	platform_device_unregister(pdev);
}

module_init(dmabuf_probe_init);
module_exit(dmabuf_probe_exit);
MODULE_DESCRIPTION("Take a dma-buf back from a umem, for tests");
MODULE_LICENSE("GPL");
