# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: a drive can leave while its memory is registered, and come back
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 180
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh

drive=$(drive_address 0)

holding()
{
	grep -q holding "$test_dir/holder"
}

# hold BYTES: a process that keeps a region until the subtest ends
hold()
{
	defer rm -f "$test_dir/holder"
	run_bg "$peer_mr" hold "$cmb0" "$1" >"$test_dir/holder"
	within 20 holding
}

drive_is_back()
{
	[ -e "$cmb0" ] && [ -n "$(drive_name 0)" ]
}

bring_back()
{
	echo "$drive" >/sys/bus/pci/drivers/nvme/bind
	within 20 drive_is_back
	[ "$(cat "$(cmb_path 0 available)")" = "$(cat "$(cmb_path 0 size)")" ] ||
		fail "not all of the memory is free after the drive came back"
}

unbind_with_a_region()
{
	hold 4194304
	timeout 30 bash -c "echo $drive >/sys/bus/pci/drivers/nvme/unbind"
	[ ! -e "$cmb0" ] || fail "the memory is still there"
	kill -0 $! || fail "the holder is gone"
	bring_back
	"$peer_mr" data "$cmb0"
}

# The other drive's regions go on
other_drive_is_untouched()
{
	hold 1048576
	run_bg "$peer_mr" soak "$cmb1" 3 >"$test_dir/soak"
	timeout 30 bash -c "echo $drive >/sys/bus/pci/drivers/nvme/unbind"
	wait $! || fail "traffic to the other drive failed"
	bring_back
}

subtest "unbind with a region held" unbind_with_a_region
subtest "what a key is good for afterwards" "$peer_mr" revoked "$cmb0" "$drive"
subtest "the drive comes back for the next test" drive_is_back
subtest "the other drive's regions go on" other_drive_is_untouched
finish
