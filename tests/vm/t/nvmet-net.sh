# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2119,SC2154,SC2317 # lib/ has the variables; subtests are called by name
# DESCRIPTION: an NVMe target serves from peer memory through rxe on any interface
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# TIMEOUT: 600
# ALL: yes
#
# Sockets of rxe are of the first network namespace only (6.12), so that an
# interface has to have another machine behind it.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/hosts.sh
. tests/vm/lib/nvmet.sh

write_and_compare()
{
	write_remote 2
	check_remote 2
}

# serve NAME RDMA-DEVICE: what the interface's address leads to, and nothing but
# peer memory
serve()
{
	start_target "$(drive_name 0)"
	defer stop_target
	meet "$1-serving"
	meet "$1-done"
	[ "$(p2pmr nvmet show --json | jq -r '.ports[0].rdma_devices | join(",")')" = "$2" ] ||
		fail "$(p2pmr nvmet show)"
	only_peer
	[ "$(served peer bytes)" -ge $((4 << 20)) ] || fail "$(p2pmr nvmet show)"
}

use()
{
	meet "$1-serving"
	connect
	defer disconnect
	write_and_compare
	meet "$1-done"
}

# rxe NAME INTERFACE: another one, until the subtest ends
rxe()
{
	rdma link add "$1" type rxe netdev "$2"
	defer rdma link delete "$1"
	within 20 grep -q ACTIVE "/sys/class/infiniband/$1/ports/1/state"
}

# ---- lo: the target's own machine is the host -------------------------------------

# An address that is not 127.0.0.1, which the RDMA CM takes for "any device"
lo_target()
{
	host_addresses=(10.9.0.1)
	ip address add 10.9.0.1/32 dev lo
	defer ip address delete 10.9.0.1/32 dev lo
	rxe rxe_lo lo
	start_target "$(drive_name 0)"
	defer stop_target
	connect
	defer disconnect
	write_and_compare
	only_peer
}

# ---- vlan: rxe0 has its address, too ------------------------------------------------

# rxe makes no device of a vlan's interface; that of the real one serves it
with_vlan()
{
	host_addresses=(10.7.0.1 10.7.0.2)
	ip link add link eth0 name vlan7 type vlan id 7
	defer ip link delete vlan7
	ip address add "${host_addresses[this_host]}/24" dev vlan7
	ip link set vlan7 up
	"$@"
}

# ---- bond ---------------------------------------------------------------------------

# It takes the addresses over
with_bond()
{
	rdma link delete rxe0
	defer rdma link add rxe0 type rxe netdev eth0
	ip link add bond7 type bond mode active-backup miimon 100
	defer eval "ip link delete bond7; ip link set eth0 up; ip address replace ${host_addresses[this_host]}/24 dev eth0"
	ip link set eth0 down
	ip address flush dev eth0
	ip link set eth0 master bond7
	ip link set bond7 up
	ip address add "${host_addresses[this_host]}/24" dev bond7
	rxe rxe_bond bond7
	"$@"
}

# ---- veth: behind it, a namespace that forwards to eth0 ------------------------------

with_veth()
{
	rdma link delete rxe0
	ip netns add router
	ip link add veth0 type veth peer name veth1 netns router
	ip link set eth0 netns router
	ip -n router -batch - <<-EOF
	link set eth0 up
	link set veth1 up
	address add ${host_addresses[0]}/24 dev eth0
	address add 10.3.0.254/24 dev veth1
	EOF
	ip netns exec router sysctl -qw net.ipv4.ip_forward=1
	host_addresses[0]=10.3.0.1
	ip address add 10.3.0.1/24 dev veth0
	ip link set veth0 up
	ip route add default via 10.3.0.254
	rxe rxe_veth veth0
	"$@"
}

with_route()
{
	ip route add 10.3.0.0/24 via "${host_addresses[0]}"
	host_addresses[0]=10.3.0.1
	"$@"
}

subtest "lo" each lo_target true
subtest "vlan" each "with_vlan serve vlan rxe0" "with_vlan use vlan"
subtest "bond" each "with_bond serve bond rxe_bond" "with_bond use bond"
subtest "veth" each "with_veth serve veth rxe_veth" "with_route use veth"
finish
