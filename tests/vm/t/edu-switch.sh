# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a device's own DMA reaches CMBs below its switch by bus addresses
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# EDU: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh
. tests/vm/lib/leave.sh

# The device's queues are in the kernel, so programs of any kind have their
# requests done by the engine
pingpong()
{
	run_bg with_edu ibv_rc_pingpong -d edu0 -s 100 -n 3 -c >"$test_dir/server" 2>&1
	server=$!
	within 20 listening 18515
	with_edu ibv_rc_pingpong -d edu0 -s 100 -n 3 -c localhost
	wait "$server" || fail "$(cat "$test_dir/server")"
}

revoked()
{
	with_edu "$edu_mr" revoked "$cmb0" "$drive" >"$test_dir/out"
	[ "$(cat "$test_dir/out")" = revoked ] || fail "$(cat "$test_dir/out")"
	bring_back bind_drive
}

subtest "what the kernel and the library say" kernel_and_library_say 0 bus bus 4
subtest "DMA addresses" addresses 0 yes
subtest "what is in a mixed region" mixed_mapping bus bus
data_moves
drives_reach
subtest "ibv_rc_pingpong" pingpong
subtest "no atomics where no drive completes them" with_edu "$edu_mr" no-atomics "$cmb0"
subtest "no atomics where no bridge passes them on" with_edu "$edu_mr" no-atomics host
subtest "the drive leaves" revoked
finish
