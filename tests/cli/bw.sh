#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr bw and lat: what they refuse before any RDMA device is touched. What they
# do with one is tested in a guest (tests/vm/t/bw.sh, lat.sh).
. "$(dirname "$0")/lib.sh"
empty_tree

# usage WORD ARG...: refused, with a sentence that has WORD in it
usage()
{
	local word=$1
	shift
	expect "p2pmr bw $*" 2 p2pmr bw "$@"
	silent out
	has err "^p2pmr bw: .*$word"
}

# Numbers: garbage, signs, limits, units where none belong
for option in -s -n -t -r -q -l -p -D -i -o -Q; do
	for value in 0 -1 +1 '' ' 1' 1x 0x10 1.5 99999999999999999999; do
		usage "$option .*: must be" "$option" "$value" server
	done
done
for value in -1 x 65536; do
	usage "-x .*: must be" -x "$value" server
done
usage "-s 1073741825: must be" -s 1073741825 server
usage "-s 2G: must be" -s 2G server
usage "-s 1T: must be" -s 1T server
usage "-s 1KB: must be" -s 1KB server
usage "-t 32769: must be" -t 32769 server
usage "-q 1025: must be" -q 1025 server
usage "-p 65536: must be" -p 65536 server
usage "-n 64K: must be" -n 64K server
usage "-m 1500: must be 256, 512, 1024, 2048 or 4096" -m 1500 server
usage "--op nop: must be write, read, send or atomic" --op nop server
usage "-c UC: must be RC or UD" -c UC --op send server
usage "-A ADD: must be FETCH_AND_ADD or CMP_AND_SWAP" -A ADD --op atomic server
for option in -S -T -I; do
	for value in -1 x '' 9999; do
		usage "$option .*: must be" "$option" "$value" -R server
	done
done
usage "-S 16: must be" -S 16 server
usage "-T 256: must be" -T 256 -R server
usage "-l 257: must be" -l 257 -t 1000 server
usage "--mem : must be a name" --mem '' server
usage "--compare-side all: must be" --compare-side all --compare host server

# What does not go together
usage "-n and -D" -n 10 -D 1 server
usage "4 GiB" -s 1G -q 8 server
usage "4 GiB" -s 1G -q 2 -b server
usage "-a and -s" -a -s 4K server
usage "-c UD: datagrams can only be sent" -c UD server
usage "-c UD" -c UD --op read server
usage "-T: needs -R" -T 8 server
usage "-l 20: cannot be more than -t, which is 10" -l 20 -t 10 server
usage "atomic operates on 8 bytes" --op atomic -s 16 server
usage "atomic operates on 8 bytes" --op atomic -a server
usage "--forever: is for the server" --forever server
usage "--plot: is for the client" --plot file.svg
usage "--compare" --compare host
usage "--compare-side" --compare-side client server
usage "--compare-side server" --compare-side server --compare nvme0 server
usage "one server only" server1 server2
usage "missing an argument|requires an argument" -s

# Latency has one queue pair, and no bandwidth
for option in "-q 2" -b "-t 4" "-l 2" --report_gbits; do
	# shellcheck disable=SC2086 # words
	expect "p2pmr lat $option" 2 p2pmr lat $option server
	has err '^p2pmr lat: '
done

# A provider that is not there; memory is looked for before the RDMA device
expect "unknown provider, server" 1 p2pmr bw --mem nvme7
silent out
has err '^p2pmr bw: .*"nvme7".*There are: host.*\[NO_PROVIDER\]$'
expect "unknown provider, client" 1 p2pmr bw --mem nvme7 127.0.0.1
has err '"nvme7".*\[NO_PROVIDER\]$'
expect "unknown provider to compare with" 1 p2pmr bw --compare nvme7 127.0.0.1
has err '"nvme7".*\[NO_PROVIDER\]$'
expect "unknown provider, JSON" 1 p2pmr bw --json --mem nvme7 127.0.0.1
silent err
json 'keys == ["error"]
	and (.error | keys) == ["errno", "reason", "remedy", "text"]
	and .error.reason == "NO_PROVIDER" and .error.errno == "ENODEV"'

# A JSON file of an earlier run must not pass for this one's
echo '{"results": []}' >"$dir/file"
expect "unknown provider, JSON file" 1 p2pmr bw --json-file "$dir/file" --mem nvme7
cp "$dir/file" "$dir/out"
json '.error.reason == "NO_PROVIDER"'

# A picture that cannot be written, before anything is measured
if command -v gnuplot >/dev/null; then
	expect "plot into nowhere" 1 p2pmr bw --plot "$dir/nowhere/file.svg" 127.0.0.1
	has err 'Cannot write .*nowhere/file.svg: No such file or directory.*\[SYSTEM\]$'
	echo old >"$dir/old.svg"
	expect "plot of nothing" 1 p2pmr lat --plot "$dir/old.svg" -d nosuch0 127.0.0.1
	expect "the old picture stays" 0 grep old "$dir/old.svg"
else
	expect "no gnuplot" 77 p2pmr bw --plot "$dir/file.svg" 127.0.0.1
	has err 'gnuplot'
fi

expect "unknown device" 1 p2pmr bw -d nosuch0
silent out
has err 'no RDMA device "nosuch0".*\[NO_RDMA_DEVICE\]$'
expect "unknown device, client" 1 p2pmr bw -d nosuch0 127.0.0.1
expect "unknown device, JSON" 1 p2pmr bw -d nosuch0 --json
json '.error.reason == "NO_RDMA_DEVICE" and .error.errno == "ENODEV"'

expect "lat, unknown device" 1 p2pmr lat -d nosuch0
has err '^p2pmr lat: .*no RDMA device "nosuch0".*\[NO_RDMA_DEVICE\]$'
expect "lat, unknown provider, JSON" 1 p2pmr lat --json --mem nvme7 127.0.0.1
json '.error.reason == "NO_PROVIDER"'

# On a machine without any it is not possible, which is no failure
if [ ! -d /sys/class/infiniband ] || [ -z "$(ls /sys/class/infiniband)" ]; then
	expect "no device at all" 77 p2pmr bw
	has err 'This machine has no RDMA device.*\[NO_RDMA_DEVICE\]$'
fi

finish
