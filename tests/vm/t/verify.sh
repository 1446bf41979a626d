# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # expect_status sets output
# DESCRIPTION: p2pmr verify, reg and monitor: wrong data is found wherever it went wrong, and what they say of a drive is so
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 1200
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh

d0=$(drive_name 0)
d1=$(drive_name 1)
liar=build/tests/vm/liar.so

# json FILTER [ARG...]: of the JSON $output
json()
{
	jq -e "${@:2}" "$1" <<<"$output" >/dev/null || fail "not $1: $output"
}

# verifies MEMORY SIZE ROUTE PATH [OPTION...]
verifies()
{
	expect_status 0 p2pmr verify --mem "$1" -s "$2" --json "${@:5}"
	# shellcheck disable=SC2016 # jq's variables
	json '.memory == $m and .route == $r and (.path // "-") == $p and .rdma_device == "rxe0"
		and .verdict == "right" and (has("wrong") | not)
		and [.accesses[].access] == ["remote_write", "remote_read", "local_write", "local_read",
			"remote_atomic"]
		and all(.accesses[]; .result == "right" and .messages > 100)' \
		--arg m "$1" --arg r "$3" --arg p "$4"
	pools_are_whole || fail "memory is missing"
}

chooses()
{
	expect_status 0 p2pmr verify -s 4K --seed 7
	grep -qE "^4 KiB of ($d0|$d1) \(route umem, path cpu\), by rxe0 from rxe0; seed 7$" <<<"$output" || fail "$output"
	grep -qE '^remote_atomic +[0-9]+ +[0-9.]+ K?i?B right$' <<<"$output" || fail "$output"
	grep -q '^All data is right' <<<"$output" || fail "$output"
}

# lies LIE ACCESS: the device does that once; so it must be found
lies()
{
	expect_status 1 env LD_PRELOAD="$liar" LIE="$1" p2pmr verify --mem "$d0" -s 16K --json 2>"$test_dir/err"
	output=$(sed '/^liar: /d' <<<"$output")
	# shellcheck disable=SC2016 # jq's variables
	json '.verdict == "wrong" and .error.reason == "DATA_MISMATCH" and .wrong.access == $a
		and .wrong.wrong_bytes > 0 and .wrong.first_offset >= 0
		and any(.accesses[]; .access == $a and .result == "wrong")' --arg a "$2"
	pools_are_whole || fail "memory is missing"
}

# In text: where, what, how much, after what
says_where()
{
	expect_status 1 env LD_PRELOAD="$liar" LIE=short:0 p2pmr verify --mem "$d0" -s 8K
	grep -qE "^p2pmr verify: Wrong data after remote_write of 2 bytes at offset [0-9]+ of $d0, as the CPU reads it: 1 of [0-9]+ bytes, the first at offset [0-9]+, where 0x[0-9a-f]{2} was expected and 0x[0-9a-f]{2} found\. .*\[DATA_MISMATCH\]$" \
		<<<"$output" || fail "$output"
	grep -qE '^remote_write +[0-9]+ .* wrong$' <<<"$output" || fail "$output"
}

no_atomics()
{
	expect_status 0 env LD_PRELOAD="$liar" LIE=no-atomics p2pmr verify --mem "$d0" -s 4K --json
	json '.verdict == "right" and any(.accesses[]; .access == "remote_atomic" and .result == "refused"
		and .messages == 0 and (.why.text | test("does no atomic operations")))'
}

running()
{
	grep -q 'message .* of' "$test_dir/err"
}

interrupted()
{
	local status=0
	run_bg p2pmr verify --mem "$d0" -s 32M --progress >"$test_dir/out" 2>"$test_dir/err"
	pid=$!
	within 20 running
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ "$status" = 130 ] || fail "the status is $status: $(cat "$test_dir/err")"
	grep -qE '^remote_write +[0-9]+ .* right$' "$test_dir/out" || fail "$(cat "$test_dir/out")"
	grep -q '\[INTERRUPTED\]$' "$test_dir/err" || fail "$(cat "$test_dir/err")"
	pools_are_whole || fail "memory is missing"
}

sizes_and_names()
{
	expect_status 1 p2pmr verify --mem "$d0" -s 3072G
	grep -q '\[TOO_LARGE\]$' <<<"$output" || fail "$output"
	expect_status 1 p2pmr verify --mem nvme77
	grep -q '"nvme77".*\[NO_PROVIDER\]$' <<<"$output" || fail "$output"
	expect_status 1 p2pmr verify --to rxe7
	grep -q 'no RDMA device "rxe7"\. Did you mean rxe0.*\[NO_RDMA_DEVICE\]$' <<<"$output" || fail "$output"
}

# siw takes no peer memory
a_device_that_takes_none()
{
	rdma link add siw0 type siw netdev eth0
	defer rdma link delete siw0
	expect_status 77 p2pmr verify -d siw0 --mem "$d0"
	grep -q '\[DEVICE_NO_OPTIN\]$' <<<"$output" || fail "$output"
}

# The old report stays when the disk is full
full_disk()
{
	mkdir "$test_dir/disk"
	mount -t tmpfs -o size=64k tmpfs "$test_dir/disk"
	defer umount "$test_dir/disk"
	echo old >"$test_dir/disk/report"
	dd if=/dev/zero of="$test_dir/disk/ballast" bs=4k status=none 2>/dev/null || true
	expect_status 1 p2pmr verify --mem "$d0" -s 4K --json-file "$test_dir/disk/report"
	grep -q 'Cannot write .*No space left on device.*\[SYSTEM\]$' <<<"$output" || fail "$output"
	[ "$(cat "$test_dir/disk/report")" = old ] || fail "the old report is gone"
	[ "$(ls "$test_dir/disk")" = "$(printf 'ballast\nreport')" ] || fail "$(ls "$test_dir/disk")"
}

# ---- what registering costs -----------------------------------------------

# times KIND SIZES: there are such rows, and their numbers are in order
times()
{
	# shellcheck disable=SC2016 # jq's variables
	json '[.results[] | select(.kind == $k)] | [.[].size_bytes] == $s and all(.[];
		(.register_ns | 0 < .min and .min <= .median and .median <= .p99) and
		(.deregister_ns | 0 < .min and .min <= .median and .median <= .p99))' \
		--arg k "$1" --argjson s "$2"
}

registering()
{
	expect_status 0 p2pmr reg --mem "$d0" -s 200K -n 5 --json
	# shellcheck disable=SC2016 # jq's variables
	json '.memory == $m and .rdma_device == "rxe0" and all(.results[]; .iterations == 5 and
		.route == {memory: "umem", cached: "umem", host: "host"}[.kind] and
		.memory == {memory: $m, cached: $m, host: "host"}[.kind])' --arg m "$d0"
	times memory '[4096, 16384, 65536, 204800]'
	times host '[4096, 16384, 65536, 204800]'
	times cached '[4096, 16384, 65536, 204800]'
	# What is there already costs less than what is to be made; here a system call
	json '[.results[] | select(.size_bytes == 204800) | {(.kind): .register_ns.median}] | add |
		.cached < .memory and .cached < .host'
	pools_are_whole || fail "memory is missing"
}

huge_pages()
{
	expect_status 0 p2pmr reg --mem host -s 2M -n 2 --json
	json '.no_huge_pages.reason == "NO_HUGE_PAGES" and all(.results[]; .kind == "memory" or .kind == "cached")'
	echo 4 >/proc/sys/vm/nr_hugepages
	defer sh -c 'echo 0 >/proc/sys/vm/nr_hugepages'
	expect_status 0 p2pmr reg --mem host -s 4M -n 2 --json
	times huge '[4194304]'
	json 'has("no_huge_pages") | not'
}

plots()
{
	expect_status 0 p2pmr reg --mem "$d0" -s 64K -n 3 --plot "$test_dir/plot.svg"
	grep -qE "^ *64 KiB $d0, cached +umem +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$" <<<"$output" || fail "$output"
	for text in "$d0" "$d0, cached" host "16 KiB"; do
		grep -qF ">$text</text>" "$test_dir/plot.svg" || fail "no $text in the picture"
	done
}

registering_is_interrupted()
{
	local status=0
	run_bg p2pmr reg --mem "$d0" -s 64K -n 1000000 --progress >"$test_dir/out" 2>"$test_dir/err"
	pid=$!
	within 20 grep -q 'size 1 of' "$test_dir/err"
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ "$status" = 130 ] || fail "the status is $status: $(cat "$test_dir/err")"
	pools_are_whole || fail "memory is missing"
}

too_large_to_register()
{
	expect_status 1 p2pmr reg --mem "$d0" -s 3072G
	grep -q '\[TOO_LARGE\]$' <<<"$output" || fail "$output"
}

# ---- who has memory registered ---------------------------------------------

sees_both()
{
	# shellcheck disable=SC2016 # jq's variables
	p2pmr monitor -n 1 --json | jq -e --argjson server "$server_pid" --argjson client "$client_pid" \
		'[$server, $client] - [.registrations[].pid] == []' >/dev/null
}

# The two ends of bw have memory registered while they run, which is until the subtest
# ends, however slow the kernel
both_ends()
{
	run_bg p2pmr bw --mem "$d0" >/dev/null 2>&1
	server_pid=$!
	within 30 listening 18515
	run_bg p2pmr bw -D 600 -s 64K 127.0.0.1 >/dev/null 2>&1
	client_pid=$!
	within 30 sees_both
}

watches()
{
	both_ends
	expect_status 0 p2pmr monitor -n 2 -i 1 --json
	output=$(tail -n 1 <<<"$output")
	# shellcheck disable=SC2016 # jq's variables
	json '(.registrations[] | select(.pid == $server) | .command == "p2pmr" and .rdma_device == "rxe0"
		and .regions == 1 and .bytes > 65536 and .mapped_peer_bytes >= .bytes) and
		(.registrations[] | select(.pid == $client) | .regions == 1 and .mapped_peer_bytes == 0) and
		(.providers[] | select(.name == $m) | .available_bytes < .size_bytes) and
		any(.counters[]; .rdma_device == "rxe0" and .port == 1 and .name == "sent_pkts" and .per_second > 0)' \
		--argjson server "$server_pid" --argjson client "$client_pid" --arg m "$d0"
	expect_status 0 p2pmr monitor -n 1
	grep -qE "^ *$server_pid +p2pmr +rxe0 +1 +" <<<"$output" || fail "$output"
}

nobody_has_any()
{
	expect_status 0 p2pmr monitor -n 1 --json
	json '.registrations == []'
	expect_output '^No memory is registered\.$' p2pmr monitor -n 1
}

# Others' maps are not for everyone to read: not known is not none
not_for_everyone()
{
	both_ends
	expect_status 0 setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		p2pmr monitor -n 1 --json
	# shellcheck disable=SC2016 # jq's variables
	json 'any(.registrations[]; .pid == $server and .mapped_peer_bytes == null)' --argjson server "$server_pid"
}

subtest "a drive" verifies "$d0" 256K umem cpu
subtest "another drive, one page" verifies "$d1" 1 umem cpu -d rxe0 --to rxe0
subtest "host memory" verifies host 64K host -
subtest "memory is chosen" chooses
# Writes come in turns: 16 of more than one byte into it, and twice as many out of it
for lie in "short:3 remote_write" "short:20 local_read" "shift:50 remote_write" "shift:70 local_read" \
	"drop:100 remote_write" "drop:120 local_read" "stale:5 remote_read" "stale:20 local_write" \
	"swap:7 remote_atomic"; do
	# shellcheck disable=SC2086 # two words
	subtest "a device lies: $lie" lies $lie
done
subtest "it says where" says_where
subtest "a device without atomics" no_atomics
subtest "a device that takes no peer memory" a_device_that_takes_none
subtest "it is interrupted" interrupted
subtest "sizes and names" sizes_and_names
subtest "a full disk" full_disk
subtest "registering" registering
subtest "huge pages" huge_pages
subtest "a plot" plots
subtest "registering is interrupted" registering_is_interrupted
subtest "too large to register" too_large_to_register
subtest "monitor" watches
subtest "monitor, as nobody" not_for_everyone
subtest "monitor, nothing registered" nobody_has_any
subtest "no memory is lost" pools_are_whole
finish
