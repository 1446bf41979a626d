# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # peer.sh has peer_mr, cmb0
# How a drive leaves and comes back, and who has its memory meanwhile. After
# devices.sh and peer.sh. Always of drive nv0; nv1 is the one that stays.

drive=$(drive_address 0)
drives=/sys/bus/pci/drivers/nvme

# A driver's remove() that hangs must end the test, not the test's time. With a
# host that says nothing it takes twice the keep-alive time (lib/nvmet.sh).
unbind_limit=60
[ ! -e /proc/sys/kernel/prove_locking ] || unbind_limit=180
unbind_drive()
{
	timeout $unbind_limit bash -c "echo $drive >$drives/unbind" ||
		fail "the unbind took $unbind_limit s"
}

bind_drive()
{
	echo "$drive" >$drives/bind
}

drive_is_gone()
{
	[ ! -e "$cmb0" ]
}

drive_is_back()
{
	[ -e "$cmb0" ] && [ -n "$(drive_name 0)" ]
}

no_region_is_left()
{
	[ -z "$(rdma resource show mr)" ]
}

# bring_back COMMAND [ARG...]: by that command
bring_back()
{
	"$@"
	within 20 drive_is_back
	within 10 nothing_is_left 0
}

# says WORD FILE...: each of the files has the line
says()
{
	local word=$1 file line
	shift
	for file; do
		while read -r line; do
			[ "$line" != "$word" ] || continue 2
		done <"$file"
		return 1
	done
}

# hold TEST BYTES-OR-COUNT: a process that keeps regions until the subtest ends
hold()
{
	local out
	out=$(mktemp "$test_dir/XXXXXX")
	run_bg "$peer_mr" "$1" "$cmb0" "$2" >"$out"
	# shellcheck disable=SC2034 # for tests
	holder=$!
	within 60 says holding "$out"
}

# holder_is_killed TIMES COMMAND...: what COMMAND starts, as hold does, dies while
# its memory is taken back, each time at another moment
holder_is_killed()
{
	local i
	for ((i = 0; i < $1; i++)); do
		"${@:2}"
		(
			sleep "0.0$i"
			kill -KILL "$holder"
		) &
		unbind_drive
		wait $!
		bring_back bind_drive
	done
	within 10 no_region_is_left
}

# traffic OP...: both ways, until the drive leaves; end_traffic looks at how
traffic()
{
	local op side out outs=()
	traffic_pids=()
	for op; do
		for side in local remote; do
			out=$test_dir/$op.$side
			run_bg "$peer_mr" traffic "$op" "$side" "$cmb0" >"$out" 2>&1
			traffic_pids+=("$!")
			outs+=("$out")
		done
	done
	within 60 says running "${outs[@]}"
}

end_traffic()
{
	local pid bad=0
	for pid in "${traffic_pids[@]}"; do
		wait "$pid" || bad=1
	done
	[ $bad = 0 ] || fail "$(cat "$test_dir"/*.local "$test_dir"/*.remote)"
}

# soak: traffic on the other drive, each byte compared, until end_soak
soak()
{
	run_bg "$peer_mr" soak "$(cmb_allocate_path 1)" >"$test_dir/soak" 2>&1
	soak_pid=$!
	within 20 says running "$test_dir/soak"
}

end_soak()
{
	kill -TERM "$soak_pid"
	wait "$soak_pid" || fail "the other drive's traffic failed: $(cat "$test_dir/soak")"
}

# leaves COMMAND...: traffic of all kinds, to the drive and from it, ends by an
# error; that of the other drive goes on
leaves()
{
	soak
	traffic write read send atomic
	"$@"
	within 60 drive_is_gone
	end_traffic
	end_soak
	within 10 nothing_is_left 1
	within 10 no_region_is_left
}

# The first drive's slot: has the guest switched its power off?
slot_is_off()
{
	local slot address power
	for slot in /sys/bus/pci/slots/*; do
		{ read -r address <"$slot/address" && read -r power <"$slot/power"; } || continue
		[ "$address" != "${drive%.*}" ] || [ "$power" = 1 ] || return 0
	done
	return 1
}

# For a subtest in which pciehp removes a device. In 6.12 it takes its reset_lock
# back while it holds pci_rescan_remove_lock, which lockdep reports, and which is
# none of ours. KASAN and kmemleak look on.
lockdep_looks_away()
{
	local knob=/proc/sys/kernel/prove_locking
	[ -e $knob ] || return 0
	echo "lockdep looks away, as pciehp of 6.12 has a report of its own"
	echo 0 >$knob
	defer eval "echo 1 >$knob"
}

# without_lockdep COMMAND...: for the last subtests of a test. nvme of 6.12 freezes its
# queues in the task that resets the function, and has a worker thaw them, or leaves
# them frozen if it fails: lockdep takes that for locks that are held for ever. Its
# first report would be its end, and a failure; so it ends here, and all else that the
# debug kernel looks at goes on.
without_lockdep()
{
	if [ "$P2PMR_VM_KERNEL" = debug ]; then
		[ -d /sys/module/no_lockdep ] || insmod "$P2PMR_VM_IMAGE/no_lockdep.ko"
		echo "without lockdep, as nvme of 6.12 has a report of its own"
	fi
	"$@"
}

# power_off [MILLISECONDS]: of the slot, at once, as when the drive is pulled: the
# device is gone before anyone knows. Power indicator and power controller off make
# QEMU take it out. They are on again before pciehp looks, or it would believe that
# the slot had been off all the time: its interrupt comes to the processor that
# is busy with this, at a priority that its thread does not have; and for so many
# milliseconds more, in which who uses the drive goes on.
power_off()
{
	local port irq
	port=$(basename "$(readlink -f "/sys/bus/pci/devices/$drive/..")")
	for irq in "/sys/bus/pci/devices/$port/msi_irqs"/*; do
		echo 1 >"/proc/irq/${irq##*/}/smp_affinity"
	done
	# shellcheck disable=SC2016 # of that shell
	chrt --fifo 99 taskset 1 bash -c '
		setpci -s "$1" CAP_EXP+18.w=0700:0700 CAP_EXP+18.w=0100:0700
		end=$((${EPOCHREALTIME/./} + $2 * 1000))
		while ((${EPOCHREALTIME/./} < end)); do :; done' power_off "$port" "${1-0}"
}

add_drive()
{
	qmp device_add '{"driver": "nvme", "id": "nv0", "bus": "dn0", "drive": "'"$1"'",
		"serial": "n0", "cmb_size_mb": "64"}' >/dev/null 2>&1
}

# A drive whose contents nobody asks for, in the slot of the first one, when the
# guest has done with the slot and QEMU with the drive
plug_drive()
{
	qmp blockdev-add '{"driver": "null-co", "node-name": "'"$1"'", "size": 268435456}' >/dev/null
	within 20 slot_is_off
	# what happens within a second of that is no news to pciehp
	sleep 2
	within 20 add_drive "$1"
}
