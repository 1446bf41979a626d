#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr list on synthetic sysfs trees.
. "$(dirname "$0")/lib.sh"

# Every key there is, and its type: a change here is a change of the interface
schema='(keys - ["note"]) == ["providers"]
	and (.providers | length > 0)
	and all(.providers[]; keys == ["available_bytes", "driver", "name",
		"numa_node", "pci_address", "published", "size_bytes", "type"])
	and all(.providers[]; (.name | type) == "string"
		and (.type == "p2pmem" or .type == "host")
		and (.size_bytes | type) == "number"
		and (.available_bytes | type) == "number"
		and (.numa_node | . == null or type == "number"))
	and all(.providers[] | select(.type == "p2pmem");
		(.pci_address | test("^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$"))
		and (.published | type) == "boolean")
	and all(.providers[] | select(.type == "host");
		.pci_address == null and .driver == null and .published == null)'

# ---- two drives and a function without an nvme name -----------------------
empty_tree
pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 67108864 63963136 1
nvme_controller nvme0 0000:04:00.0
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

expect "JSON" 0 p2pmr list --json
silent err
json "$schema"
json '[.providers[].name] == ["nvme1", "nvme0", "0000:81:00.1", "host"]'
json '.providers[1] == {"name": "nvme0", "type": "p2pmem",
	"pci_address": "0000:04:00.0", "driver": "nvme", "numa_node": 0,
	"size_bytes": 67108864, "available_bytes": 63963136, "published": true}'
json '.providers[0].numa_node == null'
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

finish
