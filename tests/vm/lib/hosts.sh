# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # for tests; test.sh has the rest
# For tests that run on two hosts at once: which one is this, and where is the
# other. After test.sh.

this_host=${P2PMR_VM_HOST:?is set by tests/vm/run --hosts 2}
other_host=$((1 - this_host))
host_addresses=(10.0.2.15 10.0.2.16)

# meet NAME: go on when the other host has come to the same place. On a busy
# machine it may be late by a lot; it is the time of the run that ends a wait in vain.
meet()
{
	: >"/run/meet/$1.$this_host"
	within 100000 other_is_at "$1"
}

other_is_at()
{
	local ended=no
	[ ! -e "/run/meet/$(subtest_mark).$other_host" ] || ended=yes
	[ ! -e "/run/meet/$1.$other_host" ] || return 0
	[ "$ended" = no ] || fail "the other host's part ended before '$1'"
	return 1
}

# Where a host is that has done its part of this subtest
subtest_mark()
{
	echo "end-of-subtest-$((test_passed + test_failed + test_skipped))"
}

# each FUNCTION0 FUNCTION1: the first on host 0, the second on host 1; each may
# have arguments: "serve one"
each()
{
	defer touch "/run/meet/$(subtest_mark).$this_host"
	# shellcheck disable=SC2086
	if [ "$this_host" = 0 ]; then $1; else $2; fi
}
