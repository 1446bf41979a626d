# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: an NVMe target does not serve from memory that its drive does not reach, and says so
# KERNEL: p2p
# TOPOLOGY: denied
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/nvmet.sh

# rxe's CPU reaches both drives' memory; the one drive does not reach the other's
out_of_reach()
{
	expect_status 1 start_target "$(drive_address 0)"
	said "the kernel does not take \"1\" for enable: Invalid argument\\. .* does not reach the peer memory .*\\[REFUSED\\]\$" \
		'Nothing of what was made stays'
	expect_output '^Nothing is configured\.$' p2pmr nvmet show
	dmesg | grep "cannot be used for peer-to-peer DMA as the client and provider ($(drive_address 0))" >/dev/null
}

# The kernel looks for one within reach, and the drive's own is
within_reach()
{
	start_target auto
	defer stop_target
	connect --nr-io-queues=1
	defer disconnect
	[ "$(provider_used)" = "$(drive_address 1)" ] || fail "$(p2pmr nvmet show)"
	write_remote 1
	check_remote 1
	only_peer
}

subtest "another drive's memory, out of reach" out_of_reach
subtest "the drive's own memory" within_reach
finish
