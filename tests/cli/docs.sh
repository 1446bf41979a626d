#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Commands of our pages that need neither a guest nor time, as they stand there
. "$(dirname "$0")/lib.sh"

[ -x "$P2PMR_BUILD/tests/fuzz/fuzz-sysfs" ] || {
	echo "SKIP: no fuzz targets were built (they need clang and libclang-rt-14-dev)"
	exit 77
}
ln -s "$P2PMR_BUILD" "$dir/build"
ln -s "$P2PMR_SOURCE/tests" "$dir/tests"
mkdir "$dir/NEW"
cd "$dir" || exit 1

mapfile -t lines < <("$P2PMR_SOURCE/buildlib/check-commands" cli.docs)
for line in "${lines[@]}"; do
	# "as long as one likes"
	expect "$line" 0 sh -c "exec $line -max_total_time=1"
	has err '[[:space:]]INITED '
done
[ ${#lines[@]} -gt 0 ] || not_ok "no page has a command that is for this test"
finish
