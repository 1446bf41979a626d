// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list of providers, and what is known about each. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

/* One hexadecimal number of at most @digits digits; NULL when there is none */
static const char *parse_hex(const char *text, unsigned int digits,
			     unsigned int *value)
{
	const char *start = text;

	*value = 0;
	for (; *text && (unsigned int)(text - start) < digits; text++) {
		static const char hex[] = "0123456789abcdef0123456789ABCDEF";
		const char *found = strchr(hex, *text);

		if (!found)
			break;
		*value = *value * 16 + (found - hex) % 16;
	}
	return text == start ? NULL : text;
}

static const char *parse_char(const char *text, char wanted)
{
	return text && *text == wanted ? text + 1 : NULL;
}

int p2pmr_pci_parse(const char *text, struct p2pmr_pci_address *pci)
{
	const char *colon = strchr(text, ':');

	pci->domain = 0;
	if (colon && strchr(colon + 1, ':')) {
		/* Domains of virtual host bridges have more than 4 digits. */
		text = parse_hex(text, 8, &pci->domain);
		text = parse_char(text, ':');
		if (!text)
			return -EINVAL;
	}
	text = parse_char(parse_hex(text, 2, &pci->bus), ':');
	if (!text)
		return -EINVAL;
	text = parse_char(parse_hex(text, 2, &pci->device), '.');
	if (!text)
		return -EINVAL;
	text = parse_hex(text, 1, &pci->function);
	if (!text || *text || pci->device > 0x1f || pci->function > 7)
		return -EINVAL;
	return 0;
}

void p2pmr_pci_format(const struct p2pmr_pci_address *pci, char *text,
		      size_t size)
{
	snprintf(text, size, "%04x:%02x:%02x.%x", pci->domain, pci->bus,
		 pci->device, pci->function);
}

/* The next component of a path, which it is taken from; NULL at the end */
static char *next_component(char **path)
{
	char *component = strsep(path, "/");

	while (component && !*component)
		component = strsep(path, "/");
	return component;
}

/* "pci0000:00" */
static bool is_host_bridge(const char *name)
{
	unsigned int number;

	if (strncmp(name, "pci", 3))
		return false;
	name = parse_char(parse_hex(name + 3, 8, &number), ':');
	if (name)
		name = parse_hex(name, 2, &number);
	return name && !*name;
}

/*
 * What the function's link in sysfs points to names each bridge on the way:
 * ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0. The way starts after
 * the last host bridge: there may be two of them, when a controller such as
 * Intel's VMD makes a PCI domain of its own. A link that does not look like
 * that is not taken at its word.
 */
static void read_pci_path(struct p2pmr_provider *provider)
{
	char target[P2PMR_PATH_LEN], last[P2PMR_NAME_LEN] = "";
	char *rest = target, *component;
	bool below_bridge = false;
	size_t used = 0;

	provider->pci_path[0] = '\0';
	if (p2pmr_sysfs_readlink(provider->ctx, target, sizeof(target),
				 "bus/pci/devices/%s", provider->pci_address))
		return;
	while ((component = next_component(&rest))) {
		struct p2pmr_pci_address pci;

		if (!below_bridge || p2pmr_pci_parse(component, &pci)) {
			below_bridge = is_host_bridge(component);
			used = 0;
			continue;
		}
		p2pmr_pci_format(&pci, last, sizeof(last));
		used += snprintf(provider->pci_path + used,
				 sizeof(provider->pci_path) - used, "%s%s",
				 used ? "/" : "", last);
		if (used >= sizeof(provider->pci_path))
			break;
	}
	if (component || !used || strcmp(last, provider->pci_address)) {
		p2pmr_warn("the path of %s in sysfs is not understood: left out",
			   provider->pci_address);
		provider->pci_path[0] = '\0';
	}
}

/* As strcmp(): peer memory by PCI address, then all the rest */
static int compare(const struct p2pmr_provider *a,
		   const struct p2pmr_provider *b)
{
	const unsigned int keys[][2] = {
		{ !a->ops->is_peer, !b->ops->is_peer },
		{ a->pci.domain, b->pci.domain },
		{ a->pci.bus, b->pci.bus },
		{ a->pci.device, b->pci.device },
		{ a->pci.function, b->pci.function },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i][0] != keys[i][1])
			return keys[i][0] < keys[i][1] ? -1 : 1;
	}
	return 0;
}

/* By whatever way its memory is reached */
void p2pmr_provider_left(struct p2pmr_provider *provider)
{
	struct p2pmr_provider *other;

	TAILQ_FOREACH(other, &provider->ctx->providers, entry) {
		if (other == provider ||
		    (*other->pci_address &&
		     !strcmp(other->pci_address, provider->pci_address)))
			atomic_fetch_add(&other->epoch, 1);
	}
}

int p2pmr_provider_add(struct p2pmr_context *ctx,
		       const struct p2pmr_provider *provider)
{
	struct p2pmr_provider *added = malloc(sizeof(*added));
	struct p2pmr_provider *other;

	if (!added)
		return p2pmr_fail_memory("a provider");
	*added = *provider;
	added->ctx = ctx;
	if (*added->pci_address)
		read_pci_path(added);
	TAILQ_FOREACH(other, &ctx->providers, entry) {
		if (compare(added, other) < 0)
			break;
	}
	if (other)
		TAILQ_INSERT_BEFORE(other, added, entry);
	else
		TAILQ_INSERT_TAIL(&ctx->providers, added, entry);
	p2pmr_info("found provider %s (%s)", added->name, added->ops->type);
	return 0;
}

bool p2pmr_context_has_peer(const struct p2pmr_context *ctx)
{
	const struct p2pmr_provider *first = TAILQ_FIRST(&ctx->providers);

	return first && first->ops->is_peer;
}

static struct p2pmr_provider *skip_by_name(struct p2pmr_provider *provider)
{
	while (provider && *provider->by_name)
		provider = TAILQ_NEXT(provider, entry);
	return provider;
}

struct p2pmr_provider *p2pmr_provider_next(struct p2pmr_context *ctx,
					   struct p2pmr_provider *prev)
{
	if (prev)
		return skip_by_name(TAILQ_NEXT(prev, entry));
	if (!ctx) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass the context that p2pmr_open() returned.",
			   "p2pmr_provider_next() was given a NULL context.");
		return NULL;
	}
	return skip_by_name(TAILQ_FIRST(&ctx->providers));
}

static bool is_called(const struct p2pmr_provider *provider, const char *name,
		      const struct p2pmr_pci_address *pci)
{
	if (*provider->by_name)
		return !strcmp(provider->by_name, name);
	if (!strcmp(provider->name, name))
		return true;
	return pci && *provider->pci_address &&
	       provider->pci.domain == pci->domain &&
	       provider->pci.bus == pci->bus &&
	       provider->pci.device == pci->device &&
	       provider->pci.function == pci->function;
}

static void fail_not_found(struct p2pmr_context *ctx, const char *name)
{
	struct p2pmr_provider *provider;
	char names[512] = "";
	size_t used = 0;

	for (size_t i = 0; p2pmr_provider_list[i]; i++) {
		if (p2pmr_provider_list[i]->explain_missing &&
		    p2pmr_provider_list[i]->explain_missing(ctx, name))
			return;
	}
	for (provider = p2pmr_provider_next(ctx, NULL); provider;
	     provider = p2pmr_provider_next(ctx, provider)) {
		used += snprintf(names + used, sizeof(names) - used, "%s%s",
				 used ? ", " : "", provider->name);
		if (used >= sizeof(names))
			break;
	}
	p2pmr_fail(P2PMR_REASON_NO_PROVIDER, ENODEV,
		   "Use one of these names, or a PCI address.",
		   "There is no provider \"%.64s\"; there are: %s.", name,
		   names);
}

struct p2pmr_provider *p2pmr_provider_find(struct p2pmr_context *ctx,
					   const char *name)
{
	struct p2pmr_provider *provider;
	struct p2pmr_pci_address pci;
	bool is_pci;

	if (!ctx || !name || !*name) {
		p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
			   "Pass a context, and a name such as \"nvme0\", \"0000:04:00.0\" or \"host\".",
			   "p2pmr_provider_find() was given %s.",
			   !ctx ? "a NULL context" :
			   !name ? "a NULL name" : "an empty name");
		return NULL;
	}
	is_pci = !p2pmr_pci_parse(name, &pci);
	TAILQ_FOREACH(provider, &ctx->providers, entry) {
		if (is_called(provider, name, is_pci ? &pci : NULL))
			return provider;
	}
	fail_not_found(ctx, name);
	return NULL;
}

const char *p2pmr_provider_name(const struct p2pmr_provider *provider)
{
	return provider->name;
}

const char *p2pmr_provider_type(const struct p2pmr_provider *provider)
{
	return provider->ops->type;
}

const char *p2pmr_provider_pci_address(const struct p2pmr_provider *provider)
{
	return *provider->pci_address ? provider->pci_address : NULL;
}

const char *p2pmr_provider_pci_path(const struct p2pmr_provider *provider)
{
	return *provider->pci_path ? provider->pci_path : NULL;
}

const char *p2pmr_provider_driver(const struct p2pmr_provider *provider)
{
	return *provider->driver ? provider->driver : NULL;
}

int p2pmr_provider_numa_node(const struct p2pmr_provider *provider)
{
	return provider->numa_node;
}

bool p2pmr_provider_is_peer(const struct p2pmr_provider *provider)
{
	return provider->ops->is_peer;
}

int p2pmr_provider_space(const struct p2pmr_provider *provider,
			 struct p2pmr_provider_space *space)
{
	int saved_errno = errno;
	int ret;

	if (!provider || !space)
		return p2pmr_fail(P2PMR_REASON_BAD_ARGUMENT, EINVAL,
				  "Pass a provider and a struct to fill in.",
				  "p2pmr_provider_space() was given a NULL %s.",
				  provider ? "space" : "provider");
	ret = provider->ops->space(provider, space);
	if (!ret)
		errno = saved_errno;
	return ret;
}
