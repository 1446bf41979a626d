# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2054 # commas are QEMU's
# Where the devices sit. Each topology names a processor and the four slots that
# the two drives, the NIC and the DMA engine (edu) go into; the devices are the
# same in all, and so are their ids (nv0, nv1, nic0, edu0), by which QMP finds them.

# shellcheck disable=SC2034 # tests/vm/run checks against it
topologies=(switch bridge denied iommu iommu-switch two-switches multipath)

topology_help()
{
	cat <<-'EOF'
	                      switch  below one PCIe switch (default)
	                      bridge  root ports of a host bridge that the kernel
	                              allows peer traffic through (an AMD Zen CPU)
	                      denied  root ports of one that it does not
	                      iommu   bridge, with an IOMMU
	                      iommu-switch  switch, with an IOMMU
	                      two-switches  a drive and the DMA engine below one
	                              switch, the other drive and the NIC below
	                              another
	                      multipath  switch, and both controllers are those
	                              of one drive with two namespaces, to which
	                              there are two paths then
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

# make_switch N PORTS: below a root port of its own. QEMU's switch ports have no
# ACS, so traffic between them is never redirected upwards.
make_switch()
{
	local i nr
	qemu+=(-device "pcie-root-port,id=rp$1,chassis=$(($1 * 16 + 1)),slot=$(($1 * 16 + 1))"
		-device "x3130-upstream,id=up$1,bus=rp$1")
	for ((i = 0; i < $2; i++)); do
		nr=$(($1 * 16 + i + 2))
		qemu+=(-device "xio3130-downstream,id=dn${#slots[@]},bus=up$1,chassis=$nr,slot=$nr")
		slots+=("dn${#slots[@]}")
	done
}

slots_of_root()
{
	local i
	for i in 0 1 2 3; do
		qemu+=(-device "pcie-root-port,id=rp$i,chassis=$((i + 1)),slot=$((i + 1))")
		slots+=("rp$i")
	done
}

topology_slots()
{
	case $1 in
	iommu*) qemu+=(-device intel-iommu) ;;
	esac
	case $1 in
	*switch | multipath) make_switch 0 4 ;;
	two-switches)
		make_switch 0 2
		make_switch 1 2
		# drive, engine; drive, NIC
		slots=("${slots[0]}" "${slots[2]}" "${slots[3]}" "${slots[1]}")
		;;
	*) slots_of_root ;;
	esac
}

# two_drives CMB_MB
two_drives()
{
	local i
	for i in 0 1; do
		qemu+=(-device "nvme,id=nv$i,drive=drive$i,serial=n$i,cmb_size_mb=$1,bus=${slots[i]}")
	done
}

# one_drive CMB_MB: its controllers have one serial number, and tell themselves apart
# by their ids, which QEMU gives in order
one_drive()
{
	local i
	qemu+=(-device nvme-subsys,id=subsystem,nqn=lab)
	for i in 0 1; do
		qemu+=(-device "nvme,id=nv$i,subsys=subsystem,serial=n,cmb_size_mb=$1,bus=${slots[i]}")
	done
	for i in 0 1; do
		qemu+=(-device "nvme-ns,bus=nv0,drive=drive$i,nsid=$((i + 1))")
	done
}

# topology_arguments NAME CMB_MB DIR SIZE_MB [RATE_MB]: append the devices to qemu[];
# the drives are sparse files in DIR of that size, and do RATE_MB each second
topology_arguments()
{
	local cmb=$2 dir=$3 i slots=() rate=''
	[ -z "${5-}" ] || rate=,throttling.bps-total=$(($5 << 20))
	topology_slots "$1"
	# Slots are pciehp's, as on hardware, and not a matter for ACPI methods:
	# with those, the slot registers do nothing
	qemu+=(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)
	for i in 0 1; do
		truncate -s "${4}M" "$dir/drive$i"
		qemu+=(-drive "if=none,id=drive$i,format=raw,cache=unsafe$rate,file=$(comma "$dir")/drive$i")
	done
	case $1 in
	multipath) one_drive "$cmb" ;;
	*) two_drives "$cmb" ;;
	esac
	# Memory that is no drive's, for p2pmem_bar; ordinary RAM to the guest's
	# processors, as a drive's is not
	qemu+=(-object "memory-backend-memfd,id=barmem,size=16M,share=on"
		-device "ivshmem-plain,id=bar0,memdev=barmem")
	# No ROM: the firmware would only spend time on it
	qemu+=(-device "e1000e,id=nic0,netdev=net0,bus=${slots[2]},romfile=,mac=52:54:00:12:34:5$((6 + ${P2PMR_VM_HOST:-0}))")
	# Its default mask would cut off addresses that a 64-bit BAR has
	qemu+=(-device "edu,id=edu0,bus=${slots[3]},dma_mask=0xffffffffffffffff")
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
