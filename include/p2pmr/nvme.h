/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef P2PMR_NVME_H
#define P2PMR_NVME_H

#include <stddef.h>
#include <stdint.h>

#include <p2pmr/provider.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What there is to know of a provider that is an NVMe drive. Its controller's
 * name is p2pmr_provider_name().
 */

/**
 * enum p2pmr_nvme_cmb_use - what a drive lets its CMB be used for
 * @P2PMR_NVME_CMB_SQS: submission queues
 * @P2PMR_NVME_CMB_CQS: completion queues
 * @P2PMR_NVME_CMB_LISTS: PRP and SGL lists
 * @P2PMR_NVME_CMB_RDS: data that commands read from the drive into it
 * @P2PMR_NVME_CMB_WDS: data that commands write from it to the drive
 *
 * The values are the bits of the register CMBSZ (NVM Express Base
 * Specification, Controller Properties).
 */
enum p2pmr_nvme_cmb_use {
	P2PMR_NVME_CMB_SQS = 1 << 0,
	P2PMR_NVME_CMB_CQS = 1 << 1,
	P2PMR_NVME_CMB_LISTS = 1 << 2,
	P2PMR_NVME_CMB_RDS = 1 << 3,
	P2PMR_NVME_CMB_WDS = 1 << 4,
};

/**
 * enum p2pmr_nvme_queues - does part of the CMB hold I/O submission queues?
 * @P2PMR_NVME_QUEUES_UNKNOWN: maybe; sysfs does not tell
 * @P2PMR_NVME_QUEUES_NONE: no: the drive takes no queues there, the nvme
 *	driver is told not to use it (module parameter use_cmb_sqes), or all of
 *	the pool is available
 *
 * That there are some is nothing that sysfs can prove: from outside, a piece
 * that the driver took looks like one that anybody else took.
 */
enum p2pmr_nvme_queues {
	P2PMR_NVME_QUEUES_UNKNOWN = 0,
	P2PMR_NVME_QUEUES_NONE = 1,
};

/**
 * struct p2pmr_nvme_info - what an NVMe drive and its driver say about the CMB
 * @sz: in: sizeof(struct p2pmr_nvme_info)
 * @cmb_size_bytes: how large the drive says it is (register CMBSZ); 0: the
 *	kernel does not show the registers, and what follows means nothing but
 *	@queues. The provider's size is less when the BAR holds less
 * @cmb_offset_bytes: where it starts in its BAR (register CMBLOC)
 * @cmb_uses: P2PMR_NVME_CMB_* bits
 * @cmb_bar: number of its BAR: 0, 2, 3, 4 or 5
 * @queues: does the driver keep queues in it?
 */
struct p2pmr_nvme_info {
	size_t sz;
	uint64_t cmb_size_bytes;
	uint64_t cmb_offset_bytes;
	uint64_t cmb_uses;
	uint32_t cmb_bar;
	enum p2pmr_nvme_queues queues;
};

/**
 * p2pmr_provider_nvme_info() - ask what an NVMe drive says about its CMB
 * @provider: the provider
 * @info: with sz set (struct p2pmr_nvme_info info = { .sz = sizeof(info) });
 *	filled in on success, left alone on failure. Members that this release
 *	of the library does not know are set to 0
 *
 * Read anew each time (Linux: drivers/nvme/host/pci.c, cmbsz and cmbloc of
 * class/nvme).
 *
 * Thread-safety: any thread.
 *
 * Return: 0, or
 *   -EINVAL	an argument is NULL, or @info has no valid size (BAD_OPTIONS)
 *   -ENOTSUP	the provider is no NVMe drive (NOT_NVME)
 *   -ENODEV	it has left since p2pmr_open() (PROVIDER_GONE)
 *   -EBADMSG	the registers hold values that the specification does not have
 *   or the error of reading it
 */
int p2pmr_provider_nvme_info(const struct p2pmr_provider *provider,
			     struct p2pmr_nvme_info *info);

/**
 * p2pmr_provider_nvme_namespaces() - the block devices of an NVMe drive
 * @provider: the provider
 *
 * Those that can be opened, below /dev: with NVMe multipathing "nvme0n1", the
 * device that all paths share, and not the hidden "nvme0c0n1" of one path.
 * Read anew each time.
 *
 * Thread-safety: any thread.
 *
 * Return: the names, in the order of their numbers, and NULL after the last;
 * free() it, and nothing that is in it. A drive without namespaces gives an
 * empty list. NULL with errno as for p2pmr_provider_nvme_info(), or ENOMEM.
 */
char **p2pmr_provider_nvme_namespaces(const struct p2pmr_provider *provider);

#ifdef __cplusplus
}
#endif

#endif
