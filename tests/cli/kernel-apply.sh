#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kernel/apply and kernel/refresh: the series as commits, and back again, also on another
# base. With a series of two patches on a tree of one file.
. "$(dirname "$0")/lib.sh"

export P2PMR_CACHE=$dir/cache
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
kernel=$dir/kernel
patches=$kernel/patches/6.12
work=$dir/work

# base VERSION [LINE TEXT]: a tree of the cache, of 20 lines, of which one is another
base()
{
	local tree=$P2PMR_CACHE/src/$1
	mkdir -p "$tree"
	seq 20 | sed "${2-1}s/.*/${3-1}/" >"$tree/file"
	git -C "$tree" init -q -b pristine
	git -C "$tree" config user.name t
	git -C "$tree" config user.email t@localhost
	git -C "$tree" add file
	git -C "$tree" commit -q -m "base $1"
	git -C "$tree" tag base
	printf 'package=linux-source-6.12\nversion=%s\n' "$1" >"$patches/BASE"
}

# change LINE: a commit in the work tree that changes this line alone
change()
{
	sed -i "$1s/.*/changed $1/" "$work/file"
	git -C "$work" commit -q -a -m "file: Change line $1"
}

mkdir -p "$patches"
cp "$P2PMR_SOURCE"/kernel/{apply,refresh,fetch,common.sh} "$kernel"
printf '# group: hygiene\n0001-file-Change-line-5.patch\n0002-file-Change-line-15.patch\n' >"$patches/series"
base 6.12.1-1

expect "no directory" 2 "$kernel/apply"
has err '^usage: kernel/apply DIR'
expect "what is no work tree" 2 "$kernel/refresh" "$dir"
has err 'usage: kernel/refresh DIR'

git -C "$P2PMR_CACHE/src/6.12.1-1" worktree add -q -B work "$work" base
change 5
change 15
expect "commits become patches" 0 "$kernel/refresh" "$work"
has err '^2 patches in'
cp -r "$patches" "$dir/kept"
expect "a directory that is there" 1 "$kernel/apply" "$work"
has err 'exists: name a directory that does not'
git -C "$P2PMR_CACHE/src/6.12.1-1" worktree remove --force "$work"

expect "patches become commits" 0 "$kernel/apply" "$work"
has err '2 commits on 6.12.1-1'
expect "and patches again" 0 "$kernel/refresh" "$work"
if diff -r "$dir/kept" "$patches" >"$dir/diff"; then
	ok "  the same ones"
else
	not_ok "  others: $(cat "$dir/diff")"
fi

echo 'not committed' >>"$work/file"
expect "changes that are not committed" 1 "$kernel/refresh" "$work"
has err 'has changes that are not committed'
git -C "$work" checkout -q file
change 10
expect "a patch that series does not know" 1 "$kernel/refresh" "$work"
has err 'lists other files than there are'
has err '0003-file-Change-line-10.patch'
rm "$patches"/0003-*

# A newer base, changed near what the second patch changes, which is made on a file that
# neither base has
base 6.12.2-1 12 newer
expect "a newer base, where the patches can be merged" 0 "$kernel/apply" "$dir/newer"
has err 'does not apply to 6.12.2-1 as it is; merging'
has err '2 commits on 6.12.2-1'
expect "the patches for it" 0 "$kernel/refresh" "$dir/newer"
if grep -q '^ newer$' "$patches/0002-file-Change-line-15.patch"; then
	ok "  are made on it"
else
	not_ok "  are not made on it"
fi

base 6.12.3-1 5 newest
expect "one where they cannot" 1 "$kernel/apply" "$dir/newest"
has err 'mend it, git add, git am --continue'
expect "in the middle of that" 1 "$kernel/refresh" "$dir/newest"
has err 'in the middle of git am|changes that are not committed'
sed -i '/^[<=>|]\{7\}/d; /^newest$/d; /^5$/d' "$dir/newest/file"
git -C "$dir/newest" add file
git -C "$dir/newest" -c user.name=t -c user.email=t@localhost am -q --continue 2>"$dir/am" ||
	not_ok "git am --continue: $(cat "$dir/am")"
expect "once it is mended" 0 "$kernel/refresh" "$dir/newest"
finish
