# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a device's own DMA is refused where the host bridge is not allowed
# KERNEL: p2p
# TOPOLOGY: denied
# TIMEOUT: 600
# EDU: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh

# The example takes the first RDMA device that there is
library_says_why()
{
	rdma link delete rxe0
	expect_status 1 with_edu build/examples/register "$(drive_name 0)"
	grep -q '^PATH_NONE: ' <<<"$output" || fail "the library says: $output"
}

# The engine has no interface, so one that it does have is put in its table
target_is_refused()
{
	local interface=/sys/class/infiniband/edu0/ports/1/gid_attrs/ndevs/0
	echo eth0 >"$test_dir/interface"
	mount --bind "$test_dir/interface" "$interface"
	defer umount "$interface"
	expect_status 77 p2pmr nvmet set --nqn nqn.test --device "/dev/$(drive_name 0)n1" \
		--p2pmem "$(drive_name 0)" --traddr 10.0.2.15
	grep -q 'edu0 cannot reach the memory of nvme[01]: .*\[PATH_NONE\]$' <<<"$output" || fail "$output"
	[ -z "$(find /sys/kernel/config/nvmet -mindepth 2 -maxdepth 2)" ]
	echo "$output"
}

subtest "what the kernel and the library say" kernel_and_library_say 0 none none -1
subtest "an NVMe target's reason" target_is_refused
subtest "the library's reason" library_says_why
subtest "host to host" with_edu "$edu_mr" move host host
subtest "a drive's DMA into its own CMB" direct 0 0
subtest "a drive's DMA into the other's" "$edu_mr" direct-refused "/dev/$(drive_name 1)n1" "$cmb0"
finish
