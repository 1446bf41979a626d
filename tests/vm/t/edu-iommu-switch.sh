# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: below a switch, DMA addresses bypass the IOMMU
# KERNEL: p2p
# TOPOLOGY: iommu-switch
# TIMEOUT: 600
# EDU: yes
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh

# QEMU has no switch: it takes every address to the IOMMU, which does not know
# those of the bus. So data cannot arrive here, and that is how it shows.
fault()
{
	with_edu "$edu_mr" blind "$cmb0"
	[ -n "$(dmesg | sed -n "/DMAR.*DMA Write.*${1#0000:}/p")" ] || fail "the IOMMU reports no fault"
}

subtest "what the kernel and the library say" kernel_and_library_say 0 bus bus 4
subtest "DMA addresses" addresses 0 yes
subtest "what is in a mixed region" mixed_mapping bus bus
subtest "host to host" with_edu "$edu_mr" move host host
subtest "QEMU's IOMMU stops what a switch would not" fault "$(edu_address)"
finish
