# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a device's own DMA reaches CMBs through an IOMMU
# KERNEL: p2p
# TOPOLOGY: iommu
# TIMEOUT: 600
# ALL: yes
# EDU: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh

subtest "what the kernel and the library say" kernel_and_library_say 0 mapped bridge 4
subtest "DMA addresses are the IOMMU's" addresses 0 no
subtest "what is in a mixed region" mixed_mapping mapped mapped
data_moves
drives_reach
finish
