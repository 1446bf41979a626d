# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: p2pmr nvmet makes a target that serves from a drive's memory, saves it, and takes it down
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh

nvmet=/sys/kernel/config/nvmet
nqn=nqn.2026-11.libp2pmr:tool
drive=$(drive_address 0)
disk=/dev/$(drive_name 1)n1
record=/run/p2pmr/nvmet

nothing_is_configured()
{
	local left
	left=$(find "$nvmet" -mindepth 2 -maxdepth 2)
	[ -z "$left" ] || fail "left behind: $left"
	[ ! -s "$record" ] || fail "still on record: $(cat "$record")"
}

clear_target()
{
	undo
	nothing_is_configured
}

# set_target [OPTION...]
set_target()
{
	defer undo
	p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 10.0.2.15 "$@" >/dev/null
}

undo()
{
	p2pmr nvmet clear >/dev/null
}

attribute()
{
	cat "$nvmet/$1"
}

memory_is_in_use()
{
	[ "$(cat "$(cmb_path 0 available)")" -lt "$(cat "$(cmb_path 0 size)")" ]
}

# ---- data ---------------------------------------------------------------------

find_remote()
{
	local dir node
	for dir in /sys/class/nvme-subsystem/*; do
		[ "$(cat "$dir/subsysnqn" 2>/dev/null)" = "$nqn" ] || continue
		for node in "$dir"/nvme*n1 "$dir"/nvme*/nvme*n1; do
			remote=/dev/${node##*/}
			[ ! -b "$remote" ] ||
				[ "$(cat "/sys/class/block/${node##*/}/size")" = 0 ] || return 0
		done
	done
	return 1
}

write_until_seen()
{
	until [ -e "$test_dir/seen" ]; do
		dd if="$test_dir/written" of="$remote" bs=128K oflag=direct status=none
	done
}

data_goes_through_the_memory()
{
	expect_output "^made subsystems/$nqn/namespaces/1$" \
		p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 10.0.2.15 --p2pmem "$(drive_name 0)"
	defer clear_target
	[ "$(attribute "subsystems/$nqn/namespaces/1/p2pmem")" = "$drive" ]
	[ "$(attribute ports/1/param_inline_data_size)" = 0 ]
	expect_output "^$nqn +1 $disk +yes +$drive +$(drive_name 0) +1 *$" p2pmr nvmet show
	expect_output '^ +1 rdma +10\.0\.2\.15 +4420 +0 rxe0 +'"$nqn"'$' p2pmr nvmet show
	nvme connect --transport=rdma --traddr=10.0.2.15 --trsvcid=4420 --nqn="$nqn" --nr-io-queues=1
	defer nvme disconnect --nqn="$nqn"
	within 20 find_remote
	[ -n "$(dmesg | sed -n "s/.*using p2pmem on $drive/&/p")" ] || fail "the log does not say so"
	head -c 1M /dev/urandom >"$test_dir/written"
	write_until_seen &
	within 60 memory_is_in_use
	: >"$test_dir/seen"
	wait $!
	dd if="$remote" bs=128K count=8 iflag=direct status=none | cmp - "$test_dir/written"
}

# ---- what is there, in a file and back ------------------------------------------

# All that can be configured, each part once
configure_all()
{
	set_target --p2pmem "$(drive_name 0)" --host nqn.host:a --host nqn.host:b
	p2pmr nvmet set --nqn "$nqn" --nsid 7 --device "$disk" --p2pmem auto --host nqn.host:a >/dev/null
	p2pmr nvmet set --nqn nqn.other --device "$disk" --p2pmem off --transport loop >/dev/null
	mkdir "$nvmet"/ports/1/ana_groups/2 "$nvmet"/ports/1/referrals/next
	echo non-optimized >"$nvmet"/ports/1/ana_groups/2/ana_state
	echo rdma >"$nvmet"/ports/1/referrals/next/addr_trtype
	echo ipv4 >"$nvmet"/ports/1/referrals/next/addr_adrfam
	echo 10.0.2.99 >"$nvmet"/ports/1/referrals/next/addr_traddr
	echo 4420 >"$nvmet"/ports/1/referrals/next/addr_trsvcid
	echo 1 >"$nvmet"/ports/1/referrals/next/enable
}

saved_and_restored()
{
	configure_all
	p2pmr nvmet save "$test_dir/a"
	expect_output '^600$' stat -c %a "$test_dir/a"
	rmdir "$nvmet"/ports/1/ana_groups/2 "$nvmet"/ports/1/referrals/next
	clear_target
	p2pmr nvmet restore "$test_dir/a" >/dev/null
	p2pmr nvmet save >"$test_dir/b"
	cmp "$test_dir/a" "$test_dir/b" || fail "$(diff "$test_dir/a" "$test_dir/b")"
	jq -e '[.subsystems[].namespaces[].p2pmem] == ["'"$drive"'", "1", "0"]' "$test_dir/b" >/dev/null ||
		fail "$(cat "$test_dir/b")"
	# again: all is there already, and nothing is made
	expect_status 0 p2pmr nvmet restore --json "$test_dir/a"
	jq -e '. == {"made": []}' >/dev/null <<<"$output" || fail "$output"
	clear_target
}

# unit_runs KEY: what the unit has there, without the folder of an installation
unit_runs()
{
	local line
	line=$(sed -n "s|^$1=/.*/bin/||p" build/tools/p2pmr-nvmet.service)
	[ -n "$line" ] || fail "the unit has no $1"
	# words, as systemd has them
	# shellcheck disable=SC2086
	$line >/dev/null
}

# From the file that its condition names; the modules are built in here
unit_of_systemd()
{
	local file
	file=$(sed -n 's/^ConditionPathExists=//p' build/tools/p2pmr-nvmet.service)
	set_target --p2pmem "$(drive_name 0)"
	p2pmr nvmet save "$file"
	defer rm -f "$file"
	undo
	unit_runs ExecStart
	[ "$(attribute "subsystems/$nqn/namespaces/1/p2pmem")" = "$drive" ]
	unit_runs ExecStop
	nothing_is_configured
}

# As nvmetcli writes them: another order, no p2pmem, an older ana_grpid
file_of_nvmetcli()
{
	defer clear_target
	cat >"$test_dir/file" <<-EOF
	{ "hosts": [ { "nqn": "hostnqn" } ],
	  "ports": [ { "addr": { "adrfam": "ipv4", "traddr": "10.0.2.15",
	                "treq": "not specified", "trsvcid": "4420", "trtype": "rdma" },
	      "ana_groups": [ { "ana": { "state": "optimized" }, "grpid": 1 } ],
	      "param": { "inline_data_size": "16384" },
	      "portid": 2, "referrals": [], "subsystems": [ "testnqn" ] } ],
	  "subsystems": [ { "allowed_hosts": [ "hostnqn" ],
	      "attr": { "allow_any_host": "0", "serial": "123456789abcdef", "version": "1.3" },
	      "namespaces": [ { "ana_grpid": 1,
	          "device": { "nguid": "ef90689c-6c46-d44c-89c1-4067801309a8", "path": "$disk",
	            "uuid": "d592cdf3-5d1c-44e0-8412-3fcf7d99df27" },
	          "enable": 1, "nsid": 1 } ],
	      "nqn": "testnqn" } ] }
	EOF
	p2pmr nvmet restore "$test_dir/file" >/dev/null
	[ "$(attribute subsystems/testnqn/namespaces/1/device_uuid)" = d592cdf3-5d1c-44e0-8412-3fcf7d99df27 ]
	[ "$(attribute subsystems/testnqn/namespaces/1/enable)" = 1 ]
	[ "$(attribute ports/2/param_inline_data_size)" = 16384 ]
	[ -L "$nvmet"/ports/2/subsystems/testnqn ]
}

# ---- all of it or nothing -----------------------------------------------------

# refused REASON COMMAND...: and nothing of it stays
refused()
{
	local reason=$1
	shift
	expect_status 1 "$@"
	grep -q "\[$reason\]$" <<<"$output" || fail "no [$reason]: $output"
	nothing_is_configured
}

set_refused()
{
	local reason=$1
	shift
	refused "$reason" p2pmr nvmet set --nqn "$nqn" --traddr 10.0.2.15 "$@"
}

mistakes_are_seen_before()
{
	truncate -s 1M "$test_dir/image"
	truncate -s 16M "$test_dir/loop"
	losetup /dev/loop0 "$test_dir/loop"
	defer losetup -d /dev/loop0
	set_refused NO_DEVICE --device /dev/nvme77n1
	set_refused NO_DEVICE --device /dev/null
	set_refused DEVICE_NO_P2PDMA --device "$test_dir/image"
	set_refused DEVICE_NO_P2PDMA --device /dev/loop0
	set_refused NO_PROVIDER --device "$disk" --p2pmem nvme77
	refused NO_ADDRESS p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 192.0.2.1
	refused NO_RDMA_DEVICE p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 127.0.0.1
	[ -z "$(dmesg | sed -n 's/nvmet: .*fail/&/p')" ] || fail "the kernel was asked"
}

# theirs ADDRESS: somebody else's port
theirs()
{
	mkdir "$nvmet"/subsystems/theirs "$nvmet"/ports/99
	defer rmdir "$nvmet"/subsystems/theirs "$nvmet"/ports/99
	echo rdma >"$nvmet"/ports/99/addr_trtype
	echo ipv4 >"$nvmet"/ports/99/addr_adrfam
	echo "$1" >"$nvmet"/ports/99/addr_traddr
	echo 4420 >"$nvmet"/ports/99/addr_trsvcid
	ln -s "$nvmet"/subsystems/theirs "$nvmet"/ports/99/subsystems/theirs
	defer rm "$nvmet"/ports/99/subsystems/theirs
}

only_theirs_is_there()
{
	[ "$(ls "$nvmet"/subsystems)" = theirs ] || fail "$(ls "$nvmet"/subsystems)"
	[ "$(ls "$nvmet"/ports)" = 99 ] || fail "$(ls "$nvmet"/ports)"
	[ -z "$(ls "$nvmet"/hosts)" ] || fail "$(ls "$nvmet"/hosts)"
	[ ! -s "$record" ] || fail "$(cat "$record")"
}

# The kernel refuses the very last step, which nobody could know
rolled_back()
{
	theirs 0.0.0.0
	expect_status 1 p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 10.0.2.15 --host nqn.host:a
	grep -q '\[REFUSED\]$' <<<"$output" || fail "$output"
	only_theirs_is_there
}

# As a second port it cannot be; the one that is there takes the link
port_in_use()
{
	theirs 10.0.2.15
	expect_status 1 p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 10.0.2.15 --port 3
	grep -q '\[ADDRESS_IN_USE\]$' <<<"$output" || fail "$output"
	expect_status 1 p2pmr nvmet set --nqn "$nqn" --device "$disk" --traddr 10.0.2.15 --port 99 --trsvcid 4421
	grep -q '\[EXISTS\]$' <<<"$output" || fail "$output"
	only_theirs_is_there
	set_target
	[ -L "$nvmet"/ports/99/subsystems/"$nqn" ]
	undo
	only_theirs_is_there
}

# ---- others have to do with the target as well ----------------------------------

clear_takes_its_own()
{
	theirs 10.0.2.15
	set_target --trsvcid 4421
	undo
	only_theirs_is_there
	expect_output '^made subsystems/theirs/namespaces/5$' \
		p2pmr nvmet set --nqn theirs --nsid 5 --device "$disk"
	[ -e "$nvmet"/subsystems/theirs/namespaces/5 ]
	undo
	[ ! -e "$nvmet"/subsystems/theirs/namespaces/5 ]
	only_theirs_is_there
}

# Removed by hand and made anew: it is another's now
others_work_is_left()
{
	set_target
	rm "$nvmet"/ports/1/subsystems/"$nqn"
	rmdir "$nvmet"/ports/1
	mkdir "$nvmet"/ports/1
	defer rmdir "$nvmet"/ports/1
	expect_output '^replaced ports/1$' p2pmr nvmet clear
	[ -d "$nvmet"/ports/1 ]
}

# Somebody's namespace in it: that goes first, by hand
in_use_by_others()
{
	set_target
	mkdir "$nvmet"/subsystems/"$nqn"/namespaces/9
	expect_status 1 p2pmr nvmet clear
	grep -q '\[IN_USE\]$' <<<"$output" || fail "$output"
	[ -d "$nvmet"/subsystems/"$nqn"/namespaces/9 ]
	rmdir "$nvmet"/subsystems/"$nqn"/namespaces/9
	clear_target
}

subtest "data goes through the drive's memory" data_goes_through_the_memory
subtest "saved and restored byte for byte" saved_and_restored
subtest "what the unit of systemd runs" unit_of_systemd
subtest "a file in nvmetcli's form" file_of_nvmetcli
subtest "mistakes are seen before anything is written" mistakes_are_seen_before
subtest "half of a configuration is taken down again" rolled_back
subtest "a port that is there" port_in_use
subtest "clear takes down its own and nothing else" clear_takes_its_own
subtest "what others made anew is left alone" others_work_is_left
subtest "what others put into it is left alone" in_use_by_others
finish
