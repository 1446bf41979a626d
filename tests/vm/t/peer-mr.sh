# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: memory regions on a drive's CMB, by plain verbs on the p2p kernel
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh

no_memory_is_lost()
{
	[ "$(cat "$(cmb_path 0 available)")" = "$(cat "$(cmb_path 0 size)")" ] ||
		fail "$(cat "$(cmb_path 0 available)") of $(cat "$(cmb_path 0 size)") bytes are free"
}

next_owner_sees_zeros()
{
	"$peer_mr" fill "$cmb0" 1048576
	"$peer_mr" zero "$cmb0" 1048576
}

# A process that is killed while its memory is cleared must neither be kept
# waiting nor keep the memory
clearing_can_be_killed()
{
	local i
	for i in 1 2 3 4 5 6; do
		run_bg "$peer_mr" map "$cmb0" 67108864
		sleep "0.$i"
		kill -KILL $!
		within 60 no_memory_is_lost
	done
}

# siw hands pages to TCP and cannot give them back: it never opted in
siw_is_refused()
{
	rdma link add siw0 type siw netdev eth0
	defer rdma link delete siw0
	RDMA_DEVICE=siw0 "$peer_mr" refused "$cmb0" EOPNOTSUPP rw
	RDMA_DEVICE=siw0 "$peer_mr" refused "$cmb0" EOPNOTSUPP ro
}

# The call by which drivers take queue and doorbell buffers
queues_are_refused()
{
	insmod "$P2PMR_VM_IMAGE/umem_probe.ko"
	defer rmmod umem_probe
	"$peer_mr" queue host 0
	"$peer_mr" queue "$cmb0" EOPNOTSUPP
}

# No device of the lab has on-demand regions, so a module asks for one
on_demand_is_refused()
{
	insmod "$P2PMR_VM_IMAGE/umem_probe.ko"
	defer rmmod umem_probe
	"$peer_mr" on-demand host 0
	"$peer_mr" on-demand "$cmb0" EOPNOTSUPP
}

# An application may fork with a region on the memory; the child shares it
fork_shares_the_region()
{
	"$peer_mr" fork "$cmb0"
}

subtest "regions of all sizes and accesses" "$peer_mr" register "$cmb0"
subtest "data at all alignments" "$peer_mr" data "$cmb0"
subtest "host and peer memory in one region" "$peer_mr" mixed "$cmb0"
subtest "two drives in one region" "$peer_mr" two "$cmb0" "$cmb1"
subtest "a range past the mapping" "$peer_mr" past-end "$cmb0"
subtest "a read-only region" "$peer_mr" read-only "$cmb0"
subtest "atomics" "$peer_mr" atomic "$cmb0"
subtest "atomics of many queue pairs" "$peer_mr" atomic-many "$cmb0"
subtest "atomic writes and flushes" "$peer_mr" flush "$cmb0"
subtest "mappings that are refused" "$peer_mr" bad-maps "$cmb0" "$(cat "$(cmb_path 0 size)")"
subtest "the next owner sees zeros" next_owner_sees_zeros
subtest "clearing can be killed" clearing_can_be_killed
subtest "fork" fork_shares_the_region
subtest "a duplicate that comes late" "$peer_mr" late-duplicate
subtest "siw is refused" siw_is_refused
subtest "queues are refused" queues_are_refused
subtest "on-demand regions are refused" on_demand_is_refused
subtest "no memory is lost" no_memory_is_lost
finish
