# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: an NVMe target's allocations fail at random, and nothing is lost by it
# KERNEL: debug
# TOPOLOGY: switch
# MEM: 3072
# TIMEOUT: 2400
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/nvmet.sh

# Where the target's code is, whose files lie beside each other in the kernel
target_text()
{
	awk '$3 == "_etext" { exit }
		$2 ~ /[tT]/ && $3 ~ /^nvmet_/ && $3 !~ /cold/ {
			if (!first)
				first = $1
			last = $1
		}
		END { print "0x" first, "0x" last }' /proc/kallsyms
}

# Whatever allocates on behalf of the target: it is on the stack then. The target
# works in the kernel's threads, so there is no process to pick.
only_in_the_target()
{
	local kind first last
	read -r first last < <(target_text)
	[ "$first" != 0x ] || fail "where the target is cannot be found"
	for kind in failslab fail_page_alloc; do
		cd "/sys/kernel/debug/$kind"
		echo 0 >verbose
		echo N >ignore-gfp-wait
		echo "$first" >require-start
		echo "$last" >require-end
		echo 32 >stacktrace-depth
	done
	echo 0 >min-order
}

# faults KIND PERCENT INTERVAL: until the subtest ends, so many of a hundred fail, at
# most one of as many as the interval has
faults()
{
	cd "/sys/kernel/debug/$1"
	defer eval "echo 0 >/sys/kernel/debug/$1/probability"
	echo 1000000 >"times"
	echo "$3" >interval
	echo "$2" >probability
	cd - >/dev/null
}

# Fewer than three are as good as none
faults_came()
{
	local count
	count=$((1000000 - $(cat "/sys/kernel/debug/$1/times")))
	echo "$count of $1"
	[ "$count" -ge 3 ] || fail "only $count faults"
}

# What was written without an error is read back as it was, if it can be read
round()
{
	write_remote 1 2>/dev/null || return 0
	dd if="$remote" of="$test_dir/read" bs=128K count=8 iflag=direct status=none 2>/dev/null || return 0
	cmp "$test_dir/read" "$test_dir/written" || fail "it holds something else"
	good=$((good + 1))
}

# data_under P2PMEM KIND PERCENT INTERVAL
data_under()
{
	local good=0
	start_target "$1"
	shift
	defer stop_target
	connect --reconnect-delay=1
	defer disconnect
	faults "$@"
	for ((i = 0; i < 30; i++)); do
		round
	done
	echo "$good of 30 rounds without an error"
	[ "$good" -gt 0 ] || fail "nothing came through"
	faults_came "$1"
}

# hosts_under KIND PERCENT INTERVAL: each takes some hundreds of allocations
hosts_under()
{
	local good=0
	start_target "$drive"
	defer stop_target
	faults "$@"
	for ((i = 0; i < 12; i++)); do
		timeout 120 nvme connect --transport=rdma --traddr="${host_addresses[0]}" \
			--trsvcid=4420 --nqn="$nqn" --nr-io-queues=2 \
			--keep-alive-tmo="$keep_alive" 2>/dev/null && good=$((good + 1))
		disconnect 2>/dev/null || true
	done
	echo "$good of 12 hosts connected"
	faults_came "$1"
}

# set_up_under KIND PERCENT INTERVAL
set_up_under()
{
	local good=0
	defer stop_target
	faults "$@"
	for ((i = 0; i < 20; i++)); do
		start_target "$drive" 2>/dev/null && good=$((good + 1))
		stop_target 2>/dev/null || true
	done
	echo "$good of 20 targets were set up"
	faults_came "$1"
}

nothing_is_lost()
{
	within 60 pools_are_whole
	nothing_is_left 0
	start_target "$drive"
	defer stop_target
	connect
	defer disconnect
	write_remote 1
	check_remote 1
	only_peer
}

subtest "faults can be had in the target alone" only_in_the_target
subtest "data in the drive's memory, failslab" data_under "$drive" failslab 2 1
subtest "data in host memory, failslab" data_under off failslab 2 1
subtest "data in host memory, fail_page_alloc" data_under off fail_page_alloc 1 1
subtest "hosts come and go, failslab" hosts_under failslab 10 50
subtest "hosts come and go, fail_page_alloc" hosts_under fail_page_alloc 3 1
subtest "targets are set up, failslab" set_up_under failslab 1 1
subtest "nothing is lost" nothing_is_lost
finish
