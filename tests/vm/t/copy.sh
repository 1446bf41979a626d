# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016 # output; jq has variables
# DESCRIPTION: p2pmr copy goes from drive to drive, and leaves nothing half done
# KERNEL: p2p
# TOPOLOGY: switch
# TIMEOUT: 1500
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh
. tests/vm/lib/copy.sh

empty_to()
{
	find "$to" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
}

# ---- the right bytes, the right way ---------------------------------------------

# Around blocks and chunks; one command there, one back
sizes()
{
	local size
	mkdir "$from/sizes" "$to/sizes"
	for size in 0 1 511 4095 4096 4097 65535 65536 65537 524288 524289 3000001; do
		random "$from/sizes/$size" "$size"
	done
	# two chunks, to be filled again and again
	expect_status 0 copy --chunk 64K --depth 2 --json "$from"/sizes/* "there:$to/sizes"
	diff -r "$from/sizes" "$to/sizes" || fail "the copies differ"
	report '.files == 12 and .bytes == 4257986 and .failed == 0 and .chunk_bytes == 65536
		and .depth == 2 and .sender.memory == $d0 and .receiver.memory == $d1
		and ([.sender, .receiver] | all(.peer_bytes == 4257986 and .host_bytes == 0))
		and .receiver.flushes > 0'
	rm -r "$from/sizes"
	mkdir "$from/sizes"
	expect_status 0 copy "there:$to/sizes/3000001" "there:$to/sizes/4097" "$from/sizes"
	said "^sent by there through $d1 \(the drive that holds $to/sizes/3000001\)$" \
		"^received by this machine through $d0 \(the drive that holds " \
		'^  2.9 MiB by the peer path, 0 B by the host$'
	cmp "$from/sizes/3000001" "$to/sizes/3000001"
	cmp "$from/sizes/4097" "$to/sizes/4097"
}

# list DIR: all that -rpl is to keep; a folder's own size is its file system's
list()
{
	(cd "$1" && find . -type d -printf '%p %m %T@\0' -o -printf '%p %m %s %T@ %l\0') | sort -z
}

trees()
{
	local tree=$from/tree
	mkdir -p "$tree/sub/deep" "$tree/empty"
	random "$tree/sub/file" 10000
	echo x >"$tree/sub/deep/new
line"
	echo y >"$tree/"$'\xff\xfe not UTF-8'
	echo z >"$tree/-r"
	ln -s /etc/passwd "$tree/link"
	ln -s nowhere "$tree/sub/dangling"
	chmod 0640 "$tree/sub/file"
	chmod 0550 "$tree/sub/deep"
	touch -d '2001-02-03 04:05:06.789' "$tree/sub/file"
	touch -d '1970-01-01 00:00:01' "$tree/sub/deep" "$tree/empty"
	expect_status 0 copy -rpl "$tree" "there:$to"
	diff <(list "$tree") <(list "$to/tree") || fail "the copy differs"
	diff -r --no-dereference "$tree" "$to/tree" || fail "the copy differs"
	# the same over it, and under another name
	expect_status 0 copy -rpl "$tree" "there:$to"
	expect_status 0 copy -rpl --json "there:$tree" "$to/other"
	report '.files == 6 and .failed == 0'
	diff <(list "$tree") <(list "$to/other") || fail "the copy differs"
	# links are not followed, and without -l left out
	expect_status 1 copy -r "$tree" "there:$to/third"
	said 'tree/link: is a symbolic link, and left out\. .*-l\. \[SOURCE\]$'
	[ -e "$to/third/sub/file" ] && [ ! -e "$to/third/link" ]
	expect_status 1 copy "$tree" "there:$to/fourth"
	said 'tree: is a folder\. Copy folders with -r\. \[SOURCE\]$'
	[ ! -e "$to/fourth" ]
}

# ranges FILE: where it has data, and what
ranges()
{
	python3 - "$1" <<-'END'
		import hashlib, os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		size = os.fstat(fd).st_size
		end = 0
		while end < size:
		    try:
		        begin = os.lseek(fd, end, os.SEEK_DATA)
		    except OSError:
		        break
		    end = os.lseek(fd, begin, os.SEEK_HOLE)
		    print(begin, end, hashlib.sha256(os.pread(fd, end - begin, begin)).hexdigest())
		print("size", size)
	END
}

# same_ranges NAME: the copy has the same data at the same places, and holes where
# there are some
same_ranges()
{
	ranges "$from/$1" >"$test_dir/ranges"
	[ "$(wc -l <"$test_dir/ranges")" -ge 3 ] || fail "it has no holes: $(cat "$test_dir/ranges")"
	diff "$test_dir/ranges" <(ranges "$to/$1") || fail "the copy differs"
	sync "$from/$1" "$to/$1"
	# in another order, it may take one more block to say where it is
	[ "$(stat -c %b "$to/$1")" -le $(($(stat -c %b "$from/$1") + 16)) ] ||
		fail "blocks: $(stat -c %b "$from/$1") became $(stat -c %b "$to/$1")"
}

# put FILE BYTES OFFSET: random ones
put()
{
	head -c "$2" /dev/urandom | dd of="$1" bs=64K oflag=seek_bytes seek="$3" conv=notrunc status=none
}

# What a file has no blocks for, the copy has none for; and that takes no time,
# nor is anything else of it looked at, whatever the options
holes()
{
	local option
	truncate -s $(((100 << 30) + 77)) "$from/sparse"
	put "$from/sparse" 300000 0
	put "$from/sparse" 700001 $(((50 << 30) + 1234))
	put "$from/sparse" 1 70000000000
	put "$from/sparse" 5000 $(((100 << 30) + 77 - 5000))
	for option in '' --checksum --partial; do
		rm -f "$to/sparse"
		# shellcheck disable=SC2086 # none, or one
		expect_status 0 copy --json $option "$from/sparse" "there:$to"
		same_ranges sparse
		report '.bytes == 107374182477 and .hole_bytes + .sender.peer_bytes == .bytes
			and .sender.peer_bytes < 1100000 and .receiver.peer_bytes == .sender.peer_bytes'
	done
	expect_status 0 copy "there:$to/sparse" "$from/again"
	said '^100 GiB of it are holes$'
	truncate -s 1M "$from/hole"
	expect_status 0 copy --json "$from/hole" "there:$to"
	cmp "$from/hole" "$to/hole"
	report '.sender.peer_bytes == 0 and .sender.host_bytes == 0 and .hole_bytes == 1048576'
	rm "$from"/{sparse,again,hole} "$to"/{sparse,hole}
}

# The largest file that there is room for goes on behind its first hole
holes_go_on()
{
	truncate -s 100G "$from/sparse"
	put "$from/sparse" 40000000 0
	put "$from/sparse" 80000000 $((60 << 30))
	sync
	copy_bg --partial --mem host --remote-mem host "$from/sparse" "there:$to"
	within 300 marked
	kill -KILL "$copy_pid"
	wait "$copy_pid" || true
	within 60 no_other_end
	[ ! -e "$to/sparse" ] && [ -n "$(parts)" ]
	copy_bg --partial --json --mem host --remote-mem host "$from/sparse" "there:$to"
	stays_small
	copy_ends 0 '"resumed_bytes"'
	output=$(cat "$test_dir/said")
	report '.resumed_bytes > 60 * 1073741824 and .sender.host_bytes < 80000000'
	same_ranges sparse
	rm "$from/sparse" "$to/sparse"
}

many_small_files()
{
	local i
	mkdir "$from/many"
	for ((i = 0; i < 300; i++)); do
		echo "$i" >"$from/many/$i"
	done
	expect_status 0 copy -r --json "$from/many" "there:$to"
	report '.files == 300'
	diff -r "$from/many" "$to/many" || fail "the copies differ"
}

# The host's memory holds none of it: no page of either file is in the page cache
# (which is dropped before), and the processes themselves stay small
host_memory()
{
	random "$from/whole" 40960000
	sync
	echo 3 >/proc/sys/vm/drop_caches
	copy_bg "$from/whole" "there:$to"
	stays_small
	echo "each end has at most $most KiB of memory of its own"
	copy_ends 0 '^  39.1 MiB by the peer path, 0 B by the host$'
	[ "$(fincore --noheadings --output PAGES "$from/whole" "$to/whole" | xargs)" = "0 0" ] ||
		fail "$(fincore "$from/whole" "$to/whole")"
	cmp "$from/whole" "$to/whole"
	rm "$from/whole" "$to/whole"
}

two_receivers()
{
	local name pids=()
	mkdir "$to/one" "$to/two"
	for name in one two; do
		run_bg p2pmr copy -rl -e "$rsh" "$from/tree" "$from/summed" "there:$to/$name" >"$test_dir/$name"
		pids+=("$!")
	done
	for name in "${pids[@]}"; do
		wait "$name" || fail "$(cat "$test_dir/one" "$test_dir/two")"
	done
	for name in one two; do
		diff -r --no-dereference "$from/tree" "$to/$name/tree" || fail "$name differs"
		cmp "$from/summed" "$to/$name/summed"
		grep -q "^received by there through $d1 " "$test_dir/$name" || fail "$(cat "$test_dir/$name")"
	done
}

dry_run()
{
	expect_status 0 copy -rln "$from/tree" "there:$to/dry"
	said "^$from/tree/sub/file$" 'new.nline$' '^[0-9]* files, .* would be copied$'
	[ ! -e "$to/dry" ]
	no_leftovers
}

# The processor looks at the data, at both ends, and says for how long
checksums()
{
	random "$from/summed" 3000001
	expect_status 0 copy --checksum --json "$from/summed" "there:$to"
	cmp "$from/summed" "$to/summed"
	report '.sender.checksum_time_us > 0 and .receiver.checksum_time_us > 0 and .sender.peer_bytes == 3000001'
	expect_status 0 copy --checksum --mem host --remote-mem host "there:$from/summed" "$to/summed2"
	said '^  [0-9.]+ s for checksums'
	cmp "$from/summed" "$to/summed2"
}

# A drive's whole contents, holes and all, and over what is mounted: nothing
devices()
{
	local device=/dev/${d1}n1
	expect_status 1 copy "$from/summed" "there:$device"
	said 'Cannot write to the device .*: Device or resource busy\. Unmount it.*\[DESTINATION\]$'
	umount "$to"
	truncate -s 9M "$from/image"
	random "$from/some" 300001
	dd if="$from/some" of="$from/image" bs=1M seek=4 conv=notrunc status=none
	head -c 20M /dev/zero | tr '\0' x >"$device"
	expect_status 0 copy --json "$from/image" "there:$device"
	cmp -n $((9 << 20)) "$from/image" "$device"
	[ "$(dd if="$device" bs=1 skip=$((9 << 20)) count=3 status=none)" = xxx ]
	report '.sender.peer_bytes == 9437184 and .receiver.peer_bytes == 9437184'
	# a tail within a block changes nothing behind it
	expect_status 0 copy --json "$from/some" "there:$device"
	cmp -n 300001 "$from/some" "$device"
	report '.receiver.host_bytes == 300001 % 524288 and .receiver.peer_bytes == 0'
	cmp -i 300001 -n 100000 "$from/image" "$device"
	expect_status 1 copy "$from/image" "$from/some" "there:$device"
	local loop
	loop=$(losetup --find --show "$from/image")
	defer losetup --detach "$loop"
	expect_status 0 copy --json "there:$loop" "$from/back"
	cmp "$from/back" "$from/image"
	report '.sender.memory == "host" and (.sender.why | test("^loop[0-9]+ is no PCI device$"))'
	mkfs.ext4 -q -F -b 4096 "$device"
	mount "$device" "$to"
	expect_status 1 copy "there:$device" "$from/back"
	said 'Device or resource busy\. Unmount it first, or take it as it is with --live\. \[SOURCE\]$'
}

# make_volume: as LVM makes one, of the second drive
make_volume()
{
	umount "$to"
	dmsetup --noudevsync create volume \
		--table "0 $(blockdev --getsz "/dev/${d1}n1") linear /dev/${d1}n1 0"
	dmsetup --noudevsync mknodes # as nobody else does it here
	mkfs.ext4 -q -F -b 4096 /dev/mapper/volume
	mount /dev/mapper/volume "$to"
}

remove_volume()
{
	! mountpoint -q "$to" || umount "$to"
	dmsetup --noudevsync remove volume
	mkfs.ext4 -q -F -b 4096 "/dev/${d1}n1"
	mount "/dev/${d1}n1" "$to"
}

# Device-mapper passes no peer pages on, not even those of the drive below it: host
# memory, with the reason, at the end that it is at; what was asked for fails
volumes()
{
	defer remove_volume
	make_volume
	random "$from/some" 700001
	expect_status 0 copy --json "$from/some" "there:$to"
	report '.sender.memory == $d0 and .receiver.memory == "host"
		and (.receiver.why | test("memory of " + $d1 + " fails with EREMOTEIO.*NO_DIRECT_IO"))
		and .sender.peer_bytes == 700001 and .receiver.host_bytes == 700001'
	cmp "$from/some" "$to/some"
	expect_status 0 copy --json "there:$to/some" "$from/back"
	report '.sender.memory == "host" and .receiver.peer_bytes == 700001'
	cmp "$from/back" "$from/some"
	expect_status 77 copy --mem "$d1" "$to/some" "there:$from/never"
	said '\[NO_DIRECT_IO\]$'
	expect_status 77 copy --remote-mem "$d1" "$from/some" "there:$to/never"
	said '\[NO_DIRECT_IO\]$'
	[ ! -e "$from/never" ] && [ ! -e "$to/never" ]
	umount "$to"
	expect_status 0 copy --json "$from/some" there:/dev/mapper/volume
	# nothing is written there to try it out
	report '.receiver.peer_bytes == 0 and .receiver.host_bytes == 700001
		and (.receiver.host_why | test("EREMOTEIO"))'
	cmp -n 700001 "$from/some" /dev/mapper/volume
	rm "$from/some" "$from/back"
}

# ---- what is not on a drive -----------------------------------------------------

memory_by_choice()
{
	random "$from/some" 300000
	expect_status 0 copy --json --mem host --remote-mem "$d0" "$from/some" "there:$to"
	report '.sender.memory == "host" and .sender.host_bytes == 300000 and .sender.peer_bytes == 0
		and .sender.host_why == "asked for" and .receiver.memory == $d0
		and .receiver.peer_bytes == 300000'
	cmp "$from/some" "$to/some"
	expect_status 1 copy --mem nvme9 "$from/some" "there:$to"
	said '"nvme9".*\[NO_PROVIDER\]$'
	expect_status 1 copy --remote-mem nvme9 "$from/some" "there:$to"
	said '^p2pmr copy: there: .*"nvme9".*\[NO_PROVIDER\]$'
}

no_drive()
{
	random "$test_dir/here" 700001
	mkdir "$test_dir/there"
	expect_status 0 copy "$test_dir/here" "there:$test_dir/there"
	said '^sent by this machine through host \(its file system is on no block device\)$' \
		'^  0 B by the peer path, 683.6 KiB by the host$'
	cmp "$test_dir/here" "$test_dir/there/here"
	expect_status 0 copy --progress "there:$test_dir/here" "$test_dir/fetched"
	said '^ the other end counts its files$'
	# what was asked for is used, or nothing
	expect_status 77 copy --mem "$d0" "$test_dir/here" "there:$to"
	said 'fails with EOPNOTSUPP.*\[NO_DIRECT_IO\]$'
}

# The first of the sources decides whose memory it is; the second one is refused
# direct I/O with it, and still right
mixed_file_systems()
{
	random "$from/first" 300000
	random "$test_dir/second" 1300001
	expect_status 0 copy --json "$from/first" "$test_dir/second" "there:$to"
	cmp "$from/first" "$to/first"
	cmp "$test_dir/second" "$to/second"
	report '.sender.peer_bytes == 300000 and .sender.host_bytes == 1300001
		and (.sender.host_why | test("second and the memory of .* failed with EOPNOTSUPP"))
		and .receiver.peer_bytes == 1600001'
	mkdir "$to/mnt"
	mount -t tmpfs tmpfs "$to/mnt"
	defer umount "$to/mnt"
	mkdir "$test_dir/tree" "$test_dir/tree/mnt"
	cp "$test_dir/second" "$test_dir/tree/mnt"
	expect_status 0 copy -r --json "there:$test_dir/tree/mnt" "$to"
	cmp "$test_dir/second" "$to/mnt/second"
	report '.receiver.host_bytes == 1300001'
}

# ---- names ----------------------------------------------------------------------

destinations()
{
	echo new >"$from/file"
	expect_status 0 copy "$from/file" "there:$to/named"
	[ "$(cat "$to/named")" = new ]
	echo newer >"$from/file"
	expect_status 0 copy "$from/file" "there:$to/named"
	[ "$(cat "$to/named")" = newer ]
	expect_status 1 copy "$from/file" "there:$to/nonesuch/file"
	said '^p2pmr copy: there: Cannot copy to .*nonesuch/file: No such file or directory\. Make the folder first\. \[DESTINATION\]$'
	expect_status 1 copy "$from/file" "there:$to/named/"
	said 'Not a directory.*\[DESTINATION\]$'
	expect_status 1 copy "$from/file" "$from/some" "there:$to/nonesuch"
	said 'No such file or directory.*\[DESTINATION\]$'
	mkdir -p "$to/dir/file"
	expect_status 1 copy "$from/file" "there:$to/dir"
	said '^p2pmr copy: file: cannot be made: Is a directory\. Remove what is there.*\[DESTINATION\]$'
	expect_status 1 copy -n "$from/file" "there:$to/dir"
	said 'Is a directory\. Remove what is there.*\[DESTINATION\]$'
	mkfifo "$to/pipe"
	expect_status 1 copy "$from/file" "there:$to/pipe"
	said 'pipe: it is none of these, and a file would take its place\. .*\[DESTINATION\]$'
	[ -p "$to/pipe" ]
	no_leftovers
	# beside others that can be copied
	expect_status 1 copy "$from/nonesuch" "$from/file" "there:$to"
	said 'nonesuch: No such file or directory\. \[SOURCE\]$' '^1 file, '
	[ "$(cat "$to/file")" = newer ]
}

# A link below the destination leads nowhere, one in its last place is replaced
links_in_the_way()
{
	mkdir -p "$from/way/sub" "$test_dir/outside" "$to/way"
	echo inside >"$from/way/sub/file"
	ln -s "$test_dir/outside" "$to/way/sub"
	expect_status 1 copy -r "$from/way" "there:$to"
	said 'way/sub.*\[DESTINATION\]$' 'way/sub/file.*\[DESTINATION\]$'
	[ -z "$(ls "$test_dir/outside")" ] || fail "something went over the link"
	echo mine >"$test_dir/outside/mine"
	ln -s "$test_dir/outside/mine" "$to/place"
	expect_status 0 copy "$from/way/sub/file" "there:$to/place"
	[ "$(cat "$test_dir/outside/mine")" = mine ] || fail "the link was followed"
	[ ! -L "$to/place" ]
	no_leftovers
}

permissions()
{
	mkdir "$from/mine" "$to/mine"
	echo 1 >"$from/mine/secret"
	echo 2 >"$from/mine/open"
	chmod 0 "$from/mine/secret"
	chmod 0555 "$to/mine"
	expect_status 1 powerless p2pmr copy -r -e "$rsh" "$from/mine" "there:$to/new"
	said 'mine/secret: Permission denied\. Copy as a user.*\[SOURCE\]$' '^1 file, '
	expect_status 1 powerless p2pmr copy -e "$rsh" "$from/mine/open" "there:$to/mine"
	said 'open: cannot be made: Permission denied.*\[DESTINATION\]$'
	[ -z "$(ls "$to/mine")" ]
}

# ---- what goes wrong ------------------------------------------------------------

full()
{
	random "$from/fits" 100000
	random "$from/large" 6000000
	defer rm -f "$to/filler"
	dd if=/dev/zero of="$to/filler" bs=1M status=none 2>/dev/null || true
	truncate -s -3M "$to/filler"
	expect_status 1 copy "$from/large" "$from/fits" "there:$to"
	said 'large: writing failed: No space left on device\. Make room.*\[DESTINATION\]$' '^1 file, '
	cmp "$from/fits" "$to/fits"
	[ ! -e "$to/large" ]
	no_leftovers
}

changes()
{
	random "$from/changing" 60000000
	echo old >"$to/changing"
	copy_bg "$from/changing" "there:$to"
	within 60 under_way
	echo more >>"$from/changing"
	copy_ends 1 'changing: it changed while it was copied \(from 60000000 to 60000005 bytes\).*\[SOURCE_CHANGED\]$'
	[ "$(cat "$to/changing")" = old ] || fail "the old file is gone"
	no_leftovers
	copy_bg "there:$from/changing" "$to"
	within 60 under_way
	truncate -s 100000 "$from/changing"
	copy_ends 1 'changing: it (became shorter|changed).*\[SOURCE_CHANGED\]$'
	[ "$(cat "$to/changing")" = old ] || fail "the old file is gone"
	no_leftovers
	# what is only longer can be had as it was
	random "$from/changing" 40000000
	cp "$from/changing" "$test_dir/before"
	copy_bg --live "$from/changing" "there:$to"
	within 60 under_way
	echo more >>"$from/changing"
	copy_ends 0 '^1 file'
	cmp "$test_dir/before" "$to/changing"
	rm "$from/changing" "$to/changing"
}

# ends_after SIGNAL here|there PATTERN
ends_after()
{
	local start=$SECONDS
	echo old >"$to/killed"
	copy_bg "$from/killed" "there:$to"
	within 60 under_way
	if [ "$2" = here ]; then
		kill -s "$1" "$copy_pid"
		! wait "$copy_pid" 2>/dev/null || fail "the status is 0"
	else
		kill -s "$1" "$(other_end)"
		copy_ends 1 "$3"
	fi
	within 60 no_other_end
	[ "$(cat "$to/killed")" = old ] || fail "the old file is gone"
	within 60 pools_are_whole
	echo "it took $((SECONDS - start)) s"
}

killed()
{
	random "$from/killed" 80000000
	ends_after INT here
	no_leftovers
	ends_after KILL here
	no_leftovers
	ends_after TERM there '^p2pmr copy: there: Ended by signal 15.*\[INTERRUPTED\]$'
	no_leftovers
	ends_after KILL there '\[(PEER_LOST|CONNECT)\]$'
	# that one could not clear up behind itself
	rm "$to"/.p2pmr-* "$from/killed" "$to/killed"
}

# parts: of files that are to be gone on with
parts()
{
	find "$to" -name '.p2pmr-part-*'
}

# marked: so much of it is there that 30 MB of it are noted down as right
marked()
{
	local part
	part=$(parts)
	[ -n "$part" ] && [ "$(du -k "$part" | cut -f 1)" -ge 60000 ]
}

# goes_on: whichever end is killed, the rest is all that is copied the next time
goes_on()
{
	local end
	random "$from/parted" 90000001
	for end in here there; do
		rm -f "$to/parted"
		copy_bg --partial "$from/parted" "there:$to"
		within 300 marked
		if [ "$end" = here ]; then
			kill -KILL "$copy_pid"
		else
			kill -KILL "$(other_end)"
		fi
		wait "$copy_pid" || true
		within 60 no_other_end
		[ ! -e "$to/parted" ] && [ -n "$(parts)" ]
		expect_status 0 copy --partial --json "$from/parted" "there:$to"
		report '.resumed_bytes >= 30000000 and .resumed_bytes % 4096 == 0
			and .sender.peer_bytes + .resumed_bytes == 90000001'
		cmp "$from/parted" "$to/parted"
		[ -z "$(parts)" ]
		[ "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$to/parted")" = '[]' ] ||
			fail "the mark is left"
	done
}

# A part of what the source was before is of no use
goes_on_with_nothing_else()
{
	rm -f "$to/parted"
	copy_bg --partial "$from/parted" "there:$to"
	within 300 marked
	kill -INT "$copy_pid"
	wait "$copy_pid" || true
	within 60 no_other_end
	[ -n "$(parts)" ]
	random "$from/parted" 90000001
	expect_status 0 copy --partial --json "$from/parted" "there:$to"
	report '.resumed_bytes == 0'
	cmp "$from/parted" "$to/parted"
	rm "$from/parted" "$to/parted"
}

remote_shell()
{
	expect_status 1 p2pmr copy -e false "$from/some" "there:$to"
	said 'The remote shell to there ended with status 1\. .*\[CONNECT\]$'
	expect_status 1 p2pmr copy -e "$rsh" --remote-program p2pmr-nonesuch "$from/some" "there:$to"
	said 'could not start p2pmr on there\. .*\[CONNECT\]$'
	expect_status 1 p2pmr copy -e /nonesuch/rsh "$from/some" "there:$to"
	said '\[CONNECT\]$'
	printf '#!/bin/sh\necho Welcome to this machine, dear user\nshift\nexec "$@"\n' >"$test_dir/chatty"
	chmod +x "$test_dir/chatty"
	expect_status 1 p2pmr copy -e "$test_dir/chatty" "$from/some" "there:$to"
	said 'bytes that are no message of p2pmr copy.*\[PROTOCOL\]$'
	no_other_end
}

# The drive whose memory the data goes through is taken away, files and all
drive_leaves()
{
	rm -rf "${from:?}"/*
	random "$from/leaving" 120000000
	copy_bg "$from/leaving" "there:$to"
	within 60 under_way
	umount -l "$from"
	unbind_drive
	copy_ends 1 '\[(PROVIDER_GONE|SOURCE)\]$'
	within 60 no_other_end
	[ ! -e "$to/leaving" ] || fail "half a file was put in place"
	no_leftovers
	bring_back bind_drive
}

subtest "file systems on both drives" mount_drives
subtest "sizes" sizes
subtest "trees" trees
subtest "holes" holes
subtest "holes, gone on with" holes_go_on
subtest "many small files" many_small_files
subtest "a dry run" dry_run
subtest "checksums" checksums
subtest "host memory" host_memory
subtest "two receivers" two_receivers
subtest "devices" devices
subtest "volumes" volumes
subtest "memory by choice" memory_by_choice
subtest "no drive" no_drive
subtest "mixed file systems" mixed_file_systems
subtest "destinations" destinations
subtest "links in the way" links_in_the_way
subtest "permissions" permissions
subtest "room for more" empty_to
subtest "a full destination" full
subtest "sources that change" changes
subtest "killed" killed
subtest "going on" goes_on
subtest "going on with nothing else" goes_on_with_nothing_else
subtest "remote shells" remote_shell
subtest "no memory is lost" pools_are_whole
subtest "a drive leaves" drive_leaves
umount -l "$to"
finish
