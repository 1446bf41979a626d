# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # for those who source this; test.sh
# For tests of bw and lat with both ends on this machine. After devices.sh.

d0=$(drive_name 0)
d1=$(drive_name 1)
address=127.0.0.1

# It may have ended at once
server_has_begun()
{
	listening 18515 || ! kill -0 "$server_pid" 2>/dev/null
}

# server TOOL [OPTION...]: in the background; its output is in $test_dir/server.
# Clients wait for one themselves, but a busy machine may need more time than
# they have.
server()
{
	run_bg p2pmr "$@" >"$test_dir/server" 2>&1
	server_pid=$!
	within 30 server_has_begun
}

# gids_of KIND: the numbers of rxe0's GIDs that are IPv4 or IPv6 addresses. Which
# comes first differs from boot to boot: it is the order in which addresses came up.
gids_of()
{
	local i gid kind
	for ((i = 0; i < 16; i++)); do
		gid=$(cat "/sys/class/infiniband/rxe0/ports/1/gids/$i" 2>/dev/null) || break
		case $gid in
		0000:0000:0000:0000:0000:0000:0000:0000) continue ;;
		0000:0000:0000:0000:0000:ffff:*) kind=IPv4 ;;
		*) kind=IPv6 ;;
		esac
		[ "$kind" != "$1" ] || echo "$i"
	done
}
