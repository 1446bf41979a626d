# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: copy-unplug again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# ACCEL: tcg-single
# MEM: 3072
# TIMEOUT: 2400
# ALL: yes
. tests/vm/t/copy-unplug.sh
