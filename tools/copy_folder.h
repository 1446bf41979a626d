/* SPDX-License-Identifier: GPL-2.0-only */
/* Is it the same folder, and the same run of a machine? */
#ifndef P2PMR_TOOLS_COPY_FOLDER_H
#define P2PMR_TOOLS_COPY_FOLDER_H

#include <stdint.h>
#include <sys/stat.h>

#define COPY_BOOT_ID_MAX 40

/* Of the machine since it was started; "none" where there is no /proc */
void copy_boot_id(char id[COPY_BOOT_ID_MAX]);

/*
 * A number that no other folder of this or another machine has; 0: not known. (Guests
 * that were restored from one snapshot take themselves for one machine.)
 */
uint64_t copy_folder_id(const struct stat *st);

#endif
