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

member()
{
	"${user[@]}" --groups "$(getent group p2pmem | cut -d: -f3)" "$@"
}

members()
{
	member "$lib_peer" use "$drive"
}

members_drive_comes_back()
{
	drive_comes_back member
	udevadm settle
}

# container COMMAND...: as it is in one that was given /dev/p2pmem/ADDRESS and the
# RDMA devices; /sys is read-only, and there is no other device of the drive
container()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount bash -euc '
		dev=$(mktemp -d)
		mount -t tmpfs none "$dev"
		mkdir "$dev/p2pmem"
		cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/infiniband "$dev"
		cp -a "/dev/p2pmem/$0" "$dev/p2pmem"
		mount --bind "$dev" /dev
		mount --bind /sys /sys
		mount -o remount,bind,ro /sys
		"$@"' "$address" "$@"
}

in_a_container()
{
	expect_output "^$drive +p2pmem " container p2pmr list
	container "$lib_peer" use "$drive"
	container "${user[@]}" --groups "$(getent group p2pmem | cut -d: -f3)" "$lib_peer" use "$drive"
	container "${user[@]}" --clear-groups "$lib_peer" permission "$drive"
	container p2pmr check --json >"$test_dir/check" || true
	jq -e --arg n "$drive" '[.checks[] | select(.object == $n and .check == "access")] |
		length == 1 and .[0].state == "pass" and (.[0].text | contains("/dev/p2pmem/"))' \
		"$test_dir/check" >/dev/null || fail "$(cat "$test_dir/check")"
}

subtest "the group and the rules" group_and_rules
subtest "a drive that is there" already_bound
subtest "a drive that is bound again" bound_again
subtest "members of the group" members
subtest "a member whose drive comes back" members_drive_comes_back
subtest "nobody else" nobody_else
subtest "a container with the device node" in_a_container
finish
