# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts of kernel/ share: where things are, and what a variant is.

kernel_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
patch_dir=$kernel_dir/patches/${P2PMR_KERNEL_BASE:-6.12}
cache=${P2PMR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libp2pmr}
variants="unpatched p2p debug unrevocable move-notify"

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "${0##*/}: $*"
	exit 1
}

# take_lock NAME: one at a time per cache; held until this process ends. The
# one that waits says so, because the wait may be a whole kernel build.
take_lock()
{
	mkdir -p "$cache"
	exec {lock_fd}>"$cache/$1.lock"
	flock -n "$lock_fd" && return
	say "waiting for another process that works in $cache ($1)"
	flock "$lock_fd"
}

# Work of hours that went well is not done again for the same source, fragments of
# the configuration, compiler and whatever else the key is made of, so that what was
# interrupted goes on where it was.
#
# key_of WORD...: in a source tree, of what is staged in it and can be compiled
key_of()
{
	{
		git ls-files --stage -- . ':!Documentation' ':!MAINTAINERS'
		gcc --version | head -n 1
		cat "$kernel_dir"/config/{base,lab,each}.config
		printf '%s\n' "$@"
	} | sha256sum | cut -c 1-16
}

# remembered FILE KEY
remembered()
{
	grep -qxF -- "$2" "$1" 2>/dev/null
}

# remember FILE KEY
remember()
{
	echo "$2" >>"$1"
}

# use_ccache: a compiler that remembers what it has compiled; the same files are
# compiled again and again with little that changes
use_ccache()
{
	command -v ccache >/dev/null || die "there is no ccache (Debian package ccache)"
	export CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=4G
}

# base_value KEY: one value of the BASE file
base_value()
{
	sed -n "s/^$1=//p" "$patch_dir/BASE"
}

# series_groups VARIANT: which groups of the series make up the variant
series_groups()
{
	case $1 in
	unpatched) ;;
	unrevocable) sed -n 's/^# group: //p' "$patch_dir/series" ;;
	*) sed -n 's/^# group: //p' "$patch_dir/series" | grep -vx control ;;
	esac
}

# series_patches VARIANT: the files of the variant's patches, in order
series_patches()
{
	local group='' line groups
	groups=$(series_groups "$1")
	while read -r line; do
		case $line in
		'# group: '*) group=${line#'# group: '} ;;
		'#'* | '') ;;
		*) grep -qxF -- "$group" <<<"$groups" && echo "$patch_dir/$line" ;;
		esac
	done <"$patch_dir/series"
	return 0
}

# alone_patches: the files of those that need no other ones, in order
alone_patches()
{
	local number
	while read -r number; do
		printf '%s\n' "$patch_dir/$number"-*.patch
	done < <(sed -n 's/^# alone: //p' "$patch_dir/series" | tr ' ' '\n')
}

# variant_configs VARIANT: the configuration fragments, in order of merging
variant_configs()
{
	echo "$kernel_dir/config/base.config"
	echo "$kernel_dir/config/lab.config"
	[ ! -e "$kernel_dir/config/$1.config" ] || echo "$kernel_dir/config/$1.config"
}

is_variant()
{
	case " $variants " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}
