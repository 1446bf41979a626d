// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2pmr/p2pmr.h>

#include "fail.h"
#include "note.h"
#include "sysfs.h"

/* Ask the library about each NVMe controller until it knows a cause */
static bool ask_about_drives(struct p2pmr_context *ctx, char *const *names,
			     struct failure *note)
{
	for (; *names; names++) {
		if (!p2pmr_provider_find(ctx, *names)) {
			failure_from_lib(note, "");
			return true;
		}
	}
	return false;
}

void note_no_provider(struct p2pmr_context *ctx, struct failure *note)
{
	char **names = sysfs_names("class/nvme");
	bool known;

	memset(note, 0, sizeof(*note));
	known = names && ask_about_drives(ctx, names, note);
	sysfs_free_names(names);
	if (known)
		return;
	note->errnum = ENODEV;
	snprintf(note->reason, sizeof(note->reason), "NO_PROVIDER");
	snprintf(note->text, sizeof(note->text),
		 "No PCI device of this machine offers peer memory, and it has no NVMe drive that could.");
	snprintf(note->remedy, sizeof(note->remedy),
		 "Add a device with memory of its own, such as an NVMe drive with a Controller Memory Buffer.");
}
