# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016 # lib/ sets them; jq has variables
# DESCRIPTION: p2pmr copy of many files: the next one costs what the one before did
# KERNEL: p2p
# TOPOLOGY: switch
# ICOUNT: yes
# DEBUG: no, it counts instructions, of which that kernel has several times as many
# TIMEOUT: 1500
# ALL: yes
#
# The guest's clock counts instructions, so that the time that its processor is busy
# is work done, and repeats. What is looked at is that ten times as many files are
# ten times the work, and no more memory. Of a dry run, which goes through the
# folders, has both ends open all that they would, and asks for no drive, there are a
# million names. A million files are copied by copy-million.sh.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/copy.sh

# make_files DIR N: small ones
make_files()
{
	python3 - "$1" "$2" <<-'END'
		import os, sys
		os.mkdir(sys.argv[1])
		for i in range(int(sys.argv[2])):
		    with open(f"{sys.argv[1]}/{i}", "w") as file:
		        file.write(f"file {i}\n")
	END
}

# make_names DIR N: of one file
make_names()
{
	python3 - "$1" "$2" <<-'END'
		import os, sys
		os.mkdir(sys.argv[1])
		open(f"{sys.argv[1]}/one", "w").close()
		for i in range(1, int(sys.argv[2])):
		    os.link(f"{sys.argv[1]}/one", f"{sys.argv[1]}/{i}")
	END
}

# busy: for how many ticks the processor was, since it began. A wait for a drive,
# which is the host's, is none of the guest's instructions.
busy()
{
	local user nice system irq softirq
	read -r _ user nice system _ _ irq softirq _ </proc/stat
	ticks=$((user + nice + system + irq + softirq))
}

# many N OPTION...: copy that many; microseconds for each are in $each, and the
# memory in $most
many()
{
	local n=$1 ticks before
	shift
	sync
	busy
	before=$ticks
	copy_bg -r --json "$@"
	stays_small
	copy_ends 0 '"elapsed_s"'
	busy
	each=$(((ticks - before) * 10000 / n))
	output=$(cat "$test_dir/said")
	report ".files == $n and .failed == 0"
	echo "$n files: $each us each, of which" \
		"$(jq '(.sender.user_time_us + .receiver.user_time_us) / .files | floor' <<<"$output")" \
		"us are the processes' own; at most $most KiB of memory of their own"
}

# same_cost: the same for $each and $most, as in $few_each and $few_most; with some
# room for what the file system makes of a large folder
same_cost()
{
	[ "$each" -lt $((few_each * 3 / 2)) ] || fail "a file took $few_each us, and takes $each us"
	[ "$most" -lt $((few_most + 1024)) ] || fail "it took $few_most KiB, and takes $most KiB"
}

files()
{
	make_files "$from/few" 500
	make_files "$from/many" 5000
	many 500 "$from/few" "there:$to"
	few_each=$each few_most=$most
	many 5000 "$from/many" "there:$to"
	diff -r "$from/many" "$to/many" || fail "the copies differ"
	same_cost
}

names()
{
	mkdir "$test_dir/names"
	mount -t tmpfs -o nr_inodes=0 tmpfs "$test_dir/names"
	defer umount "$test_dir/names"
	make_names "$test_dir/names/few" 50000
	make_names "$test_dir/names/many" 1000000
	many 50000 --dry-run "$test_dir/names/few" "there:$to"
	few_each=$each few_most=$most
	many 1000000 --dry-run "$test_dir/names/many" "there:$to"
	same_cost
}

subtest "file systems on both drives" mount_drives
subtest "thousands of files" files
subtest "a million names" names
umount "$from" "$to"
finish
