# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What tests of the built command share. Each case is a line "ok ..." or "not
# ok ..."; a test ends with "finish".
set -u

# No device, memory or setting of this machine is to show through
unset P2PMR_SYSFS_ROOT P2PMR_LOG
export LC_ALL=C

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cases=0
bad=0

ok()
{
	cases=$((cases + 1))
	echo "ok $1"
}

not_ok()
{
	cases=$((cases + 1))
	bad=$((bad + 1))
	echo "not ok $1"
	sed 's/^/  stdout: /' "$dir/out"
	sed 's/^/  stderr: /' "$dir/err"
}

# expect NAME STATUS COMMAND...: what it prints stays in $dir/out and $dir/err
expect()
{
	local name=$1 want=$2 got=0
	shift 2
	timeout 20 "$@" </dev/null >"$dir/out" 2>"$dir/err" || got=$?
	if [ "$got" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name: status $got, not $want: $*"
	fi
}

# has out|err PATTERN: the last command printed such a line
has()
{
	if grep -qE -- "$2" "$dir/$1"; then
		ok "  std$1 has '$2'"
	else
		not_ok "  std$1 has no '$2'"
	fi
}

silent()
{
	if [ -s "$dir/$1" ]; then
		not_ok "  std$1 is not empty"
	else
		ok "  std$1 is empty"
	fi
}

# json FILTER: it printed one JSON document, of which the filter is true
json()
{
	local docs
	docs=$(jq -s length "$dir/out" 2>>"$dir/err")
	if [ "$docs" = 1 ] && jq -e "$1" "$dir/out" >/dev/null 2>>"$dir/err"; then
		ok "  JSON: $1"
	else
		not_ok "  JSON (${docs:-no} documents): $1"
	fi
}

# An empty tree in place of /sys: a machine without peer memory
empty_tree()
{
	export P2PMR_SYSFS_ROOT=$dir/sys
	rm -rf "$P2PMR_SYSFS_ROOT"
	mkdir -p "$P2PMR_SYSFS_ROOT"/bus/pci/devices "$P2PMR_SYSFS_ROOT"/class/nvme
}

# pci_function ADDRESS DRIVER NUMA [BRIDGE...]: behind these, root port first
pci_function()
{
	local fn=$P2PMR_SYSFS_ROOT/bus/pci/devices/$1
	local bridges=${*:4}
	if [ -n "$bridges" ]; then
		bridges=devices/pci0000:00/${bridges// //}
		mkdir -p "$P2PMR_SYSFS_ROOT/$bridges/$1"
		ln -s "../../../$bridges/$1" "$fn"
	fi
	mkdir -p "$fn" "$P2PMR_SYSFS_ROOT/bus/pci/drivers/$2"
	ln -s "../../drivers/$2" "$fn/driver"
	echo "$3" >"$fn/numa_node"
}

# peer_memory ADDRESS SIZE AVAILABLE PUBLISHED
peer_memory()
{
	local p2pmem=$P2PMR_SYSFS_ROOT/bus/pci/devices/$1/p2pmem
	mkdir -p "$p2pmem"
	echo "$2" >"$p2pmem/size"
	echo "$3" >"$p2pmem/available"
	echo "$4" >"$p2pmem/published"
	: >"$p2pmem/allocate"
}

# nvme_controller NAME ADDRESS
nvme_controller()
{
	local fn=$P2PMR_SYSFS_ROOT/bus/pci/devices/$2
	mkdir -p "$fn/nvme/$1"
	ln -s "../../bus/pci/devices/$2/nvme/$1" "$P2PMR_SYSFS_ROOT/class/nvme/$1"
	ln -s "../../../$2" "$fn/nvme/$1/device"
}

# nvme_cmb NAME ADDRESS CMBSZ CMBLOC: what the controller's registers say
nvme_cmb()
{
	local fn=$P2PMR_SYSFS_ROOT/bus/pci/devices/$2
	echo "$(($3))" >"$fn/nvme/$1/cmbsz"
	echo "$(($4))" >"$fn/nvme/$1/cmbloc"
}

# block_device FOLDER NAME HIDDEN
block_device()
{
	local sys=$P2PMR_SYSFS_ROOT
	mkdir -p "$sys/$1/$2" "$sys/class/block"
	echo "$3" >"$sys/$1/$2/hidden"
	ln -s "../../$1/$2" "$sys/class/block/$2"
}

finish()
{
	echo "$cases cases, $bad bad"
	[ $bad = 0 ] && [ $cases -gt 0 ]
	exit
}
