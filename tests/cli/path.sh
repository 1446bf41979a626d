#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Paths on made trees: data/NAME.tree is a machine, data/NAME.expected what is
# to be said about each pair of drive and RDMA device in it.
#
#   path.sh --print NAME      what is said now, to be reviewed and kept
. "$(dirname "$0")/lib.sh"

data=$(dirname "$(realpath "$0")")/data
build=${P2PMR_BUILD-$data/../../../build}

# names FOLDER: what is in it, in order
names()
{
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -V
}

# answers TREE: of the example program, for all pairs
answers()
{
	local drive device
	export P2PMR_SYSFS_ROOT=$1/sys
	for drive in $(names "$1/sys/class/nvme"); do
		for device in $(names "$1/sys/class/infiniband"); do
			echo "== $drive $device"
			"$build/examples/path" "$drive" "$device" 2>&1
		done
	done
}

if [ "${1-}" = --print ]; then
	"$data/make-tree" "$data/$2.tree" "$dir/tree"
	answers "$dir/tree"
	exit
fi

# acs_of TREE: what pciutils makes of the same bytes, as "ADDRESS REGISTER"
acs_of()
{
	local address
	for address in $(names "$1/sys/bus/pci/devices"); do
		echo "$address $(setpci -A linux-sysfs -O "sysfs.path=$1/sys/bus/pci" \
			-s "$address" ECAP_ACS+6.w 2>/dev/null)"
	done
}

# same_acs NAME: do the example's words say what the registers say?
same_acs()
{
	local address register words
	while read -r address register; do
		words=
		if [ -n "$register" ]; then
			register=$((0x$register))
			[ $((register & 4)) = 0 ] || words+=" request-redirect"
			[ $((register & 8)) = 0 ] || words+=" completion-redirect"
			[ $((register & 32)) = 0 ] || words+=" egress-control"
			words="  ACS${words:- off}"
		fi
		! grep -E " $address( |\$)" "$dir/$1.answers" | grep -E '^(up|common|down) ' |
			grep -vxE "[a-z]+ +$address$words" || return 1
	done < <(acs_of "$dir/$1")
}

# cut TREE: as an ordinary user sees it
cut_config()
{
	find "$1/sys/devices" -name config -size 8 -exec truncate -s 64 {} +
}

# answer NAME DRIVE DEVICE KIND [PATTERN...]: and lines that it has
answer()
{
	local pattern
	export P2PMR_SYSFS_ROOT=$dir/$1/sys
	expect "$1: $2 $3 is $4" 0 "$build/examples/path" "$2" "$3"
	has out "^$4, distance"
	for pattern in "${@:5}"; do
		has out "$pattern"
	done
}

for shape in "$data"/*.tree; do
	name=$(basename "$shape" .tree)
	expect "$name: made" 0 "$data/make-tree" "$shape" "$dir/$name"
	answers "$dir/$name" >"$dir/$name.answers"
	expect "$name: as expected" 0 diff "$data/$name.expected" "$dir/$name.answers"
	if command -v setpci >/dev/null; then
		if same_acs "$name" >"$dir/out" 2>"$dir/err"; then
			ok "$name: pciutils agrees about ACS"
		else
			not_ok "$name: pciutils does not agree about ACS"
		fi
	fi
done

# What only root may read is unknown, and what does not need it is not.
for name in switch amd-root-ports laptop; do
	cut_config "$dir/$name"
done
answer switch nvme0 mlx5_0 unknown 'first 64 bytes is for root' \
	'^Run as root' '^common 0000:17:00.0  ACS unknown$' ': allowed$'
answer switch nvme0 mlx5_2 bridge
answer amd-root-ports nvme0 mlx5_1 bridge 'ACS unknown'
answer laptop nvme0 mlx5_0 none 'ACS unknown'
answer laptop nvme0 rxe0 cpu

finish
