# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # devices.sh, test.sh
# For tests of p2pmr copy on one machine: a file system on either drive, copies
# from the one to the other, and what is left of them. After devices.sh.

d0=$(drive_name 0)
d1=$(drive_name 1)
from=$test_dir/from
to=$test_dir/to

# The other machine is this one; the remote shell is what takes its place
rsh=$test_dir/rsh
cat >"$rsh" <<-'END'
	#!/bin/sh
	shift
	exec "$@"
END
chmod +x "$rsh"

mount_drives()
{
	mkdir -p "$from" "$to"
	mkfs.ext4 -q -F -b 4096 "/dev/${d0}n1"
	mkfs.ext4 -q -F -b 4096 "/dev/${d1}n1"
	mount "/dev/${d0}n1" "$from"
	mount "/dev/${d1}n1" "$to"
}

copy()
{
	p2pmr copy -e "$rsh" "$@"
}

# copy_bg ARG...: in the background; what it says is in $test_dir/said
copy_bg()
{
	run_bg p2pmr copy -e "$rsh" "$@" >"$test_dir/said" 2>&1
	copy_pid=$!
}

# copy_ends STATUS PATTERN
copy_ends()
{
	local status=0
	wait "$copy_pid" || status=$?
	[ "$status" = "$1" ] || fail "the status is $status, not $1: $(cat "$test_dir/said")"
	grep -qE -- "$2" "$test_dir/said" || fail "no '$2' in: $(cat "$test_dir/said")"
}

# report FILTER: the last command's output is a report of which this is true
report()
{
	jq -e --arg d0 "$d0" --arg d1 "$d1" "$1" <<<"$output" >/dev/null || fail "not '$1': $output"
}

# random FILE BYTES
random()
{
	head -c "$2" /dev/urandom >"$1"
}

# Nothing of a copy that failed, whatever its name
no_leftovers()
{
	[ -z "$(find "$to" -name '.p2pmr-*')" ] || fail "left: $(find "$to" -name '.p2pmr-*')"
}

# under_way: the copy has come so far as to have a file of its own
under_way()
{
	[ -n "$(find "$to" -name '.p2pmr-*' -size +0)" ]
}

# The process of the other end
other_end()
{
	pgrep -f '^p2pmr copy --server$'
}

no_other_end()
{
	! other_end >/dev/null
}

# own_memory PID: KiB of memory that is the process's alone, in $own; none is left
# of one that has ended. Here and below with as few forks as can be, as others
# count what the guest has to do.
own_memory()
{
	local key
	while read -r key own _; do
		[ "$key" != RssAnon: ] || return 0
	done 2>/dev/null <"/proc/$1/status"
	return 1
}

# stays_small: until the copy in the background ends, neither end has ever more
# than 32 MiB of memory of its own. The most that was seen is in $most.
stays_small()
{
	local pid pids own
	within 60 other_end >"$test_dir/pids"
	mapfile -t pids <"$test_dir/pids"
	pids+=("$copy_pid")
	most=0
	while own_memory "$copy_pid"; do
		for pid in "${pids[@]}"; do
			own_memory "$pid" || continue
			[ "$own" -le "$most" ] || most=$own
		done
		[ "$most" -lt 32768 ] || fail "a process has $most KiB of memory of its own"
		sleep 0.5
	done
	[ "$most" -gt 0 ] || fail "the copy ended before anyone looked"
}
