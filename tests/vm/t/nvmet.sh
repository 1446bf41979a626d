# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: an NVMe over RDMA target serves from a drive's memory, which leaves
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# TIMEOUT: 600
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
	within 300 some_memory_is_in_use
	: >/run/meet/seen
	meet checked
	[ "$(served peer)" -ge 64 ] || fail "$(p2pmr nvmet show)"
	# inline data is off, the pool is large, and there is no other reason
	only_peer
	within 60 nothing_is_left 0
}

# The target holds the memory for moments only
repeat_until_seen()
{
	"$@"
	while [ ! -e /run/meet/seen ]; do
		"$@"
	done
}

use()
{
	meet serving
	connect
	defer disconnect
	repeat_until_seen write_remote 4
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
	meet busy
	until_caught look_before look_after
	begin=$SECONDS
	unbind_drive
	echo "unbound after $((SECONDS - begin)) s"
	drive_is_gone
	meet left
	meet heard
	[ "$(served no_memory)" -gt 0 ] || fail "what went on from host memory is not counted"
	bring_back bind_drive
}

# What was on its way goes on when the network is back, from the target's own
# memory; fio looks at each block again. Its time is so long that it writes most of
# the time, as a debug kernel takes long to start it.
fall_silent()
{
	local writer
	meet listening
	connect --reconnect-delay=1
	defer disconnect
	rm -f /run/meet/seen
	repeat_until_seen fio --name=write --filename="$remote" --direct=1 --ioengine=libaio \
		--rw=write --bs=128k --iodepth=16 --size=4M --time_based --runtime=$((keep_alive * 2)) \
		--verify=crc32c --verify_fatal=1 >"$test_dir/fio" 2>&1 &
	writer=$!
	meet busy
	until_caught "network false" "network true"
	meet left
	network true
	wait "$writer" || fail "$(cat "$test_dir/fio")"
	meet heard
}

# until_caught BEFORE AFTER: at times no request is on its way, as when fio looks
# at what it has read. A cut at such a time is taken back, for another try.
until_caught()
{
	local try
	for try in {1..20}; do
		[ "$this_host" = 1 ] || $1
		meet "ready-$try"
		[ "$this_host" = 0 ] || $1
		meet "cut-$try"
		[ "$this_host" = 1 ] || $2
		meet "looked-$try"
		[ ! -e /run/meet/seen ] || return 0
		[ "$this_host" = 0 ] || $2
	done
	fail "no request was on its way in any of $try cuts of the network"
}

look_before()
{
	within 300 some_memory_is_in_use
}

look_after()
{
	sleep 0.2 # what has come already may still be answered
	! some_memory_is_in_use || : >/run/meet/seen
}

subtest "data goes through the drive's memory" each serve use
subtest "the drive leaves while the initiator is silent" each leave_while_silent fall_silent
finish
