# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # expect_status sets output
# DESCRIPTION: p2pmr check passes where all is well, and names what is missing where it is not
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh

d0=$(drive_name 0)
d1=$(drive_name 1)
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all)

# says STATE CHECK [OBJECT [PATTERN]]: there is such a line in JSON $output
says()
{
	jq -e --arg s "$1" --arg c "$2" --arg o "${3-}" --arg p "${4-}" '[.checks[] |
		select(.state == $s and .check == $c and ($o == "" or .object == $o) and
			([.text, .remedy, .reason] | map(. // "") | join(" ") | test($p)))] | length > 0' \
		<<<"$output" >/dev/null || fail "no '$*' in: $output"
}

all_is_well()
{
	expect_status 0 p2pmr check
	! grep -q '^fail' <<<"$output" || fail "$output"
	expect_status 0 p2pmr check --json
	jq -e '.verdict == "yes"' <<<"$output" >/dev/null || fail "$output"
	says pass kernel "" "Linux $(uname -r)"
	says pass memlock
	says pass provider "$d0"
	says pass provider "$d1"
	says pass access "$d0"
	says pass path rxe0 '^cpu to '
	says pass device rxe0 'atomic operations included'
	says pass pin rxe0 "$d0, $d1|$d1, $d0"
	says pass revoke rxe0
	pools_are_whole
}

# siw takes no peer memory, which is a failure where there is nothing else
a_device_that_takes_none()
{
	rdma link add siw0 type siw netdev eth0
	defer rdma link delete siw0
	expect_status 0 p2pmr check --json
	says warn path siw0 '^none to '
	says warn pin siw0 DEVICE_NO_OPTIN
	says pass pin rxe0
	expect_status 77 p2pmr check --json siw0
	says fail path siw0
	says fail pin siw0 DEVICE_NO_OPTIN
	pools_are_whole
}

no_permission()
{
	expect_status 1 "${nobody[@]}" p2pmr check --json
	says fail access "$d0" 'usermod -aG p2pmem'
	says fail allocate "$d0" NO_PERMISSION
}

too_little_memlock()
{
	local file
	file=$(cmb_allocate_path 0)
	chmod o+rw "$file"
	defer chmod o-rw "$file"
	ulimit -l 0
	# libibverbs warns of such a limit on standard error
	# shellcheck disable=SC2016 # for the other shell
	expect_status 1 "${nobody[@]}" sh -c 'p2pmr check --json "$0" 2>/dev/null' "$d0"
	says pass access "$d0"
	says fail memlock "" 'ulimit -l'
	says fail pin rxe0 MEMLOCK
}

no_rdma_device()
{
	rdma link delete rxe0
	defer rdma link add rxe0 type rxe netdev eth0
	expect_status 77 p2pmr check --json
	says fail device "" 'rdma link add rxe0'
}

no_provider()
{
	local i address
	for i in 0 1; do
		address=$(drive_address "$i")
		echo "$address" >/sys/bus/pci/drivers/nvme/unbind
		defer eval "echo $address >/sys/bus/pci/drivers/nvme/bind"
	done
	expect_status 77 p2pmr check --json
	says fail provider "" NO_PROVIDER
}

# The tree that the lab makes, as far as the tree is the lab's
the_tree()
{
	expect_status 0 p2pmr topo --json
	jq -e --arg a "$(drive_address 0)" '[.functions[].role] == ["root bus", "root port", "switch",
		"switch port", "endpoint", "switch port", "endpoint"] and
		any(.providers[]; .pci_address == $a) and .rdma_devices[0].pci_address == null and
		all(.paths[]; .kind == "cpu")' <<<"$output" >/dev/null || fail "$output"
	expect_status 0 p2pmr topo --svg "$test_dir/topo.svg"
	grep -qF ">$d0</text>" "$test_dir/topo.svg"
}

subtest "all is well" all_is_well
subtest "a device that takes none" a_device_that_takes_none
subtest "no permission" no_permission
subtest "too little RLIMIT_MEMLOCK" too_little_memlock
subtest "the tree" the_tree
subtest "no RDMA device" no_rdma_device
subtest "no provider" no_provider
finish
