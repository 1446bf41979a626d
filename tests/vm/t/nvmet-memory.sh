# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: the counters say what an NVMe target took its memory from, and why it was not the drive's
# KERNEL: p2p
# TOPOLOGY: switch
# CMB: 2
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/nvmet.sh

# serve P2PMEM [OPTION...]: and be the host as well
serve()
{
	start_target "$@"
	defer stop_target
	connect --nr-io-queues=1
	defer disconnect
	remember
}

# Whoever finds a new drive reads of it. Counters are told from here on.
remember()
{
	before=$(p2pmr nvmet show --json)
}

# since CLASS [requests|bytes]: served since then
since()
{
	p2pmr nvmet show --json | jq --argjson before "$before" \
		".namespaces[0].served.$1.${2:-requests} - \$before.namespaces[0].served.$1.${2:-requests}"
}

# is_all CLASS BYTES: that much was served as that class, and nothing as another
is_all()
{
	local class got=''
	for class in peer off no_provider no_memory no_metadata inline; do
		got+="$class $(since "$class" bytes), "
	done
	[ "$(since "$1" bytes) $(grep -o ' 0,' <<<"$got" | wc -l)" = "$2 5" ] ||
		fail "not $2 of $1 alone: $got$(p2pmr nvmet show)"
}

verify_remote()
{
	fio --name=verify --filename="$remote" --direct=1 --ioengine=libaio --verify=crc32c \
		--verify_fatal=1 "$@" >"$test_dir/fio" 2>&1 || fail "$(cat "$test_dir/fio")"
}

# ---- the classes ------------------------------------------------------------------

all_of_it()
{
	serve "$drive"
	verify_remote --rw=randwrite --bs=64k --iodepth=8 --size=4M
	is_all peer $((8 << 20))
	[ "$(since peer)" = 128 ]
	within 20 nothing_is_left 0
}

# 16 KiB may come with a command: what fits in does, and what does not, does not
inline_data()
{
	serve "$drive" --inline-data-size 16384
	head -c 1M /dev/urandom >"$test_dir/data"
	dd if="$test_dir/data" of="$remote" bs=4k oflag=direct status=none
	is_all inline 1048576
	[ "$(since inline)" = 256 ]
	remember
	dd if="$test_dir/data" of="$remote" bs=64k oflag=direct status=none
	is_all peer 1048576
	remember
	dd if="$remote" bs=4k count=256 iflag=direct status=none | cmp - "$test_dir/data"
	is_all peer 1048576
}

# 8 MiB on their way, through 2 MiB of memory
exhausted()
{
	[ "$(cat "$(cmb_path 0 size)")" = $((2 << 20)) ]
	serve "$drive"
	verify_remote --rw=write --bs=128k --iodepth=64 --size=16M
	[ "$(since peer)" -gt 0 ] || fail "$(p2pmr nvmet show)"
	[ "$(since no_memory)" -gt 0 ] || fail "$(p2pmr nvmet show)"
	# more if a slow machine had requests time out, which are sent again then
	[ $(($(since peer bytes) + $(since no_memory bytes))) -ge $((32 << 20)) ] ||
		fail "$(p2pmr nvmet show)"
	expect_output "^$nqn +1 +no_memory +$(served no_memory) +$(served no_memory bytes)\$" p2pmr nvmet show
	within 20 nothing_is_left 0
	echo "$(since peer) requests from the drive's memory, $(since no_memory) from the host's"
	# and all is as before
	remember
	verify_remote --rw=write --bs=64k --iodepth=1 --size=1M
	is_all peer $((2 << 20))
}

# ---- the attribute ---------------------------------------------------------------

# p2pmem P2PMEM ATTRIBUTE PROVIDER CLASS
p2pmem()
{
	serve "$1"
	[ "$(cat "/sys/kernel/config/nvmet/subsystems/$nqn/namespaces/1/p2pmem")" = "$2" ]
	[ "$(provider_used)" = "$3" ] || fail "$(p2pmr nvmet show)"
	verify_remote --rw=randwrite --bs=16k --iodepth=4 --size=1M
	is_all "$4" $((2 << 20))
}

# The one that the host has is the drive that left; what it is now is told by the
# counters
provider_leaves()
{
	serve "$drive"
	unbind_drive
	expect_output "^$nqn +[0-9]+ .* 1 $drive\$" p2pmr nvmet show
	verify_remote --rw=randwrite --bs=16k --iodepth=4 --size=1M
	is_all no_memory $((2 << 20))
	bring_back bind_drive
}

# The address is of a queue that is not there yet, or about to go
read_addresses()
{
	local file address
	while :; do
		for file in /sys/kernel/debug/nvmet/"$nqn"/ctrl*/host_traddr; do
			! read -r address <"$file" || echo "$address"
		done
	done
}

hosts_come_and_go()
{
	local i
	start_target "$drive"
	defer stop_target
	run_bg read_addresses >"$test_dir/addresses" 2>/dev/null
	for i in {1..10}; do
		connect --nr-io-queues=1
		disconnect
	done
	expect_output '^10\.0\.2\.15$' sort -u "$test_dir/addresses"
}

subtest "all of it, while the memory lasts" all_of_it
subtest "data that comes with the command" inline_data
subtest "the memory is exhausted" exhausted
subtest "p2pmem=0" p2pmem off 0 null off
subtest "p2pmem=1: the kernel takes the nearest" p2pmem auto 1 "$(drive_address 1)" peer
subtest "p2pmem=ADDRESS" p2pmem "$drive" "$drive" "$drive" peer
subtest "p2pmem=ADDRESS of a drive that has left" provider_leaves
subtest "a host's address, while hosts come and go" hosts_come_and_go
finish
