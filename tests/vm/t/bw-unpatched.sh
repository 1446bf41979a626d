# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # expect_status sets output
# DESCRIPTION: on a kernel without the series p2pmr bw and check say so, and host memory works
# KERNEL: unpatched
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh

d0=$(drive_name 0)

# Before it waits for a client, or looks for a server
drive_memory_cannot_be_pinned()
{
	local role
	for role in "" 127.0.0.1; do
		# shellcheck disable=SC2086 # none is a word, too
		expect_status 77 p2pmr bw --mem "$d0" $role
		grep -qE '^p2pmr bw: .*\[KERNEL_NO_PIN\]$' <<<"$output" || fail "it said: $output"
		# shellcheck disable=SC2086
		expect_status 77 p2pmr bw --mem "$d0" --json $role
		jq -e '.error.reason == "KERNEL_NO_PIN" and .error.errno == "EFAULT"' <<<"$output" >/dev/null ||
			fail "it said: $output"
	done
}

host_memory_works()
{
	local op
	for op in write read; do
		run_bg p2pmr bw
		expect_output ' host/host +host/host$' p2pmr bw --op "$op" -n 50 127.0.0.1
		wait $!
	done
}

comparing_fails_before_the_server_is_asked()
{
	expect_status 77 p2pmr bw --compare host --mem "$d0" 127.0.0.1
}

check_says_so()
{
	expect_status 77 p2pmr check
	grep -qE '^fail  pin       rxe0: .*\[KERNEL_NO_PIN\]$' <<<"$output" || fail "it said: $output"
}

drives_are_listed()
{
	expect_output "^$d0 +p2pmem " p2pmr list
}

subtest "drives are listed" drives_are_listed
subtest "drive memory cannot be pinned" drive_memory_cannot_be_pinned
subtest "p2pmr check says so, too" check_says_so
subtest "host memory works" host_memory_works
subtest "comparing fails before the server is asked" comparing_fails_before_the_server_is_asked
finish
