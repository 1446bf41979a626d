# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive is pulled out of its slot, under traffic
# KERNEL: p2p
# TOPOLOGY: switch
# ACCEL: tcg-single
# TIMEOUT: 600
#
# In one thread, because QEMU frees a drive's memory at once, and a processor
# that is just writing to it takes QEMU down.
#
# What was in flight when the drive went is lost, and a read that was may have
# returned all ones: nothing here looks at that data.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

surprise()
{
	lockdep_looks_away
	leaves power_off
	bring_back plug_drive blank
	"$peer_mr" data "$cmb0"
}

subtest "surprise removal" surprise
finish
