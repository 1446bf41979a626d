# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # for those who source this; peer.sh
# For tests of a device's own DMA: QEMU's edu device as the RDMA device edu0. A
# test that sources this has the header line "EDU: yes". After devices.sh and peer.sh.

edu_mr=build/tests/vm/edu-mr
edu_libs=$PWD/build/tests/vm/edu
insmod "$P2PMR_VM_IMAGE/edu_rdma.ko"

# with_edu COMMAND...: with the verbs driver, and the device chosen where the
# program lets itself be told by the environment
with_edu()
{
	env LD_LIBRARY_PATH="$edu_libs" RDMAV_DRIVERS="$edu_libs/libedu" RDMA_DEVICE=edu0 "$@"
}

edu_address()
{
	basename "$(readlink -f /sys/class/infiniband/edu0/device)"
}

# bar_of ADDRESS N: first and last address of a BAR as the PCI bus has it
bar_of()
{
	sed -n "$(($2 + 1))s/ 0x[^ ]*$//p" "/sys/bus/pci/devices/$1/resource"
}

# in_bar N ADDRESS: is it in the CMB of drive N?
in_bar()
{
	local first last
	read -r first last <<<"$(bar_of "$(drive_address "$1")" 2)"
	(($2 >= first && $2 <= last))
}

# mapped N: what the kernel makes of that CMB for the engine: bus (addresses of
# the PCI bus, as they are), mapped (as for memory of the host), or none
mapped()
{
	local lines
	# 121 is EREMOTEIO
	! with_edu "$edu_mr" refused "$(cmb_allocate_path "$1")" 121 2>/dev/null || {
		echo none
		return
	}
	lines=$(with_edu "$edu_mr" where "$(cmb_allocate_path "$1")")
	awk '{ print $3 }' <<<"$lines" | sort -u
}

# addresses N INSIDE: the DMA addresses of that CMB are in the BAR (yes), or not (no)
addresses()
{
	local lines len address kind
	lines=$(with_edu "$edu_mr" where "$(cmb_allocate_path "$1")")
	[ -n "$lines" ] || fail "it has no address at all"
	while read -r len address kind; do
		if in_bar "$1" "$address"; then
			[ "$2" = yes ] || fail "$address ($len bytes, $kind) is the BAR's own"
		else
			[ "$2" = no ] || fail "$address ($len bytes, $kind) is not in the BAR"
		fi
	done <<<"$lines"
}

# kernel_and_library_say N MAPPED PATH DISTANCE: of the way from drive N to the
# engine; what the kernel did with the memory, and what the library says of it, and
# the doctor
kernel_and_library_say()
{
	local got
	got=$(mapped "$1")
	[ "$got" = "$2" ] || fail "the kernel's mapping is '$got', not '$2'"
	got=$(with_edu build/examples/path "$(drive_name "$1")" edu0)
	[ "${got%%$'\n'*}" = "$3, distance $4" ] || fail "the library says: $got"
	if [ "$2" = none ]; then
		expect_status 77 with_edu p2pmr check edu0
	else
		expect_status 0 with_edu p2pmr check edu0
	fi
	said "^(pass|fail) +path +edu0: (.* )?$3 to (.*, )?$(drive_name "$1")[.,;]"
}

# A region with pieces of all kinds has each mapped as it is by itself
# mixed_mapping KIND0 KIND1: of drive 0 and 1
mixed_mapping()
{
	local kinds
	kinds=$(with_edu "$edu_mr" where "$cmb0" host "$cmb1" host | awk '{ print $3 }' | uniq | xargs)
	[ "$kinds" = "$(tr ' ' '\n' <<<"$1 mapped $2 mapped" | uniq | xargs)" ] ||
		fail "the pieces are: $kinds"
}

# What a topology where the engine reaches both drives is to show
data_moves()
{
	subtest "host to host" with_edu "$edu_mr" move host host
	subtest "host to CMB" with_edu "$edu_mr" move host "$cmb0"
	subtest "from drive to drive" with_edu "$edu_mr" move "$cmb1" "$cmb0"
	subtest "one region on host memory and two drives" with_edu "$edu_mr" seams host "$cmb0" "$cmb1" host
}

# direct DRIVE MEMORY: the drive reads into the CMB of that drive, by O_DIRECT,
# what it has, and writes it back somewhere else
direct()
{
	"$edu_mr" direct "/dev/$(drive_name "$1")n1" "$(cmb_allocate_path "$2")"
}

drives_reach()
{
	subtest "a drive's DMA into its own CMB" direct 0 0
	subtest "a drive's DMA into the other's" direct 1 0
}
