# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# DESCRIPTION: dmabuf again, with KASAN, lockdep and kmemleak looking on
# KERNEL: debug
# TOPOLOGY: switch
# MEM: 3072
# TIMEOUT: 1500
# EDU: yes
# ALL: yes
. tests/vm/t/dmabuf.sh
