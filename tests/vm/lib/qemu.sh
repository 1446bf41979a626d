# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2054
# (tests/vm/run sets the variables; commas are QEMU's)
# The machine: everything of QEMU's command line that no topology changes.
# Reads the options and run_dir of tests/vm/run, leaves the command in qemu[].

qemu_program=${P2PMR_QEMU:-qemu-system-x86_64}
root_flags=trans=virtio,version=9p2000.L,msize=262144,cache=loose

# comma TEXT: QEMU takes a doubled comma inside an option's value for one
comma()
{
	printf '%s' "${1//,/,,}"
}

check_host()
{
	command -v "$qemu_program" >/dev/null ||
		guest_failed "there is no $qemu_program here: install the Debian package qemu-system-x86"
	command -v setpriv >/dev/null ||
		guest_failed "there is no setpriv here: install the Debian package util-linux"
	[ -z "$modules" ] || ! ldd "$(type -P busybox || echo /bin/sh)" >/dev/null 2>&1 ||
		guest_failed "there is no static busybox here: install the Debian package busybox-static"
	[ "$accel" != kvm ] || { [ -r /dev/kvm ] && [ -w /dev/kvm ]; } ||
		guest_failed "/dev/kvm cannot be opened: this machine has no KVM, or you are not in the group kvm; --accel tcg works without"
}

# One of the host's, of those that this may use: "0-3,8"
any_processor()
{
	local first last
	taskset -cp $$ | sed 's/.*: //' | tr , '\n' | while IFS=- read -r first last; do
		seq "$first" "${last:-$first}"
	done | shuf -n 1
}

processor_arguments()
{
	# without what the guest would only look for and wait for
	qemu+=(-M q35,i8042=off,sata=off,smbus=off,vmport=off -cpu "$(topology_cpu "$topology")" -m "$mem")
	# With one thread of emulation, QEMU before 8.1 leaves the guest's memory barriers
	# out, as if devices did not run beside it: a drive can miss a request whose
	# doorbell is in memory. On one processor nothing runs beside it.
	if [ -n "$icount" ] || [ "$accel" = tcg-single ]; then
		qemu=(taskset -c "$(any_processor)" "${qemu[@]}")
	fi
	if [ -n "$icount" ]; then
		qemu+=(-accel tcg,thread=single -icount shift=0,sleep=off -smp 1)
	elif [ "$accel" = kvm ]; then
		qemu+=(-accel kvm -smp 2)
	elif [ "$accel" = tcg-single ]; then
		qemu+=(-accel tcg,thread=single -smp 2)
	else
		qemu+=(-accel tcg,thread=multi -smp 2)
	fi
}

# The ports' numbers are their names in the guest: /dev/vport0p1 and so on.
# ioeventfd=off: the guest's write returns when the bytes are in the file, so
# that none can be lost when it ends, however suddenly.
port_arguments()
{
	local dir nr=1 port
	dir=$(comma "$run_dir")
	qemu+=(-device virtio-serial-pci,id=ports,ioeventfd=off)
	for port in stdout stderr status; do
		qemu+=(-chardev "file,id=$port,path=$dir/$port"
			-device "virtserialport,bus=ports.0,nr=$nr,chardev=$port,name=$port")
		nr=$((nr + 1))
	done
	qemu+=(-chardev "pipe,id=con,path=$dir/con" -serial chardev:con)
	# For this script, and for a host-side test
	qemu+=(-chardev "pipe,id=ctl,path=$dir/ctl" -mon chardev=ctl,mode=readline
		-qmp "unix:$dir/qmp,server=on,wait=off")
	# And for the guest itself, which may want to unplug its own drive: QEMU
	# connects a port to a QMP server of its own.
	qemu+=(-qmp "unix:$dir/qmp-guest,server=on,wait=off"
		-chardev "socket,id=qmp,path=$dir/qmp-guest"
		-device "virtserialport,bus=ports.0,nr=$nr,chardev=qmp,name=qmp")
}

# root: read-only, cached as if nobody changed it (nobody should, for so short
# a time). share: not cached, so that both sides see each other's writes.
file_arguments()
{
	qemu+=(-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=root,mount_tag=/dev/root)
	[ -z "$share" ] || share_arguments
	[ -z "$trace" ] || trace_arguments
}

share_arguments()
{
	qemu+=(-fsdev "local,id=share,path=$(comma "$share"),security_model=none,multidevs=remap"
		-device virtio-9p-pci,fsdev=share,mount_tag=share)
}

# A line of the file is complete when QEMU goes on, and the guest has none of it in
# its page cache
trace_arguments()
{
	local event events
	IFS=, read -ra events <<<"$trace"
	for event in "${events[@]}"; do
		qemu+=(-trace "enable=$event")
	done
	qemu+=(-D "$run_dir/qemu/trace"
		-fsdev "local,id=qemu,path=$(comma "$run_dir")/qemu,security_model=none,readonly=on"
		-device virtio-9p-pci,fsdev=qemu,mount_tag=qemu)
}

# What the kernel does not know, and has no dot in it, becomes init's environment
kernel_line()
{
	local words=(
		root=/dev/root rootfstype=9p
		"rootflags=$root_flags"
		ro "init=\"$vm_dir/init\"" "lab_dir=\"$run_dir\""
		"lab_host=${P2PMR_VM_HOST:-0}"
		# a serial line is slow: warnings only, unless someone wants to read
		# it all; init asks for everything when the command begins
		console=ttyS0 8250.nr_uarts=1 "loglevel=$([ -n "$log" ] && echo 8 || echo 5)"
		# every line with its time; and user space may write as much as it
		# wants to /dev/kmsg
		printk.time=1 printk.devkmsg=on log_buf_len=1M
		# a broken kernel ends the guest: -no-reboot makes that QEMU's end
		oops=panic panic=-1
		# on a busy machine the emulated timer may be late, for which the
		# kernel would take it to be broken, and panic
		no_timer_check
		# nor is a thread hung that gets little of the machine: two minutes
		# without a turn for others, instead of 20 s, are a soft lockup
		watchdog_thresh=60
		# code at the same addresses in every process: QEMU translates it
		# once, and a program starts in half the time
		norandmaps
		# else the drives take part of the CMB for their submission queues
		nvme.use_cmb_sqes=0
		# what is connected over fabrics has the names of drives, and its
		# requests fail when it is lost, unless a test is about paths
		"nvme_core.multipath=$([ "$topology" = multipath ] && echo Y || echo N)"
		# with MSI-X, QEMU's NIC loses the interrupt that says the link is up,
		# and the driver looks again only two seconds later
		e1000e.IntMode=1
		# tests write registers of a drive that its driver has, which distributions
		# forbid (CONFIG_IO_STRICT_DEVMEM)
		iomem=relaxed
	)
	case $topology in
	iommu*) words+=(intel_iommu=on) ;;
	esac
	echo "${words[*]}"
}

qemu_arguments()
{
	qemu=("$qemu_program" -nodefaults -display none -no-reboot
		-kernel "$image" -append "$(kernel_line)")
	[ -z "$modules" ] || qemu+=(-initrd "$run_dir/initrd")
	processor_arguments
	port_arguments
	file_arguments
	qemu+=(-device virtio-rng-pci)
	topology_arguments "$topology" "$cmb" "$run_dir" "$drive_size" "$drive_rate"
}

# monitor COMMAND: one line to QEMU's monitor. Opened for both directions
# because opening for writing alone would wait for a reader that may be gone.
monitor()
{
	printf '%s\n' "$1" 1<>"$run_dir/ctl.in"
}

# Have the kernel write what its processors do and who is blocked into the
# console log: a break on the serial line and a letter are a SysRq.
ask_where_it_hangs()
{
	local letter
	for letter in l w; do
		monitor 'chardev-send-break con'
		sleep 0.3
		printf '%s' "$letter" 1<>"$run_dir/con.in"
		sleep 1
	done
}
