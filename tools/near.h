/* SPDX-License-Identifier: GPL-2.0-only */
/* What somebody may have meant who mistyped a name. */
#ifndef P2PMR_TOOLS_NEAR_H
#define P2PMR_TOOLS_NEAR_H

#include <stddef.h>

#define NEAR_TEXT_MAX 256

/*
 * "Did you mean nvme1, nvme10 or nvme11?": those of @names that are most like
 * @name, at most three; when none is like it, which ones there are: "There
 * are: ..."; "There is none." Returns @text.
 */
char *near_names(const char *name, const char *const *names, size_t n,
		 char text[NEAR_TEXT_MAX]);

#endif
