# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets them; subtests are called by name
# DESCRIPTION: a drive's memory through its own device, where sysfs is read-only
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

nvme0=$(drive_name 0)
cdev=/dev/$nvme0
lib_peer=build/tests/vm/lib-peer
user=(setpriv --reuid 65534 --regid 65534 --inh-caps=-all)

# ---- without the library ----------------------------------------------------

# Taking memory is no reading, whatever is done with it then
open_for_reading_only()
{
	"$peer_mr" no-map "$cdev" ro EACCES
	nothing_is_left 0 || fail "some of it is gone"
}

next_owner_sees_zeros()
{
	"$peer_mr" fill "$cdev" 1048576
	"$peer_mr" zero "$cdev" 1048576
	"$peer_mr" fill "$cdev" 1048576
	"$peer_mr" zero "$cmb0" 1048576
}

# Mappings of both files come from one pool
both_ways_side_by_side()
{
	"$peer_mr" two "$cdev" "$cmb0"
	"$peer_mr" two "$cmb0" "$cdev"
	"$peer_mr" two "$cdev" "$(cmb_allocate_path 1)"
}

# And keep the device's file no more open than that of sysfs
maps_say_what_it_is()
{
	local pid
	run_bg "$peer_mr" map "$cdev" 65536
	pid=$!
	within 10 grep -q "anon_inode:p2pmem:$drive\$" "/proc/$pid/maps"
	[ -z "$(find "/proc/$pid/fd" -lname "$cdev")" ] || fail "the device is open"
}

# ---- the library, where sysfs is as it is in a container --------------------

# read_only COMMAND...
read_only()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount bash -c 'mount --bind /sys /sys && mount -o remount,bind,ro /sys && "$@"' \
		bash "$@"
}

# hidden COMMAND...: there is no p2pmem for all that sysfs shows
hidden()
{
	# shellcheck disable=SC2016
	unshare --mount bash -c 'mount -t tmpfs -o ro none "$0" && "$@"' \
		"$(readlink -f "$(cmb_path 0)")" "$@"
}

chosen_by_itself()
{
	expect_output "^$nvme0 +p2pmem " p2pmr list
	expect_status 1 read_only "$peer_mr" map "$cmb0" 4096
	grep -q "Read-only file system" <<<"$output" || fail "it said: $output"
	expect_output "^$nvme0 +nvme_cdev " read_only p2pmr list
	[ "$(grep -c "^$nvme0 " <<<"$output")" = 1 ] || fail "listed twice: $output"
	read_only "$lib_peer" use "$nvme0"
	read_only "$lib_peer" sizes "$drive"
	expect_output "^1048576 bytes of nvme[0-9]+$" read_only build/examples/choose 1048576
	expect_output "$nvme0" read_only p2pmr topo "$cdev"
	! grep -q "$(drive_name 1)" <<<"$output" || fail "not only that one: $output"
}

by_name()
{
	"$lib_peer" use "$cdev"
	"$lib_peer" sizes "$cdev"
	"$lib_peer" ranges "$cdev"
}

# What `p2pmr check` and `p2pmr monitor` say of it
tools_know_it()
{
	local out=$test_dir/held
	read_only p2pmr check --json >"$test_dir/check" || true
	jq -e --arg n "$nvme0" '[.checks[] | select(.object == $n and .check == "access")] |
		length == 1 and .[0].state == "pass"' "$test_dir/check" >/dev/null ||
		fail "$(cat "$test_dir/check")"
	run_bg "$peer_mr" hold "$cdev" 1048576 >"$out"
	within 60 says holding "$out"
	p2pmr monitor -n 1 --json >"$test_dir/monitor"
	jq -e '(.providers | length == 2) and
		([.registrations[].mapped_peer_bytes] == [1048576])' "$test_dir/monitor" >/dev/null ||
		fail "$(cat "$test_dir/monitor")"
}

# Whose group the device is has the memory; nobody else
permission()
{
	"${user[@]}" --clear-groups "$lib_peer" permission "$cdev"
	read_only "${user[@]}" --clear-groups "$lib_peer" permission "$nvme0"
	chgrp 1234 "$cdev"
	chmod g+rw "$cdev"
	defer chmod 600 "$cdev"
	read_only "${user[@]}" --groups 1234 "$lib_peer" use "$nvme0"
}

# ---- leaving ----------------------------------------------------------------

revoked()
{
	timeout 60 "$peer_mr" revoked "$cdev" "$drive"
	within 20 drive_is_back
	within 10 nothing_is_left 0
	no_region_is_left || fail "regions are left: $(rdma resource show mr)"
}

# A region and a mapping, each of its own process
leaves_while_it_is_held()
{
	local out=$test_dir/held
	run_bg "$peer_mr" hold "$cdev" 1048576 >"$out"
	run_bg "$peer_mr" map "$cdev" 1048576
	within 60 says holding "$out"
	unbind_drive
	drive_is_gone || fail "the memory is still there"
	bring_back bind_drive
}

leaves_under_traffic()
{
	cmb0=$cdev leaves unbind_drive
	bring_back bind_drive
}

# mmap() and unbind at the same time, at ten moments
leaves_while_it_is_mapped()
{
	local i
	for i in {0..9}; do
		run_bg "$peer_mr" map "$cdev" 8388608 2>/dev/null
		sleep "0.$i"
		unbind_drive
		bring_back bind_drive
	done
}

# A file that is open when the drive leaves is of no use when it is back. The
# drive has another name then, as the old one is still in use
opened_before_it_left()
{
	timeout 60 "$peer_mr" late-map "$cdev" "$drive"
	within 20 drive_is_back
}

gone()
{
	"$lib_peer" gone "$cdev" "$drive"
	bring_back bind_drive
}

# Another drive in the slot, and the last thing that is done: nv0 is gone for good
no_cmb()
{
	lockdep_looks_away
	unplug nv0
	within 20 slot_is_off
	sleep 2
	qmp blockdev-add '{"driver": "null-co", "node-name": "bare", "size": 268435456}' >/dev/null
	within 20 add_bare_drive
	within 20 drive_name 0
	within 20 test -c "/dev/$(drive_name 0)"
	within 20 "$peer_mr" no-map "/dev/$(drive_name 0)" rw ENODEV
	expect_status 1 p2pmr topo "/dev/$(drive_name 0)"
	grep -q "has no peer memory" <<<"$output" || fail "it said: $output"
}

add_bare_drive()
{
	qmp device_add '{"driver": "nvme", "id": "nv0", "bus": "dn0", "drive": "bare",
		"serial": "n0"}' >/dev/null 2>&1
}

subtest "mappings that are refused" "$peer_mr" bad-maps "$cdev" "$(cat "$(cmb_path 0 size)")"
subtest "a file that is open for reading only" open_for_reading_only
subtest "regions of all sizes and accesses" "$peer_mr" register "$cdev"
subtest "data at all alignments" "$peer_mr" data "$cdev"
subtest "host and peer memory in one region" "$peer_mr" mixed "$cdev"
subtest "read-only regions" "$peer_mr" read-only "$cdev"
subtest "both ways side by side" both_ways_side_by_side
subtest "parts of mappings" "$peer_mr" part "$cdev"
subtest "fork" "$peer_mr" fork "$cdev"
subtest "the next owner sees zeros" next_owner_sees_zeros
subtest "what /proc/PID/maps says" maps_say_what_it_is
subtest "the library, by name" by_name
subtest "the library, where sysfs is read-only" chosen_by_itself
subtest "data, where sysfs is read-only" read_only "$peer_mr" data "$cdev"
subtest "data, where sysfs does not show it" hidden "$peer_mr" data "$cdev"
subtest "permission" permission
subtest "check and monitor" tools_know_it
subtest "no memory is lost" nothing_is_left 0
subtest "a region is revoked" revoked
subtest "the drive leaves while it is held" leaves_while_it_is_held
subtest "the drive leaves under traffic" leaves_under_traffic
subtest "the drive leaves while it is mapped" leaves_while_it_is_mapped
subtest "the library, when the drive has left" gone
subtest "a file from before the drive left" opened_before_it_left
subtest "a drive without a CMB" no_cmb
finish
