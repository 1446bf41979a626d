# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: p2pmr copy between two machines, by a real ssh, and without a network
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# TIMEOUT: 1200
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/hosts.sh
. tests/vm/lib/ssh.sh

# ---- there and back -------------------------------------------------------------

send_and_fetch()
{
	head -c 9000001 /dev/urandom >"$disk/file"
	expect_status 0 copy -p "$disk/file" "$far:$far_disk"
	echo "$output"
	grep -q "^sent by this machine through nvme.* (the drive that holds $disk/file)$" <<<"$output"
	grep -q "^received by $far through nvme.* (the drive that holds $far_disk)$" <<<"$output"
	[ "$(grep -c '^  8.6 MiB by the peer path, 0 B by the host$' <<<"$output")" = 2 ] || fail "$output"
	sha256sum <"$disk/file" >"/run/meet/sum"
	meet sent
	meet checked
	expect_status 0 copy -p "$far:$far_disk/file" "$disk/back"
	cmp "$disk/file" "$disk/back"
}

check_sent()
{
	meet sent
	[ "$(sha256sum <"$disk/file")" = "$(cat "/run/meet/sum")" ] || fail "the copy differs"
	meet checked
}

nobody_there()
{
	expect_status 1 p2pmr copy -e "ssh $ssh_options" --remote-program /nonesuch/p2pmr \
		"$disk/file" "$far:$far_disk"
	grep -q 'could not start p2pmr on .*\[CONNECT\]$' <<<"$output" || fail "$output"
	expect_status 1 p2pmr copy -e "ssh ${ssh_options/$ssh_key//nonesuch}" "$disk/file" "$far:$far_disk"
	grep -q 'ended with status 255\. .*\[CONNECT\]$' <<<"$output" || fail "$output"
}

# ---- the network is gone --------------------------------------------------------

under_way()
{
	[ -n "$(find "$disk" -name '.p2pmr-*' -size +0)" ]
}

no_copy()
{
	! pgrep -f 'p2pmr copy' >/dev/null
}

lose_the_other_end()
{
	local start
	head -c 100000000 /dev/urandom >"$disk/large"
	meet large
	start=$SECONDS
	expect_status 1 copy "$disk/large" "$far:$far_disk"
	echo "it took $((SECONDS - start)) s: $output"
	grep -qE '\[(COMPLETION|PEER_LOST)\]$' <<<"$output" || fail "$output"
	within 30 no_copy
	meet lost
	# and again, now that it is back
	expect_status 0 copy "$disk/file" "$far:$far_disk/again"
}

cut_the_network()
{
	meet large
	within 60 under_way
	ip link set eth0 down
	defer ip link set eth0 up
	within 90 no_copy
	[ ! -e "$disk/large" ] || fail "half a file was put in place"
	! under_way || fail "a part of the file was left"
	ip link set eth0 up
	ip addr add "fd00:a00:20f::$((15 + this_host))/64" dev eth0 nodad 2>/dev/null || true
	sleep 2
	meet lost
}

subtest "file systems" mount_disk
far_disk=$(cat "/run/meet/disk.$other_host")
subtest "ssh" each make_key start_sshd
subtest "there and back" each send_and_fetch check_sent
subtest "nobody there" each nobody_there true
subtest "the network is cut" each lose_the_other_end cut_the_network
meet end
umount "$disk"
finish
