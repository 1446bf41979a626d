# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tests/vm/run sets the variables
# How a run ended: read from what init wrote to the status port (status), and
# from the kernel's log (con.out).

begin_mark='p2pmr-vm: the command begins'

# A kernel report, as it stands behind a line's time stamp. Anchored there, so
# that a message that merely mentions one of these words is none.
report_words=(
	'BUG:' 'BUG [^ ]+ \(' 'kernel BUG at' 'watchdog: BUG:' 'WARNING:'
	'Oops' 'general protection fault' 'Kernel panic' 'stack segment'
	'Unable to handle' 'Internal error' 'double fault'
	'INFO: possible' 'INFO: inconsistent lock state' 'INFO: trying to register'
	'INFO: lockdep is turned off' 'INFO: task .* blocked for more than'
	'INFO: rcu.*detected' 'rcu: INFO:.*detected' 'possible circular locking'
	'possible recursive locking' 'suspicious RCU usage' 'inconsistent lock state'
	'KASAN:' 'UBSAN:' 'kmemleak: [1-9][0-9]* new' 'kmemleak: unreferenced'
	'refcount_t:' 'DMA-API:' 'ODEBUG:' 'list_(add|del) corruption'
	'unregister_netdevice: waiting for'
)

report_pattern()
{
	local IFS='|'
	printf '^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? (%s)' "${report_words[*]}"
}

# The console log without carriage returns, as files: all of it, and what is
# before and after the command's begin
split_log()
{
	: >"$run_dir/before"
	: >"$run_dir/after"
	tr -d '\r' <"$run_dir/con.out" >"$run_dir/console"
	awk -v mark="$begin_mark" -v before="$run_dir/before" -v after="$run_dir/after" '
		index($0, mark) { seen = 1; next }
		{ print > (seen ? after : before) }' "$run_dir/console"
}

indent()
{
	sed 's/^/  | /' >&2
}

show_console()
{
	say "the last of the guest's console${log:+ (all of it is in $log)}:"
	tail -n "${1:-60}" "$run_dir/console" | indent
	# Emulation lacks a few features of the processor that it plays
	grep -v "warning: TCG doesn't support requested feature" "$run_dir/qemu.log" \
		>"$run_dir/qemu.said" || return 0
	say "what QEMU said:"
	tail -n 10 "$run_dir/qemu.said" | indent
}

# show_report: of the log after the command's begin, the first report, and
# which subtest it came from
show_report()
{
	local subtest
	subtest=$(grep -aE "$(report_pattern)|p2pmr-vm: subtest" "$run_dir/after" |
		grep -vm 1 'p2pmr-vm: subtest' -B 1 | sed -n 's/.*p2pmr-vm: subtest //p') || true
	[ -z "$subtest" ] || say "during the subtest '$subtest':"
	grep -aE -m 1 -B 2 -A 40 "$(report_pattern)" "$run_dir/after" | indent
}

# status_of WORD: what init said last about it
status_of()
{
	sed -n "s/^$1 \{0,1\}//p" "$run_dir/status" | tail -n 1
}

# A warning that was there before the command is not the command's fault, but
# nobody would see it if nobody said it.
note_boot_reports()
{
	local first
	first=$(grep -aE -m 1 "$(report_pattern)" "$run_dir/before") || return 0
	say "note: the kernel reported something while booting, which does not count: $first"
}

has_report()
{
	grep -aEq "$(report_pattern)" "$run_dir/after"
}

# check_reports STATUS: fail the run if the kernel complained during it
check_reports()
{
	has_report || return 0
	if [ "$1" = 0 ]; then
		say "the command passed, but the kernel's log holds a report:"
	else
		say "the command failed with status $1, and the kernel's log holds a report:"
	fi
	show_report
	exit 125
}

# no_status: init never said how the command ended, so the guest is to blame
no_status()
{
	local panic began='before the command began'
	! grep -q '^begin' "$run_dir/status" || began='while the command ran'
	panic=$(grep -aom 1 'Kernel panic - not syncing.*' "$run_dir/console") || true
	case $panic in
	*'Out of memory'* | *'deadlocked on memory'*)
		say "the guest ran out of memory $began: it has $mem MB, --mem gives it more" ;;
	?*) say "the guest's kernel panicked $began: ${panic#*syncing: }" ;;
	'')
		if [ -s "$run_dir/console" ] || [ "$qemu_status" = 0 ]; then
			say "the guest ended $began and left no status: did something reboot it, or kill QEMU (status $qemu_status)?"
		else
			say "QEMU did not start (status $qemu_status)"
		fi ;;
	esac
	show_console
	exit 125
}

out_of_time()
{
	if grep -q '^begin' "$run_dir/status"; then
		say "out of time after $timeout s: the command was still running (--timeout gives it longer)"
	else
		say "out of time after $timeout s: the guest had not come as far as the command"
	fi
	if has_report; then
		say "the kernel's log holds a report:"
		show_report
	fi
	show_console 100
	exit 124
}

# verdict TIMED_OUT: say what went wrong, if anything, and exit
verdict()
{
	local status failure
	split_log
	note_boot_reports
	failure=$(status_of fail)
	[ -z "$failure" ] || {
		say "the guest could not be set up: $failure"
		show_console
		exit 125
	}
	status=$(status_of exit)
	[ -n "$status" ] || [ -z "$1" ] || out_of_time
	[ -n "$status" ] || no_status
	while read -r note; do
		say "$note"
	done < <(sed -n 's/^note //p' "$run_dir/status")
	check_reports "$status"
	exit "$status"
}
