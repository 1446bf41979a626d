# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: what rxe sends a second time, as the machine was busy, does no harm
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 1200
# ALONE: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/perf.sh
. tests/vm/lib/nvmet.sh

counters=/sys/class/infiniband/rxe0/ports/1/hw_counters

# busy CPU MS: keep the CPU from all that is not an interrupt, again and again, so
# that queue pairs' timers fire while packets and their answers lie there. In
# between, others have 10 to 90 ms (more on the debug kernel). For the background,
# since it becomes that process, which starts none: that would take long, too.
# shellcheck disable=SC2016 # for the other shell
busy()
{
	exec chrt -f 50 taskset -c "$1" bash -c '
		exec 3<> <(:)
		while :; do
			end=$((${EPOCHREALTIME/./} + $1 * 1000))
			while [ "${EPOCHREALTIME/./}" -lt "$end" ]; do :; done
			printf -v rest %03d $(((RANDOM % 9 + 1) * $2))
			read -rt "0.$rest" -u 3
		done' busy "$2" $((patience * 3))
}

# busy_machine MS MS: for each of the two CPUs; for the rest of the subtest
busy_machine()
{
	run_bg busy 0 "$1"
	run_bg busy 1 "$2"
	duplicates=$(cat "$counters/duplicate_request")
}

# How many packets came a second time is in $again
sent_again()
{
	again=$(($(cat "$counters/duplicate_request") - duplicates))
	[ "$again" -gt 0 ]
}

# perftest's timeout of 8 us becomes one tick of the kernel's clock. Less of it on
# the debug kernel, which sends nearly all again.
by_perftest()
{
	local i
	busy_machine 60 90
	for ((i = 1; i <= 15 / patience; i++)); do
		run_bg "$1" -d rxe0 -F -p "1870$i" -u 1 -n 300 -t 32 -Q 1 -s 65536 >"$test_dir/server" 2>&1
		server_pid=$!
		within 60 listening "1870$i"
		expect_output '^ *65536 +300 ' "$1" -d rxe0 -F -p "1870$i" -u 1 -n 300 -t 32 -Q 1 \
			-s 65536 127.0.0.1
		wait "$server_pid" || fail "the server said: $(cat "$test_dir/server")"
	done
	sent_again || fail "nothing was sent a second time"
	echo "$again packets came a second time"
}

bw()
{
	server bw --mem "$d0"
	expect_status 0 p2pmr bw --op "$1" --mem "$d1" -s 64K -n 100 -t 16 "$address"
	wait "$server_pid" || fail "the server said: $(cat "$test_dir/server")"
}

# With each byte compared, and timeouts of 67 ms, which not each run exceeds
by_bw()
{
	local i
	busy_machine 150 200
	for i in {1..20}; do
		bw "$1"
		! sent_again || break
	done
	sent_again || fail "nothing was sent a second time in $i runs"
	echo "$again packets came a second time, after $i runs"
}

# What is done without a packet is done once, and an answer has its value
by_all_kinds()
{
	local i
	busy_machine 60 90
	for i in {1..20}; do
		build/tests/vm/retransmit all-kinds $((1500 / patience))
		! sent_again || break
	done
	sent_again || fail "nothing was sent a second time in $i runs"
	echo "$again packets came a second time, after $i runs"
}

# Behind a send that waits for its receive, which takes no busy machine
after_a_late_receive()
{
	local kind
	for kind in fence flush atomic-write; do
		build/tests/vm/retransmit "$kind" || fail "$kind"
	done
}

# With an old psn; the first of these that fails may have hung for a minute
with_an_old_psn()
{
	local kind
	for kind in flush-twice atomic-twice read-of-flush other-kind no-resources credit; do
		build/tests/vm/retransmit "$kind" || fail "$kind"
	done
}

# Whose host registers memory while requests are on their way. Its timeout is half
# a second; the connection must not end for that.
by_nvme()
{
	local i
	start_target "$d0"
	defer stop_target
	connect --keep-alive-tmo=600
	defer disconnect
	busy_machine 700 800
	for i in {1..40}; do
		fio --name=busy --filename="$remote" --direct=1 --ioengine=libaio --rw=write \
			--bs=16k --iodepth=16 --size=2M --verify=crc32c --verify_fatal=1 \
			>"$test_dir/fio" 2>&1 || fail "$(cat "$test_dir/fio")"
		! sent_again || break
	done
	sent_again || fail "nothing was sent a second time in $i runs"
	echo "$again packets came a second time, after $i runs"
	! dmesg | grep -E 'nvme nvme[0-9]+: .*(failed with status|error recovery|econnecting)' ||
		fail "the host lost its connection"
}

for op in write send; do
	subtest "perftest, $op" by_perftest ib_${op}_bw
	subtest "bw, $op" by_bw $op
done
subtest "bw, read" by_bw read
subtest "requests of all kinds" by_all_kinds
subtest "what waits behind a send" after_a_late_receive
subtest "what has come before" with_an_old_psn
subtest "an NVMe over RDMA host" by_nvme
finish
