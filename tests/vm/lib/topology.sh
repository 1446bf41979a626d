# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2054 # commas are QEMU's
# Where the devices sit. Each topology names a processor and the three slots
# that the two drives and the NIC go into; the devices are the same in all, and
# so are their ids (nv0, nv1, nic0), by which QMP finds them.

# shellcheck disable=SC2034 # tests/vm/run checks against it
topologies=(switch bridge denied)

topology_help()
{
	cat <<-'EOF'
	                      switch  below one PCIe switch (default)
	                      bridge  root ports of a host bridge that the kernel
	                              allows peer traffic through (an AMD Zen CPU)
	                      denied  root ports of one that it does not
	EOF
}

# topology_cpu NAME: the kernel decides by the processor whether peer traffic
# may cross the host bridge. EPYC is on its list; an Intel processor is judged
# by the bridge's device id, and QEMU's q35 is not on that list. The vendor is
# spelled out because KVM would otherwise put in the host's own.
topology_cpu()
{
	case $1 in
	denied) echo Nehalem,vendor=GenuineIntel ;;
	*) echo EPYC,vendor=AuthenticAMD ;;
	esac
}

# One root port, a switch below it, and three ports below that. QEMU's switch
# ports have no ACS, so traffic between them is never redirected upwards.
slots_of_switch()
{
	local i
	qemu+=(-device pcie-root-port,id=rp0,chassis=1,slot=1
		-device x3130-upstream,id=up0,bus=rp0)
	for i in 0 1 2; do
		qemu+=(-device "xio3130-downstream,id=dn$i,bus=up0,chassis=$((i + 2)),slot=$((i + 2))")
	done
	slots=(dn0 dn1 dn2)
}

slots_of_root()
{
	local i
	for i in 0 1 2; do
		qemu+=(-device "pcie-root-port,id=rp$i,chassis=$((i + 1)),slot=$((i + 1))")
	done
	slots=(rp0 rp1 rp2)
}

# topology_arguments NAME CMB_MB DIR: append the devices to qemu[]; the drives
# are sparse files in DIR
topology_arguments()
{
	local cmb=$2 dir=$3 i slots
	case $1 in
	switch) slots_of_switch ;;
	*) slots_of_root ;;
	esac
	# Slots are pciehp's, as on hardware, and not a matter for ACPI methods:
	# with those, the slot registers do nothing
	qemu+=(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)
	for i in 0 1; do
		truncate -s 256M "$dir/drive$i"
		qemu+=(-drive "if=none,id=drive$i,format=raw,cache=unsafe,file=$(comma "$dir")/drive$i"
			-device "nvme,id=nv$i,drive=drive$i,serial=n$i,cmb_size_mb=$cmb,bus=${slots[i]}")
	done
	# Memory that is no drive's, for p2pmem_bar; ordinary RAM to the guest's
	# processors, as a drive's is not
	qemu+=(-object "memory-backend-memfd,id=barmem,size=16M,share=on"
		-device "ivshmem-plain,id=bar0,memdev=barmem")
	# No ROM: the firmware would only spend time on it
	qemu+=(-device "e1000e,id=nic0,netdev=net0,bus=${slots[2]},romfile=,mac=52:54:00:12:34:5$((6 + ${P2PMR_VM_HOST:-0}))")
	if [ -n "${P2PMR_VM_PAIR-}" ]; then
		pair_network
	else
		topology_network
	fi
}

# ipv6=off takes away the router that would hand out more addresses, and with
# them more GIDs, at a time of its own choosing. It also means that nothing
# depends on whether the host has IPv6.
topology_network()
{
	qemu+=(-netdev user,id=net0,restrict=on,ipv6=off)
}
