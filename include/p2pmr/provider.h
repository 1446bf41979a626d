/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_PROVIDER_H
#define P2PMR_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include <p2pmr/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A provider is a source of peer memory: a PCI function whose BAR memory the
 * kernel handed to P2PDMA (an NVMe CMB), or "host", ordinary memory, which is
 * there for comparison. Providers live as long as their context.
 */
struct p2pmr_provider;

/**
 * p2pmr_provider_next() - walk the providers of a context
 * @ctx: the context
 * @prev: the provider before the one wanted, or NULL for the first
 *
 * Peer memory comes first, ordered by PCI address; "host" comes last.
 *
 * Thread-safety: any thread.
 *
 * Return: the next provider, or NULL after the last one. NULL at the end is
 * not a failure: errno and the reason stay as they were.
 */
struct p2pmr_provider *p2pmr_provider_next(struct p2pmr_context *ctx,
					   struct p2pmr_provider *prev);

/**
 * p2pmr_provider_find() - find a provider by name
 * @ctx: the context
 * @name: a name as p2pmr_provider_name() gives it ("nvme0", "host"), or a PCI
 *	address ("0000:04:00.0" or "04:00.0"), or "/dev/nvme0" for that drive's
 *	memory by its own device, which is listed so only where sysfs is mounted
 *	read-only
 *
 * Thread-safety: any thread.
 *
 * Return: the provider, or NULL with errno EINVAL (@name is NULL or empty) or
 * ENODEV (reason NO_PROVIDER, whose text lists the names there are; or
 * KERNEL_NO_P2PDMA when the device exists, and no device offers memory).
 */
struct p2pmr_provider *p2pmr_provider_find(struct p2pmr_context *ctx,
					   const char *name);

/**
 * p2pmr_provider_name() - what people call it
 * @provider: the provider
 *
 * Return: the NVMe controller's name ("nvme0"), the PCI address of any other
 * function, or "host". Valid as long as the context. Never NULL.
 */
const char *p2pmr_provider_name(const struct p2pmr_provider *provider);

/**
 * p2pmr_provider_type() - where its memory comes from
 * @provider: the provider
 *
 * Return: "p2pmem" (the kernel's p2pmem/allocate file), "nvme_cdev" (an NVMe
 * drive's own device) or "host". Never NULL.
 */
const char *p2pmr_provider_type(const struct p2pmr_provider *provider);

/**
 * p2pmr_provider_pci_address() - where it is
 * @provider: the provider
 *
 * Return: the PCI address, "0000:04:00.0"; NULL for "host".
 */
const char *p2pmr_provider_pci_address(const struct p2pmr_provider *provider);

/**
 * p2pmr_provider_pci_path() - the way to it through the PCI tree
 * @provider: the provider
 *
 * Return: the PCI addresses from the root port to the function itself, with
 * slashes between, as they were at p2pmr_open():
 * "0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0". A function of the
 * root complex itself has its own address alone. NULL for "host", and when
 * sysfs does not say.
 */
const char *p2pmr_provider_pci_path(const struct p2pmr_provider *provider);

/**
 * p2pmr_provider_driver() - the kernel driver of the PCI function
 * @provider: the provider
 *
 * Return: the driver's name as it was at p2pmr_open() ("nvme"); NULL for
 * "host" and when no driver was bound.
 */
const char *p2pmr_provider_driver(const struct p2pmr_provider *provider);

/**
 * p2pmr_provider_numa_node() - the NUMA node it is attached to
 * @provider: the provider
 *
 * Return: the node's number, or -1 when the machine does not say.
 */
int p2pmr_provider_numa_node(const struct p2pmr_provider *provider);

/**
 * p2pmr_provider_is_peer() - is this memory on a PCIe device?
 * @provider: the provider
 *
 * Return: true for peer memory, false for "host".
 */
bool p2pmr_provider_is_peer(const struct p2pmr_provider *provider);

/**
 * struct p2pmr_provider_space - how much memory a provider has
 * @size_bytes: all of it
 * @available_bytes: what can still be allocated, by everyone together. It may
 *	be in several pieces, and others allocate at the same time
 * @published: the driver offers it to other kernel users (nvmet) as well
 */
struct p2pmr_provider_space {
	uint64_t size_bytes;
	uint64_t available_bytes;
	bool published;
};

/**
 * p2pmr_provider_space() - ask the kernel how much memory there is now
 * @provider: the provider
 * @space: filled in
 *
 * Read anew each time (Linux: drivers/pci/p2pdma.c, p2pmem/size, available
 * and published). For "host": physical memory, and what is available of it.
 *
 * Thread-safety: any thread.
 *
 * Return: 0; -ENODEV when the provider has left since p2pmr_open(), or is on its
 * way back and its driver has added no memory yet (reason PROVIDER_GONE); -EINVAL;
 * or the error of reading it.
 */
int p2pmr_provider_space(const struct p2pmr_provider *provider,
			 struct p2pmr_provider_space *space);

#ifdef __cplusplus
}
#endif

#endif
