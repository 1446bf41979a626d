// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "copy_folder.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

void copy_boot_id(char id[COPY_BOOT_ID_MAX])
{
	FILE *f = fopen(BOOT_ID, "re");

	if (!f || !fgets(id, COPY_BOOT_ID_MAX, f))
		strcpy(id, "none");
	id[strcspn(id, "\n")] = '\0';
	if (f)
		fclose(f);
}

uint64_t copy_folder_id(const struct stat *st)
{
	static char boot_id[COPY_BOOT_ID_MAX];
	char text[COPY_BOOT_ID_MAX + 64];
	uint64_t id;
	int len;

	if (!boot_id[0])
		copy_boot_id(boot_id);
	if (!strcmp(boot_id, "none"))
		return 0;
	len = snprintf(text, sizeof(text), "%s %ju %ju", boot_id,
		       (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	id = XXH3_64bits(text, len);
	return id ? id : 1;
}
