# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # hosts.sh and devices.sh have the rest
# An NVMe over RDMA target on host 0 that serves a namespace on drive nv1 from
# the memory of drive nv0, and its initiator on host 1, or on the same one. After
# devices.sh and hosts.sh.

nqn=nqn.2026-11.libp2pmr:lab

# where nothing but the target's address matters
[ -n "${host_addresses-}" ] || host_addresses=(10.0.2.15)

# start_target P2PMEM [OPTION...]: a provider, as "p2pmr nvmet set" takes it.
# Without inline data, so that all of it comes by RDMA.
start_target()
{
	p2pmr nvmet set --nqn "$nqn" --device "/dev/$(drive_name 1)n1" --p2pmem "$1" \
		--traddr "${host_addresses[0]}" "${@:2}" >/dev/null
}

stop_target()
{
	p2pmr nvmet clear >/dev/null
}

# network true|false: is there a link between the hosts?
network()
{
	qmp set_link "{\"name\": \"net0\", \"up\": $1}" >/dev/null
}

# served CLASS [requests|bytes]: what the kernel has counted so far
served()
{
	p2pmr nvmet show --json | jq ".namespaces[0].served.$1.${2:-requests}"
}

# All that was served so far was served from peer memory, and that is not nothing
only_peer()
{
	[ "$(served peer)" -gt 0 ] || fail "$(p2pmr nvmet show)"
	p2pmr nvmet show --json | jq -e '[.namespaces[0].served | to_entries[] |
		select(.key != "peer").value.requests] | add == 0' >/dev/null ||
		fail "not all of it: $(p2pmr nvmet show)"
}

# provider_used: the PCI address of what the one host that is connected has for
# the one namespace; null: host memory
provider_used()
{
	p2pmr nvmet show --json | jq -r '.controllers | if length == 1 then
		.[0].namespaces[0].provider.pci_address else "of \(length) hosts" end'
}

# A host that says nothing for so many seconds is dead to the other one. Short,
# as tests wait for it; but a debug kernel takes its time to answer
keep_alive=2
[ ! -e /proc/sys/kernel/prove_locking ] || keep_alive=20

# connect [OPTION-OF-NVME-CONNECT...]: the namespace's device is in $remote
connect()
{
	nvme connect --transport=rdma --traddr="${host_addresses[0]}" --trsvcid=4420 \
		--nqn="$nqn" --nr-io-queues=2 --keep-alive-tmo="$keep_alive" "$@" ||
		fail "the kernel says why: $(dmesg | grep -i nvme | tail -n 20)"
	within 300 find_remote
}

disconnect()
{
	nvme disconnect --nqn="$nqn" >/dev/null
}

# Multipath gives the device the subsystem's name
find_remote()
{
	local dir disk
	for dir in /sys/class/nvme-subsystem/*; do
		[ "$(cat "$dir/subsysnqn" 2>/dev/null)" = "$nqn" ] || continue
		for disk in "$dir"/nvme*n1 "$dir"/nvme*/nvme*n1; do
			remote=/dev/${disk##*/}
			# it has a size some time after it has a node
			[ ! -b "$remote" ] ||
				[ "$(cat "/sys/class/block/${disk##*/}/size")" = 0 ] || return 0
		done
	done
	return 1
}

# write_remote MIB, check_remote MIB: random bytes at the start of the remote drive,
# in requests that go to the disk at once
write_remote()
{
	head -c "$1M" /dev/urandom >"$test_dir/written"
	dd if="$test_dir/written" of="$remote" bs=128K oflag=direct status=none
}

check_remote()
{
	dd if="$remote" bs=128K count=$(($1 * 8)) iflag=direct status=none |
		cmp - "$test_dir/written"
}
