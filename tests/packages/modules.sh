# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: a kernel whose drivers are modules, as distributions have it
# TIMEOUT: 600
# Run by tests/packages/kernel, with --kernel and --modules.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/nvmet.sh

# Debian's configuration for clouds has nvme built in, and it stays so. That the others
# do not is for tests/packages/kernel to say.
nvme_is_built_in()
{
	[ -d /sys/module/nvme ] && ! grep -q '^nvme ' /proc/modules
}

are_modules()
{
	local module
	for module in ib_core ib_uverbs rdma_rxe nvmet_rdma; do
		grep -q "^$module " /proc/modules || fail "$module is built in"
	done
	! nvme_is_built_in || echo "nvme is built in, so it is unbound instead of unloaded"
	modprobe mlx5_ib
	p2pmr check
}

data()
{
	"$peer_mr" data "$cmb0"
	"$peer_mr" two "$cmb0" "$cmb1"
}

# rxe cannot take its contexts from their owners, so it stays as long as there are any
rxe_is_unloaded()
{
	hold hold 1048576
	! rmmod rdma_rxe 2>/dev/null || fail "rdma_rxe was unloaded below a region"
	kill "$holder"
	within 10 no_region_is_left
	within 10 rmmod rdma_rxe
	nothing_is_left 0
	rdma link add rxe0 type rxe netdev eth0
	"$peer_mr" data "$cmb0"
}

unload_nvme()
{
	local address
	if nvme_is_built_in; then
		for address in $addresses; do
			echo "$address" >"$drives/unbind"
		done
	else
		timeout 60 rmmod nvme
	fi
}

load_nvme()
{
	local address
	if nvme_is_built_in; then
		for address in $addresses; do
			echo "$address" >"$drives/bind"
		done
	else
		modprobe nvme
	fi
}

# Both drives leave, and nobody has to let go of their memory first
nvme_is_unloaded()
{
	hold hold 4194304
	traffic write read
	addresses=$(find "$drives" -name '*:*' -printf '%f ')
	unload_nvme
	[ ! -e "$cmb0" ] || fail "nv0's memory is still there"
	[ ! -e "$cmb1" ] || fail "nv1's memory is still there"
	end_traffic
	kill -0 "$holder" || fail "the holder is gone"
	bring_back load_nvme
	"$peer_mr" data "$cmb0"
}

target_serves()
{
	start_target "$drive"
	defer stop_target
	connect --nr-io-queues=1
	defer disconnect
	write_remote 1
	check_remote 1
	only_peer
}

# After the subtest before: its target and its host are gone
nvmet_is_unloaded()
{
	modprobe -r nvmet_rdma nvme_rdma
	! grep -q '^nvmet_rdma ' /proc/modules || fail "nvmet_rdma is still there"
	pools_are_whole
}

subtest "RDMA, drives and target are modules" are_modules
subtest "data in a drive's memory" data
subtest "rdma_rxe is unloaded" rxe_is_unloaded
subtest "nvme is unloaded" nvme_is_unloaded
subtest "a target serves from a drive's memory" target_serves
subtest "the target is unloaded" nvmet_is_unloaded
finish
