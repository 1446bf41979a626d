// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include <p2pmr/p2pmr.h>

#include "clock.h"
#include "monitor.h"

void *monitor_add(void *array, size_t *n, size_t size)
{
	char *more = reallocarray(array, *n + 1, size);

	if (!more) {
		fail_nomem();
		return NULL;
	}
	memset(more + *n * size, 0, size);
	(*n)++;
	return more;
}

/* One that has left meanwhile is left out */
static int add_provider(struct monitor_sample *sample,
			const struct p2pmr_provider *pr)
{
	struct p2pmr_provider_space space;
	struct monitor_provider *more, *to;
	const char *address = p2pmr_provider_pci_address(pr);

	if (!p2pmr_provider_is_peer(pr) || p2pmr_provider_space(pr, &space))
		return 0;
	more = monitor_add(sample->providers, &sample->n_providers,
			   sizeof(*more));
	if (!more)
		return -1;
	sample->providers = more;
	to = &more[sample->n_providers - 1];
	snprintf(to->name, sizeof(to->name), "%s", p2pmr_provider_name(pr));
	snprintf(to->pci_address, sizeof(to->pci_address), "%s",
		 address ? address : "");
	to->size = space.size_bytes;
	to->available = space.available_bytes;
	to->published = space.published;
	return 0;
}

/* Anew each time: providers come and go */
static int read_providers(struct monitor_sample *sample)
{
	struct p2pmr_context *ctx = p2pmr_open(NULL);
	struct p2pmr_provider *pr = NULL;
	int ret = 0;

	if (!ctx)
		return fail_lib("");
	while (!ret && (pr = p2pmr_provider_next(ctx, pr)))
		ret = add_provider(sample, pr);
	p2pmr_close(ctx);
	return ret;
}

int monitor_sample_take(struct monitor_sample *sample,
			const struct monitor_sample *before)
{
	memset(sample, 0, sizeof(*sample));
	sample->when = time(NULL);
	sample->ns = clock_ns();
	if (!read_providers(sample) && !monitor_owners_read(sample) &&
	    !monitor_counters_read(sample, before))
		return 0;
	monitor_sample_free(sample);
	return -1;
}

void monitor_sample_free(struct monitor_sample *sample)
{
	free(sample->providers);
	free(sample->owners);
	free(sample->counters);
	memset(sample, 0, sizeof(*sample));
}
