# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: an NVMe over RDMA target serves from a drive's memory, which leaves
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# TIMEOUT: 300
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/hosts.sh
. tests/vm/lib/nvmet.sh

some_memory_is_in_use()
{
	[ "$(cat "$(cmb_path 0 available)")" -lt "$(cat "$(cmb_path 0 size)")" ]
}

# ---- data goes through the drive's memory ---------------------------------------

serve()
{
	start_target "$drive"
	defer stop_target
	meet serving
	within 60 some_memory_is_in_use
	meet checked
	[ -n "$(dmesg | sed -n "s/.*using p2pmem on $drive/&/p")" ] || fail "the log does not say so"
	within 10 nothing_is_left 0
}

use()
{
	meet serving
	connect
	defer disconnect
	write_remote 4
	check_remote 4
	meet checked
}

# ---- the memory leaves while nobody answers -------------------------------------

# The target reads what the initiator wants to write, and gets no answer: the
# requests hold pages of the drive until the initiator is taken for dead, which
# is when it has sent nothing for its keep-alive time
leave_while_silent()
{
	local begin
	start_target "$drive"
	defer stop_target
	meet listening
	within 60 some_memory_is_in_use
	meet busy
	meet silent
	some_memory_is_in_use || fail "no request was on its way when the network went"
	begin=$SECONDS
	unbind_drive
	echo "unbound after $((SECONDS - begin)) s"
	drive_is_gone
	meet left
	meet heard
	bring_back bind_drive
}

# What was on its way goes on when the network is back, from the target's own
# memory; fio looks at each block again
fall_silent()
{
	local writer
	meet listening
	connect --keep-alive-tmo=2 --reconnect-delay=1
	defer disconnect
	fio --name=write --filename="$remote" --direct=1 --ioengine=libaio --rw=write \
		--bs=128k --iodepth=16 --size=4M --time_based --runtime=8 \
		--verify=crc32c --verify_fatal=1 >"$test_dir/fio" 2>&1 &
	writer=$!
	meet busy
	sleep 1
	qmp set_link '{"name": "net0", "up": false}' >/dev/null
	meet silent
	meet left
	qmp set_link '{"name": "net0", "up": true}' >/dev/null
	wait "$writer" || fail "$(cat "$test_dir/fio")"
	meet heard
}

subtest "data goes through the drive's memory" each serve use
subtest "the drive leaves while the initiator is silent" each leave_while_silent fall_silent
finish
