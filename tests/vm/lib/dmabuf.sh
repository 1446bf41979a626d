# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # for those who source this; edu.sh
# For tests of memory that is exported as a dma-buf. After devices.sh; the RDMA
# device that imports them is edu0, so with edu.sh.

peer_dmabuf=build/tests/vm/peer-dmabuf

# node N: by which the drive's memory is allocated
node()
{
	local address
	address=$(drive_address "$1") && echo "/dev/p2pmem/$address"
}

node0=$(node 0)

# with_edu for run_bg: with a function, $! would be a shell's
edu_env=(env LD_LIBRARY_PATH="$edu_libs" RDMAV_DRIVERS="$edu_libs/libedu" RDMA_DEVICE=edu0)

# hold_dmabufs COUNT: a process that has that many, each in a region, until the
# subtest ends
hold_dmabufs()
{
	local out
	out=$(mktemp "$test_dir/XXXXXX")
	run_bg "${edu_env[@]}" "$peer_dmabuf" hold "$node0" "$1" >"$out"
	holder=$!
	within 60 says holding "$out"
}

# What a topology where the engine reaches the drive is to show
dmabufs_move()
{
	subtest "dma-buf of a drive: data" with_edu "$peer_dmabuf" move "$node0"
	subtest "dma-buf of a drive: a part of it" with_edu "$peer_dmabuf" part "$node0"
	subtest "dma-buf of host memory" with_edu "$peer_dmabuf" move host
}
