#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Help, versions, and what is said to those who ask for something else.
. "$(dirname "$0")/lib.sh"

expect "help" 0 p2pmr --help
has out '^Usage: p2pmr COMMAND'
has out '^  list '
has out '^  topo '
has out '^  check '
has out '^  verify '
has out '^  bw '
has out '^  lat '
has out '^  reg '
has out '^  monitor '
# It fits a screen
if [ "$(wc -l <"$dir/out")" -le 24 ] && [ "$(wc -L <"$dir/out")" -le 80 ]; then
	ok "  on 24 lines of 80 columns"
else
	not_ok "  not on 24 lines of 80 columns"
fi
silent err

expect "version" 0 p2pmr --version
has out '^p2pmr [0-9]+\.[0-9]+\.[0-9]+$'
cp "$dir/out" "$dir/version"

expect "no command" 2 p2pmr
silent out
has err '^Usage:'

expect "unknown command" 2 p2pmr frobnicate --json
silent out
has err 'no command "frobnicate".*p2pmr --help.*\[USAGE\]$'

expect "mistyped command" 2 p2pmr topos
has err 'Did you mean topo\?.*\[USAGE\]$'

expect "unknown option before the command" 2 p2pmr --frobnicate
expect "empty command" 2 p2pmr ""

for command in list topo check verify bw lat reg nvmet monitor; do
	expect "$command: help" 0 p2pmr $command --help
	has out "^Usage: p2pmr $command "
	silent err
	expect "$command: perftest's -h" 0 p2pmr $command -h
	has out "^Usage: p2pmr $command "
	expect "$command: version" 0 p2pmr $command --version
	if cmp -s "$dir/out" "$dir/version"; then
		ok "  the same version"
	else
		not_ok "  another version"
	fi
	expect "$command: unknown option" 2 p2pmr $command --frobnicate
	silent out
	has err "^p2pmr $command: "
	has err "Try .p2pmr $command --help"
done

expect "list: an argument" 2 p2pmr list nvme0
has err 'nvme0.*\[USAGE\]'

# What cannot be written must not look like success
expect "full disk: help" 1 sh -c 'p2pmr --help >/dev/full'
has err 'No space left'
expect "full disk: list" 1 sh -c 'p2pmr list --json >/dev/full'

finish
