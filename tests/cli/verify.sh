#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr verify: what it refuses before any RDMA device is touched. What it finds
# is tested with a mover that lies (verify.c) and in a guest (tests/vm/t/verify.sh).
. "$(dirname "$0")/lib.sh"
empty_tree

# usage WORD ARG...: refused, with a sentence that has WORD in it
usage()
{
	local word=$1
	shift
	expect "p2pmr verify $*" 2 p2pmr verify "$@"
	silent out
	has err "^p2pmr verify: .*$word"
}

for value in 0 -1 '' 1x 1.5 1T 99999999999999999999; do
	usage "-s .*: must be a size" -s "$value"
done
for value in 0 -1 x 256; do
	usage "-i .*: must be" -i "$value"
done
usage "-x 65536: must be" -x 65536
usage "--seed x: must be" --seed x
usage "takes options only" nvme0

expect "unknown provider" 1 p2pmr verify --mem nvme7
silent out
has err '^p2pmr verify: .*"nvme7".*There are: host.*\[NO_PROVIDER\]$'
expect "unknown provider, JSON" 1 p2pmr verify --json --mem nvme7
silent err
json 'keys == ["error"] and .error.reason == "NO_PROVIDER" and .error.errno == "ENODEV"'
expect "unknown device" 1 p2pmr verify -d nosuch0
has err 'no RDMA device "nosuch0".*\[NO_RDMA_DEVICE\]$'

# A JSON file of an earlier run must not pass for this one's
echo '{"verdict": "right"}' >"$dir/file"
expect "unknown provider, JSON file" 1 p2pmr verify --json-file "$dir/file" --mem nvme7
cp "$dir/file" "$dir/out"
json '.error.reason == "NO_PROVIDER"'
expect "a folder that is not there" 1 p2pmr verify --json-file "$dir/no/file" --mem nvme7
has err '\[NO_PROVIDER\]$'

if [ ! -d /sys/class/infiniband ] || [ -z "$(ls /sys/class/infiniband)" ]; then
	expect "no device at all" 77 p2pmr verify
	has err 'This machine has no RDMA device.*\[NO_RDMA_DEVICE\]$'
fi

finish
