# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive that leaves and comes back a hundred times, under traffic
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 1200
# DEBUG: 3600
# ALONE: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

# Rounds of leaving and coming back, under traffic that starts anew each time,
# with registrations at any moment
rounds()
{
	local i churn
	soak
	run_bg "$peer_mr" churn "$cmb0" >"$test_dir/churn" 2>&1
	churn=$!
	within 20 says running "$test_dir/churn"
	for ((i = 0; i < $1; i++)); do
		unbind_drive
		bind_drive
		within 20 drive_is_back
	done
	kill -TERM "$churn"
	wait "$churn" || fail "$(cat "$test_dir/churn")"
	end_soak
	within 10 nothing_is_left 0
	within 10 nothing_is_left 1
	within 10 no_region_is_left
	"$peer_mr" data "$cmb0"
}

# Most of an unbind is waiting for grace periods; what counts here is how often
echo 1 >/sys/kernel/rcu_expedited
subtest "100 rounds" rounds 100
finish
