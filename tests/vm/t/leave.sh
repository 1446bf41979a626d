# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive leaves in order, in every way there is, under traffic, and comes back
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# ALONE: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

unbind()
{
	leaves unbind_drive
	bring_back bind_drive
}

remove_drive()
{
	timeout 60 bash -c "echo 1 >/sys/bus/pci/devices/$drive/remove"
}

rescan()
{
	echo 1 >/sys/bus/pci/rescan
}

remove()
{
	leaves remove_drive
	bring_back rescan
}

# The button of the slot is pressed: the guest takes its time, then powers off
button()
{
	lockdep_looks_away
	leaves unplug nv0
	bring_back plug_drive blank
}

subtest "unbind" unbind
subtest "sysfs remove" remove
subtest "the button of the slot" button
finish
