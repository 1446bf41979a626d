# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: copy again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# MEM: 3072
# TIMEOUT: 3600
# ALL: yes
. tests/vm/t/copy.sh
