# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: dma-bufs of a drive's memory, through the host bridge
# KERNEL: p2p
# TOPOLOGY: bridge
# TIMEOUT: 600
# EDU: yes
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/dmabuf.sh

dmabufs_move
finish
