// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events: what a uevent means, and the socket's life. The guest has real ones. */
#include "tree.h"

#include <poll.h>

#define DEVICES "/devices/pci0000:00/0000:00:02.0/0000:01:00.0/"
#define DRIVE DEVICES "0000:04:00.0"
#define BAR DEVICES "0000:05:00.0"
#define NIC DEVICES "0000:06:00.0"

static struct tree tree;
static struct p2pmr_context *ctx;
static struct p2pmr_provider *drive;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	tree_nvme(&tree, "0000:04:00.0", "nvme0", 4096);
	ctx = tree_open(&tree);
	drive = p2pmr_provider_find(ctx, "nvme0");
	assert_non_null(drive);
	/* came later: the context does not know it */
	tree_p2pmem(&tree, "0000:05:00.0", 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p2pmr_close(ctx);
	tree_destroy(&tree);
	return 0;
}

static bool is_event(const char *action, const char *subsystem,
		     const char *devpath, struct p2pmr_event *event)
{
	const struct p2pmr_uevent uevent = { action, subsystem, devpath };

	memset(event, 0xff, sizeof(*event));
	return p2pmr_event_from_uevent(ctx, &uevent, event);
}

static void assert_event(const struct p2pmr_event *event, const char *kind,
			 const char *address, const struct p2pmr_provider *provider)
{
	assert_string_equal(p2pmr_event_kind_name(event->kind), kind);
	assert_string_equal(event->pci_address, address);
	assert_ptr_equal(event->provider, provider);
}

static void test_drive_comes_and_goes(void **state)
{
	struct p2pmr_event event;

	(void)state;
	assert_true(is_event("remove", "nvme", DRIVE "/nvme/nvme0", &event));
	assert_event(&event, "leaving", "0000:04:00.0", drive);
	assert_true(is_event("unbind", "pci", DRIVE, &event));
	assert_event(&event, "left", "0000:04:00.0", drive);
	assert_true(is_event("bind", "pci", DRIVE, &event));
	assert_event(&event, "arrived", "0000:04:00.0", drive);
}

static void test_new_one_arrives(void **state)
{
	struct p2pmr_event event;

	(void)state;
	assert_true(is_event("bind", "pci", BAR, &event));
	assert_event(&event, "arrived", "0000:05:00.0", NULL);
	/* nobody knows it, so nobody has anything to lose */
	assert_false(is_event("unbind", "pci", BAR, &event));
}

static void test_others_are_none(void **state)
{
	static const char *const others[][3] = {
		{ "bind", "pci", NIC }, { "unbind", "pci", NIC },
		{ "add", "pci", DRIVE }, { "remove", "pci", DRIVE },
		{ "change", "nvme", DRIVE "/nvme/nvme0" },
		{ "add", "nvme", DRIVE "/nvme/nvme0" },
		{ "unbind", "block", DRIVE "/nvme/nvme0/nvme0n1" },
		{ "remove", "nvme", "/devices/virtual/nvme-fabrics/ctl/nvme7" },
		{ "remove", "nvme", "" }, { "remove", "nvme", "/" },
		{ "remove", "nvme", "////" }, { "", "", "" },
		{ "unbind", "pci", "/devices/pci0000:00" },
		{ "unbind", "pci", "/devices/04:00.0" },
		{ "unbind", "pci", "/devices/0000:04:00.0x" },
		{ "unbind", "pci", "/devices/ffffffffffffffff:04:00.0" },
		{ "bind", "pci", "/devices/../../0000:04:00.0000000000000000000000000000000000000000000000000000000000000000000000" },
	};
	struct p2pmr_event event;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (is_event(others[i][0], others[i][1], others[i][2], &event))
			fail_msg("%s %s %s is an event", others[i][0],
				 others[i][1], others[i][2]);
	}
}

/* The function is there, but has no peer memory (any more) */
static void test_arrival_without_memory(void **state)
{
	struct p2pmr_event event;

	(void)state;
	tree_remove(&tree, "bus/pci/devices/0000:04:00.0/p2pmem");
	assert_false(is_event("bind", "pci", DRIVE, &event));
	assert_true(is_event("unbind", "pci", DRIVE, &event));
}

static void test_socket(void **state)
{
	struct p2pmr_events *events;
	struct p2pmr_event event;
	struct pollfd pfd = { .events = POLLIN };

	(void)state;
	assert_leaves_errno(events = p2pmr_events_open(ctx));
	assert_non_null(events);
	pfd.fd = p2pmr_events_fd(events);
	assert_true(pfd.fd >= 0);
	assert_true(poll(&pfd, 1, 0) >= 0);
	assert_false(pfd.revents & (POLLNVAL | POLLERR));
	assert_leaves_errno(assert_int_equal(p2pmr_events_next(events, &event),
					     -EAGAIN));
	assert_int_equal(p2pmr_events_next(events, NULL), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_leaves_errno(p2pmr_events_close(events));
}

static void test_bad_arguments(void **state)
{
	struct p2pmr_event event;

	(void)state;
	assert_null(p2pmr_events_open(NULL));
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_int_equal(p2pmr_events_next(NULL, &event), -EINVAL);
	assert_reason(P2PMR_REASON_BAD_ARGUMENT, EINVAL);
	assert_leaves_errno(p2pmr_events_close(NULL));
	assert_string_equal(p2pmr_event_kind_name(P2PMR_EVENT_LOST), "lost");
	assert_string_equal(p2pmr_event_kind_name(0), "unknown");
	assert_string_equal(p2pmr_event_kind_name(5), "unknown");
	assert_string_equal(p2pmr_event_kind_name(-1), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_drive_comes_and_goes),
		TEST(test_new_one_arrives),
		TEST(test_others_are_none),
		TEST(test_arrival_without_memory),
		TEST(test_socket),
		TEST(test_bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
