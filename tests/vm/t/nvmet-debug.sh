# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: nvmet again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# HOSTS: 2
# MEM: 3072
# TIMEOUT: 2400
# ALL: yes
. tests/vm/t/nvmet.sh
