# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: a device whose CPU copies reaches a CMB in the denied topology too
# KERNEL: p2p
# TOPOLOGY: denied
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh

# The CPU would reach it; the drive, which is to take the data from there, not
other_drive_is_refused()
{
	expect_status 1 p2pmr nvmet set --nqn nqn.test --device "/dev/$(drive_name 1)n1" \
		--p2pmem "$(drive_name 0)" --traddr 10.0.2.15
	grep -q 'does not reach.*\[REFUSED\]$' <<<"$output" || fail "$output"
	[ -z "$(find /sys/kernel/config/nvmet -mindepth 2 -maxdepth 2)" ]
	p2pmr nvmet set --nqn nqn.test --device "/dev/$(drive_name 1)n1" \
		--p2pmem "$(drive_name 1)" --traddr 10.0.2.15 >/dev/null
	p2pmr nvmet clear >/dev/null
}

subtest "regions" "$peer_mr" register "$cmb0"
subtest "two drives in one region" "$peer_mr" two "$cmb0" "$cmb1"
subtest "the library's providers" expect_output nvme1 p2pmr list
subtest "p2pmr check" expect_output '^pass  pin       rxe0: A page of ' p2pmr check
subtest "a namespace and the memory of another drive" other_drive_is_refused
finish
