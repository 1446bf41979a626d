// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that does not want to sleep, and so ends each attempt of the system
 * to: all devices are prepared for sleep, this one refuses, and all are told
 * that it is over. A guest whose root is on 9p cannot go further than that, as
 * virtio's 9p transport does not come back from sleep.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>

static int sleep_refused_prepare(struct device *dev)
{
	return -EBUSY;
}

static const struct dev_pm_ops sleep_refused_pm = {
	.prepare = sleep_refused_prepare,
};

static struct platform_driver sleep_refused = {
	.driver = {
		.name = "sleep_refused",
		.pm = &sleep_refused_pm,
	},
};

static struct platform_device *device;

static int __init sleep_refused_init(void)
{
	int ret;

	ret = platform_driver_register(&sleep_refused);
	if (ret)
		return ret;

	/* the last device to be registered is the last one to be prepared */
	device = platform_device_register_simple("sleep_refused", -1, NULL, 0);
	if (IS_ERR(device)) {
		platform_driver_unregister(&sleep_refused);
		return PTR_ERR(device);
	}

	return 0;
}
module_init(sleep_refused_init);

static void __exit sleep_refused_exit(void)
{
	platform_device_unregister(device);
	platform_driver_unregister(&sleep_refused);
}
module_exit(sleep_refused_exit);

MODULE_DESCRIPTION("A device that refuses to sleep, for tests");
MODULE_LICENSE("GPL");
