# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: the control: where nothing is taken back, a region keeps a drive from leaving
# KERNEL: unrevocable
# TOPOLOGY: switch
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

is_stuck()
{
	grep -q '^State:.*D' "/proc/$1/status" && grep -q memunmap_pages "/proc/$1/stack"
}

has_ended()
{
	! kill -0 "$1" 2>/dev/null
}

# The unbind waits for the holder, killed or not, and for nothing else
unbind_waits_for_the_holder()
{
	local unbind
	hold hold 1048576
	echo "$drive" >"$drives/unbind" &
	unbind=$!
	within 20 is_stuck "$unbind"
	sleep 5
	kill -KILL "$unbind"
	sleep 1
	is_stuck "$unbind" || fail "the unbind ended though the region is there"
	kill "$holder"
	within 20 has_ended "$unbind"
	bring_back bind_drive
}

subtest "an unbind hangs until the holder is gone" unbind_waits_for_the_holder
finish
