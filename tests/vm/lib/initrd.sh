# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tests/vm/run sets the variables
# For a kernel whose drivers are modules, as those of distributions are: an initial
# file system that loads what the lab counts on, mounts the root, and goes on with
# the guest's init. All other modules are found in /lib/modules, as on any machine.

# What the root takes, what udev would load for the lab's devices, and what opening a
# node loads that only udev makes; rxe asks for crc32 as soon as it has a device, when
# there is no /lib/modules yet
initrd_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay e1000e nvme ib_uverbs rdma_ucm
	crc32_generic rdma_rxe nvme_rdma nvmet_rdma loop dm_mod)

# module_release DIR: whose modules DIR/lib/modules holds
module_release()
{
	local releases=("$1"/lib/modules/*/modules.dep)
	[ "${#releases[@]}" = 1 ] && [ -f "${releases[0]}" ] || return 1
	basename "${releases[0]%/*}"
}

# What the kernel has not built in, each after those that it needs
initrd_module_files()
{
	local name
	for name in "${initrd_modules[@]}"; do
		modprobe -C /dev/null -d "$modules" -S "$1" --show-depends "$name" 2>/dev/null ||
			guest_failed "--modules $modules: there is no module $name for $1, nor is it built in"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# The first process; busybox takes modules' parameters from the kernel's line
write_initrd_init()
{
	cat <<-EOF
	#!/bin/busybox sh
	/bin/busybox mount -t proc proc /proc
	for module in $*; do
	  /bin/busybox modprobe "\$module" || exit
	done
	/bin/busybox mount -t 9p -o "ro,$root_flags" /dev/root /root || exit
	/bin/busybox mount -t devtmpfs devtmpfs /root/dev || exit
	/bin/busybox umount /proc
	exec /bin/busybox switch_root /root "$vm_dir/init"
	EOF
}

make_initrd()
{
	local dir=$run_dir/initrd.d file names=() files to
	to=$dir/lib/modules/$release
	mkdir -p "$dir"/{bin,proc,root} "$to"
	cp "$(type -P busybox)" "$dir/bin"
	files=$(initrd_module_files "$release") || exit
	for file in $files; do
		cp "$file" "$to"
		file=${file##*/}
		[[ $file != *.xz ]] || xz -d "$to/$file"
		names+=("${file%%.ko*}")
	done
	depmod -b "$dir" "$release" 2>"$run_dir/depmod.log" ||
		guest_failed "depmod failed: $(cat "$run_dir/depmod.log")"
	write_initrd_init "${names[*]}" >"$dir/init"
	chmod 755 "$dir/init"
	(cd "$dir" && find . | cpio --quiet -o -H newc) >"$run_dir/initrd"
}
