# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: surprise again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# ACCEL: tcg-single
# MEM: 3072
# TIMEOUT: 1500
# ALL: yes
. tests/vm/t/surprise.sh
