# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: p2pmr copy of a million small files: cut off in the middle, and again
# KERNEL: p2p
# TOPOLOGY: switch
# DRIVE: 8192
# TIMEOUT: 10800
# DEBUG: no, it would take most of a day
# ALL: yes
#
# In folders of a thousand. What is in a file follows from its name, so that each one
# can be looked at where it is. What a file costs is what copy-many.sh counts.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/copy.sh

# fewer, to try the test itself; with less than 60, nobody counts for a second
folders=${P2PMR_FOLDERS:-1000}

# Blocks as small as the files, as the drives are files of this machine's; and no
# journal, of which each sync would write
mount_small()
{
	local dir drive
	for dir in "$from" "$to"; do
		drive=$d0
		[ "$dir" = "$from" ] || drive=$d1
		mkdir -p "$dir"
		mkfs.ext4 -q -F -b 1024 -i 2048 -O ^has_journal "/dev/${drive}n1"
		mount -o noatime "/dev/${drive}n1" "$dir"
	done
}

# files make|look DIR: a thousand in each folder; "look" prints how many there are,
# and those that are not as they were made
files()
{
	python3 - "$1" "$2" "$folders" <<-'END'
		import os, sys
		what, top, folders = sys.argv[1], sys.argv[2], int(sys.argv[3])

		def content(folder, name):
		    words = f"file {name} of {folder}\n"
		    # none, a few bytes, most of a block, two of them
		    return (words * (0, 1, 30, 70)[int(name) % 4]).encode()

		def make():
		    for folder in range(folders):
		        os.makedirs(f"{top}/{folder}")
		        for name in range(1000):
		            with open(f"{top}/{folder}/{name}", "wb") as file:
		                file.write(content(folder, name))

		def look():
		    count = 0
		    for path, _, names in os.walk(top):
		        folder = os.path.basename(path)
		        for name in names:
		            if name.startswith(".p2pmr-"):
		                continue
		            with open(f"{path}/{name}", "rb") as file:
		                if file.read() != content(folder, name):
		                    print(f"{folder}/{name} is not what was copied")
		            count += 1
		    print(count)

		make() if what == "make" else look()
	END
}

make_files()
{
	files make "$from/all"
}

# come N: so many folders are there
come()
{
	[ -e "$to/all" ] && [ "$(find "$to/all" -maxdepth 1 | wc -l)" -gt "$1" ]
}

# Whatever has its name by then is whole
cut_off()
{
	local found
	copy_bg -r --progress "$from/all" "there:$to"
	within 3600 come $((folders / 10))
	kill -KILL "$(other_end)"
	copy_ends 1 'PEER_LOST'
	# so long it says nothing of bytes
	grep -qE '^ counting: [0-9]+ files, [0-9.]+ [KMG]iB$' "$test_dir/said"
	found=$(files look "$to/all")
	[[ $found =~ ^[0-9]+$ ]] || fail "${found%%$'\n'*}"
	[ "$found" -gt $((folders * 50)) ] || fail "only $found files are there"
	[ "$found" -lt $((folders * 1000)) ] || fail "all of them are there: nothing was cut off"
	# it could not clear up behind itself: what it was at, and no more (COPY_FILES_MAX)
	[ "$(find "$to" -name '.p2pmr-*' | wc -l)" -le 64 ]
	find "$to" -name '.p2pmr-*' -delete
	echo "$found files were there when the other end was killed"
}

again()
{
	local n=$((folders * 1000))
	copy_bg -r --json "$from/all" "there:$to"
	stays_small
	copy_ends 0 '"elapsed_s"'
	output=$(cat "$test_dir/said")
	report ".files == $n and .failed == 0"
	echo "$n files in $(jq '.elapsed_s | floor' <<<"$output") s," \
		"at most $most KiB of memory of their own"
	no_leftovers
	[ "$(files look "$to/all")" = "$n" ] || fail "$(files look "$to/all" | head -n 3)"
}

subtest "file systems on both drives" mount_small
subtest "files" make_files
subtest "cut off in the middle" cut_off
subtest "copied again" again
umount "$from" "$to"
finish
