#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr topo on made trees: data/NAME.tree is a machine, data/NAME.topo what is
# to be printed of it.
#
#   topo.sh --print NAME      what is printed now, to be reviewed and kept
. "$(dirname "$0")/lib.sh"

data=$(dirname "$(realpath "$0")")/data

machine()
{
	[ -d "$dir/$1" ] || "$data/make-tree" "$data/$1.tree" "$dir/$1"
	export P2PMR_SYSFS_ROOT=$dir/$1/sys
}

if [ "${1-}" = --print ]; then
	machine "$2"
	p2pmr topo --long
	exit
fi

# The picture is XML, and says these words
picture()
{
	local word
	if python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$1" 2>>"$dir/err"; then
		ok "  it is XML"
	else
		not_ok "  it is no XML"
	fi
	for word in "${@:2}"; do
		if grep -qF -- ">$word</text>" "$1"; then
			ok "  it says '$word'"
		else
			not_ok "  it does not say '$word'"
		fi
	done
}

# count FILE PATTERN: how often it is in there
count()
{
	grep -cE -- "$2" "$1"
}

# is NAME WANTED GOT
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1: \"$3\", not \"$2\""
	fi
}

for shape in "$data"/*.tree; do
	name=$(basename "$shape" .tree)
	machine "$name"
	p2pmr topo --long >"$dir/topo" 2>&1
	expect "$name" 0 diff "$data/$name.topo" "$dir/topo"
	expect "$name: picture" 0 p2pmr topo --svg "$dir/picture.svg"
	silent out
	picture "$dir/picture.svg" nvme0
	expect "$name: graph" 0 p2pmr topo --dot
	if command -v dot >/dev/null; then
		expect "  graphviz takes it" 0 dot -Tsvg -o /dev/null "$dir/out"
	fi
done

# ---- forms ----------------------------------------------------------------
machine switch
expect "JSON" 0 p2pmr topo --json
silent err
# Every key there is, and its type
json 'keys == ["functions", "paths", "providers", "rdma_devices", "rules_of_kernel"]
	and all(.functions[]; keys == ["acs", "below", "ids", "name", "numa_node", "role"])
	and all(.functions[].acs | select(. != null);
		keys == ["capable", "completion_redirect", "egress_control", "request_redirect"])
	and all(.paths[]; keys == ["distance", "explanation", "host_bridges_allowed", "kind",
		"provider", "provider_side", "rdma_device", "rdma_side", "remedy", "way"])
	and all(.providers[]; keys == ["name", "numa_node", "pci_address", "size_bytes"])
	and all(.rdma_devices[]; keys == ["name", "numa_node", "pci_address"])'
json '[.paths[] | [.provider, .rdma_device, .kind, .distance]] == [["nvme0", "mlx5_0", "bus", 4],
	["nvme0", "mlx5_1", "bus", 4], ["nvme0", "mlx5_2", "bridge", 6]]'
json '.paths[0].way == ["0000:19:00.0", "0000:18:08.0", "0000:17:00.0", "0000:18:09.0", "0000:1a:00.0"]'
json '[.functions[] | select(.role == "switch port") | .below] == ["0000:17:00.0", "0000:17:00.0"]'
json '.functions[0] == {"name": "pci0000:16", "role": "root bus", "below": null, "ids": null,
	"numa_node": null, "acs": null}'
json '.paths[2].rdma_side == {"iommu": "none", "host_bridge": "8086:09a2"} and .paths[2].host_bridges_allowed'
json '.providers == [{"name": "nvme0", "pci_address": "0000:19:00.0", "numa_node": 0, "size_bytes": 536870912}]'

expect "graph" 0 p2pmr topo --dot
has out '^	"0000:17:00.0" -> "0000:18:08.0" \[arrowhead=none\];$'
has out '^	"0000:19:00.0" -> "0000:1a:00.0" .*style=bold.*label="bus 4"'
has out '^	"0000:19:00.0" -> "0000:1b:00.0" .*style=dashed.*label="bridge 6"'

expect "picture on standard output" 0 p2pmr topo --svg -
cp "$dir/out" "$dir/picture.svg"
picture "$dir/picture.svg" nvme0 mlx5_0 mlx5_1 mlx5_2 'bus 4' 'bridge 6' 'memory 512 MiB, 19:00.0' 'root bus, NUMA 0'
is "  two bus cells" 2 "$(count "$dir/picture.svg" '>bus 4<')"
# One each is in the legend
is "  the bridge cell is dashed" 2 "$(count "$dir/picture.svg" 'stroke="#E69F00".*stroke-dasharray="7 3"')"
is "  bus cells are not" 3 "$(count "$dir/picture.svg" 'stroke="#009E73" stroke-width="2.5"/>')"
is "  no redirection" 0 "$(count "$dir/picture.svg" '>ACS redirects<')"

machine sriov
expect "picture with redirection" 0 p2pmr topo --svg "$dir/picture.svg"
is "  one port redirects" 1 "$(count "$dir/picture.svg" '>ACS redirects<')"

machine laptop
expect "software" 0 p2pmr topo --json
json '[.rdma_devices[] | [.name, .pci_address]] == [["mlx5_0", "0000:06:00.0"], ["rxe0", null]]
	and ([.paths[] | [.rdma_device, .kind, .distance, .way]][1] == ["rxe0", "cpu", null, []])
	and all(.functions[]; .role != "not on PCI")'

expect "two forms" 2 p2pmr topo --json --dot
has err 'only one of.*\[USAGE\]'
expect "a form twice" 0 p2pmr topo --json --json

# ---- names ----------------------------------------------------------------
machine sriov
expect "one device" 0 p2pmr topo --json mlx5_3
json '[.paths[] | [.provider, .rdma_device]] == [["nvme0", "mlx5_3"]] and (.rdma_devices | length == 1)'
expect "a provider by address" 0 p2pmr topo --json 19:00.0
json '.paths | length == 4'
expect "one of each" 0 p2pmr topo --json nvme0 mlx5_1 mlx5_2
json '[.paths[].rdma_device] == ["mlx5_1", "mlx5_2"]'
expect "mistyped" 1 p2pmr topo mlx_1
silent out
has err 'no provider or RDMA device "mlx_1"\. Did you mean mlx5_1.*\[NO_PROVIDER\]$'
expect "mistyped, JSON" 1 p2pmr topo --json nvme
json '.error.reason == "NO_PROVIDER" and (.error.remedy | startswith("Did you mean nvme0"))'
expect "something else" 1 p2pmr topo sausage
has err 'There are: nvme0, mlx5_0, mlx5_1, mlx5_2, mlx5_3\.'
expect "nothing" 1 p2pmr topo ""
expect "host memory is nowhere" 1 p2pmr topo host
expect "a function that is neither" 1 p2pmr topo 0000:18:08.0
has err '0000:18:08.0 \(0000:18:08.0\) exists, but'
expect "a name of 5,000 letters" 1 p2pmr topo "$(printf 'x%.0s' {1..5000})"

# ---- files ----------------------------------------------------------------
echo old >"$dir/file.svg"
chmod 640 "$dir/file.svg"
# shellcheck disable=SC2016 # for the other shell
expect "a disk that is full" 1 sh -c 'trap "" XFSZ; ulimit -f 1; exec p2pmr topo --svg "$0"' "$dir/file.svg"
has err 'Cannot write .*file.svg: File too large.*\[SYSTEM\]$'
is "  the old file is still there" old "$(cat "$dir/file.svg")"
is "  and nothing else" 1 "$(find "$dir" -maxdepth 1 -name 'file.svg*' | wc -l)"
ln -s file.svg "$dir/link.svg"
expect "over an old file" 0 p2pmr topo --svg "$dir/link.svg"
is "  its mode stays" 640 "$(stat -c %a "$dir/file.svg")"
is "  and so does a link to it" file.svg "$(readlink "$dir/link.svg")"
picture "$dir/file.svg" nvme0
expect "a folder that is not there" 1 p2pmr topo --svg "$dir/nowhere/file.svg"
has err 'No such file or directory.*\[SYSTEM\]$'
expect "no room on standard output" 1 sh -c 'p2pmr topo --svg - >/dev/full'
has err 'No space left'
expect "nor for the graph" 1 sh -c 'p2pmr topo --dot >/dev/full'
expect "nor for the table" 1 sh -c 'p2pmr topo >/dev/full'

# ---- machines with less ---------------------------------------------------
empty_tree
expect "an empty machine" 0 p2pmr topo
silent out
has err 'no peer memory.*\[NO_PROVIDER\]$'
has err 'no RDMA device.*\[NO_RDMA_DEVICE\]$'
expect "its JSON" 0 p2pmr topo --json
json '.providers == [] and .paths == []'
expect "its picture" 0 p2pmr topo --svg "$dir/picture.svg"
picture "$dir/picture.svg" 'Peer memory and RDMA devices'

# A tree without root buses, and with names that are none
pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 67108864 63963136 1
mkdir -p "$P2PMR_SYSFS_ROOT/class/infiniband/<b>&\"rxe\\"
expect "odd names" 0 p2pmr topo
has out '^0000:04:00.0 '
expect "in a picture" 0 p2pmr topo --svg "$dir/picture.svg"
picture "$dir/picture.svg" 0000:04:00.0
expect "in a graph" 0 p2pmr topo --dot
has out 'label="<b>&\\"rxe\\\\\\n'
P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree" 1 p2pmr topo
has err 'nowhere.*\[SYSTEM\]$'

finish
