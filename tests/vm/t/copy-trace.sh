# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016 # lib/ sets them; jq has variables
# DESCRIPTION: p2pmr copy as its drives see it: no payload between them and host memory
# KERNEL: p2p
# TOPOLOGY: switch
# DRIVE: 512
# TRACE: pci_nvme_io_cmd,pci_nvme_admin_cmd,pci_nvme_read,pci_nvme_write,pci_nvme_map_addr*
# TIMEOUT: 600
# ALL: yes
#
# Nothing that this project counts is believed here. QEMU's drives say of each
# request which blocks it is for, and which addresses it reads or writes: whether
# these are in the drive's own memory is theirs to know. A file system says which
# blocks a file has.
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/copy.sh

trace_begins()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	trace_from=$(wc -c </run/qemu/trace)
}

# first_block DEVICE: of the drive, in sectors
first_block()
{
	cat "/sys/class/block/${1##*/}/start" 2>/dev/null || echo 0
}

# moved read|write FILE: what was, since trace_begins, of the file's blocks, in bytes:
# $own between them and the drive's own memory, $foreign between them and all other
# memory; and $rest, of all other blocks and any memory. Each in whole blocks.
moved()
{
	local device
	device=$(findmnt -n -o SOURCE --target "$2")
	filefrag -e -b512 "$2" >"$test_dir/extents"
	tail -c +$((trace_from + 1)) /run/qemu/trace >"$test_dir/trace"
	read -r own foreign rest < <(python3 - "$1" "$test_dir/extents" "$test_dir/trace" "$(first_block "$device")" <<-'END'
		import re, sys
		kind, extents, trace, first = sys.argv[1:]
		extent = re.compile(r" *\d+: +\d+\.\. +\d+: +(\d+)\.\. +(\d+):")
		ranges = [tuple(int(n) + int(first) for n in m.groups())
		          for m in map(extent.match, open(extents)) if m]
		assert ranges
		moved = {(of, own): 0 for of in ("payload", "rest", "other") for own in (True, False)}
		of = "other"
		for line in open(trace):
		    words = line.split()
		    value = dict(zip(words[1::2], words[2::2]))
		    if words[0] in ("pci_nvme_io_cmd", "pci_nvme_admin_cmd"):
		        of = "other"
		    elif words[0] == "pci_nvme_" + kind:
		        lba = int(value["lba"], 16)
		        of = "payload" if any(a <= lba <= b for a, b in ranges) else "rest"
		    elif words[0] == "pci_nvme_map_addr":
		        moved[of, False] += int(value["len"])
		    elif words[0] == "pci_nvme_map_addr_cmb":
		        # in the line before, it was said of any memory
		        moved[of, False] -= int(value["len"])
		        moved[of, True] += int(value["len"])
		print(moved["payload", True], moved["payload", False], moved["rest", True] + moved["rest", False])
	END
	)
	echo "$1: $own bytes between the file and the drive's own memory," \
		"$foreign between the file and other memory; $rest of other blocks"
}

all_by_own_memory()
{
	moved "$1" "$2"
	[ "$own" -ge "$whole" ] || fail "only $own bytes of $whole"
	[ "$foreign" = 0 ] || fail "$foreign bytes went between drive and other memory"
}

all_by_other_memory()
{
	moved "$1" "$2"
	[ "$foreign" -ge "$whole" ] || fail "only $foreign bytes of $whole"
	[ "$own" = 0 ] || fail "$own bytes went between the drive and its own memory"
}

# sectors DRIVE FIELD: what the guest's block layer counts; 3: read, 7: written
sectors()
{
	awk -v field="$2" '{ print $field }' "/sys/block/$1n1/stat"
}

# new_file BYTES
new_file()
{
	rm -f "$from/file" "$to/file"
	random "$from/file" "$1"
	whole=$((($1 + 4095) / 4096 * 4096))
	trace_begins
	sectors_read=$(sectors "$d0" 3)
	sectors_written=$(sectors "$d1" 7)
}

from_drive_to_drive()
{
	new_file 8003584
	expect_status 0 copy --json "$from/file" "there:$to"
	report '[.sender, .receiver] | all(.peer_bytes == 8003584 and .host_bytes == 0)'
	all_by_own_memory read "$from/file"
	all_by_own_memory write "$to/file"
	# No other block was read or written in its place, and no page of it is kept
	[ $((($(sectors "$d0" 3) - sectors_read) * 512 - whole)) -lt 1000000 ]
	[ $((($(sectors "$d1" 7) - sectors_written) * 512 - whole)) -lt 1000000 ]
	[ "$(fincore --noheadings --output PAGES "$from/file" "$to/file" | xargs)" = "0 0" ]
	cmp "$from/file" "$to/file"
}

# Cut to its size, of a file that ends within a block: the file system reads that block
# once more, zeroes what is behind the end, and writes it
end_within_a_block()
{
	new_file 8000001
	expect_status 0 copy --json "$from/file" "there:$to"
	all_by_own_memory read "$from/file"
	moved write "$to/file"
	[ "$own" = "$whole" ] && [ "$foreign" -le 4096 ]
	cmp "$from/file" "$to/file"
}

# What would be seen if it were not so
through_host_memory()
{
	new_file 8003584
	expect_status 0 copy --mem host --remote-mem host "$from/file" "there:$to"
	all_by_other_memory read "$from/file"
	all_by_other_memory write "$to/file"
	cmp "$from/file" "$to/file"
}

# A processor has to look at it: what was written is read back into host memory, and
# nothing else goes there
with_checksums()
{
	new_file 8003584
	expect_status 0 copy --checksum "$from/file" "there:$to"
	all_by_own_memory read "$from/file"
	all_by_own_memory write "$to/file"
	all_by_other_memory read "$to/file"
}

# The trace does not name the drive: the one file system is where the first half of
# its drive is, the other one in a partition that is the second half. What the kernel
# would write later, when somebody counts, is written now.
apart()
{
	local half=$((256 << 20)) now=lazy_itable_init=0,lazy_journal_init=0
	mkdir -p "$from" "$to"
	addpart "/dev/${d1}n1" 1 $((half / 512)) $((half / 512))
	within 20 test -b "/dev/${d1}n1p1"
	mkfs.ext4 -q -F -b 4096 -E "$now" "/dev/${d0}n1" $((half / 4096))
	mkfs.ext4 -q -F -b 4096 -E "$now" "/dev/${d1}n1p1"
	mount "/dev/${d0}n1" "$from"
	mount "/dev/${d1}n1p1" "$to"
}

subtest "file systems on both drives" apart
subtest "from drive to drive" from_drive_to_drive
subtest "an end within a block" end_within_a_block
subtest "through host memory" through_host_memory
subtest "with checksums" with_checksums
umount "$from" "$to"
finish
