# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: unmodified perftest runs on a drive's CMB, on either side or both
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# ALONE: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh

port=18600

# perftest TOOL SERVER-MEMORY CLIENT-MEMORY: "host" or a file to map
perftest()
{
	local tool=$1 server=() client=()
	port=$((port + 1))
	[ "$2" = host ] || server=(--mmap="$2")
	[ "$3" = host ] || client=(--mmap="$3")
	run_bg "$tool" -d rxe0 -F -p "$port" -n 50 -s 65536 "${server[@]}" >"$test_dir/server" 2>&1
	within 20 listening "$port"
	expect_output '^ *65536 +50 ' "$tool" -d rxe0 -F -p "$port" -n 50 -s 65536 "${client[@]}" 127.0.0.1
}

for tool in ib_write_bw ib_read_bw ib_send_bw; do
	subtest "$tool, server on the CMB" perftest $tool "$cmb0" host
	subtest "$tool, client on the CMB" perftest $tool host "$cmb1"
	subtest "$tool, from drive to drive" perftest $tool "$cmb0" "$cmb1"
done
finish
