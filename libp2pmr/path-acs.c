// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What PCI configuration space says about peer-to-peer traffic.
 *
 * Not through libpci: pci_alloc() ends the process when there is no memory, and
 * takes nobody's error handler before. What is needed of it are two lists.
 */
#include "private.h"

#include <linux/pci_regs.h>

/* What anybody may read; for the rest the kernel asks for CAP_SYS_ADMIN. */
#define HEADER_SIZE PCI_STD_HEADER_SIZEOF
#define CARDBUS_HEADER_SIZE 128

/* No list has more entries: each takes 4 bytes at least. */
#define CAPS_MAX ((PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4)

static unsigned int get16(const unsigned char *at)
{
	return at[0] | at[1] << 8;
}

static uint32_t get32(const unsigned char *at)
{
	return get16(at) | (uint32_t)get16(at + 2) << 16;
}

/*
 * A virtual function has no ids of its own and reads as ones there, so that
 * the ids alone do not tell.
 */
static bool answers(const unsigned char *config)
{
	for (size_t i = 0; i < HEADER_SIZE; i++) {
		if (config[i] != 0xff)
			return true;
	}
	return false;
}

/* Why @config ends after @len bytes, although there is more */
static int why_short(size_t len)
{
	return len == HEADER_SIZE || len == CARDBUS_HEADER_SIZE ? -EACCES :
								  -EBADMSG;
}

unsigned int p2pmr_acs_next(const unsigned char *config, unsigned int at)
{
	uint32_t header = get32(config + at);
	unsigned int next = PCI_EXT_CAP_NEXT(header);

	return header && PCI_EXT_CAP_ID(header) != PCI_EXT_CAP_ID_ACS &&
	       next >= PCI_CFG_SPACE_SIZE ? next : 0;
}

/* Offset of ACS; 0: there is none */
static unsigned int find_acs(const unsigned char *config)
{
	unsigned int at = PCI_CFG_SPACE_SIZE, next;

	/* As the kernel does, a list that runs in a circle ends without. */
	for (unsigned int i = 1; i < P2PMR_EXT_CAPS_MAX; i++) {
		next = p2pmr_acs_next(config, at);
		if (!next)
			break;
		at = next;
	}
	return PCI_EXT_CAP_ID(get32(config + at)) == PCI_EXT_CAP_ID_ACS ? at : 0;
}

int p2pmr_acs_scan(const unsigned char *config, size_t len, size_t file_size,
		   unsigned int *acs)
{
	static const struct {
		unsigned int control;
		unsigned int acs;
	} bits[] = {
		{ PCI_ACS_RR, P2PMR_ACS_REQUEST_REDIRECT },
		{ PCI_ACS_CR, P2PMR_ACS_COMPLETION_REDIRECT },
		{ PCI_ACS_EC, P2PMR_ACS_EGRESS_CONTROL },
	};
	unsigned int at, control;

	if (len < HEADER_SIZE)
		return -EBADMSG;
	if (!answers(config))
		return -ENXIO;
	/* Without extended space there is no ACS; the file's size tells. */
	if (file_size == PCI_CFG_SPACE_SIZE) {
		*acs = 0;
		return 0;
	}
	if (len < PCI_CFG_SPACE_EXP_SIZE)
		return why_short(len);
	at = find_acs(config);
	if (at + PCI_ACS_CTRL + 2 > PCI_CFG_SPACE_EXP_SIZE)
		return -EBADMSG;
	*acs = at ? P2PMR_ACS_CAPABLE : 0;
	control = at ? get16(config + at + PCI_ACS_CTRL) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (control & bits[i].control)
			*acs |= bits[i].acs;
	}
	return 0;
}

int p2pmr_is_root_port(const unsigned char *config, size_t len)
{
	unsigned int at;

	if (len < HEADER_SIZE)
		return -EBADMSG;
	if (!answers(config))
		return -ENXIO;
	if (!(get16(config + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	at = config[PCI_CAPABILITY_LIST] & ~3u;
	for (unsigned int i = 0; i < CAPS_MAX && at >= HEADER_SIZE; i++) {
		if (at + PCI_EXP_FLAGS + 2 > len)
			return why_short(len);
		if (config[at + PCI_CAP_LIST_ID] == PCI_CAP_ID_EXP)
			return (get16(config + at + PCI_EXP_FLAGS) &
				PCI_EXP_FLAGS_TYPE) >> 4 ==
			       PCI_EXP_TYPE_ROOT_PORT;
		at = config[at + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return 0;
}
