# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive is out of reach: reset, sleep, recovery of its link, given up
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/bar.sh

# Not grep -q, which would end before dmesg does, and have it fail
logged()
{
	dmesg | grep "$1" >/dev/null
}

function_reset()
{
	timeout 60 bash -c "echo 1 >/sys/bus/pci/devices/$drive/reset"
}

# Regions are taken back, and afterwards everything can be had anew
taken_back_by()
{
	traffic write read send atomic
	"$@"
	end_traffic
	within 20 drive_is_back
	within 10 nothing_is_left 0
	"$peer_mr" data "$cmb0"
}

reset_of_the_function()
{
	soak
	taken_back_by function_reset
	end_soak
	within 10 no_region_is_left
}

# cmbmsc [clear]: the register of the drive by which its CMB is enabled (NVMe 1.4)
cmbmsc()
{
	python3 - "/sys/bus/pci/devices/$drive/resource0" "$@" <<-'END'
		import ctypes, mmap, sys
		with open(sys.argv[1], "r+b") as bar:
		    registers = mmap.mmap(bar.fileno(), 4096)
		low, high = (ctypes.c_uint32.from_buffer(registers, at) for at in (0x50, 0x54))
		if sys.argv[2:]:
		    low.value = high.value = 0
		print(f"{high.value:08x}{low.value:08x}")
	END
}

# A real drive forgets where its CMB is, and that it is enabled. QEMU's does not, so
# this does it. A reset of the controller alone finds the same.
cmb_is_enabled_again()
{
	local before how
	before=$(cmbmsc)
	[ $((0x$before & 3)) = 3 ] || fail "the CMB is not enabled to begin with: CMBMSC is $before"
	for how in function_reset controller_reset; do
		[ "$(cmbmsc clear)" = 0000000000000000 ] || fail "CMBMSC cannot be cleared"
		"$how"
		[ "$(cmbmsc)" = "$before" ] ||
			fail "CMBMSC was $before, and is $(cmbmsc) after $how"
	done
	within 20 drive_is_back
	"$peer_mr" data "$cmb0"
}

# registers [LOW HIGH]: where the drive's are, as its BAR 0 has it
registers()
{
	setpci -s "$drive" BASE_ADDRESS_0${1+=$1} BASE_ADDRESS_1${2+=$2}
}

given_up()
{
	[ "$(cat "/sys/class/nvme/$(drive_name 0)/state")" = dead ]
}

# The drive's registers are not where nvme looks for them when it starts the
# controller anew, so it gives up. The memory is in another BAR, and still answers.
controller_is_given_up()
{
	local at
	mapfile -t at < <(registers)
	defer registers "${at[@]}"
	soak
	traffic write read send atomic
	registers 0 0
	! controller_reset 2>/dev/null || fail "a controller without registers was reset"
	end_traffic
	end_soak
	within 10 given_up
	within 10 no_region_is_left
	"$peer_mr" no-map "$cmb0" rw ENODEV
	registers "${at[@]}"
	unbind_drive
	bring_back bind_drive
	"$peer_mr" data "$cmb0"
}

# Of all that is below the drive's port
bus_reset()
{
	local port
	port=$(dirname "$(readlink -f "/sys/bus/pci/devices/$drive")")
	timeout 60 bash -c "echo 1 >$port/reset_subordinate"
}

reset_of_the_bus()
{
	taken_back_by bus_reset
}

controller_reset()
{
	echo 1 >"/sys/class/nvme/$(drive_name 0)/reset_controller"
}

# The driver starts its controller anew, and the memory is none the worse: each
# byte is compared
reset_of_the_controller()
{
	local i
	run_bg "$peer_mr" soak "$cmb0" >"$test_dir/reset" 2>&1
	within 20 says running "$test_dir/reset"
	for i in 1 2 3; do
		controller_reset
		sleep 0.2
	done
	kill -TERM $!
	wait $! || fail "$(cat "$test_dir/reset")"
}

# The machine is about to sleep, with all devices prepared for it, when one of
# them refuses. User space is frozen meanwhile.
attempt_to_sleep()
{
	! timeout 60 bash -c 'echo freeze >/sys/power/state' || fail "it did sleep"
	logged "sleep_refused: PM: not prepared for power transition: code -16" ||
		fail "sleep was refused by another device"
}

nearly_asleep()
{
	insmod "$P2PMR_VM_IMAGE/sleep_refused.ko"
	defer rmmod sleep_refused
	taken_back_by attempt_to_sleep
}

# An error of the link to the drive, found by the port that it is below of
recovered()
{
	logged "device recovery successful"
}

link_error()
{
	qmp human-monitor-command '{"command-line": "pcie_aer_inject_error dn0 DLP"}'
	within 60 recovered
}

link_recovers()
{
	soak
	taken_back_by link_error
	end_soak
	within 10 no_region_is_left
}

# remove_and_find: what a link's reset left of its registers is of no use
remove_and_find()
{
	echo 1 >"/sys/bus/pci/devices/$drive/remove"
	echo 1 >/sys/bus/pci/rescan
}

# Of a driver that takes no part in recovery. A machine that sleeps and wakes up
# meanwhile does not make it come back.
link_does_not_recover()
{
	bar_load
	defer rmmod p2pmem_bar
	echo "$drive" >"$drives/unbind"
	bar_bind "$drive/bar=2" "$drive"
	defer bring_back remove_and_find
	"$peer_mr" data "$cmb0"
	qmp human-monitor-command '{"command-line": "pcie_aer_inject_error dn0 DLP"}'
	within 60 logged "device recovery failed"
	"$peer_mr" no-map "$cmb0" rw ENODEV
	insmod "$P2PMR_VM_IMAGE/sleep_refused.ko"
	defer rmmod sleep_refused
	attempt_to_sleep
	"$peer_mr" no-map "$cmb0" rw ENODEV
}

subtest "a reset of the controller" reset_of_the_controller
subtest "sleep" nearly_asleep
subtest "an error of the link" link_recovers
subtest "an error that stays, and sleep" link_does_not_recover
subtest "a reset of the function" without_lockdep reset_of_the_function
subtest "a drive whose reset disables its CMB" without_lockdep cmb_is_enabled_again
subtest "a controller that is given up" without_lockdep controller_is_given_up
subtest "a reset of the bus" without_lockdep reset_of_the_bus
subtest "the same mapping can be registered again" without_lockdep \
	"$peer_mr" revoked-reset "$cmb0" "/sys/bus/pci/devices/$drive/reset"
finish
