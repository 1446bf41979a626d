# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: a device whose CPU copies reaches a CMB in the bridge topology too
# KERNEL: p2p
# TOPOLOGY: bridge
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh

subtest "regions" "$peer_mr" register "$cmb0"
subtest "two drives in one region" "$peer_mr" two "$cmb0" "$cmb1"
subtest "the library's providers" expect_output nvme1 p2pmr list
finish
