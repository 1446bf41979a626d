# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2317 # subtests are called by name
# DESCRIPTION: members of the group p2pmem, and nobody else, get at a drive's memory
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
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
	systemd-sysusers "$PWD/providers/system/p2pmem.sysusers"
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

# memlock USER: of somebody who logs in
memlock()
{
	su "$1" -c 'ulimit -l'
}

limits()
{
	mkdir -p /etc/security/limits.d
	cp providers/system/p2pmem.limits /etc/security/limits.d/p2pmem.conf
	useradd -G p2pmem member
	useradd stranger
	expect_output '^unlimited$' memlock member
	expect_output '^[0-9][0-9]*$' memlock stranger
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

# container COMMAND...: as it is in one that was given the RDMA devices and what $given
# says: node (/dev/p2pmem/ADDRESS), allocate (the file in sysfs) or nothing; else /sys is
# read-only, and there is no device of the drive
container()
{
	# shellcheck disable=SC2016 # for the inner shell
	env given="$given" address="$address" allocate="$(cmb_allocate_path 0)" \
		unshare --mount bash -euc '
		dev=$(mktemp -d)
		mount -t tmpfs none "$dev"
		mkdir "$dev/p2pmem"
		cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/infiniband "$dev"
		[ "$given" != node ] || cp -a "/dev/p2pmem/$address" "$dev/p2pmem"
		mount --bind "$dev" /dev
		mount --bind /sys /sys
		[ "$given" != allocate ] || mount --bind "$allocate" "$allocate"
		mount -o remount,bind,ro /sys
		"$@"' container "$@"
}

# in_a_container GIVEN: members of the group get at the memory through that
in_a_container()
{
	local given=$1 group
	group=$(getent group p2pmem | cut -d: -f3)
	expect_output "^$drive +p2pmem " container p2pmr list
	container "$lib_peer" use "$drive"
	container "${user[@]}" --groups "$group" "$lib_peer" use "$drive"
	container "${user[@]}" --clear-groups "$lib_peer" permission "$drive"
}

check_in_a_container()
{
	local given=node
	container p2pmr check --json >"$test_dir/check" || true
	jq -e --arg n "$drive" '[.checks[] | select(.object == $n and .check == "access")] |
		length == 1 and .[0].state == "pass" and (.[0].text | contains("/dev/p2pmem/"))' \
		"$test_dir/check" >/dev/null || fail "$(cat "$test_dir/check")"
}

# So it was what was given to them that let the others in
given_nothing()
{
	local given=nothing said
	! said=$(container "$lib_peer" use "$drive" 2>&1) || fail "it got memory: $said"
	[[ $said == *"sysfs is mounted read-only"* ]] || fail "$said"
}

subtest "the group and the rules" group_and_rules
subtest "a drive that is there" already_bound
subtest "a drive that is bound again" bound_again
subtest "members of the group" members
subtest "a member whose drive comes back" members_drive_comes_back
subtest "nobody else" nobody_else
subtest "how much a member may lock, once it has logged in" limits
subtest "a container with the device node" in_a_container node
subtest "what check says there" check_in_a_container
subtest "a container with the allocate file" in_a_container allocate
subtest "a container with neither" given_nothing
finish
