# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: the library's route "dmabuf", by name and by itself, and its reasons
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# EDU: yes
# AGAIN: move-notify
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/edu.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/dmabuf.sh

nvme0=$(drive_name 0)
lib_dmabuf=build/tests/vm/lib-dmabuf

# edu_without WHAT: a driver that does not do that, until the subtest ends
edu_without()
{
	echo 0 >"/sys/module/edu_rdma/parameters/$1"
	defer eval "echo 1 >/sys/module/edu_rdma/parameters/$1"
}

# No device pins: edu0 does not, and it is the only one
by_itself()
{
	rdma link delete rxe0
	defer rdma link add rxe0 type rxe netdev eth0
	edu_without pin
	with_edu "$lib_dmabuf" by-itself "$nvme0"
}

# Someone in the node's group; p2pmem/allocate is root's
unprivileged()
{
	chgrp 1234 "$node0"
	defer chgrp 0 "$node0"
	with_edu setpriv --reuid 65534 --regid 65534 --groups 1234 --inh-caps=-all \
		"$lib_dmabuf" node "$nvme0"
}

no_revoke()
{
	edu_without revoke
	with_edu "$lib_dmabuf" refused "$nvme0" 95 DEVICE_NO_REVOKE
}

rxe_imports_none()
{
	RDMA_DEVICE=rxe0 "$lib_dmabuf" refused "$nvme0" 95 DEVICE_NO_DMABUF
}

gone()
{
	with_edu "$lib_dmabuf" gone "$nvme0" "$drive"
	bring_back bind_drive
}

subtest "by name" with_edu "$lib_dmabuf" by-name "$nvme0"
subtest "by itself" by_itself
subtest "without root" unprivileged
subtest "a foreign dma-buf" with_edu "$lib_dmabuf" foreign host
subtest "the example" build/examples/dmabuf "$nvme0"
subtest "in another process" with_edu "$lib_dmabuf" shared "$nvme0"
subtest "no atomics" with_edu "$lib_dmabuf" no-atomics "$nvme0"
subtest "a device that cannot import" rxe_imports_none
subtest "a device that cannot give back" no_revoke
subtest "host memory is not exported" with_edu "$lib_dmabuf" no-alloc host 22 BAD_ARGUMENT
subtest "the drive has left" gone
finish
