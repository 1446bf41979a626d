# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119 # lib/ sets them, and has the address
# DESCRIPTION: p2pmem_bar publishes what it is told to, and refuses what is no memory
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/bar.sh

bar=$bar_address
rng=$(pci_function 1af4 1005)
nvme1=$(drive_address 1)

# free_later ADDRESS: unbound when the subtest ends, if it is bound then
free_later()
{
	defer eval "[ ! -e $bar_driver/$1 ] || bar_unbind $1"
}

# published ENTRY: bound until the subtest ends
published()
{
	free_later "$bar"
	bar_bind "$bar/$1"
}

mark()
{
	mark="p2pmr-bar: $RANDOM$RANDOM"
	echo "$mark" >/dev/kmsg
}

# logged TEXT...: in the log since the last mark
logged()
{
	local log text
	log=$(dmesg | sed "1,/$mark/d")
	for text; do
		[[ $log == *"$text"* ]] || fail "no '$text' in the log: $log"
	done
}

# ---- what is published ------------------------------------------------------

whole_bar()
{
	published bar=2
	expect_output "^$bar +p2pmem +$bar +p2pmem_bar +- +16 MiB +16 MiB +yes$" p2pmr list
	grep -q ' : p2pmem_bar$' /proc/iomem || fail "the BAR is not taken"
	bar_unbind
	[ ! -e "$(bar_path size)" ] || fail "the memory is still there"
	! grep -q ' : p2pmem_bar$' /proc/iomem || fail "the BAR is still taken"
}

# part OPTIONS OFFSET SIZE
part()
{
	local start
	read -r start _ < <(sed -n 3p "/sys/bus/pci/devices/$bar/resource")
	mark
	published "bar=2$1"
	[ "$(cat "$(bar_path size)")" = "$3" ] || fail "another size: $(cat "$(bar_path size)")"
	logged "$(printf 'added peer-to-peer DMA memory %#x-%#x' $((start + $2)) $((start + $2 + $3 - 1)))"
}

# Each its own part, in any order; what is bound stays as it is
several_functions()
{
	local list=" 0000:ff:1f.7/bar=0,${nvme1^^}/bar=2/size=32M, $bar/offset=8M/bar=0x2,"
	echo "$nvme1" >/sys/bus/pci/drivers/nvme/unbind
	defer eval "echo $nvme1 >/sys/bus/pci/drivers/nvme/bind; within 20 test -n \"\$(drive_name 1)\""
	free_later "$bar"
	bar_bind "$list"
	free_later "$nvme1"
	bar_bind "$list" "$nvme1"
	[ "$(cat "$(bar_path size)")" = $((8 << 20)) ] || fail "another size of $bar"
	[ "$(cat "$(bar_path size "$nvme1")")" = $((32 << 20)) ] || fail "another size of $nvme1"
	[ "$(p2pmr list | grep -c ' p2pmem_bar ')" = 2 ] || fail "not two of them"
	echo >/sys/module/p2pmem_bar/parameters/functions
	"$peer_mr" data "$(bar_path allocate)"
}

# ---- what it is good for ----------------------------------------------------

# Over rxe, each byte compared
bytes_move()
{
	local op
	published bar=2/offset=2M
	"$peer_mr" data "$(bar_path allocate)"
	for op in write read; do
		run_bg p2pmr bw --mem "$bar" >"$test_dir/server" 2>&1
		expect_output " $bar/$bar +umem/umem$" \
			p2pmr bw --op "$op" --mem "$bar" -s 64K -n 20 127.0.0.1
		wait $!
	done
	[ "$(cat "$(bar_path available)")" = "$(cat "$(bar_path size)")" ] || fail "memory is lost"
}

# command_register: its lower byte; 2 is memory, 4 is the bus's master
command_register()
{
	od -An -tu1 -j4 -N1 "/sys/bus/pci/devices/$bar/config"
}

# Left on by whoever was there before
bus_mastering_is_off()
{
	printf '\x06' | dd of="/sys/bus/pci/devices/$bar/config" bs=1 seek=4 conv=notrunc status=none
	(($(command_register) & 4)) || fail "it cannot be switched on to begin with"
	published bar=2
	"$peer_mr" data "$(bar_path allocate)"
	(($(command_register) & 2)) || fail "the BAR does not decode"
	(($(command_register) & 4)) && fail "it is on, with the driver bound"
	bar_unbind
	(($(command_register) & 4)) && fail "it is on, with the driver gone"
	return 0
}

unbind_under_traffic()
{
	published bar=2
	cmb0=$(bar_path allocate)
	traffic write
	hold hold 1048576
	bar_unbind
	[ ! -e "$cmb0" ] || fail "the memory is still there"
	end_traffic
	kill -0 "$holder" || fail "the holder is gone"
	published bar=2
	"$peer_mr" data "$cmb0"
}

# ---- what is refused --------------------------------------------------------

# refused ENTRY ERROR TEXT [ADDRESS]: by that errno's words, with that in the log
refused()
{
	local address=${4:-$bar}
	free_later "$address"
	mark
	# shellcheck disable=SC2016 # the other shell's
	expect_status 1 bash -c '. tests/vm/lib/bar.sh; bar_bind "$@"' - "$1" "$address"
	grep -qF "write error: $2" <<<"$output" || fail "it was refused otherwise: $output"
	logged "p2pmem_bar $address: error -" "$3"
	[ ! -e "$bar_driver/$address" ] || fail "it is bound"
	[ ! -e "$(bar_path size "$address")" ] || fail "there is memory"
	! grep -q ' : p2pmem_bar$' /proc/iomem || fail "the BAR is taken"
}

nothing_chosen()
{
	refused '' 'Invalid argument' "which BAR? The parameter functions has no entry $bar/bar=N"
	refused "${bar}0/bar=2,$rng/bar=2" 'Invalid argument' 'which BAR?'
}

nonsense()
{
	local entry
	for entry in '' bar bar= bar=two bar=2x size=2M bar=2/size=0 bar=2/offset=-2M \
		bar=2/size=2M/ bar=2//offset=2M bar=2/length=2M 'bar=2 size=2M'; do
		refused "$bar/$entry" 'Invalid argument' "its entry in functions is not $bar/bar=N"
	done
}

no_such_bar()
{
	local nr
	# MSI-X that ivshmem-plain does not have; the upper half of BAR 2; the ROM
	for nr in 1 3 6 4294967298; do
		refused "$bar/bar=$nr" 'Invalid argument' "it has no BAR $nr"
	done
}

# Of a device that can spare its driver for a while
io_bar()
{
	echo "$rng" >/sys/bus/pci/drivers/virtio-pci/unbind
	defer eval "echo >/sys/bus/pci/devices/$rng/driver_override; echo $rng >/sys/bus/pci/drivers/virtio-pci/bind"
	refused "$rng/bar=0" 'Invalid argument' 'BAR 0 is I/O, not memory' "$rng"
	refused "$rng/bar=4" 'Invalid argument' 'size 0x4000 of BAR 4: not multiples of 0x200000' "$rng"
}

registers()
{
	refused "$bar/bar=0" 'Invalid argument' 'BAR 0 is not prefetchable'
}

past_the_end()
{
	local part
	for part in offset=16M size=18M offset=8M/size=10M \
		offset=0xffffffffffe00000/size=4M offset=2M/size=0xffffffffffe00000; do
		refused "$bar/bar=2/$part" 'Numerical result out of range' 'BAR 2 ends at 0x1000000'
	done
}

unaligned()
{
	local part
	for part in offset=1M offset=4K/size=2M size=1M size=2097153; do
		refused "$bar/bar=2/$part" 'Invalid argument' 'of BAR 2: not multiples of 0x200000'
	done
}

# All of the BAR must be free, whichever part of it is wanted
in_use()
{
	insmod "$P2PMR_VM_IMAGE/busy_bar.ko" function="$bar" bar=2 size=4096
	defer eval 'rmmod busy_bar 2>/dev/null'
	refused "$bar/bar=2" 'Device or resource busy' 'BAR 2 is in use'
	refused "$bar/bar=2/offset=8M" 'Device or resource busy' 'BAR 2 is in use'
	rmmod busy_bar
	published bar=2
}

a_bridge()
{
	local port
	port=$(basename "$(dirname "$(readlink -f "/sys/bus/pci/devices/$nvme1")")")
	echo "$nvme1" >/sys/bus/pci/drivers/nvme/unbind
	defer eval "echo $nvme1 >/sys/bus/pci/drivers/nvme/bind; within 20 test -n \"\$(drive_name 1)\""
	echo "$port" >/sys/bus/pci/drivers/pcieport/unbind
	defer eval "echo >/sys/bus/pci/devices/$port/driver_override; echo $port >/sys/bus/pci/drivers/pcieport/bind"
	refused "$port/bar=0" 'Invalid argument' 'it is a bridge' "$port"
}

# There is no way back, so this is the last one
locked_down()
{
	local file=/sys/kernel/security/lockdown
	[ -e "$file" ] || mount -t securityfs securityfs /sys/kernel/security 2>/dev/null ||
		skip "this kernel cannot be locked down"
	echo integrity >"$file"
	refused "$bar/bar=2" 'Operation not permitted' 'the kernel is locked down'
}

bar_load
subtest "all of a BAR" whole_bar
subtest "from an offset" part /offset=12M $((12 << 20)) $((4 << 20))
subtest "a size" part /size=2048K 0 $((2 << 20))
subtest "a part in the middle" part /size=0x800000/offset=4M $((4 << 20)) $((8 << 20))
subtest "several functions" several_functions
subtest "bytes move" bytes_move
subtest "bus mastering is off" bus_mastering_is_off
subtest "unbind under traffic" unbind_under_traffic
subtest "nothing chosen" nothing_chosen
subtest "nonsense" nonsense
subtest "no such BAR" no_such_bar
subtest "an I/O BAR, and a small one" io_bar
subtest "registers" registers
subtest "past the end" past_the_end
subtest "unaligned" unaligned
subtest "in use" in_use
subtest "a bridge" a_bridge
subtest "locked down" locked_down
finish
