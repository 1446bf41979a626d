# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For tests that have the module p2pmem_bar publish memory that is no drive's:
# BAR 2 of QEMU's ivshmem-plain. After test.sh.

bar_driver=/sys/bus/pci/drivers/p2pmem_bar

# pci_function VENDOR DEVICE: the address of the first one
pci_function()
{
	local dir vendor device
	for dir in /sys/bus/pci/devices/*; do
		read -r vendor <"$dir/vendor"
		read -r device <"$dir/device"
		[ "$vendor:$device" != "0x$1:0x$2" ] || {
			echo "${dir##*/}"
			return 0
		}
	done
	return 1
}

bar_address=$(pci_function 1af4 1110)

bar_load()
{
	insmod "$P2PMR_VM_IMAGE/p2pmem_bar.ko"
}

# bar_bind ENTRIES [ADDRESS]: ENTRIES is what the module's parameter becomes
bar_bind()
{
	local address=${2:-$bar_address}
	echo "$1" >/sys/module/p2pmem_bar/parameters/functions
	echo p2pmem_bar >"/sys/bus/pci/devices/$address/driver_override"
	echo "$address" >$bar_driver/bind
}

# bar_unbind [ADDRESS]: one that hangs must end the test, not the test's time
bar_unbind()
{
	local address=${1:-$bar_address}
	timeout 60 bash -c "echo $address >$bar_driver/unbind" || fail "the unbind took a minute"
	echo >"/sys/bus/pci/devices/$address/driver_override"
}

# bar_path FILE [ADDRESS]: in the function's p2pmem directory
bar_path()
{
	echo "/sys/bus/pci/devices/${2:-$bar_address}/p2pmem/$1"
}
