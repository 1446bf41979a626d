# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive is taken out while p2pmr copy reads from it, or writes to it
# KERNEL: p2p
# TOPOLOGY: switch
# DRIVE: 512
# ACCEL: tcg-single
# TIMEOUT: 1200
# ALL: yes
#
# In one thread, because QEMU frees a drive's memory at once, and a processor
# that is just writing to it takes QEMU down.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/copy.sh

# of_drive N: what follows is about that one, of which lib/leave.sh has $drive and
# $cmb0
of_drive()
{
	nr=$1
	drive=$(drive_address "$nr")
	cmb0=$(cmb_allocate_path "$nr")
}

# switch_off: the drive's slot, as an administrator does; what a button does after five
# seconds, in which a fast machine has copied it all
switch_off()
{
	local slot
	for slot in /sys/bus/pci/slots/*; do
		[ "$(cat "$slot/address")" != "${drive%.*}" ] || echo 0 >"$slot/power"
	done
}

plugged_in()
{
	drive_name "$nr" >/dev/null
}

# plug_in: the drive again, with what it holds, in its slot. $lab_dir: of the run,
# where QEMU has its file.
plug_in()
{
	local lab_dir node=again$nr.$SECONDS
	lab_dir=$(sed -n 's/.*lab_dir="\([^"]*\)".*/\1/p' /proc/cmdline)
	within 60 slot_is_off
	# QEMU closes the file a little later than the guest sees the slot's state,
	# and what happens within a second of that is no news to pciehp
	sleep 2
	within 20 qmp blockdev-add '{"driver": "raw", "node-name": "'"$node"'",
		"file": {"driver": "file", "filename": "'"$lab_dir/drive$nr"'"}}' >/dev/null
	within 20 qmp device_add '{"driver": "nvme", "id": "nv'"$nr"'", "bus": "dn'"$nr"'",
		"drive": "'"$node"'", "serial": "n'"$nr"'", "cmb_size_mb": "64"}' >/dev/null
	within 30 plugged_in
	within 20 nothing_is_left "$nr"
}

# mount_again DIR
mount_again()
{
	within 20 test -b "/dev/$(drive_name "$nr")n1"
	mount "/dev/$(drive_name "$nr")n1" "$1"
}

new_large_file()
{
	random "$from/leaving" 120000000
	echo old >"$to/leaving"
	sync
}

from_the_sender()
{
	lockdep_looks_away
	of_drive 0
	new_large_file
	copy_bg "$from/leaving" "there:$to"
	within 60 under_way
	"$@"
	copy_ends 1 '\[(PROVIDER_GONE|SOURCE)\]$'
	cat "$test_dir/said"
	within 30 no_other_end
	[ "$(cat "$to/leaving")" = old ] || fail "half a file was put in place"
	no_leftovers
	within 60 drive_is_gone
	nothing_is_left 1 || fail "the other drive's memory is not whole"
	umount -l "$from"
	plug_in
	mount_again "$from"
}

from_the_receiver()
{
	lockdep_looks_away
	of_drive 1
	new_large_file
	copy_bg "$from/leaving" "there:$to"
	within 60 under_way
	"$@"
	copy_ends 1 '\[(PROVIDER_GONE|DESTINATION)\]$'
	cat "$test_dir/said"
	within 30 no_other_end
	within 60 drive_is_gone
	nothing_is_left 0 || fail "the other drive's memory is not whole"
	umount -l "$to"
	plug_in
	mount_again "$to"
	# What was half done could not be cleared away; it has no final name
	[ "$(cat "$to/leaving")" = old ] || fail "half a file was put in place"
	rm -f "$to"/.p2pmr-*
}

# Pulled out without a word: what is read from the drive's memory then is all ones
# until the kernel has noticed. Of many small files, some are on the wire at that
# moment; those that are put in place are right.
pulled_out()
{
	local file
	lockdep_looks_away
	of_drive 0
	mkdir "$from/small"
	random "$from/all" 40000000
	split -b "$1" -a 4 "$from/all" "$from/small/"
	rm "$from/all"
	sync
	copy_bg -r "$from/small" "there:$to"
	within 60 some_in_place
	power_off 500
	copy_ends 1 '\[(PROVIDER_GONE|SOURCE)\]$'
	tail -n 1 "$test_dir/said"
	within 30 no_other_end
	no_leftovers
	within 60 drive_is_gone
	umount -l "$from"
	plug_in
	mount_again "$from"
	echo "$(find "$to/small" -type f ! -name '.*' | wc -l) files are in place"
	for file in "$to/small"/*; do
		cmp "$file" "$from/small/${file##*/}" || fail "a wrong file was put in place"
	done
	rm -r "$from/small" "$to/small"
}

some_in_place()
{
	[ "$(find "$to/small" -type f ! -name '.*' 2>/dev/null | wc -l)" -ge 20 ]
}

half_there()
{
	[ "$(du -sk "$to" | cut -f 1)" -ge 36000 ]
}

# What is gone on with afterwards has none of those ones in it
pulled_out_and_gone_on_with()
{
	lockdep_looks_away
	of_drive 0
	random "$from/parted" 120000001
	sync
	copy_bg --partial "$from/parted" "there:$to"
	within 120 half_there
	power_off 500
	copy_ends 1 '\[(PROVIDER_GONE|SOURCE)\]$'
	within 30 no_other_end
	[ ! -e "$to/parted" ] || fail "half a file was put in place"
	within 60 drive_is_gone
	umount -l "$from"
	plug_in
	mount_again "$from"
	expect_status 0 copy --partial --json "$from/parted" "there:$to"
	report '.resumed_bytes >= 16000000'
	echo "$(jq .resumed_bytes <<<"$output") bytes of it were there"
	cmp "$from/parted" "$to/parted" || fail "what was there was wrong"
	rm "$from/parted" "$to/parted"
}

# All is as it was: a copy goes from drive to drive
goes_again()
{
	random "$from/again" 3000001
	expect_status 0 copy --json "$from/again" "there:$to"
	report '[.sender, .receiver] | all(.peer_bytes == 3000001 and .host_bytes == 0)'
	cmp "$from/again" "$to/again"
	rm "$from/again" "$to/again"
}

subtest "file systems on both drives" mount_drives
subtest "the sender's drive" from_the_sender switch_off
subtest "and again" goes_again
subtest "the receiver's drive" from_the_receiver switch_off
subtest "and once more" goes_again
subtest "pulled out" pulled_out 128K
subtest "and another time" goes_again
subtest "pulled out, and gone on with" pulled_out_and_gone_on_with
umount "$from" "$to"
finish
