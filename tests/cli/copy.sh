#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr copy: what it refuses before any RDMA device is touched, and what the far
# end makes of strangers. What it does with a device is tested in a guest
# (tests/vm/t/copy.sh).
. "$(dirname "$0")/lib.sh"
empty_tree

# usage WORD ARG...: refused, with a sentence that has WORD in it
usage()
{
	local word=$1
	shift
	expect "p2pmr copy $*" 2 p2pmr copy "$@"
	silent out
	has err "^p2pmr copy: .*$word"
}

usage "a source and a destination"
usage "a source and a destination" host:file
usage "must be on another machine" a b
usage "must be on another machine" host:a host:b
usage "must be on one machine" host:a other:b c
usage "must be on one machine" host:a b c
usage "two sources are both called x" a/x b/x host:c
usage "two sources are both called x" -r host:a/x/ host:x b
usage '"": must be a path' '' host:b
usage '":b": must be a path' a :b
usage '"-oProxyCommand=x:b": must be a path' -- a -oProxyCommand=x:b
usage '"user@-x:b": must be a path' a user@-x:b
usage '"/": has no name' -r / host:b
usage '"a/..": has no name' -r a/.. host:b
usage "unrecognized option|unknown option" --nonesuch a host:b
usage "requires an argument" a host:b -e
usage "takes no arguments" --server a

for value in 0 63K 65537 64M1 65M -1 '' 1x 100000; do
	usage "--chunk .*: must be" --chunk "$value" a host:b
done
for value in 0 1 257 -1 '' 1x; do
	usage "--depth .*: must be" --depth "$value" a host:b
done
for option in -x --remote-gid-index; do
	for value in -1 x 65536; do
		usage "$option .*: must be" "$option" "$value" a host:b
	done
done
for option in -i --remote-ib-port; do
	usage "$option .*: must be" "$option" 0 a host:b
	usage "$option .*: must be" "$option" 256 a host:b
done
for option in -d --mem --remote-mem --remote-ib-dev; do
	usage "$option: must be a name" "$option" '' a host:b
	usage "$option: must be a name" "$option" "$(printf 'x%.0s' {1..64})" a host:b
done

# The remote shell: what it is called with, and how it may end
printf '#!/bin/sh\nprintf "[%%s]" "$@" >%s\nexit 3\n' "$dir/called" >"$dir/rsh"
chmod +x "$dir/rsh"
: >"$dir/file"
expect "a remote shell that fails" 1 p2pmr copy -e "$dir/rsh -p 22" --remote-program '/a b/p2pmr' \
	"$dir/file" user@host:there
has err '^p2pmr copy: The remote shell to user@host ended with status 3\. .*\[CONNECT\]$'
silent out
if [ "$(cat "$dir/called")" = '[-p][22][user@host][/a b/p2pmr][copy][--server]' ]; then
	ok "  its arguments"
else
	not_ok "  its arguments: $(cat "$dir/called")"
fi
expect "a remote shell that is not there" 1 p2pmr copy -e "$dir/nonesuch" "$dir/file" host:there
has err '\[CONNECT\]$'
expect "a remote shell that is not there, JSON" 1 p2pmr copy --json -e "$dir/nonesuch" "$dir/file" host:there
json '.error.reason == "CONNECT"'
expect "no remote shell" 2 p2pmr copy -e ' ' "$dir/file" host:there
has err 'no command.*\[USAGE\]$'
printf '#!/bin/sh\necho Welcome\nexec sleep 20\n' >"$dir/chatty"
chmod +x "$dir/chatty"
expect "a remote shell that talks" 1 p2pmr copy -e "$dir/chatty" "$dir/file" host:there
has err 'host sent bytes that are no message of p2pmr copy\. .*\[PROTOCOL\]$'

# The far end: of strangers it wants nothing, and it does not stay
# stranger NAME BYTES: exit status 1 and an answer
stranger()
{
	local status=0
	printf '%b' "$2" | timeout 20 p2pmr copy --server >"$dir/out" 2>"$dir/err" || status=$?
	if [ $status = 1 ]; then
		ok "$1"
	else
		not_ok "$1: status $status"
	fi
	if grep -qa PROTOCOL "$dir/out" || [ -z "$2" ]; then
		ok "  it answers"
	else
		not_ok "  it does not answer"
	fi
}
stranger "nobody there" ''
stranger "HTTP" 'GET / HTTP/1.1\r\n\r\n'
stranger "another version" 'p2cp\0\x02\0\x01\0\0\0\0'
stranger "too long" 'p2cp\0\x01\0\x01\xff\xff\xff\xff'
stranger "an empty HELLO" 'p2cp\0\x01\0\x01\0\0\0\0'
stranger "another message first" 'p2cp\0\x01\0\x05\0\0\0\0'
finish
