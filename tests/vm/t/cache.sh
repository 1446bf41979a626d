# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: the registration cache on a drive's memory, and what a region is charged for
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

lib_cache=build/tests/vm/lib-cache

# on TEST [ARG...]: what the cache held is gone afterwards, and all memory back
on()
{
	local test=$1
	shift
	timeout 60 "$lib_cache" "$test" "$(drive_name 0)" "$@"
	within 10 nothing_is_left 0
	no_region_is_left || fail "regions are left: $(rdma resource show mr)"
}

# An unbind that a failed test left undone must not fail the next one
with_drive()
{
	defer bring_back_drive
	on "$@" "$drive"
}

bring_back_drive()
{
	drive_is_back || bind_drive
	within 20 drive_is_back
}

subtest "a hit, and data through it" on hit
subtest "another buffer at the same address" on stale
subtest "fork" on fork
subtest "the drive leaves and comes back" with_drive revoked
subtest "RLIMIT_MEMLOCK" with_drive accounting
finish
