# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: nvme-cdev again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# MEM: 3072
# TIMEOUT: 1800
# ALL: yes
. tests/vm/t/nvme-cdev.sh
