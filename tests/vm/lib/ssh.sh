# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # for those who source this; hosts.sh
# For tests on two hosts that copy by p2pmr or scp: host 1 has a ssh server that
# lets host 0 in, and both have a file system on their first drive. After
# devices.sh and hosts.sh.

disk=$test_dir/disk
far=root@${host_addresses[1]}
ssh_key=$test_dir/key

# A ssh that has its key, and never asks
ssh_options="-i $ssh_key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"

# mount_disk [OPTION-OF-MKFS...]: the other host's directory is in $far_disk
mount_disk()
{
	mkdir "$disk"
	mkfs.ext4 -q -F -b 4096 "$@" "/dev/$(drive_name 0)n1"
	mount "/dev/$(drive_name 0)n1" "$disk"
	echo "$disk" >"/run/meet/disk.$this_host"
	meet mounted
}

make_key()
{
	ssh-keygen -q -t ed25519 -N '' -f "$ssh_key"
	cp "$ssh_key.pub" /run/meet/key
	meet key
	meet sshd
}

start_sshd()
{
	meet key
	mkdir -p /root/.ssh /etc/dropbear
	install -m 600 /run/meet/key /root/.ssh/authorized_keys
	chmod 700 /root /root/.ssh
	dropbear -R -s -p 22
	meet sshd
}

# copy ARG...: from host 0
copy()
{
	p2pmr copy -e "ssh $ssh_options" --remote-program "$(command -v p2pmr)" "$@"
}
