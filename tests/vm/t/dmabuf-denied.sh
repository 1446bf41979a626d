# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: dma-bufs of a drive's memory are refused where a device cannot reach it
# KERNEL: p2p
# TOPOLOGY: denied
# TIMEOUT: 600
# EDU: yes
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/dmabuf.sh

# EREMOTEIO
subtest "dma-buf of a drive" with_edu "$peer_dmabuf" refused "$node0" 121
subtest "the library's reason" with_edu build/tests/vm/lib-dmabuf refused "$(drive_name 0)" 121 PATH_NONE
subtest "the CPU reaches it" "$peer_dmabuf" cpu "$node0"
subtest "dma-buf of host memory" with_edu "$peer_dmabuf" move host
finish
