# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: eight processes do anything at any time, for half an hour, while drives come and go
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 2700
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

seconds=${P2PMR_FIRE_SECONDS-1800}
end=$((SECONDS + seconds))
addresses=("$drive" "$(drive_address 1)")

# One process after the other, each with a number that makes it do what it does;
# those that kill themselves are what is wanted
lives()
{
	local seed status lives=0
	while [ "$SECONDS" -lt "$end" ]; do
		seed=$RANDOM$1
		status=0
		timeout --preserve-status $((end - SECONDS + 1)) "$peer_mr" wild "$seed" "$cmb0" "$cmb1" >"$test_dir/life.$1" 2>&1 ||
			status=$?
		lives=$((lives + 1))
		case $status in
		0 | 137 | 143) ;;
		*)
			echo "seed $seed ended with status $status: $(cat "$test_dir/life.$1")"
			return 1
			;;
		esac
	done
	echo "$lives lives"
}

come_and_go()
{
	local rounds=0 address
	while [ "$SECONDS" -lt "$end" ]; do
		address=${addresses[RANDOM % 2]}
		timeout "$unbind_limit" bash -c "echo $address >$drives/unbind" ||
			fail "the unbind of $address took $unbind_limit s"
		sleep 0.$((RANDOM % 10))
		echo "$address" >"$drives/bind"
		rounds=$((rounds + 1))
		sleep $((RANDOM % 3)).$((RANDOM % 10))
	done
	echo "drives left $rounds times"
}

both_are_back()
{
	[ -e "$cmb0" ] && [ -e "$cmb1" ]
}

under_fire()
{
	local i pids=() bad=0
	for ((i = 0; i < 8; i++)); do
		# bash has a line on standard error for each that was killed
		lives "$i" 2>/dev/null &
		pids+=($!)
	done
	come_and_go
	for i in "${pids[@]}"; do
		wait "$i" || bad=1
	done
	[ "$bad" = 0 ] || fail "a process ended otherwise than by its own hand: see above"
	within 60 both_are_back
	within 20 nothing_is_left 0
	within 20 nothing_is_left 1
	within 20 no_region_is_left
	"$peer_mr" data "$cmb0"
	"$peer_mr" data "$cmb1"
}

subtest "eight processes, $seconds s" under_fire
finish
