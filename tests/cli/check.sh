#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr check on made trees: data/NAME.tree is a machine, data/NAME.check what is
# to be said of it. What registering really does is tested in the lab.
#
#   check.sh --print NAME     what is said now, to be reviewed and kept
. "$(dirname "$0")/lib.sh"

data=$(dirname "$(realpath "$0")")/data

machine()
{
	[ -d "$dir/$1" ] || "$data/make-tree" "$data/$1.tree" "$dir/$1"
	export P2PMR_SYSFS_ROOT=$dir/$1/sys
}

# report: the lines, and the exit status
report()
{
	local status=0
	p2pmr check || status=$?
	echo "exit status $status"
}

if [ "${1-}" = --print ]; then
	machine "$2"
	report
	exit
fi

for shape in "$data"/*.tree; do
	name=$(basename "$shape" .tree)
	machine "$name"
	report >"$dir/report" 2>&1
	expect "$name" 0 diff "$data/$name.check" "$dir/report"
done

# ---- JSON -----------------------------------------------------------------
machine sriov
expect "JSON" 0 p2pmr check --json
silent err
json 'keys == ["checks", "verdict"] and .verdict == "yes" and (.checks | length > 5)
	and all(.checks[]; keys == ["check", "object", "reason", "remedy", "state", "text"]
		and (.state | IN("pass", "skip", "warn", "fail")) and (.text | endswith(".")))'
json '.checks[] | select(.check == "acs") | .state == "warn"
	and (.remedy | contains("pci=disable_acs_redir=0000:18:09.0"))'
expect "limited to what is direct" 0 p2pmr check --json mlx5_2
json 'all(.checks[]; .state | IN("pass", "skip"))'
expect "mistyped" 1 p2pmr check mlx5_9
has err 'Did you mean mlx5_0, mlx5_1 or mlx5_2.*\[NO_PROVIDER\]$'

# ---- kernels --------------------------------------------------------------
machine switch
kernel()
{
	mkdir -p "$dir/switch/proc/sys/kernel" "$dir/switch/boot"
	echo 6.12.117 >"$dir/switch/proc/sys/kernel/osrelease"
	printf 'CONFIG_%s\n' "$@" >"$dir/switch/boot/config-6.12.117"
}
kernel PCI_P2PDMA=y INFINIBAND_USER_ACCESS=m INFINIBAND_USER_MEM=y
expect "a kernel that has all" 0 p2pmr check
has out '^pass  kernel    Linux 6\.12\.117\.$'
has out '^pass  options   .*/boot/config-6\.12\.117\)\.$'
kernel PCI_P2PDMA_OTHER=y INFINIBAND_USER_ACCESS=m INFINIBAND_USER_MEM=y
expect "a file that says otherwise than the machine" 0 p2pmr check
has out '^warn  options   .*built without CONFIG_PCI_P2PDMA \('
find "$dir/switch/sys/devices" -name p2pmem -exec rm -r {} +
expect "a kernel without P2PDMA" 77 p2pmr check
has out '^fail  options   .*built without CONFIG_PCI_P2PDMA \('
has out '^fail  provider  nvme0 \(0000:19:00\.0\).*CONFIG_PCI_P2PDMA=y.*\[KERNEL_NO_P2PDMA\]$'
has out 'RDMA cannot use peer memory on this machine\.$'
nvme_controller nvme7 0000:1a:00.0
pci_function 0000:1a:00.0 nvme -1 0000:17:00.0
expect "and a second drive" 77 p2pmr check
has out '^warn  cmb       nvme7: .*\[KERNEL_NO_P2PDMA\]$'
expect "  the first is told once" 1 grep -q '^warn  cmb       nvme0: ' "$dir/out"
expect "the same, JSON" 77 p2pmr check --json
json '.verdict == "impossible" and any(.checks[]; .reason == "KERNEL_NO_P2PDMA" and .state == "fail")'

# ---- drives ---------------------------------------------------------------
empty_tree
expect "an empty machine" 77 p2pmr check
has out '^fail  provider  No PCI device .*\[NO_PROVIDER\]$'
has out '^fail  device    This machine has no RDMA device\. '
has out '^warn  modules   No RDMA driver is loaded, but nvme is\. '

pci_function 0000:03:00.0 nvme -1 0000:00:01.0
peer_memory 0000:03:00.0 67108864 66060288 0
nvme_controller nvme0 0000:03:00.0
nvme_cmb nvme0 0000:03:00.0 '128 << 12 | 2 << 8 | 0x1d' '2'
pci_function 0000:04:00.0 nvme -1 0000:00:02.0
nvme_controller nvme1 0000:04:00.0
nvme_cmb nvme1 0000:04:00.0 '1 << 12 | 0 << 8 | 0x1d' '2'
pci_function 0000:05:00.0 nvme -1 0000:00:03.0
peer_memory 0000:05:00.0 67108864 0 1
nvme_controller nvme2 0000:05:00.0
nvme_cmb nvme2 0000:05:00.0 '64 << 12 | 2 << 8 | 0x01' '2'
expect "drives with all that can be wrong" 77 p2pmr check
has out '^warn  provider  nvme0: 64 MiB, 63 MiB of them available, but not published'
has out '^warn  cmb       nvme0: The drive has a CMB of 128 MiB, but its BAR holds only 64 MiB of it\.'
has out '^warn  queues    nvme0: .*use_cmb_sqes=0'
has out '^warn  cmb       nvme1: .*too small or not 2 MiB aligned.*\[NO_PROVIDER\]$'
has out '^warn  provider  nvme2: All of its 64 MiB are taken\.'
has out '^warn  cmb       nvme2: The drive does not take data .* in both directions\.'

# Where only root may read, whether it works is not known
machine sriov
find "$dir/sriov/sys/devices" -name config -size 8 -exec truncate -s 64 {} +
expect "recorded by a user" 1 p2pmr check
has out '^fail  path      mlx5_0: unknown to nvme0\. .*Run as root'
has out '^warn  acs       Whether ACS redirects cannot be read at 0000:19:00\.0'
expect "its JSON" 1 p2pmr check --json
json '.verdict == "fails"'

P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree" 1 p2pmr check
has err 'nowhere.*\[SYSTEM\]$'
P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree, JSON" 1 p2pmr check --json
json '.error.reason == "SYSTEM"'
machine switch
expect "full disk" 77 sh -c 'p2pmr check >/dev/full'
has err 'No space left'

# ---- this machine ---------------------------------------------------------
# Whatever it is: a report, and one of the three statuses
unset P2PMR_SYSFS_ROOT
p2pmr check --json >"$dir/out" 2>"$dir/err"
status=$?
json "(.verdict == \"yes\" and $status == 0) or (.verdict == \"fails\" and $status == 1)
	or (.verdict == \"impossible\" and $status == 77)"

finish
