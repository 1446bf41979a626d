# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # expect_status sets output
# DESCRIPTION: p2pmr lat, and what bw has for few: datagrams, rdma_cm, both ways, sweeps, and its end on a full disk
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 1200
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/perf.sh

# is FILTER: the last command's output is JSON of which that is true
is()
{
	jq -e "$1" <<<"$output" >/dev/null || fail "not $1: $output"
}

# ---- latency --------------------------------------------------------------

# All samples are in the percentiles, which rise, and lie within the extremes
times='all(.results[].latency_usec; [.t_min, .p50, .p90, .p99, ."p99.9", ."p99.99", .t_max] | . == sort)
	and all(.results[]; .latency_usec.samples == .iterations and .latency_usec.p50 > 0
		and .latency_usec.t_typical == .latency_usec.p50)'

latency()
{
	server lat --forever --mem "$d0"
	expect_status 0 p2pmr lat --op "$1" --mem "$d1" --compare host -n 30 --json "${@:2}" "$address"
	is "$times and .ratio_t_typical > 0 and ([.results[].memory.client] == [\"host\", \"$d1\"])
		and all(.results[]; .iterations == 30 and .verified_bytes > 0)"
	expect_status 0 p2pmr lat --op "$1" -D 1 --json "${@:2}" "$address"
	is "$times and .duration_s == 1 and .results[0].iterations > 3"
}

columns()
{
	server lat --forever
	expect_status 0 p2pmr lat -n 20 -F -s 4096 "$address"
	said '^ #bytes #iterations    t_min\[usec\]    t_max\[usec\]  t_typical\[usec\]    t_avg\[usec\]    t_stdev\[usec\]   99% percentile\[usec\]   99.9% percentile\[usec\] ' \
		'^ 4096 +20( +[0-9]+\.[0-9]{2}){10} +host/host +host/host$'
}

# ---- what bw has for few --------------------------------------------------

both_ways()
{
	local op
	server bw --forever --mem "$d0"
	for op in write read send atomic; do
		expect_status 0 p2pmr bw --op "$op" -b --mem "$d1" -n 20 -q 3 "${sizes[$op]}" --json "$address"
		is '.results[0].iterations == 120 and .results[0].verified_bytes > 0 and .bidirectional'
	done
}
declare -A sizes=([write]=-s3000 [read]=-s3000 [send]=-s3000 [atomic]=-s8)

by_rdma_cm()
{
	local op
	server bw --forever
	for op in write send atomic; do
		expect_status 0 p2pmr bw --op "$op" -R -T 32 -n 20 -q 2 "${sizes[$op]}" --json "$address"
		is '.rdma_cm and .tos == 32 and .results[0].iterations == 40'
	done
	# Nobody but the client is let in, and the control connection may be IPv6
	expect_status 0 p2pmr bw -R -n 5 ::1
	said '^ Queue pairs: 1 RC by rdma_cm,'
}

# Both kinds of connecting over IPv6 alone
ipv6()
{
	local option
	server bw --forever -x "$1"
	for option in --verify -R; do
		expect_output ", GID $1 \(.*:.*, RoCE v2\)" p2pmr bw -n 5 -s 1K -x "$1" "$option" ::1
	done
}

datagrams()
{
	server bw --forever
	expect_status 0 p2pmr bw --op send -c UD -s 512 -n 100 -t 16 --json "$address"
	is '.connection == "UD" and .results[0].verified_bytes > 0 and .results[0].lost_messages < 100'
	expect_status 0 p2pmr bw --op send -c UD -s 512 -n 100 -t 16 -b -q 2 -R --json "$address"
	is '.rdma_cm and .results[0].iterations == 400'
	# As large as a packet, no larger
	expect_status 0 p2pmr bw --op send -c UD -a -n 5 --json "$address"
	is '[.results[].size_bytes] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]'
	expect_status 1 p2pmr bw --op send -c UD -s 1025 -n 5 "$address"
	said '1025 bytes does not fit in the path MTU of 1024 bytes.*\[RDMA_DEVICE\]$'
}

datagram_latency()
{
	server lat --forever
	expect_status 0 p2pmr lat --op send -c UD -n 50 --json "$address"
	is "$times"
	expect_status 0 p2pmr lat --op send -c UD -R -n 20 -s 900 "$address"
}

lists()
{
	local args
	server bw --forever
	for args in "-l 7 -t 10 -Q 10 -n 50" "-l 16 -t 16 -q 2 -n 50" "-l 5 -D 1 -q 2 -Q 3 -s 2K" \
		"-I 100 -s 100 -n 50"; do
		# shellcheck disable=SC2086 # words
		expect_status 0 p2pmr bw $args "$address"
	done
}

sweep()
{
	server bw --forever --mem "$d0"
	expect_status 0 p2pmr bw -a -n 1 --json "$address"
	is '[.results[].size_bytes] == [range(1; 24) | pow(2; .)] and all(.results[]; .verified_bytes >= .size_bytes)'
	expect_status 0 p2pmr bw -a --op send -c UD -n 2 --compare host --compare-side server "$address"
	said '^ Ratio of BW average, host/' '^ 1024 +[0-9.]+$'
}

# ---- ends -----------------------------------------------------------------

other_command()
{
	server bw --forever
	expect_status 1 p2pmr lat "$address"
	said 'The client is p2pmr lat, the server p2pmr bw.*\[PARAMETER_MISMATCH\]$'
	# One client's mistake is not the next one's
	expect_status 0 p2pmr bw -n 5 "$address"
}

running()
{
	grep -q "$1" "$test_dir/progress"
}

# A sweep that Ctrl-C ends: the sizes so far, and that it is not all of them
sweep_is_interrupted()
{
	local status=0
	server lat --forever
	p2pmr lat -a -D 2 --progress --json "$address" >"$test_dir/client" 2>"$test_dir/progress" &
	client_pid=$!
	defer end_bg "$client_pid"
	within 20 running ' 1 s of 2 s, .* usec$'
	sleep 2.5
	kill -INT "$client_pid"
	wait "$client_pid" || status=$?
	[ "$status" = 130 ] || fail "the status is $status"
	output=$(cat "$test_dir/client")
	is '.error.reason == "INTERRUPTED" and (.results | length) >= 1 and .results[0].complete'
}

answers_and_dies()
{
	local status=0
	server lat --forever
	p2pmr lat -D 60 --progress "$address" >"$test_dir/client" 2>"$test_dir/progress" &
	client_pid=$!
	defer end_bg "$client_pid"
	within 20 running usec
	kill -KILL "$server_pid"
	wait "$client_pid" || status=$?
	[ "$status" = 1 ] || fail "the status is $status"
	grep -qE '\[PEER_LOST\]$' "$test_dir/progress" || fail "$(cat "$test_dir/progress")"
}

# On a full disk, the old file stays
full_disk()
{
	mkdir "$test_dir/full"
	mount -t tmpfs -o size=8k,nr_inodes=10 none "$test_dir/full"
	defer umount -l "$test_dir/full"
	echo '{"old": true}' >"$test_dir/full/file"
	head -c 4096 /dev/zero >"$test_dir/full/rest"
	server bw --forever
	expect_status 1 p2pmr bw -n 5 --json-file "$test_dir/full/file" "$address"
	said 'Cannot write .*/full/file: No space left on device.*\[SYSTEM\]$'
	grep -q old "$test_dir/full/file" || fail "the old file is gone"
	expect_status 1 p2pmr bw -n 5 --json-file "$test_dir/nowhere/file" "$address"
	said 'Cannot write .*/nowhere/file: No such file or directory.*\[SYSTEM\]$'
}

for op in write read send atomic; do
	subtest "latency of $op" latency $op
done
subtest "latency of compare-and-swap" latency atomic -A CMP_AND_SWAP
subtest "latency of datagrams" datagram_latency
subtest "perftest's columns" columns
subtest "both ways" both_ways
subtest "by rdma_cm" by_rdma_cm
for gid in $(gids_of IPv6); do
	subtest "IPv6, GID $gid" ipv6 "$gid"
done
subtest "datagrams" datagrams
subtest "lists" lists
subtest "sweep" sweep
subtest "the other command" other_command
subtest "a sweep is interrupted" sweep_is_interrupted
subtest "the server dies" answers_and_dies
subtest "full disk" full_disk
finish
