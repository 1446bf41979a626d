# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a mapping that is made while its drive leaves does not keep it
# KERNEL: unrevocable
# TOPOLOGY: switch
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

# This kernel lets a process of that name sleep in mmap(), where the mapping has
# its pages but cannot be found yet
late=$test_dir/p2pmem-late

is_in_mmap()
{
	grep -q p2pmem_mmap "/proc/$1/stack"
}

has_ended()
{
	! kill -0 "$1" 2>/dev/null
}

# Of p2pmem/allocate, kernfs waits for the mmap() first; of the drive's own device,
# nobody does
unbind_with_a_late_mapping()
{
	local mapper unbind
	cp "$peer_mr" "$late"
	run_bg "$late" map "$1" 65536
	mapper=$!
	within 20 is_in_mmap "$mapper"
	unbind_drive &
	unbind=$!
	within 60 has_ended "$unbind"
	wait "$unbind"
	kill -0 "$mapper" 2>/dev/null || fail "the process ended, so the unbind had not to find its mapping"
	kill "$mapper"
	bring_back bind_drive
}

subtest "a mapping of p2pmem/allocate" unbind_with_a_late_mapping "$cmb0"
subtest "a mapping of the drive's own device" unbind_with_a_late_mapping "/dev/$(drive_name 0)"
finish
