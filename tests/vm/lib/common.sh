# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the host's side of the lab shares.

say()
{
	printf 'tests/vm/%s: %s\n' "${0##*/}" "$*" >&2
}

# guest_failed SENTENCE: the guest, not the command, is to blame
guest_failed()
{
	say "$*"
	exit 125
}
