# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2030,SC2031 # a subtest is a subshell
# What a test in tests/vm/t is written with; "tests/vm/new NAME" writes one that
# shows how. A test is a few functions, each run by subtest in a shell of its
# own, where the first command that fails ends it; the others still run.

set -uo pipefail
test_name=$(basename "$0" .sh)
# on another kernel than that of its header, if it has one, it is another test
case $(sed -n 's/^# KERNEL: *//p' "$0") in
'' | "${P2PMR_VM_KERNEL-}") ;;
*) [[ ${P2PMR_VM_KERNEL:-/} == */* ]] || test_name+=-$P2PMR_VM_KERNEL ;;
esac
test_skips=${test_skips:-$(dirname "${BASH_SOURCE[0]}")/../skips}
test_dir=$(mktemp -d "${TMPDIR:-/tmp}/$test_name.XXXXXX")
# What within() waits for takes longer on a busy machine, and on the debug kernel
patience=3
[ ! -e /sys/kernel/debug/kmemleak ] || patience=10
test_passed=0
test_failed=0
test_skipped=0
test_finished=''
trap test_end EXIT

# reason TEXT: why this subtest ends as it does; the first one counts
reason()
{
	[ -s "$test_dir/reason" ] || printf '%s\n' "$*" >"$test_dir/reason"
}

fail()
{
	reason "$*"
	exit 1
}

skip()
{
	reason "$*"
	exit 77
}

# skip_allowed NAME: a guest is made so that everything can run in it, so a skip
# needs a line in tests/vm/skips: TEST/NAME, two blanks or a tab, and a reason
skip_allowed()
{
	[ -r "$test_skips" ] || return 1
	awk -v want="$test_name/$1" -F '\t|  +' '$1 == want && $2 != "" { found = 1 }
		END { exit !found }' "$test_skips"
}

# subtest NAME FUNCTION [ARG...]
subtest()
{
	local name=$1 status why
	shift
	rm -f "$test_dir/reason"
	# The lab names the subtest when it finds a report in the kernel's log
	[ -z "${P2PMR_VM-}" ] || echo "p2pmr-vm: subtest $name" >/dev/kmsg
	# Not in a condition, where bash would not heed set -e
	(
		set -eE
		deferred=()
		trap 'reason "line $LINENO: status $? of: $BASH_COMMAND"' ERR
		trap run_deferred EXIT
		"$@"
	)
	status=$?
	why=$(cat "$test_dir/reason" 2>/dev/null)
	case $status in
	0) test_passed=$((test_passed + 1)) && echo "ok $name" ;;
	77) subtest_skipped "$name" "$why" ;;
	*) subtest_failed "$name" "${why:-ended with status $status}" ;;
	esac
}

subtest_failed()
{
	test_failed=$((test_failed + 1))
	echo "not ok $1: $2"
}

subtest_skipped()
{
	if skip_allowed "$1"; then
		test_skipped=$((test_skipped + 1))
		echo "skip $1: $2"
	else
		subtest_failed "$1" "skipped ($2), and tests/vm/skips does not allow it"
	fi
}

# defer COMMAND [ARG...]: when this subtest ends, however it does; last in,
# first out
defer()
{
	deferred+=("$(printf '%q ' "$@")")
}

run_deferred()
{
	local i
	trap - ERR
	set +e
	for ((i = ${#deferred[@]} - 1; i >= 0; i--)); do
		eval "${deferred[i]}"
	done
}

# run_bg COMMAND [ARG...]: in the background until the subtest ends; its process
# id is in $!
run_bg()
{
	"$@" &
	defer end_bg $!
}

end_bg()
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# within SECONDS COMMAND [ARG...]: try again until it succeeds. A guard against what
# hangs, and no limit: it is several times as long ($patience).
within()
{
	local end=$((SECONDS + $1 * patience))
	shift
	until "$@"; do
		[ $SECONDS -lt "$end" ] || fail "not within the time given: $*"
		sleep 0.1
	done
}

# expect_status N COMMAND [ARG...]: what it printed is in $output afterwards
expect_status()
{
	local want=$1 status=0
	shift
	output=$("$@" 2>&1) || status=$?
	[ "$status" = "$want" ] || fail "status $status, not $want, of: $*; it said:
$(tail -n 10 <<<"$output" | sed 's/^/  | /')"
}

# expect_output PATTERN COMMAND [ARG...]: it succeeds, and prints a line that
# matches the extended regular expression
expect_output()
{
	local pattern=$1
	shift
	expect_status 0 "$@"
	grep -qE -- "$pattern" <<<"$output" || fail "no '$pattern' from: $*; it said:
$(tail -n 10 <<<"$output" | sed 's/^/  | /')"
}

# said PATTERN...: in what the last expect_status saw
said()
{
	local pattern
	for pattern; do
		grep -qE -- "$pattern" <<<"$output" || fail "no '$pattern' in:
$(tail -n 15 <<<"$output" | sed 's/^/  | /')"
	done
}

# listening PORT: somebody does. 0A is the state, TCP_LISTEN.
listening()
{
	local port
	printf -v port ':%04X' "$1"
	grep -q "$port [0-9A-F]*:[0-9A-F]* 0A " /proc/net/tcp /proc/net/tcp6
}

# powerless COMMAND...: root without any capability; a user of another name
# might not even reach the build tree
powerless()
{
	setpriv --inh-caps=-all --bounding-set=-all "$@"
}

# finish: the last line of a test; without it, the test ended too early
finish()
{
	test_finished=yes
	exit
}

test_end()
{
	local status=$?
	rm -rf "$test_dir"
	[ -n "$test_finished" ] ||
		subtest_failed "the whole test" "it ended before its last line, with status $status"
	[ $((test_passed + test_failed + test_skipped)) -gt 0 ] ||
		subtest_failed "the whole test" "it has no subtest"
	echo "$test_name: $test_passed passed, $test_failed failed, $test_skipped skipped"
	[ "$test_failed" = 0 ] || exit 1
	exit 0
}
