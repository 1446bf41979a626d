// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include <p2pmr/p2pmr.h>

#include "choose.h"
#include "fail.h"
#include "note.h"

static void fail_none(struct p2pmr_context *ctx)
{
	struct failure note;

	note_no_provider(ctx, &note);
	fail(CMD_IMPOSSIBLE, note.reason, note.errnum, note.remedy, "%s",
	     note.text);
}

struct p2pmr_provider *choose_provider(struct p2pmr_context *ctx,
				       struct ibv_device *device,
				       uint64_t size)
{
	struct p2pmr_provider *first = p2pmr_provider_next(ctx, NULL);
	struct p2pmr_provider *best;
	struct p2pmr_choice *choice;

	if (!first || !p2pmr_provider_is_peer(first)) {
		fail_none(ctx);
		return NULL;
	}
	choice = p2pmr_choice_make(ctx, device, size, NULL);
	if (!choice) {
		fail_lib("");
		return NULL;
	}
	best = p2pmr_choice_provider(choice, 0);
	if (!best)
		fail(CMD_IMPOSSIBLE, "NO_CHOICE", ENODEV,
		     "See `p2pmr topo -l`; name a provider with --mem to learn why.",
		     "%s reaches no peer memory of which %llu bytes are available.",
		     ibv_get_device_name(device), (unsigned long long)size);
	p2pmr_choice_free(choice);
	return best;
}
