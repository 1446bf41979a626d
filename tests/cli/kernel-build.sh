#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The cache of kernel/build: what is in it is whole, and built once. A kernel
# takes minutes, so a tree stands in for it that "builds" in no time, or fails,
# or takes as long as is asked.
. "$(dirname "$0")/lib.sh"

build=$P2PMR_SOURCE/kernel/build
export P2PMR_CACHE=$dir/cache
export FAKE_MAKES=$dir/makes FAKE_FAIL='' FAKE_SECONDS=0
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

make_tree()
{
	local tree
	tree=$P2PMR_CACHE/src/$(sed -n 's/^version=//p' "$P2PMR_SOURCE/kernel/patches/6.12/BASE")
	mkdir -p "$tree/scripts/kconfig"
	# <<- takes away the tabs that make wants
	cat >"$tree/Makefile" <<-'EOF'
		.RECIPEPREFIX = >
		tinyconfig:
		> : >$(O)/.config
		olddefconfig modules_prepare:
		bzImage:
		> echo built >>$(FAKE_MAKES)
		> sleep $(FAKE_SECONDS)
		> test -z "$(FAKE_FAIL)" || { echo "a.c:1: error: $(FAKE_FAIL)"; false; }
		> mkdir -p $(O)/arch/x86/boot
		> echo image | tee $(O)/arch/x86/boot/bzImage >$(O)/System.map
		> : >$(O)/vmlinux.symvers
		modules:
		> : >$(M)/umem_probe.ko
	EOF
	# merge_config.sh -m -O OBJ OBJ/.config FRAGMENT...
	cat >"$tree/scripts/kconfig/merge_config.sh" <<-'EOF'
		#!/bin/sh
		out=$4
		shift 4
		sed '/=n$/d' "$@" >"$out"
	EOF
	chmod +x "$tree/scripts/kconfig/merge_config.sh"
	git -C "$tree" init -q
	git -C "$tree" add -A
	git -C "$tree" -c user.name=t -c user.email=t@localhost commit -q -m base
	git -C "$tree" config user.name t
	git -C "$tree" config user.email t@localhost
	git -C "$tree" tag base
}

# builds N: as often was a kernel built
builds()
{
	local n
	n=$(grep -c . "$FAKE_MAKES" 2>/dev/null)
	if [ "${n:-0}" = "$1" ]; then
		ok "  $1 builds so far"
	else
		not_ok "  ${n:-0} builds so far, not $1"
	fi
}

# entries N: the cache holds N kernels, all whole, and nothing half-made
entries()
{
	local n=0 image
	for image in "$P2PMR_CACHE"/images/*/; do
		[ -e "$image" ] || continue
		n=$((n + 1))
		for file in bzImage System.map config umem_probe.ko; do
			[ -f "$image$file" ] || not_ok "  $image has no $file"
		done
	done
	if [ "$n" = "$1" ]; then
		ok "  the cache holds $1 kernels"
	else
		not_ok "  the cache holds $n kernels, not $1"
	fi
	if compgen -G "$P2PMR_CACHE/.image.*" >/dev/null; then
		not_ok "  something half-made is left"
	fi
}

make_tree
expect "no variant" 2 "$build"
has err 'usage: kernel/build unpatched\|p2p'
expect "an unknown variant" 2 "$build" fast
expect "packages, with an unknown option" 2 "$build" --deb --fast
has err 'usage: kernel/build --deb \[--config FILE\]'
expect "packages, with an option without its value" 2 "$build" --deb --output
expect "packages, with a configuration that is not there" 1 "$build" --deb --config "$dir/none"
has err "$dir/none: there is no such file"
expect "packages, to a folder that is not there" 1 "$build" --deb --output "$dir/none"
has err "$dir/none: there is no such directory"

FAKE_FAIL='no such luck'
expect "a build that fails" 1 "$build" unpatched
has err 'a.c:1: error: no such luck'
has err 'the build of unpatched failed: see .*build.log'
builds 1
entries 0

FAKE_FAIL=''
expect "the same without the error" 0 "$build" unpatched
has out "^$P2PMR_CACHE/images/unpatched-[0-9a-f]{16}$"
builds 2
entries 1
image=$(cat "$dir/out")
expect "nothing has changed" 0 "$build" unpatched
has out "^$image$"
silent err
builds 2

# Killed in the middle of it, with all that it started
rm -r "$image"
FAKE_SECONDS=300
setsid "$build" unpatched >"$dir/killed" 2>&1 &
for ((i = 0; i < 600 && $(grep -c . "$FAKE_MAKES") < 3; i++)); do
	sleep 0.1
done
kill -- "-$!"
status=0
wait "$!" || status=$?
if [ $status = 143 ]; then ok "a build that is killed"; else not_ok "a build that is killed: status $status"; fi
FAKE_SECONDS=0
builds 3
entries 0
expect "the next one does not wait for it" 0 "$build" unpatched
builds 4
entries 1

# Two at once: one builds, the other says that it waits and takes the result
rm -r "$image"
FAKE_SECONDS=3
"$build" unpatched >"$dir/first" 2>"$dir/first.err" &
sleep 1
expect "a second build at the same time" 0 "$build" unpatched
has out "^$image$"
has err 'waiting for another process'
if wait $!; then
	ok "  the first one, too"
else
	not_ok "  the first one failed: $(cat "$dir/first.err")"
fi
FAKE_SECONDS=0
builds 5
entries 1

# The real patches, on a tree that they were not made for
expect "a patch that does not apply" 1 "$build" p2p
has err "0001-.* does not apply to .*: see kernel/README.md, 'A newer base'"
: >"$dir/a.config"
expect "the same for packages" 1 "$build" --deb --config "$dir/a.config"
has err "0001-.* does not apply to .*: see kernel/README.md, 'A newer base'"
builds 5
entries 1

# What a patch says of itself is not compiled
cp -r "$P2PMR_SOURCE/kernel" "$dir/kernel"
patches=$dir/kernel/patches/6.12
build=$dir/kernel/build
rm "$patches"/0*.patch
printf '# group: hygiene\n0001-a.patch\n' >"$patches/series"
make_patch()
{
	cat >"$patches/0001-a.patch" <<-EOF
		From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
		From: t <t@localhost>
		Subject: [PATCH] $1

		---
		 a.c | 1 +
		 1 file changed, 1 insertion(+)

		diff --git a/a.c b/a.c
		new file mode 100644
		--- /dev/null
		+++ b/a.c
		@@ -0,0 +1 @@
		+$2
		--
		2.39.5
	EOF
}
make_patch "A file" one
expect "one patch" 0 "$build" p2p
builds 6
entries 2
make_patch "A file, with another message" one
expect "its message has changed" 0 "$build" p2p
silent err
builds 6
make_patch "A file, with another message" two
expect "its file has changed" 0 "$build" p2p
builds 7
entries 3

finish
