#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr reg: what it refuses before any RDMA device is touched. What it measures
# with one is tested in a guest (tests/vm/t/verify.sh).
. "$(dirname "$0")/lib.sh"
empty_tree

# usage WORD ARG...: refused, with a sentence that has WORD in it
usage()
{
	local word=$1
	shift
	expect "p2pmr reg $*" 2 p2pmr reg "$@"
	silent out
	has err "^p2pmr reg: .*$word"
}

for value in 0 -1 '' 1x 1 4095 1T 99999999999999999999; do
	usage "-s .*: must be a size of at least 4K" -s "$value"
done
for value in 0 -1 x 1000001; do
	usage "-n .*: must be" -n "$value"
done
for value in 0 3M 2T x; do
	usage "--huge .*: must be the size of a page" --huge "$value"
done
usage "takes options only" nvme0

expect "unknown provider" 1 p2pmr reg --mem nvme7
silent out
has err '^p2pmr reg: .*"nvme7".*There are: host.*\[NO_PROVIDER\]$'
expect "unknown provider, JSON" 1 p2pmr reg --json --mem nvme7
silent err
json 'keys == ["error"] and .error.reason == "NO_PROVIDER"'
expect "unknown device" 1 p2pmr reg -d nosuch0
has err 'no RDMA device "nosuch0".*\[NO_RDMA_DEVICE\]$'

# ---- plots ----------------------------------------------------------------
# Before anything is measured
tool=$(command -v p2pmr)
expect "no gnuplot" 77 env PATH=/nowhere "$tool" reg --plot "$dir/plot.svg"
has err '^p2pmr reg: gnuplot, which draws the plot, is not installed\. .*gnuplot-nox.*\[NO_GNUPLOT\]$'
if command -v gnuplot >/dev/null; then
	expect "a folder that is not there" 1 p2pmr reg --plot "$dir/no/plot.svg"
	has err "Cannot write $dir/no/plot.svg: No such file or directory.*\\[SYSTEM\\]$"
	echo old >"$dir/plot.svg"
	expect "a plot of nothing" 1 p2pmr reg --plot "$dir/plot.svg" --mem nvme7
	cp "$dir/plot.svg" "$dir/out"
	has out '^old$'
	rm "$dir/plot.svg"
	expect "another one" 1 p2pmr reg --plot "$dir/plot.svg" --mem nvme7
	find "$dir" -name 'plot.svg*' >"$dir/out"
	silent out
fi

if [ ! -d /sys/class/infiniband ] || [ -z "$(ls /sys/class/infiniband)" ]; then
	expect "no device at all" 77 p2pmr reg
	has err 'This machine has no RDMA device.*\[NO_RDMA_DEVICE\]$'
fi

finish
