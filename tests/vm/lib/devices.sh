# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # test.sh has test_dir
# The lab's devices, as a test in the guest finds them. Drives are counted as
# QEMU's ids are (nv0, nv1): the kernel numbers them in the order in which their
# probes happen to end. With as few forks as can be: the processors are emulated,
# and tests have them busy.

# drive_name N: nvme0 or nvme1
drive_name()
{
	local dir serial
	for dir in /sys/class/nvme/nvme*; do
		# gone, or never there: then the pattern stands for itself
		[ -e "$dir/serial" ] || continue
		read -r serial <"$dir/serial" || continue
		# the drive of two controllers
		[ "$serial" != n ] || read -r serial <"$dir/cntlid"
		serial=n${serial#n}
		[ "$serial" != "n$1" ] || {
			echo "${dir##*/}"
			return 0
		}
	done
	return 1
}

# drive_address N: the PCI address; of the NIC: nic_address
drive_address()
{
	local name address
	name=$(drive_name "$1") && read -r address <"/sys/class/nvme/$name/address" && echo "$address"
}

nic_address()
{
	basename "$(readlink -f /sys/class/net/eth0/device)"
}

# cmb_path N [FILE]: the drive's p2pmem directory, or a file in it
cmb_path()
{
	local address
	address=$(drive_address "$1") && echo "/sys/bus/pci/devices/$address/p2pmem${2:+/$2}"
}

cmb_allocate_path()
{
	cmb_path "$1" allocate
}

# nothing_is_left N: all of the drive's pool is free; pools_are_whole: of both
nothing_is_left()
{
	local dir available size
	dir=$(cmb_path "$1") && read -r available <"$dir/available" && read -r size <"$dir/size" &&
		[ "$available" = "$size" ]
}

pools_are_whole()
{
	nothing_is_left 0 && nothing_is_left 1
}

# qmp COMMAND [ARGUMENTS]: have this very machine changed; both are JSON, say
# qmp device_del '{"id": "nv0"}'. Prints the answer, fails if it is an error.
qmp()
{
	local line
	[ -n "${qmp_fd-}" ] || qmp_open
	printf '{"execute": "%s", "arguments": %s}\n' "$1" "${2:-{\}}" >&"$qmp_fd"
	while read -r -t 10 line <&"$qmp_fd"; do
		case $line in
		*'"return"'*) echo "$line"; return 0 ;;
		*'"error"'*) echo "$line" >&2; return 1 ;;
		esac
	done
	echo "QEMU did not answer $1 within 10 s" >&2
	return 1
}

# A subtest is a shell of its own, and a port can be opened once only: each
# opens it anew, and a greeting may still be waiting
qmp_open()
{
	exec {qmp_fd}<>/dev/vport0p4
	qmp qmp_capabilities >/dev/null 2>&1 || true
}

# unplug ID: as if pulled out of its slot. Returns when QEMU was told, not when
# the kernel is done: that is what tests look at.
unplug()
{
	qmp device_del "{\"id\": \"$1\"}" >/dev/null
}

lost_and_found()
{
	[ "$(wc -l <"$test_dir/comes-back")" = "$1" ]
}

# drive_comes_back [COMMAND...]: the library's example leave, run by that command,
# has memory of drive nv0, which leaves and is bound again
drive_comes_back()
{
	local address example
	address=$(drive_address 0)
	"$@" build/examples/leave "$(drive_name 0)" >"$test_dir/comes-back" &
	example=$!
	defer end_bg "$example"
	within 20 lost_and_found 1
	echo "$address" >/sys/bus/pci/drivers/nvme/unbind
	within 20 lost_and_found 2
	echo "$address" >/sys/bus/pci/drivers/nvme/bind
	wait "$example"
	diff "$test_dir/comes-back" - <<-EOF
	has memory
	lost it
	has memory again
	EOF
}
