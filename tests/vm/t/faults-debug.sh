# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # lib/ sets them
# DESCRIPTION: each allocation and each copy fails once, and nothing is lost by it
# KERNEL: debug
# TOPOLOGY: switch
# MEM: 3072
# TIMEOUT: 2400
# ALL: yes
. tests/vm/lib/test.sh
. tests/vm/lib/devices.sh
. tests/vm/lib/peer.sh
. tests/vm/lib/leave.sh

# Which faults there are is in kernel/config/debug.config. As they come, they wait
# for nobody, and ten lines on each would hide what matters in the log.
faults_are_on()
{
	local kind
	for kind in /sys/kernel/debug/{failslab,fail_page_alloc,fail_usercopy}; do
		echo 0 >"$kind/verbose"
		[ ! -e "$kind/ignore-gfp-wait" ] || echo N >"$kind/ignore-gfp-wait"
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

# operation NAME MOST
operation()
{
	build/tests/vm/peer-fault "$1" "$2" "$cmb0" "$drives" "$drive"
	within 10 nothing_is_left 0
	within 10 no_region_is_left
	"$peer_mr" data "$cmb0"
}

subtest "faults can be had" faults_are_on
for name in map unmap unmap-part register register-mixed deregister fork; do
	subtest "$name" operation $name 1000
done
# What the driver itself does with faults is not what counts here
subtest "the drive leaves" operation unbind 60
subtest "the drive comes back" operation bind 60
finish
