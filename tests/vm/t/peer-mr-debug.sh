# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: peer-mr again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# MEM: 3072
# TIMEOUT: 900
# ALL: yes
. tests/vm/t/peer-mr.sh
