# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # expect_status sets output
# DESCRIPTION: p2pmr bw moves the right bytes over any memory, and ends well when it cannot
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 1200
# ALONE: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/perf.sh

# server_ends STATUS [PATTERN]
server_ends()
{
	local status=0
	wait "$server_pid" || status=$?
	[ "$status" = "$1" ] || fail "the server's status is $status, not $1: $(cat "$test_dir/server")"
	[ $# -lt 2 ] || grep -qE -- "$2" "$test_dir/server" ||
		fail "no '$2' from the server: $(cat "$test_dir/server")"
}

# ---- the right bytes ------------------------------------------------------

# moves SIDE SIZE COUNT OP [OPTION...]: by the server that serves for ever, on
# the first drive, from host memory and from the second drive (SIDE says whose
# memory changes), and each byte was right
moves()
{
	# shellcheck disable=SC2016 # jq's variables
	local filter='(.results | length) == 2 and ([.results[].memory] | . == ($ends | fromjson))
		and ([.results[] | .route | map_values(if . == "host" then . else "umem" end)] == [.results[].route])
		and all(.results[]; .iterations == $n and .verified_bytes >= $size
			and .bw_average_mib_per_s > 0 and .bw_peak_mib_per_s > 0 and .complete
			and .completion_usec.p50 <= .completion_usec."p99.99" and .completion_usec.p50 > 0)
		and .ratio_bw_average > 0'
	local peer="{\"client\":\"$d1\",\"server\":\"$d0\"}" first
	case $1 in
	both) first='{"client":"host","server":"host"}' ;;
	client) first="{\"client\":\"host\",\"server\":\"$d0\"}" ;;
	server) first="{\"client\":\"$d1\",\"server\":\"host\"}" ;;
	esac
	expect_status 0 p2pmr bw --op "$4" --mem "$d1" --compare host --compare-side "$1" \
		-s "$2" -n "$3" --json "${@:5}" "$address"
	jq -e --arg ends "[$first,$peer]" --argjson size "${2/1M/1048576}" --argjson n "$3" \
		"$filter" <<<"$output" >/dev/null || fail "another report than expected: $output"
}

# All sizes between host memory, and between the drives; then the mixed pairs,
# of a size that has all kinds of edges
all_sizes()
{
	server bw --mem "$d0" --forever
	moves both 1 200 "$1"
	moves both 65536 5 "$1"
	moves both 1M 2 "$1"
	moves client 4097 20 "$1"
	moves server 4097 20 "$1"
}

atomics()
{
	server bw --mem "$d0" --forever
	moves both 8 300 atomic
	moves client 8 30 atomic -A CMP_AND_SWAP
	moves server 8 30 atomic
}

# Numbers that divide nothing, several queue pairs, time instead of a count
odd_numbers()
{
	local args
	server bw --forever
	for args in "-q 4 -t 16 -Q 7 -n 101 -s 777" "-q 3 -t 5 -Q 100 -n 13 -s 4097 --op read" \
		"-D 1 -q 3 -t 20 -Q 9 -s 9K --op read" "-n 1 -t 1 -s 1" \
		"-m 256 -s 9999 -n 20" "-o 1 --op read -n 20 -s 3000"; do
		# shellcheck disable=SC2086 # words
		expect_status 0 p2pmr bw $args --report_gbits "$address"
		said 'BW average\[Gb/sec\]' ' host/host +host/host$'
	done
}

# Both options say when to end
count_and_time_exclude_each_other()
{
	expect_status 2 p2pmr bw -n 1 -D 1 "$address"
}

# By every IPv6 address that the device has (others use an IPv4 one); two different
# kinds never meet
gids()
{
	local i ipv4 ipv6
	ipv4=$(gids_of IPv4 | head -n 1)
	ipv6=$(gids_of IPv6 | tail -n 1)
	[[ -n $ipv4 && -n $ipv6 ]] || fail "no GID of each kind: IPv4 '$ipv4', IPv6 '$ipv6'"
	for i in $(gids_of IPv6); do
		server bw -x "$i"
		expect_output " Device: rxe0 port 1, GID $i " p2pmr bw -n 5 -s 1K -x "$i" "$address"
		server_ends 0
	done
	server bw -x "$ipv6"
	expect_status 1 p2pmr bw -n 5 -x "$ipv4" "$address"
	said "GID $ipv6 .* an IPv6 address, .* an IPv4 address.*\\[PARAMETER_MISMATCH\\]\$"
	server_ends 1 '\[PARAMETER_MISMATCH\]$'
}

by_name_and_by_address()
{
	server bw --mem "$(drive_address 0)"
	expect_status 0 p2pmr bw -s 4K -n 5 --mem "$(drive_address 1)" ::1
	said " $d1/$d0 +umem/umem$"
	server_ends 0 " $d1/$d0 +umem/umem$"
}

unverified()
{
	server bw
	expect_status 0 p2pmr bw --no-verify -n 5 --json "$address"
	jq -e '.verify == false and .results[0].verified_bytes == 0' <<<"$output" >/dev/null || fail "$output"
	server_ends 0
}

# ---- comparing ------------------------------------------------------------

compares()
{
	server bw --mem "$d0"
	expect_status 0 p2pmr bw --compare host --mem "$d1" -s 16K -n 20 --json-file "$test_dir/file" "$address"
	said ' host/host +host/host$' " $d1/$d0 +umem/umem$" \
		"^ Ratio of BW average, $d1/$d0 to host/host: [0-9.]+$"
	server_ends 0
	jq -e --arg d "$d0" '.ratio_bw_average > 0 and .results[1].memory.server == $d' \
		"$test_dir/file" >/dev/null || fail "$(cat "$test_dir/file")"
}

# ---- wrong bytes ----------------------------------------------------------

running()
{
	grep -q MiB/s "$test_dir/$1"
}

# flip PID OFFSET: change a byte of its host memory, behind its back
flip()
{
	local start byte
	start=0x$(sed -n '/memfd:p2pmr/s/-.*//p' "/proc/$1/maps" | head -n 1)
	byte=$(dd if="/proc/$1/mem" bs=1 skip=$((start + $2)) count=1 status=none | od -An -tu1)
	printf '%b' "\\x$(printf %x $((byte ^ 1)))" |
		dd of="/proc/$1/mem" bs=1 seek=$((start + $2)) conv=notrunc status=none
}

# On a busy machine the byte may be changed when all is over: then once more
long_enough="4 20 100"

# The source changes while it is sent, into a drive's memory: the receiver
# must see it there
wrong_bytes_written_are_seen()
{
	local status seconds
	for seconds in $long_enough; do
		status=0
		server bw --mem "$d0"
		run_bg p2pmr bw -s 64K -D "$seconds" --progress "$address" >"$test_dir/client" 2>&1
		client_pid=$!
		within 20 running client
		flip "$client_pid" 5000 || echo "too late in $seconds s"
		wait "$client_pid" || status=$?
		[ "$status" = 0 ] || break
		server_ends 0
	done
	[ "$status" = 1 ] || fail "the client's status is $status: $(cat "$test_dir/client")"
	grep -q "Wrong data in the server's memory: 1 of 65600 bytes, the first at offset 5000,.*DATA_MISMATCH" \
		"$test_dir/client" || fail "the client said: $(cat "$test_dir/client")"
	server_ends 1 "1 of 65600 bytes, the first at offset 5000,.*DATA_MISMATCH"
}

wrong_bytes_read_are_seen()
{
	local status seconds
	for seconds in $long_enough; do
		status=0
		server bw
		run_bg p2pmr bw -s 64K -D "$seconds" --op read --mem "$d0" --progress --json \
			"$address" >"$test_dir/client" 2>"$test_dir/progress"
		client_pid=$!
		within 20 running progress
		flip "$server_pid" 65535 || echo "too late in $seconds s"
		wait "$client_pid" || status=$?
		[ "$status" = 0 ] || break
		server_ends 0
	done
	[ "$status" = 1 ] || fail "the client's status is $status"
	jq -e '.error.reason == "DATA_MISMATCH" and (.error.text | contains("offset 65535"))' \
		"$test_dir/client" >/dev/null || fail "the client said: $(cat "$test_dir/client")"
	server_ends 1 "Wrong data in the client's memory: 1 of 65600.*DATA_MISMATCH"
}

# ---- ends -----------------------------------------------------------------

# An end within 10 s, or some more on a busy machine, and all memory given back
ended_in_time()
{
	[ $((SECONDS - $1)) -le $((10 * patience)) ] || fail "it took $((SECONDS - $1)) s"
	within 5 pools_are_whole
}

# A server and its client, at work for longer than anybody waits
both_run()
{
	server bw --mem "$d0"
	run_bg p2pmr bw -D 600 --mem "$d1" --progress "$address" >"$test_dir/client" 2>&1
	client_pid=$!
	within 20 running client
}

server_is_killed()
{
	local start status=0
	both_run
	start=$SECONDS
	kill -KILL "$server_pid"
	wait "$client_pid" || status=$?
	[ "$status" = 1 ] || fail "the client's status is $status"
	grep -qE 'The server has gone away.*\[PEER_LOST\]' "$test_dir/client" ||
		fail "the client said: $(cat "$test_dir/client")"
	ended_in_time "$start"
}

# client_gets SIGNAL STATUS PATTERN: what the server says then
client_gets()
{
	local start status=0
	both_run
	start=$SECONDS
	kill -s "$1" "$client_pid"
	wait "$client_pid" 2>/dev/null || status=$?
	[ "$status" = "$2" ] || fail "the client's status is $status, not $2"
	server_ends 1 "$3"
	ended_in_time "$start"
}

# What it has measured so far is not lost
client_is_interrupted()
{
	client_gets INT 130 'The client failed: Ended by signal 2.*\[INTERRUPTED\]$'
	grep -qE "^ 65536 +[1-9][0-9]* .* $d1/$d0 +umem/umem$" "$test_dir/client" ||
		fail "the client said: $(cat "$test_dir/client")"
}

server_is_interrupted()
{
	both_run
	kill -TERM "$server_pid"
	! wait "$client_pid" || fail "the client's status is 0"
	grep -qE 'The server failed: Ended by signal 15.*\[INTERRUPTED\]' "$test_dir/client" ||
		fail "the client said: $(cat "$test_dir/client")"
	server_ends 143 '\[INTERRUPTED\]$'
}

late_server()
{
	run_bg p2pmr bw -n 5 "$address" >"$test_dir/client" 2>&1
	client_pid=$!
	server bw
	wait "$client_pid" || fail "the client said: $(cat "$test_dir/client")"
	server_ends 0
}

sizes_differ()
{
	server bw -s 4K
	expect_status 1 p2pmr bw -s 64K "$address"
	said 'the client 65536, the server 4096.*\[PARAMETER_MISMATCH\]$'
	server_ends 1 'the client 65536, the server 4096.*\[PARAMETER_MISMATCH\]$'
}

# Others may knock at a port, or only look whether it is open
strangers_are_sent_away()
{
	server bw
	for bytes in 'GET / HTTP/1.1\r\n\r\n' '' '\x70\x32\x62\x77\x00\x03\x00\x01\xff\xff\xff\xff' \
		'\x70\x32\x62\x77\x00\x01\x00\x01\x00\x00\x00\x00' "$(printf 'x%.0s' {1..5000})"; do
		(
			exec 3<>/dev/tcp/127.0.0.1/18515
			# the server may have had enough before the last byte
			trap '' PIPE
			printf '%b' "$bytes" >&3 || true
		)
	done
	# shellcheck disable=SC2016 # for the other shell
	expect_status 0 timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/18515
		head -c 4000 /dev/urandom >&3; cat <&3 | grep -qa PROTOCOL'
	expect_status 0 p2pmr bw -n 5 "$address"
	server_ends 0 'The client sent bytes that are no message of p2pmr.*\[PROTOCOL\]$'
	grep -q 'version 1 of the protocol' "$test_dir/server" || fail "$(cat "$test_dir/server")"
}

port_is_taken()
{
	server bw
	expect_status 1 p2pmr bw
	said 'Cannot listen on TCP port 18515: Address already in use.*\[CONNECT\]$'
}

# ---- what cannot be -------------------------------------------------------

unknown_names()
{
	expect_status 1 p2pmr bw -d rxe7
	said 'no RDMA device "rxe7"\. Did you mean rxe0.*\[NO_RDMA_DEVICE\]$'
	expect_status 1 p2pmr bw --mem nvme9 "$address"
	said '"nvme9".*\[NO_PROVIDER\]$'
	expect_status 1 p2pmr bw -i 2
	said 'rxe0 has no port 2.*\[RDMA_DEVICE\]$'
	expect_status 1 p2pmr bw -x 99
	said 'no GID at index 99.*\[RDMA_DEVICE\]$'
}

too_large_for_the_drive()
{
	server bw --mem "$d0"
	expect_status 1 p2pmr bw -s 8M -q 9 -n 1 "$address"
	said 'The server failed: .*\[TOO_LARGE\]$'
	server_ends 1 '\[TOO_LARGE\]$'
	pools_are_whole || fail "memory is missing"
}

memlock_is_too_small()
{
	server bw
	ulimit -l 64
	expect_status 1 powerless p2pmr bw -s 1M -n 1 "$address"
	said 'RLIMIT_MEMLOCK of 65536 bytes.*\[MEMLOCK\]$'
	server_ends 1 'The client failed: .*\[MEMLOCK\]$'
}

allocate_is_forbidden()
{
	local file
	# both ways to the drive's memory
	for file in "$(cmb_allocate_path 0)" "/dev/p2pmem/$(drive_address 0)"; do
		defer chmod "$(stat -c %a "$file")" "$file"
		chmod 0 "$file"
	done
	expect_status 1 powerless p2pmr bw --mem "$d0" "$address"
	said '\[NO_PERMISSION\]$'
	expect_status 1 powerless p2pmr bw --mem "$d0" --json
	jq -e '.error.reason == "NO_PERMISSION" and .error.errno == "EACCES"' <<<"$output" >/dev/null || fail "$output"
}

for op in write read send; do
	subtest "$op" all_sizes $op
done
subtest "atomics" atomics
subtest "odd numbers" odd_numbers
subtest "count and time exclude each other" count_and_time_exclude_each_other
subtest "GIDs" gids
subtest "by name and by address" by_name_and_by_address
subtest "unverified" unverified
subtest "comparing" compares
subtest "wrong bytes written are seen" wrong_bytes_written_are_seen
subtest "wrong bytes read are seen" wrong_bytes_read_are_seen
subtest "the server is killed" server_is_killed
subtest "the client is killed" client_gets KILL 137 'The client has gone away.*\[PEER_LOST\]$'
subtest "the client is interrupted" client_is_interrupted
subtest "the server is interrupted" server_is_interrupted
subtest "a late server" late_server
subtest "sizes differ" sizes_differ
subtest "strangers are sent away" strangers_are_sent_away
subtest "the port is taken" port_is_taken
subtest "unknown names" unknown_names
subtest "too large for the drive" too_large_for_the_drive
subtest "RLIMIT_MEMLOCK is too small" memlock_is_too_small
subtest "allocating is forbidden" allocate_is_forbidden
subtest "no memory is lost" pools_are_whole
finish
