# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: an NVMe target's data is right while the drive whose memory it is in is reset
# KERNEL: p2p
# TOPOLOGY: switch
# ACCEL: tcg-single
# TIMEOUT: 1200
# ALL: yes
#
# In one thread: with several, one of fifteen runs stood still, with nothing on its
# console, not even of tasks that hang, and QEMU using no processor time.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/nvmet.sh

# Its memory is out of reach for a tenth of a second each time
reset_again_and_again()
{
	while sleep "$pause"; do
		echo 1 >"/sys/bus/pci/devices/$drive/reset"
	done
}

# What timed out in vain: requests to a drive, and those of a host that is connected. One
# that loses its connection while it makes it anew does not heed that (RESETTING does not
# follow CONNECTING), and waits for what it has sent until then to time out.
timed_out()
{
	local host=${remote#/dev/}
	dmesg | awk -v "host=nvme ${host%n1}:" '
		/: Reconnecting in / { connecting = 1 }
		/: (Successfully reconnected|Removing ctrl)/ { connecting = 0 }
		/nvme.* opcode .* timeout/ && !(connecting && index($0, host))'
}

# What fio was told that it is written is read back; a request that fails is sent
# again by the host, and so is a read that the target was about to answer when the
# memory went, after it has ended the connection. The target and its host are one machine.
data_is_right()
{
	start_target "$drive"
	defer stop_target
	connect --nr-io-queues=1 --reconnect-delay=1
	defer disconnect
	run_bg reset_again_and_again
	fio --name=reset --filename="$remote" --direct=1 --ioengine=libaio --rw="$1" \
		--bs=64k --iodepth=8 --size=2M --time_based --runtime=40 \
		--verify=crc32c --verify_fatal=1 >"$test_dir/fio" 2>&1 ||
		fail "$(cat "$test_dir/fio")"
	[ -z "$(timed_out)" ] || fail "no answer, and no end of the connection: $(timed_out)"
	[ "$(served peer)" -ge 64 ] || fail "little was served from the drive: $(p2pmr nvmet show)"
}

pause=$(awk -v "patience=$patience" 'BEGIN { print 0.1 * patience }')
subtest "writes" without_lockdep data_is_right write
subtest "reads and writes" without_lockdep data_is_right randrw
finish
