# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2119,SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: no acknowledged write is lost when the target, its network or its memory goes and comes back
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# TIMEOUT: 1500
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/hosts.sh
. tests/vm/lib/nvmet.sh

# ---- under way ---------------------------------------------------------------------

# disturbed COMMAND [ARG...]: of the target, while the host writes; then all is
# as it was, in peer memory as well
disturbed()
{
	start_target "$drive"
	defer stop_target
	meet "$1-serving"
	meet "$1-writing"
	within 60 some_was_served 2
	"$@"
	meet "$1-disturbed"
	meet "$1-done"
	[ "$(served peer)" -gt 0 ] || fail "$(p2pmr nvmet show)"
	within 60 nothing_is_left 0
}

some_was_served()
{
	[ "$(served peer)" -ge "$1" ]
}

# fio remembers each write that was acknowledged, and reads all of them back. It
# writes on until the target is back; writes that were on their way are sent
# again, and none may fail.
write_on()
{
	local writer
	meet "$1-serving"
	connect --reconnect-delay=1 --ctrl-loss-tmo=300
	defer disconnect
	fio --name=write --filename="$remote" --direct=1 --ioengine=libaio --rw=randwrite \
		--bs=16k --iodepth=16 --size=32M --verify=crc32c --verify_fatal=1 \
		--rate=1m >"$test_dir/fio" 2>&1 &
	writer=$!
	defer kill_quietly "$writer"
	meet "$1-writing"
	meet "$1-disturbed"
	kill -0 "$writer" || fail "it ended before: $(cat "$test_dir/fio")"
	wait "$writer" || fail "$(cat "$test_dir/fio")"
	meet "$1-done"
}

kill_quietly()
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# ---- what happens ------------------------------------------------------------------

# All of the target is gone at once, and made anew from what was saved
target_dies()
{
	p2pmr nvmet save "$test_dir/saved"
	p2pmr nvmet clear >/dev/null
	[ -z "$(find /sys/kernel/config/nvmet -mindepth 2 -maxdepth 2)" ]
	within 20 nothing_is_left 0
	sleep 3
	p2pmr nvmet restore "$test_dir/saved" >/dev/null
	p2pmr nvmet save | cmp - "$test_dir/saved"
	within 120 some_was_served 1
}

# Longer than the keep-alive time, so that either side takes the other for dead
link_goes()
{
	network false
	sleep $((keep_alive * 3))
	within 120 nothing_is_left 0
	network true
}

# What goes on from host memory meanwhile goes on from the drive's when it is back
drive_leaves()
{
	local before
	unbind_drive
	drive_is_gone
	within 120 host_memory_serves
	bind_drive
	within 20 drive_is_back
	before=$(served peer)
	within 120 some_was_served $((before + 16))
}

host_memory_serves()
{
	[ "$(served no_memory)" -ge 16 ]
}

# ---- many times --------------------------------------------------------------------

rounds=50

# Memory of both hosts is looked at after a few rounds, which fill caches
connected_often()
{
	local before after
	start_target "$drive"
	defer stop_target
	meet rounds-serving
	meet rounds-warm
	within 60 nobody_is_connected
	before=$(memory_taken)
	meet rounds-measured
	meet rounds-done
	[ "$(served peer)" -ge "$rounds" ] || fail "$(p2pmr nvmet show)"
	only_peer
	within 60 nobody_is_connected
	nothing_is_left 0
	after=$(memory_taken)
	same_memory "$before" "$after"
}

nobody_is_connected()
{
	[ "$(p2pmr nvmet show --json | jq '.controllers | length')" = 0 ]
}

connect_often()
{
	local i before after
	meet rounds-serving
	for ((i = 0; i < rounds; i++)); do
		[ "$i" != 10 ] || {
			meet rounds-warm
			before=$(memory_taken)
			meet rounds-measured
		}
		connect
		write_remote 1
		disconnect
	done
	after=$(memory_taken)
	meet rounds-done
	same_memory "$before" "$after"
}

# What the kernel has and does not give back, in KiB
memory_taken()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" || $1 == "Percpu:" { sum += $2 }
		END { print sum }' /proc/meminfo
}

# Forty rounds that lose but a page for each of a connection's queues, which have
# 128 entries, would show
same_memory()
{
	echo "the kernel had $1 KiB after 10 rounds, $2 KiB after $rounds"
	# KASAN keeps what was freed for a while; kmemleak sees what is lost there
	[ ! -e /sys/kernel/debug/kmemleak ] || return 0
	[ $(($2 - $1)) -lt 1024 ] || fail "it took $(($2 - $1)) KiB more"
}

subtest "the target dies and is restored" each "disturbed target_dies" "write_on target_dies"
subtest "the link goes down and up" each "disturbed link_goes" "write_on link_goes"
subtest "the drive with the memory leaves" each "disturbed drive_leaves" "write_on drive_leaves"
subtest "$rounds rounds" each connected_often connect_often
finish
