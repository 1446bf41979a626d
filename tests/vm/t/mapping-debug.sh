# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: mapping again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# CMB: 4
# MEM: 3072
# TIMEOUT: 900
# ALL: yes
. tests/vm/t/mapping.sh
