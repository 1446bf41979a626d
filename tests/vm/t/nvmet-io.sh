# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2119,SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: reads, writes and trims of all sizes, and a file system, on a namespace served from peer memory
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# CMB: 128
# TIMEOUT: 1800
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/hosts.sh
. tests/vm/lib/nvmet.sh

# The pool is larger than all that can be on its way, so nothing may fall back
serve()
{
	start_target "$(drive_name 0)"
	defer stop_target
	meet "$1-serving"
	meet "$1-done"
	only_peer
	p2pmr nvmet show | tail -n 1
}

# ---- fio ------------------------------------------------------------------------

verify=(--verify=crc32c --verify_fatal=1)

# Each size at each depth, writes in order and at random in turns; each byte is
# read back, in the order of the writes and at the same depth. Not more than is
# on its way at once where that is much: emulation is slow. On the debug kernel,
# not more than 8 MiB are on their way: 64 take it longer than a host waits.
fio_matrix()
{
	local size depth bytes most=65536 order=write jobs=() n=0
	[ ! -e /proc/sys/kernel/prove_locking ] || most=8192
	for size in 4 16 64 256 1024; do
		for depth in 1 4 16 64; do
			[ $((size * depth)) -le "$most" ] || continue
			bytes=$((size * depth > 512 ? size * depth : 512))
			jobs+=(--name="$order-${size}k-$depth" --stonewall --rw="$order"
				--bs="${size}k" --iodepth="$depth" --size="${bytes}k")
			[ "$order" = write ] && order=randwrite || order="write"
			n=$((n + 1))
		done
	done
	run_fio "${verify[@]}" "${jobs[@]}"
	[ "$(jq '.jobs | length' "$test_dir/fio")" = "$n" ]
}

# Reads among the writes, and blocks of all sizes
fio_mixed()
{
	run_fio "${verify[@]}" --name=mixed --rw=randrw --bsrange=4k-1m --iodepth=16 --size=16m
}

# What was written before a trimmed range and behind it is still there. QEMU's
# drive keeps what was trimmed, so that itself is not looked at.
fio_trim()
{
	local around=("${verify[@]}" --rw=write --bs=64k --iodepth=4 --size=1m)
	run_fio "${around[@]}" --name=before --name=behind --offset=9m
	run_fio --name=trim --rw=trim --offset=1m --bs=4k --iodepth=1 --size=128k \
		--name=trim-large --stonewall --rw=trim --offset=1m --bs=1m --iodepth=4 --size=8m \
		--name=trim-random --stonewall --rw=randtrim --offset=1m --bs=64k --iodepth=64 --size=8m
	[ "$(jq '[.jobs[].trim.total_ios] | add' "$test_dir/fio")" = $((32 + 8 + 128)) ]
	run_fio --verify_only "${around[@]}" --name=before --name=behind --offset=9m
}

run_fio()
{
	fio --filename="$remote" --direct=1 --ioengine=libaio \
		--output-format=json --output="$test_dir/fio" "$@" >"$test_dir/fio.said" 2>&1 ||
		fail "fio: $(tail -n 5 "$test_dir/fio.said" "$test_dir/fio")"
}

use()
{
	meet "$1-serving"
	connect
	defer disconnect
	"$2"
	meet "$1-done"
}

# ---- a file system ----------------------------------------------------------------

file_system()
{
	local mount=$test_dir/mount
	mkdir "$mount"
	mkfs.ext4 -q -F "$remote" 48M
	mount "$remote" "$mount"
	defer umount -q "$mount"
	cp -r include libp2pmr tools "$mount"
	head -c 8M /dev/urandom >"$mount/random"
	(cd "$mount" && find . -type f -exec sha256sum {} +) >"$test_dir/sums"
	umount "$mount"
	mount "$remote" "$mount"
	(cd "$mount" && sha256sum --quiet -c "$test_dir/sums")
	diff -r include "$mount/include"
	umount "$mount"
	e2fsck -f -n "$remote" >"$test_dir/fsck" 2>&1 || fail "$(cat "$test_dir/fsck")"
	echo "$(wc -l <"$test_dir/sums") files"
}

subtest "each size at each depth" each "serve matrix" "use matrix fio_matrix"
subtest "sizes and directions mixed" each "serve mixed" "use mixed fio_mixed"
subtest "trims" each "serve trim" "use trim fio_trim"
subtest "ext4" each "serve ext4" "use ext4 file_system"
finish
