# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive's memory as dma-bufs: who gets them, and how they are taken back
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# EDU: yes
# AGAIN: move-notify
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/dmabuf.sh

size=$(cat "$(cmb_path 0 size)")

node_is_for_a_group()
{
	[ "$(stat -c '%F %a %U:%G' "$node0")" = "character special file 660 root:root" ] ||
		fail "$(stat -c '%F %a %U:%G' "$node0")"
	grep -qx "DEVNAME=p2pmem/$drive" "/sys/class/pci_p2pmem/$drive/uevent" ||
		fail "$(cat "/sys/class/pci_p2pmem/$drive/uevent")"
}

# User 65534 is in the group that the node is given to; the RDMA device is for all
group_may_allocate()
{
	chgrp 1234 "$node0"
	defer chgrp 0 "$node0"
	setpriv --reuid 65534 --regid 65534 --groups 1234 "$peer_dmabuf" cpu "$node0"
	expect_status 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$peer_dmabuf" cpu "$node0"
	grep -q 'Permission denied' <<<"$output" || fail "$output"
}

all_is_back()
{
	within 10 nothing_is_left 0
	no_region_is_left || fail "regions are left: $(rdma resource show mr)"
}

# cleared, whoever had it before
next_owner_sees_zeros()
{
	"$peer_mr" fill "$cmb0" "$size"
	"$peer_dmabuf" cpu "$node0"
}

# rxe has no DMA device that could import anything
rxe_is_refused()
{
	# EOPNOTSUPP
	RDMA_DEVICE=rxe0 "$peer_dmabuf" refused "$node0" 95
	RDMA_DEVICE=rxe0 "$peer_dmabuf" refused host 95
	RDMA_DEVICE=rxe0 "$peer_dmabuf" pinned "$node0"
}

revoked()
{
	timeout 120 "${edu_env[@]}" "$peer_dmabuf" revoked "$node0" "$drive"
	bring_back bind_drive
	within 10 test -c "$node0"
	with_edu "$peer_dmabuf" move "$node0"
}

# The holder neither knows nor does anything
unbind_while_held()
{
	hold_dmabufs 50
	unbind_drive
	drive_is_gone || fail "the memory is still there"
	[ ! -e "$node0" ] || fail "the node is still there"
	bring_back bind_drive
}

# Allocations and registrations go on while the drive leaves and comes back
come_and_go()
{
	local churns=() i
	for i in 1 2; do
		run_bg "${edu_env[@]}" "$peer_dmabuf" churn "$node0" >"$test_dir/churn.$i" 2>&1
		churns+=("$!")
	done
	within 20 says running "$test_dir"/churn.*
	for i in 1 2 3 4 5; do
		unbind_drive
		bind_drive
		within 20 drive_is_back
		sleep 0.5
	done
	kill -TERM "${churns[@]}"
	for i in "${churns[@]}"; do
		wait "$i" || fail "$(cat "$test_dir"/churn.*)"
	done
	all_is_back
}

revoked_by_reset()
{
	with_edu "$peer_dmabuf" revoked-reset "$node0" "/sys/bus/pci/devices/$drive/reset"
	within 20 drive_is_back
	all_is_back
}

subtest "the node" node_is_for_a_group
subtest "a group may be let in" group_may_allocate
subtest "calls that are refused" "$peer_dmabuf" bad-calls "$node0" "$size"
subtest "access by the CPU" "$peer_dmabuf" cpu "$node0"
subtest "the next owner sees zeros" next_owner_sees_zeros
dmabufs_move
subtest "passed to another process" with_edu "$peer_dmabuf" passed "$node0"
subtest "ibv_reg_mr() on a mapping" with_edu "$peer_dmabuf" pinned "$node0"
subtest "a drive's DMA into a mapping" "$peer_dmabuf" direct "$node0" "/dev/$(drive_name 0)n1"
subtest "rxe is refused" rxe_is_refused
subtest "all is back" all_is_back
subtest "the drive leaves" revoked
subtest "unbind with dma-bufs held" unbind_while_held
subtest "the holder is killed" holder_is_killed 5 hold_dmabufs 100
subtest "allocations while the drive comes and goes" come_and_go
subtest "a reset of the function" without_lockdep revoked_by_reset
finish
