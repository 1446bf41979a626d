# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2119,SC2154 # bar.sh has the address
# DESCRIPTION: what the series changes is really not there without it
# KERNEL: unpatched
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/bar.sh

# Without this, "the next owner sees zeros" would prove nothing
next_owner_sees_the_last_ones_bytes()
{
	"$peer_mr" fill "$cmb0" 1048576
	expect_status 1 "$peer_mr" zero "$cmb0" 1048576
}

# perftest registers its memory after it has connected
perftest_fails()
{
	run_bg ib_write_bw -d rxe0 -F -p 18600 -n 10 -s 65536 >"$test_dir/server" 2>&1
	within 20 listening 18600
	expect_status 1 ib_write_bw -d rxe0 -F -p 18600 -n 10 -s 65536 --mmap="$cmb0" 127.0.0.1
	grep -q "Couldn't allocate MR" <<<"$output" || fail "ib_write_bw said: $output"
}

# Without this, that on-demand regions refuse peer memory would prove nothing
on_demand_regions_take_it()
{
	insmod "$P2PMR_VM_IMAGE/umem_probe.ko"
	defer rmmod umem_probe
	"$peer_mr" on-demand "$cmb0" 0
}

# EOPNOTSUPP
no_dmabufs()
{
	build/tests/vm/lib-dmabuf no-alloc "$(drive_name 0)" 95 KERNEL_NO_DMABUF
}

# p2pmem_bar is for kernels without the series, too
a_bar_is_published()
{
	bar_load
	defer rmmod p2pmem_bar
	bar_bind "$bar_address/bar=2"
	expect_output "^$bar_address +p2pmem " p2pmr list
	"$peer_mr" fill "$(bar_path allocate)" 1048576
	bar_unbind
	[ ! -e "$(bar_path allocate)" ] || fail "the memory is still there"
}

subtest "a writable region is refused" "$peer_mr" refused "$cmb0" EFAULT rw
subtest "a read-only region is refused" "$peer_mr" refused "$cmb0" EREMOTEIO ro
subtest "the library says why" build/tests/vm/lib-peer no-pin "$(drive_name 0)"
subtest "no memory by the drive's device" build/tests/vm/lib-peer no-cdev "/dev/$(drive_name 0)"
subtest "perftest fails" perftest_fails
subtest "the next owner sees the last one's bytes" next_owner_sees_the_last_ones_bytes
subtest "a BAR is published" a_bar_is_published
subtest "on-demand regions take what they are given" on_demand_regions_take_it
subtest "the library: no dma-bufs" no_dmabufs
finish
