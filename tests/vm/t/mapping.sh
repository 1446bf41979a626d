# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a region keeps its memory, whatever becomes of the mapping
# KERNEL: p2p
# TOPOLOGY: switch
# CMB: 4
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

outlives()
{
	timeout 60 "$peer_mr" outlives "$cmb0" "$1" "$2"
	within 10 nothing_is_left 0
}

outlives_fork()
{
	timeout 60 "$peer_mr" outlives-fork "$cmb0"
	within 10 nothing_is_left 0
}

registered_while_replaced()
{
	timeout 120 "$peer_mr" race "$cmb0" 10
	within 10 nothing_is_left 0
}

# Nothing but the region has the memory, and the drive leaves
unmapped_and_taken_back()
{
	hold hold-unmapped 2097152
	unbind_drive
	drive_is_gone || fail "the memory is still there"
	kill -0 "$holder" || fail "the holder is gone"
	bring_back bind_drive
}

# ... or its process ends, with all that it has
unmapped_and_killed()
{
	hold hold-unmapped 2097152
	! nothing_is_left 0 || fail "the memory of a live region is available"
	kill -KILL "$holder"
	within 10 nothing_is_left 0
}

for way in unmap unmap-middle unmap-ends move move-middle host-over-middle \
	peer-over-middle peer-over-all dontneed; do
	subtest "one mapping: $way" outlives $way 1
done
for way in unmap unmap-middle host-over-middle peer-over-middle peer-over-all dontneed; do
	subtest "two mappings: $way" outlives $way 2
done
subtest "a child has the mapping, too" outlives_fork
subtest "parts of mappings" "$peer_mr" part "$cmb0"
subtest "registered while it is replaced" registered_while_replaced
subtest "no mapping is left when the drive leaves" unmapped_and_taken_back
subtest "no mapping is left when the process ends" unmapped_and_killed
subtest "no memory is lost" nothing_is_left 0
finish
