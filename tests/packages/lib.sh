# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # for those who source this
# What the tests of packages share: a folder of their own, and the sources as a
# release has them. P2PMR_SOURCE is set by ctest.

top=${P2PMR_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
build=${P2PMR_BUILD:-$top/build}
version=$(sed -n 's/^project(libp2pmr VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# need COMMAND PACKAGE: a test of packages needs what makes them
need()
{
	command -v "$1" >/dev/null && return
	echo "SKIP: there is no $1 (Debian package $2)"
	exit 77
}

# run LOG COMMAND...: its output is shown when it fails
run()
{
	local log=$tmp/$1.log
	shift
	"$@" >"$log" 2>&1 && return
	tail -n 60 "$log" >&2
	die "failed: $*"
}

# no_lint FILE: but for what only a release has: an address, a home page, where to
# watch for the next one, a bug to close
no_lint()
{
	local tags out
	tags=bogus-mail-host,bogus-mail-host-in-debian-changelog
	tags+=,initial-upload-closes-no-bugs,no-homepage-field,debian-watch-file-is-missing
	# it fails for what it finds, too, which is told below
	out=$(lintian --allow-root --tag-display-limit 0 --display-info --pedantic --suppress-tags "$tags" \
		"$1" 2>&1) || true
	[ -z "$out" ] || die "lintian says:
$out"
}

# source_tree DIR: the files as they are now, without what a build makes
source_tree()
{
	mkdir -p "$1"
	git -C "$top" ls-files -z --cached --others --exclude-standard | tar -C "$top" --null -T - -cf - | tar -C "$1" -xf -
}
