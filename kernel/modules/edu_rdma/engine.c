// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine: it moves bytes between memory and a buffer of its own, 100 ms
 * after it was told to, and interrupts. See docs/specs/edu.txt of QEMU.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include "edu_rdma.h"

#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98
#define EDU_DMA_RUN		BIT(0)
#define EDU_DMA_TO_MEMORY	BIT(1)
#define EDU_DMA_IRQ		BIT(2)

#define EDU_IRQ_DMA	BIT(8)

/* Where the device itself sees its buffer */
#define EDU_BUFFER	0x40000

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu_dev *dev = data;
	u32 status = readl(dev->regs + EDU_IRQ_STATUS);

	if (!status)
		return IRQ_NONE;

	writel(status, dev->regs + EDU_IRQ_ACK);
	if (status & EDU_IRQ_DMA)
		complete(&dev->transferred);
	return IRQ_HANDLED;
}

int edu_engine_init(struct edu_dev *dev)
{
	int ret;

	init_completion(&dev->transferred);

	ret = pci_alloc_irq_vectors(dev->pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return ret;

	ret = request_irq(pci_irq_vector(dev->pdev, 0), edu_interrupt,
			  IRQF_SHARED, "edu_rdma", dev);
	if (ret)
		pci_free_irq_vectors(dev->pdev);
	return ret;
}

void edu_engine_exit(struct edu_dev *dev)
{
	free_irq(pci_irq_vector(dev->pdev, 0), dev);
	pci_free_irq_vectors(dev->pdev);
}

static int edu_transfer(struct edu_dev *dev, u64 dst, u64 src, u32 len, u32 cmd)
{
	reinit_completion(&dev->transferred);

	/* memory that the CPU wrote is there before the device looks */
	writeq(src, dev->regs + EDU_DMA_SRC);
	writeq(dst, dev->regs + EDU_DMA_DST);
	writeq(len, dev->regs + EDU_DMA_COUNT);
	writeq(cmd | EDU_DMA_RUN | EDU_DMA_IRQ, dev->regs + EDU_DMA_CMD);

	if (wait_for_completion_timeout(&dev->transferred, 60 * HZ))
		return 0;

	/* It must not come back and write to what was freed meanwhile. */
	dev_err(&dev->ib.dev, "the engine does not answer\n");
	pci_clear_master(dev->pdev);
	dev->broken = true;
	return -ETIMEDOUT;
}

/* Up to EDU_ENGINE_MAX bytes, from memory to memory, both as the device sees it */
int edu_engine_copy(struct edu_dev *dev, dma_addr_t dst, dma_addr_t src, u32 len)
{
	int ret;

	lockdep_assert_held(&dev->lock);
	if (dev->broken)
		return -ETIMEDOUT;

	ret = edu_transfer(dev, EDU_BUFFER, src, len, 0);
	if (ret)
		return ret;
	return edu_transfer(dev, dst, EDU_BUFFER, len, EDU_DMA_TO_MEMORY);
}
