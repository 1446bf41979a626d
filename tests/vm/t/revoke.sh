# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: what is registered when a drive leaves, and what it is good for then
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/bar.sh

unbind_with_a_region()
{
	hold hold 4194304
	unbind_drive
	drive_is_gone || fail "the memory is still there"
	kill -0 "$holder" || fail "the holder is gone"
	bring_back bind_drive
	"$peer_mr" data "$cmb0"
}

# A thousand regions of ten processes
unbind_with_many_regions()
{
	local i
	for i in {1..10}; do
		hold hold-many 100
	done
	[ "$(rdma resource show mr | wc -l)" -ge 1000 ] || fail "not a thousand regions"
	unbind_drive
	bring_back bind_drive
}

# revoked TEST [ARG...]: it unbinds the drive itself
revoked()
{
	local test=$1
	shift
	timeout 60 "$peer_mr" "$test" "$cmb0" "$drive" "$@"
	drive_is_back || bind_drive
	within 20 drive_is_back
	within 10 nothing_is_left 0
	within 10 nothing_is_left 1
	no_region_is_left || fail "regions are left: $(rdma resource show mr)"
}

# rxe has no way to take its contexts from their owners, so the device stays
# until they have ended; the drive does not wait for that
rdma_device_leaves()
{
	hold hold 1048576
	rdma link delete rxe0 &
	sleep 0.2
	unbind_drive
	kill "$holder"
	wait $! || fail "rxe0 was not deleted"
	rdma link add rxe0 type rxe netdev eth0
	bring_back bind_drive
	"$peer_mr" data "$cmb0"
}

# ---- another driver's memory ------------------------------------------------

# Its driver has no word about taking memory back, and is unloaded
module_is_unloaded()
{
	bar_load
	defer eval 'rmmod p2pmem_bar 2>/dev/null'
	bar_bind "$bar_address/bar=2"
	cmb0=$(bar_path allocate)
	"$peer_mr" data "$cmb0"
	traffic write
	hold hold 1048576
	timeout 60 rmmod p2pmem_bar
	[ ! -e "$cmb0" ] || fail "the memory is still there"
	end_traffic
}

# The module fails to load if its exporter does not get its page back as it should
dmabuf_is_taken_back()
{
	insmod "$P2PMR_VM_IMAGE/dmabuf_probe.ko"
	rmmod dmabuf_probe
}

subtest "unbind with a region held" unbind_with_a_region
subtest "unbind with a thousand regions of ten processes" unbind_with_many_regions
subtest "keys, mappings, a child, and what comes after" revoked revoked
subtest "a memory window" revoked revoked-window
subtest "a region over two drives" revoked revoked-two "$cmb1"
subtest "re-registering" revoked revoked-rereg
subtest "a registration that user space stalls" revoked stalled
subtest "the holder is killed" holder_is_killed 10 hold hold-many 200
subtest "the RDMA device leaves, too" rdma_device_leaves
subtest "another driver is unloaded" module_is_unloaded
subtest "a dma-buf" dmabuf_is_taken_back
finish
