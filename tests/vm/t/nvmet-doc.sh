# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317 # lib/ sets variables; subtests are called by name
# DESCRIPTION: the commands of Documentation/nvmet.md do what the page says
# KERNEL: p2p
# TOPOLOGY: switch
# HOSTS: 2
# TIMEOUT: 600
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/hosts.sh

page=Documentation/nvmet.md
roles=(target host)

# A machine as the page finds it: its address, and no RDMA device yet
prepare()
{
	rdma link delete rxe0
	ip address add "192.168.7.$((this_host + 1))/24" dev eth0
}

# All that it would load is built in
modprobe()
{
	[ -e "/sys/module/$1" ] || [ -e "/sys/kernel/config/$1" ]
}

# The device has its node and its size some time after the command has ended
nvme()
{
	command nvme "$@"
	[ "$1" != connect ] || within 120 has_size nvme2n1
}

has_size()
{
	[ -b "/dev/$1" ] && [ "$(cat "/sys/class/block/$1/size")" != 0 ]
}

# run_commands SECTION: each on the machine that its prompt names, in order
run_commands()
{
	local role command step=0
	while read -r role command; do
		step=$((step + 1))
		if [ "${role%#}" = "${roles[this_host]}" ]; then
			eval "$command" >"$test_dir/$step" 2>&1 ||
				fail "$command: $(cat "$test_dir/$step")"
			echo "$command"
		fi
		meet "$1-$step"
	done < <(commands "$1")
	steps=$step
}

commands()
{
	awk -v want="## $1" '/^## / { inside = index($0, want) == 1 }
		inside && sub(/^    /, "") && /^(target|host)# /' "$page"
}

ten_commands()
{
	prepare
	meet prepared
	run_commands From
	[ "$steps" = 10 ] || fail "the page has $steps commands, not ten"
	if [ "$this_host" = 0 ]; then
		grep -qE '^nqn.2026-11.org.example:fast +1 /dev/nvme1n1 +yes +0000:0[0-9]:00.0 nvme0 +1 *$' "$test_dir/5"
		grep -qE '^ +1 rdma +192\.168\.7\.1 +4420 +0 rxe0 nqn\.2026-11\.org\.example:fast$' "$test_dir/5"
		grep -qE '^nqn.2026-11.org.example:fast +1 nqn[^ ]+ +192\.168\.7\.2 +1 nvme0 *$' "$test_dir/9"
		grep -qE '^nqn.2026-11.org.example:fast +1 peer +[1-9][0-9]* +[1-9][0-9]*$' "$test_dir/9"
		jq -e '.subsystems[0].namespaces[0].p2pmem | startswith("0000:")' /etc/p2pmr-nvmet.json >/dev/null
	fi
}

down_again()
{
	run_commands Down
	[ "$steps" -gt 0 ]
	if [ "$this_host" = 0 ]; then
		[ -z "$(find /sys/kernel/config/nvmet -mindepth 2 -maxdepth 2)" ]
		p2pmr nvmet restore /etc/p2pmr-nvmet.json >/dev/null
		p2pmr nvmet save | cmp - /etc/p2pmr-nvmet.json
	fi
	meet restored
}

subtest "ten commands" ten_commands
subtest "down again" down_again
finish
