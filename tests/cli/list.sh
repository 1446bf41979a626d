#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr list on synthetic sysfs trees.
. "$(dirname "$0")/lib.sh"

# Every key there is, and its type: a change here is a change of the interface
schema='(keys - ["note"]) == ["providers"]
	and (.providers | length > 0)
	and all(.providers[]; keys == ["available_bytes", "driver", "name",
		"numa_node", "nvme", "pci_address", "pci_path", "published",
		"size_bytes", "type"])
	and all(.providers[].nvme | select(. != null);
		keys == ["cmb_bar", "cmb_has_queues", "cmb_offset_bytes",
			"cmb_size_bytes", "cmb_supports", "namespaces"]
		and all(.namespaces[]; test("^nvme[0-9]+n[0-9]+$"))
		and (.cmb_has_queues | . == null or . == false)
		and ([.cmb_size_bytes, .cmb_bar, .cmb_offset_bytes]
			| all(. == null) or all(type == "number"))
		and all(.cmb_supports[]?;
			IN("SQS", "CQS", "LISTS", "RDS", "WDS")))
	and all(.providers[]; (.name | type) == "string"
		and (.type == "p2pmem" or .type == "host")
		and (.size_bytes | type) == "number"
		and (.available_bytes | type) == "number"
		and (.numa_node | . == null or type == "number"))
	and all(.providers[] | select(.type == "p2pmem");
		(.pci_address | test("^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$"))
		and (.published | type) == "boolean")
	and all(.providers[] | select(.type == "host");
		.pci_address == null and .driver == null and .published == null
		and .pci_path == null and .nvme == null)'

# ---- two drives and a function without an nvme name -----------------------
empty_tree
pci_function 0000:04:00.0 nvme 0 0000:00:01.0 0000:01:00.0 0000:02:01.0
peer_memory 0000:04:00.0 67108864 63963136 1
nvme_controller nvme0 0000:04:00.0
nvme_cmb nvme0 0000:04:00.0 '64 << 12 | 2 << 8 | 0x1d' '1 << 12 | 2'
block_device bus/pci/devices/0000:04:00.0/nvme/nvme0 nvme0n1 0
block_device bus/pci/devices/0000:04:00.0/nvme/nvme0 nvme0c0n2 1
block_device class/nvme-subsystem/nvme-subsys0 nvme0n2 0
pci_function 0000:03:00.0 nvme -1
peer_memory 0000:03:00.0 1073741824 1073741824 0
nvme_controller nvme1 0000:03:00.0
pci_function 0000:81:00.1 p2pmem_bar 1
peer_memory 0000:81:00.1 4096 0 0
pci_function 0000:05:00.0 e1000e 0

expect "table" 0 p2pmr list
has out '^NAME +TYPE +ADDRESS +DRIVER +NUMA +SIZE +AVAILABLE +PUBLISHED$'
has out '^nvme1 +p2pmem +0000:03:00\.0 +nvme +- +1 GiB +1 GiB +no *$'
has out '^nvme0 +p2pmem +0000:04:00\.0 +nvme +0 +64 MiB +61 MiB +yes *$'
has out '^0000:81:00\.1 +p2pmem +0000:81:00\.1 +p2pmem_bar +1 +4 KiB +0 B +no *$'
has out '^host +host +- +- +- +[0-9.]+ [KMGT]iB +[0-9.]+ [KMGT]iB +- *$'
silent err

expect "bytes" 0 p2pmr list --bytes
has out '^nvme0 .* 67108864 +63963136 +yes *$'

expect "long table" 0 p2pmr list --long
has out '^NAME +SIZE +CMB +BAR +OFFSET +SUPPORTS +QUEUES +NAMESPACES +PATH$'
has out '^nvme1 +1 GiB +- +- +- +- +no +- +- *$'
has out '^nvme0 +64 MiB +64 MiB +2 +1 MiB +SQS,LISTS,RDS,WDS +unknown +nvme0n1,nvme0n2 +0000:00:01\.0/0000:01:00\.0/0000:02:01\.0/0000:04:00\.0$'
has out '^0000:81:00\.1 +4 KiB +- +- +- +- +- +- +- *$'
has out '^host +[0-9.]+ [KMGT]iB +- +- +- +- +- +- +- *$'
silent err

expect "long table, bytes" 0 p2pmr list -l -b
has out '^nvme0 +67108864 +67108864 +2 +1048576 '

# A tree, which is no deeper than sysfs says
expect "tree" 0 p2pmr list --tree
has out '^NAME +TYPE +ADDRESS '
has out '^nvme1 +p2pmem +0000:03:00\.0 '
has out '^pci0000:00 +root bus +- '
has out '^`-0000:00:01\.0 +root port +- '
has out '^  `-0000:01:00\.0 +switch +- '
has out '^    `-0000:02:01\.0 +switch port +- '
has out '^      `-nvme0 +p2pmem +0000:04:00\.0 +nvme +0 +64 MiB +61 MiB +yes *$'
has out '^host +host '
expect "long tree" 0 p2pmr list --tree --long
has out '^ +`-nvme0 +64 MiB +64 MiB +2 +1 MiB '
expect "a tree is no JSON" 2 p2pmr list --tree --json
has err 'pci_path.*\[USAGE\]'

expect "JSON" 0 p2pmr list --json
silent err
json "$schema"
json '[.providers[].name] == ["nvme1", "nvme0", "0000:81:00.1", "host"]'
json '.providers[1] == {"name": "nvme0", "type": "p2pmem",
	"pci_address": "0000:04:00.0",
	"pci_path": "0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.0",
	"driver": "nvme", "numa_node": 0,
	"size_bytes": 67108864, "available_bytes": 63963136, "published": true,
	"nvme": {"namespaces": ["nvme0n1", "nvme0n2"],
		"cmb_size_bytes": 67108864, "cmb_bar": 2,
		"cmb_offset_bytes": 1048576,
		"cmb_supports": ["SQS", "LISTS", "RDS", "WDS"],
		"cmb_has_queues": null}}'
json '.providers[0].numa_node == null and .providers[0].pci_path == null'
json '.providers[0].nvme == {"namespaces": [], "cmb_size_bytes": null,
	"cmb_bar": null, "cmb_offset_bytes": null, "cmb_supports": null,
	"cmb_has_queues": false}'
json '.providers[2].nvme == null'
json 'has("note") | not'

expect "JSON with --bytes" 0 p2pmr list -b -j
json "$schema"

# ---- no peer memory -------------------------------------------------------
empty_tree
expect "nothing: table" 0 p2pmr list
has out '^host '
has err 'No PCI device .* offers peer memory.*\[NO_PROVIDER\]$'

expect "nothing: JSON" 0 p2pmr list --json
json "$schema"
json '.note.reason == "NO_PROVIDER" and (.note.text | length > 0) and (.note.remedy | length > 0)'
has err '\[NO_PROVIDER\]$'

# A drive, and a kernel that was built without P2PDMA
pci_function 0000:04:00.0 nvme 0
nvme_controller nvme0 0000:04:00.0
expect "no P2PDMA: table" 0 p2pmr list
has err 'CONFIG_PCI_P2PDMA.*\[KERNEL_NO_P2PDMA\]$'
expect "no P2PDMA: JSON" 0 p2pmr list --json
json '.note.reason == "KERNEL_NO_P2PDMA" and [.providers[].name] == ["host"]'

# ---- trees that are not as they should be ---------------------------------
P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree" 1 p2pmr list
silent out
has err 'nowhere.*\[SYSTEM\]$'
P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree: JSON" 1 p2pmr list --json
json '.error.reason == "SYSTEM" and .error.errno == "ENOENT"
	and (.error.text | length > 0) and (.error.remedy | length > 0)'
silent err

empty_tree
pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 lots 0 1
expect "a size that is no number" 1 p2pmr list
has err 'size.*\[SYSTEM\]$'
expect "the same, JSON" 1 p2pmr list --json
json '.error.reason == "SYSTEM"'

# What a drive says of itself is no reason to withhold how much memory there is
empty_tree
pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 67108864 67108864 1
nvme_controller nvme0 0000:04:00.0
nvme_cmb nvme0 0000:04:00.0 '64 << 12 | 7 << 8' 2
expect "a CMB unit that does not exist" 0 p2pmr list
has out '^nvme0 '
expect "the same, long" 1 p2pmr list --long
has err 'CMBSZ 0x40700.*\[SYSTEM\]$'
silent out
expect "the same, JSON" 1 p2pmr list --json
json '.error.reason == "SYSTEM" and .error.errno == "EBADMSG"'

finish
