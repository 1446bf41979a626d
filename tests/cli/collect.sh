#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr-collect: what it records gives the same answers as the tree it was
# recorded from, and nothing private is in it.
. "$(dirname "$0")/lib.sh"

data=$(dirname "$(realpath "$0")")/data
build=${P2PMR_BUILD-$data/../../../build}

# path TREE DEVICE: the answer that the example prints
path()
{
	P2PMR_SYSFS_ROOT=$1/sys "$build/examples/path" nvme0 "$2" 2>&1
}

# bytes FILE OFFSET COUNT: in hexadecimal, without blanks
bytes()
{
	od -An -v -tx1 -j $(($2)) -N "$3" "$1" | tr -d ' \n'
}

# is NAME WANTED GOT
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1: \"$3\", not \"$2\""
	fi
}

# ---- a whole machine ------------------------------------------------------
"$data/make-tree" "$data/sriov.tree" "$dir/machine"
machine=$dir/machine/sys
drive=$machine/bus/pci/devices/0000:19:00.0
export P2PMR_SYSFS_ROOT=$machine

# Things that it should leave alone
for file in "$drive"/{vpd,serial_number,nvme/nvme0/{serial,model,subsysnqn,hostnqn}} \
	"$machine"/class/infiniband/mlx5_0/{node_guid,sys_image_guid,node_desc}; do
	echo PRIVATE >"$file"
done
printf 'Serial\t: PRIVATE\nprocessor\t: 1\n' >>"$dir/machine/proc/cpuinfo"
mkdir -p "$dir/machine/proc/sys/kernel" "$dir/machine/boot"
echo 6.12.117 >"$dir/machine/proc/sys/kernel/osrelease"
printf 'CONFIG_%s\n' PCI_P2PDMA=y INFINIBAND_USER_ACCESS=m INFINIBAND_USER_MEM=y 'PRIVATE="PRIVATE"' \
	>"$dir/machine/boot/config-6.12.117"
printf 'root=PRIVATE quiet pci=disable_acs_redir=0000:18:09.0 intel_iommu=on\n' \
	>"$dir/machine/proc/cmdline"
# The drive has VPD, too, at 4ch after PCIe, with data in its register
printf '\x4c' | dd of="$drive/config" bs=1 seek=$((0x41)) conv=notrunc status=none
printf '\x03\x00\xaa\xaa\xbb\xbb\xbb\xbb' |
	dd of="$drive/config" bs=1 seek=$((0x4c)) conv=notrunc status=none

expect "folder" 0 p2pmr-collect -o "$dir/all"
has out '^wrote .*all: 11 PCI functions$'
has out '^Left out: '
silent err
for device in mlx5_0 mlx5_1 mlx5_2 mlx5_3; do
	is "the same answer for $device" "$(path "$dir/machine" $device)" "$(path "$dir/all" $device)"
done
expect "nothing private" 1 grep -rl PRIVATE "$dir/all"
config=$dir/all/sys/bus/pci/devices/0000:19:00.0/config
is "the serial number was there" 1122334455667788 "$(bytes "$drive/config" 0x104 8)"
is "the serial number is zero" 0000000000000000 "$(bytes "$config" 0x104 8)"
is "VPD's registers are zero" 0300000000000000 "$(bytes "$config" 0x4c 8)"
is "the rest of it stays" "$(bytes "$drive/config" 0 76)" "$(bytes "$config" 0 76)"
is "the command line" "pci=disable_acs_redir=0000:18:09.0 intel_iommu=on" "$(cat "$dir/all/proc/cmdline")"
is "an NVMe drive's link to its function" "$(readlink -f "$dir/all/sys/class/nvme/nvme0/device")" \
	"$(readlink -f "$dir/all/sys/bus/pci/devices/0000:19:00.0")"
is "p2pmem" 536870912 "$(cat "$dir/all/sys/bus/pci/devices/0000:19:00.0/p2pmem/size")"

for command in check "topo --long" "topo --json"; do
	# shellcheck disable=SC2086 # words
	P2PMR_SYSFS_ROOT=$machine p2pmr $command | sed "s,$dir/machine,,g" >"$dir/before"
	# shellcheck disable=SC2086
	P2PMR_SYSFS_ROOT=$dir/all/sys p2pmr $command | sed "s,$dir/all,,g" >"$dir/after"
	expect "the same from p2pmr $command" 0 diff "$dir/before" "$dir/after"
done
expect "the kernel" 0 grep -q '^pass  kernel    Linux 6.12.117\.' <(P2PMR_SYSFS_ROOT=$dir/all/sys p2pmr check)

expect "archive" 0 p2pmr-collect -o "$dir/all.tar.gz"
tar -C "$dir" -xf "$dir/all.tar.gz"
expect "the same as the folder" 0 diff -r --no-dereference "$dir/all" "$dir/p2pmr-collect"

# ---- some of it -----------------------------------------------------------
expect "by name" 0 p2pmr-collect -o "$dir/some" nvme0 mlx5_3
has out ' 8 PCI functions$'
is "the same answer" "$(path "$dir/machine" mlx5_3)" "$(path "$dir/some" mlx5_3)"
expect "not what was not asked for" 1 test -e "$dir/some/sys/class/infiniband/mlx5_0"
expect "by address" 0 p2pmr-collect -o "$dir/address" 19:00.0 0000:1b:00.1
expect "the same as by name" 0 diff -r --no-dereference "$dir/some/sys" "$dir/address/sys"

# ---- what goes wrong ------------------------------------------------------
expect "it exists" 2 p2pmr-collect -o "$dir/all"
has err 'exists'
expect "no such name" 1 p2pmr-collect -o "$dir/none" nvme7
has err 'no PCI function, NVMe controller or RDMA device "nvme7"'
expect "nothing is left then" 1 test -e "$dir/none"
expect "no such option" 2 p2pmr-collect -x
P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree" 1 p2pmr-collect -o "$dir/none"
expect "help" 0 p2pmr-collect -h
has out '^usage: '

find "$machine/devices" -name config -exec truncate -s 64 {} +
ln -s loop "$machine/class/infiniband/loop"
expect "as an ordinary user sees it" 0 p2pmr-collect -o "$dir/user"
has out '^The configuration space of 11 of them could not be read'
has out '^1 files could not be read'
is "unknown then" "unknown, distance -1" "$(path "$dir/user" mlx5_2 | head -n 1)"

# A list of capabilities that runs in a circle
truncate -s 4096 "$drive/config"
printf '\x03\x00\x01\x10' | dd of="$drive/config" bs=1 seek=256 conv=notrunc status=none
printf '\x40' | dd of="$drive/config" bs=1 seek=$((0x41)) conv=notrunc status=none
expect "capabilities in a circle" 0 p2pmr-collect -o "$dir/circle" nvme0

# ---- this machine ---------------------------------------------------------
unset P2PMR_SYSFS_ROOT
if [ -d /sys/bus/pci/devices ]; then
	expect "this machine" 0 p2pmr-collect -o "$dir/this"
	has out '^wrote '
	is "all its PCI functions" "$(ls /sys/bus/pci/devices)" "$(ls "$dir/this/sys/bus/pci/devices")"
	P2PMR_SYSFS_ROOT=$dir/this/sys expect "p2pmr list on it" 0 p2pmr list
	has out '^host'
fi

finish
