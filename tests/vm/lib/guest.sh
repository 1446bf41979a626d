# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tests/vm/run sets the variables
# What init finds in the run directory: mounts to make, and a command to run.
# Neither goes over the kernel's command line, which knows no newlines, no
# quotes within quotes, and an end.

# quoted TEXT: as one word of a POSIX shell
quoted()
{
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# fstab_field TEXT: blanks and backslashes as the octal numbers that fstab wants
fstab_field()
{
	local text=${1//\\/\\134}
	text=${text// /\\040}
	text=${text//$'\t'/\\011}
	printf '%s' "${text//$'\n'/\\012}"
}

# inside DIR: is the working directory, this tree, or the kernel in there?
inside()
{
	local path
	for path in "$PWD" "$repo" "$image"; do
		case $path/ in "$1"/*) return 0 ;; esac
	done
	return 1
}

# One call of mount makes all of these, below /run/root where the guest's root
# is put together: a fork costs much under emulation.
write_fstab()
{
	local at=/run/root
	cat <<-EOF
	overlay $at overlay lowerdir=/,upperdir=/run/upper,workdir=/run/work
	proc $at/proc proc
	sysfs $at/sys sysfs
	debugfs $at/sys/kernel/debug debugfs
	configfs $at/sys/kernel/config configfs
	devtmpfs $at/dev devtmpfs
	devpts $at/dev/pts devpts gid=5,mode=620,ptmxmode=666,X-mount.mkdir
	tmpfs $at/dev/shm tmpfs mode=1777,X-mount.mkdir
	tmpfs $at/etc/libibverbs.d tmpfs mode=755,X-mount.mkdir
	EOF
	[ -z "$modules" ] ||
		echo "$(fstab_field "$modules/lib/modules") $at/usr/lib/modules none bind,X-mount.mkdir"
	inside /tmp || echo "tmpfs $at/tmp tmpfs mode=1777"
	inside /run || echo "tmpfs $at/run tmpfs mode=755"
	[ -z "${P2PMR_VM_PAIR-}" ] ||
		echo "meet $at/run/meet 9p trans=virtio,version=9p2000.L,cache=none,X-mount.mkdir"
	[ -z "$trace" ] ||
		echo "qemu $at/run/qemu 9p trans=virtio,version=9p2000.L,cache=none,ro,X-mount.mkdir"
	[ -z "$share" ] ||
		echo "share $at$(fstab_field "$share") 9p trans=virtio,version=9p2000.L,msize=262144,cache=mmap,X-mount.mkdir"
}

# Each file that a program of the guest opens takes four requests to the host,
# each symbolic link on its path one more; together they were most of the time
# in which a program starts. So what nearly every test runs is put into memory,
# the overlay's upper layer, by init.
hot_programs=(sh bash awk cat cmp dd grep head jq mkdir mktemp rdma rm sed setpriv sleep stat tail
	timeout)

# hot_files: those programs that there are, and their libraries; by no link
# among the folders, and without names that init's shell would take apart
hot_files()
{
	local file files=()
	for file in "${hot_programs[@]}"; do
		file=$(PATH=$PATH:/usr/sbin:/sbin type -P "$file") && files+=("$file")
	done
	for file in "$repo"/build/bin/p2pmr "$repo"/build/tests/vm/peer-mr \
		/usr/lib/*/libibverbs/lib{rxe,siw}-rdmav34.so; do
		[ ! -r "$file" ] || files+=("$file")
	done
	mapfile -t -O ${#files[@]} files < <(ldd "${files[@]}" | grep -o '/[^ :]*')
	for file in "${files[@]}" /etc/ld.so.cache; do
		[ ! -r "$file" ] || printf '%s/%s\n' "$(cd -P "${file%/*}" && pwd)" "${file##*/}"
	done | grep -x '[[:alnum:]/._+@-]*' | sort -u
}

write_command()
{
	local name word
	while read -r name; do
		echo "export $name=$(quoted "${!name}")"
	done < <(compgen -e P2PMR_ || true)
	echo "export P2PMR_VM=1 P2PMR_VM_KERNEL=$kernel P2PMR_VM_TOPOLOGY=$topology"
	echo "export P2PMR_VM_IMAGE=$(quoted "${image%/*}")"
	echo "lab_path=$(quoted "$repo/build/bin"):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	echo "lab_hot=$(quoted "$(hot_files)")"
	echo "export PATH HOME=/root TERM=dumb LC_ALL=C.UTF-8"
	echo "lab_cwd=$(quoted "$PWD")"
	printf 'set --'
	for word in "${command[@]}"; do
		printf ' %s' "$(quoted "$word")"
	done
	echo
}

write_guest_files()
{
	write_fstab >"$run_dir/fstab"
	write_command >"$run_dir/command"
}
