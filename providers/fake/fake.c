// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fake.h"

#include <stdio.h>
#include <sys/mman.h>

static int fake_state(const struct p2pmr_provider *provider, int err)
{
	const struct p2pmr_fake *fake = provider->priv;

	if (fake->gone)
		return p2pmr_fail(P2PMR_REASON_PROVIDER_GONE, ENODEV,
				  "Nothing helps.", "%s is gone.",
				  provider->name);
	if (err)
		return p2pmr_fail(P2PMR_REASON_SYSTEM, err, "Nothing helps.",
				  "%s fails as it was told to.",
				  provider->name);
	return 0;
}

static int fake_scan(struct p2pmr_context *ctx,
		     const struct p2pmr_provider_ops *self)
{
	(void)ctx;
	(void)self;
	return 0;
}

static int fake_space(const struct p2pmr_provider *provider,
		      struct p2pmr_provider_space *space)
{
	const struct p2pmr_fake *fake = provider->priv;
	int ret = fake_state(provider, fake->space_errno);

	if (ret)
		return ret;
	*space = (struct p2pmr_provider_space){
		.size_bytes = fake->size,
		.available_bytes = fake->available,
	};
	return 0;
}

static int fake_map(struct p2pmr_provider *provider, size_t size, void **addr)
{
	struct p2pmr_fake *fake = provider->priv;
	int ret = fake_state(provider, fake->map_errno);

	if (ret)
		return ret;
	if (size > fake->available || fake->fragmented)
		return -ENOSPC;
	*addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*addr == MAP_FAILED)
		return -ENOSPC;
	fake->available -= size;
	return 0;
}

static const struct p2pmr_provider_ops fake_ops = {
	.type = "fake",
	.is_peer = true,
	.scan = fake_scan,
	.space = fake_space,
	.map = fake_map,
};

int p2pmr_fake_add(struct p2pmr_context *ctx, const char *pci_address,
		   struct p2pmr_fake *fake)
{
	struct p2pmr_provider provider = {
		.ops = &fake_ops,
		.numa_node = -1,
		.priv = fake,
	};
	int ret = p2pmr_pci_parse(pci_address, &provider.pci);

	if (ret)
		return ret;
	p2pmr_pci_format(&provider.pci, provider.pci_address,
			 sizeof(provider.pci_address));
	p2pmr_pci_format(&provider.pci, provider.name, sizeof(provider.name));
	return p2pmr_provider_add(ctx, &provider);
}
