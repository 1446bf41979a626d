# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2317 # subtests are called by name
# DESCRIPTION: members of the group p2pmem, and nobody else, get at a drive's memory
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 120
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh

drive=$(drive_name 0)
address=$(drive_address 0)
lib_peer=build/tests/vm/lib-peer
rules=providers/system/60-p2pmem.rules
# of a user who is in no other group
user=(setpriv --reuid 65534 --regid 65534 --inh-caps=-all)

group_and_rules()
{
	groupadd -r p2pmem
	mkdir -p /run/udev/rules.d
	cp "$rules" /run/udev/rules.d
	/lib/systemd/systemd-udevd --daemon
	udevadm control --ping
}

# of the file of sysfs, and of the device node
owners()
{
	stat -c '%G:%a' "$(cmb_allocate_path 0)" "/dev/p2pmem/$address" | paste -sd' '
}

# What is there when the rules come, as at the next boot
already_bound()
{
	expect_output '^root:6[0-9]* root:6[0-9]*$' owners
	udevadm trigger --action=add --subsystem-match=pci --subsystem-match=pci_p2pmem --settle
	expect_output '^p2pmem:660 p2pmem:660$' owners
}

bound_again()
{
	echo "$address" >/sys/bus/pci/drivers/nvme/unbind
	echo "$address" >/sys/bus/pci/drivers/nvme/bind
	udevadm settle
	expect_output '^p2pmem:660 p2pmem:660$' owners
}

nobody_else()
{
	"${user[@]}" --clear-groups "$lib_peer" permission "$drive"
}

members()
{
	"${user[@]}" --groups "$(getent group p2pmem | cut -d: -f3)" "$lib_peer" use "$drive"
}

subtest "the group and the rules" group_and_rules
subtest "a drive that is there" already_bound
subtest "a drive that is bound again" bound_again
subtest "members of the group" members
subtest "nobody else" nobody_else
finish
