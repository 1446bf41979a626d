# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: each CMB is reached by its own path, in one region, too
# KERNEL: p2p
# TOPOLOGY: two-switches
# TIMEOUT: 600
# EDU: yes
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh

subtest "the drive below the same switch" kernel_and_library_say 0 bus bus 4
subtest "the drive below the other switch" kernel_and_library_say 1 mapped bridge 8
subtest "DMA addresses, same switch" addresses 0 yes
subtest "DMA addresses, other switch" addresses 1 yes
subtest "what is in a mixed region" mixed_mapping bus mapped
data_moves
drives_reach
finish
