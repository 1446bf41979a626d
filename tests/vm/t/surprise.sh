# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive is pulled out of its slot, under traffic
# KERNEL: p2p
# TOPOLOGY: switch
# ACCEL: tcg-single
# TIMEOUT: 200
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

# The power of the slot goes at once, as when the drive is pulled: the device is
# gone before anyone knows. Power indicator and power controller off make QEMU
# take it out. They are on again before pciehp looks, or it would believe that
# the slot had been off all the time: its interrupt comes to the processor that
# is busy with this, at a priority that its thread does not have.
power_off()
{
	local port irq
	port=$(basename "$(readlink -f "/sys/bus/pci/devices/$drive/..")")
	for irq in "/sys/bus/pci/devices/$port/msi_irqs"/*; do
		echo 1 >"/proc/irq/${irq##*/}/smp_affinity"
	done
	chrt --fifo 99 taskset 1 \
		setpci -s "$port" CAP_EXP+18.w=0700:0700 CAP_EXP+18.w=0100:0700
}

surprise()
{
	lockdep_looks_away
	leaves power_off
	bring_back plug_drive blank
	"$peer_mr" data "$cmb0"
}

subtest "surprise removal" surprise
finish
