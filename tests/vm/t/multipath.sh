# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: a drive with two controllers takes peer memory by each path
# KERNEL: p2p
# TOPOLOGY: multipath
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

edu_mr=build/tests/vm/edu-mr
subsystem=$(echo /sys/class/nvme-subsystem/nvme-subsys*)
number=${subsystem##*nvme-subsys}
nvmet=/sys/kernel/config/nvmet
# as QEMU makes it of the lab's
nqn=nqn.2019-08.org.qemu:lab

# paths COUNT: so many block devices that only their head is to use
paths()
{
	local head found
	head=$(head_of 1)
	found=(/sys/block/nvme"$number"c*n"${head##*n}")
	[ "${#found[@]}" = "$1" ]
}

one_drive()
{
	[ -b "$(head_of 1)" ] && [ -b "$(head_of 2)" ]
	paths 2
}

# head_of NAMESPACE: the block device that all paths lead from. Its name has the
# number of the order in which the kernel has found them.
head_of()
{
	local head
	for head in /sys/block/nvme"$number"n*; do
		[ "$(cat "$head/nsid")" != "$1" ] || echo "/dev/${head##*/}"
	done
}

policy()
{
	echo "$1" >"$subsystem/iopolicy"
}

# Turn by turn, so that each path has memory of its own and of the other
each_path()
{
	local i
	policy round-robin
	defer policy numa
	for i in 0 1 0 1; do
		"$edu_mr" direct "$(head_of 1)" "$(cmb_allocate_path "$i")"
	done
}

# From one namespace to the other, each with a file system on the head
copies()
{
	local i
	printf '#!/bin/sh\nshift\nexec "$@"\n' >"$test_dir/rsh"
	chmod +x "$test_dir/rsh"
	for i in 1 2; do
		mkdir "$test_dir/$i"
		mkfs.ext4 -q -F -b 4096 "$(head_of "$i")"
		mount "$(head_of "$i")" "$test_dir/$i"
		defer umount "$test_dir/$i"
	done
	head -c 3000001 /dev/urandom >"$test_dir/1/file"
	p2pmr copy -e "$test_dir/rsh" --json "$test_dir/1/file" "there:$test_dir/2" >"$test_dir/report"
	jq -e '[.sender, .receiver] | all(.peer_bytes == 3000001 and .host_bytes == 0)' \
		"$test_dir/report" >/dev/null || fail "$(cat "$test_dir/report")"
	cmp "$test_dir/1/file" "$test_dir/2/file"
}

# The controller that goes is not the one whose memory it is
a_path_is_lost()
{
	local address
	address=$(drive_address 1)
	echo "$address" >"$drives/unbind"
	defer bring_back_path "$address"
	"$edu_mr" direct "$(head_of 1)" "$(cmb_allocate_path 0)"
}

bring_back_path()
{
	echo "$1" >"$drives/bind"
	within 20 paths 2
}

# It goes while another path's requests have its memory
the_memory_is_lost()
{
	run_bg fio --name=load --filename="$(head_of 2)" --rw=randread --direct=1 --bs=64k \
		--ioengine=io_uring --iodepth=8 --size=32M --time_based --runtime=600 \
		--iomem="mmapshared:$(cmb_allocate_path 0)" --output="$test_dir/fio"
	within 60 reads_go_on
	unbind_drive
	bring_back_path "$drive"
	nothing_is_left 0
}

reads_go_on()
{
	local now
	read -r now _ <"/sys/block/$(basename "$(head_of 2)")/stat"
	[ "$now" -gt 100 ]
}

# The same namespace by a transport that takes no peer memory: nvmet's loop, under
# the drive's name and with no identity, as the kernel takes QEMU's for bogus
add_path_without()
{
	local target=$nvmet/subsystems/$nqn
	mkdir "$target"
	echo 10 >"$target/attr_cntlid_min"
	echo 1 >"$target/attr_allow_any_host"
	mkdir "$target/namespaces/1" "$nvmet/ports/1"
	# a path of another size would take the others' place
	truncate -s "$(blockdev --getsize64 "$(head_of 1)")" "$test_dir/image"
	losetup /dev/loop0 "$test_dir/image"
	echo /dev/loop0 >"$target/namespaces/1/device_path"
	echo 00000000-0000-0000-0000-000000000000 >"$target/namespaces/1/device_uuid"
	echo 1 >"$target/namespaces/1/enable"
	echo loop >"$nvmet/ports/1/addr_trtype"
	ln -s "$target" "$nvmet/ports/1/subsystems/$nqn"
	nvme connect -t loop -n "$nqn" >/dev/null
}

# Not even by the paths that would take it, as nobody knows which one it will be
a_path_that_takes_none()
{
	local i
	add_path_without
	within 20 paths 3
	policy round-robin
	for i in 0 1 0 1 0 1; do
		"$edu_mr" direct-refused "$(head_of 1)" "$(cmb_allocate_path "$i")"
	done
	"$edu_mr" direct "$(head_of 2)" "$(cmb_allocate_path 0)"
}

subtest "two paths to one drive" one_drive
subtest "each path takes memory of each controller" each_path
subtest "a copy by peer memory" copies
subtest "one path is lost" a_path_is_lost
subtest "the path is lost whose memory it is" the_memory_is_lost
subtest "a path that takes no peer memory" a_path_that_takes_none
finish
