# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # for those who source this
# For tests that use a drive's memory by plain verbs: where it is allocated,
# and the program that does so. After devices.sh.

cmb0=$(cmb_allocate_path 0)
cmb1=$(cmb_allocate_path 1)

# TEST ARG...: see tests/vm/src/peer-mr.c. No function: $! after run_bg would be
# a shell's.
peer_mr=build/tests/vm/peer-mr
