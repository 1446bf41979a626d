# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: the library on a drive's memory, and why things fail
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh

drive=$(drive_name 0)
address=$(drive_address 0)
lib_peer=build/tests/vm/lib-peer

siw_did_not_opt_in()
{
	rdma link add siw0 type siw netdev eth0
	defer rdma link delete siw0
	RDMA_DEVICE=siw0 "$lib_peer" opt-in "$drive"
	RDMA_DEVICE=siw0 "$lib_peer" caps "$drive" 0
}

# The file may be opened by anyone here: it is the limit that is to fail
memlock()
{
	chmod a+rw "$(cmb_allocate_path 0)"
	defer chmod 660 "$(cmb_allocate_path 0)"
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		"$lib_peer" memlock "$drive"
}

permission()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		"$lib_peer" permission "$drive"
}

gone()
{
	"$lib_peer" gone "$drive" "$address"
	echo "$address" >/sys/bus/pci/drivers/nvme/bind
}

listens()
{
	grep -qx listening "$test_dir/events"
}

# In that order, and nothing else
events()
{
	local events
	build/examples/event 3 >"$test_dir/events" &
	events=$!
	defer end_bg "$events"
	within 20 listens
	echo "$address" >/sys/bus/pci/drivers/nvme/unbind
	echo "$address" >/sys/bus/pci/drivers/nvme/bind
	wait "$events"
	diff "$test_dir/events" - <<-EOF
	listening
	$drive $address leaving
	$drive $address left
	$drive $address arrived
	EOF
}

subtest "allocate, register, read and write" "$lib_peer" use "$drive"
subtest "by PCI address" "$lib_peer" use "$address"
subtest "sizes that cannot be had" "$lib_peer" sizes "$drive"
subtest "ranges that cannot be registered" "$lib_peer" ranges "$drive"
subtest "a device that did not opt in" siw_did_not_opt_in
subtest "RLIMIT_MEMLOCK" memlock
subtest "no permission" permission
subtest "a drive that leaves" gone
# with_server CLIENT TEXT: which it writes into the memory of the other drive
with_server()
{
	local server
	build/examples/serve "$(drive_name 1)" >"$test_dir/events" &
	server=$!
	defer end_bg "$server"
	within 20 listens
	"build/examples/$1" 10.0.2.15 "$drive"
	wait "$server"
	diff "$test_dir/events" - <<-EOF
	listening
	$2
	EOF
}

# What the drive says, as the kernel shows it
drive_facts()
{
	expect_status 0 p2pmr list --json
	jq -e --arg n "$drive" --arg a "$address" '.providers[] | select(.name == $n) |
		.pci_address == $a and (.pci_path | endswith($a)) and .published and
		.size_bytes == 67108864 and .nvme.namespaces == [$n + "n1"] and
		.nvme.cmb_size_bytes == 67108864 and .nvme.cmb_bar == 2 and
		(.nvme.cmb_supports | contains(["RDS", "WDS"]))' <<<"$output" >/dev/null || fail "$output"
}

# rxe copies and reaches everything; siw takes no peer memory
paths()
{
	expect_output '^cpu, distance -1$' build/examples/path "$drive" rxe0
	rdma link add siw0 type siw netdev eth0
	defer rdma link delete siw0
	expect_output '^none, distance -1$' build/examples/path "$drive" siw0
}

# The examples of the pages, with a real RDMA device
examples()
{
	expect_output "^1048576 bytes of $drive$" build/examples/choose 1048576
	expect_output "^268435456 bytes of host$" build/examples/choose 268435456
	expect_status 0 build/examples/arena "$drive"
	expect_status 0 build/examples/cache "$drive"
	expect_output 'by route umem$' build/examples/register "$drive"
	expect_output "^$drive: [0-9]+ bytes$" build/examples/list
	expect_output "^$drive: p2pmem, driver nvme, NUMA node -?[0-9]+, at $address by [0-9a-f:./]*$address$" \
		build/examples/about
	expect_output "^1\. nvme[0-9]+, path cpu$" build/examples/candidates
	expect_output "^rxe0 to $drive: cpu, accepts such memory: yes, atomics there: yes$" build/examples/peers
	expect_output '^67108864 bytes$' build/examples/reason "$drive"
	expect_output 'by route umem$' build/examples/route "$drive"
	expect_output 'by route umem$' build/examples/mapping "$(cmb_allocate_path 0)"
	expect_output "^$drive: cpu -1$" build/examples/topo rxe0
	expect_output "^/dev/${drive}n1: $drive$" build/examples/nvme
	expect_output '^hello$' build/examples/copy "$drive"
	expect_output '^4194304 bytes at' build/examples/huge
	expect_status 0 build/examples/flush "$drive" "/dev/${drive}n1"
}

# Debian's python3, which has pyverbs
pyverbs()
{
	export LD_LIBRARY_PATH=$PWD/build/lib
	expect_output "^rkey 0x[0-9a-f]+ at 0x[0-9a-f]+ holds 'peer memory'$" \
		/usr/bin/python3 libp2pmr/examples/register.py rxe0 "$drive"
	echo "$output"
	expect_status 1 /usr/bin/python3 libp2pmr/examples/register.py rxe0 nvme77
	grep -q 'There is no provider "nvme77"' <<<"$output" || fail "no reason: $output"
}

subtest "what the device says" "$lib_peer" caps "$drive" 3
subtest "what the drive says" drive_facts
subtest "paths" paths
subtest "examples" examples
subtest "flush" build/tests/vm/lib-flush "$drive" "/dev/$(drive_name 1)n1"
subtest "events" events
subtest "a buffer whose drive comes back" drive_comes_back
subtest "the README's example" with_server write "from a drive"
subtest "a write that is flushed" with_server flush-post "in place"
subtest "pyverbs" pyverbs
finish
