# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # kernel/build sets the variables
# What kernel/build does for --deb: packages linux-image and linux-headers of the
# patched kernel, from Debian's own configuration of the same version, or from
# FILE, with what config/deb.config asks for. In a source tree of its own, and
# objects for each configuration, all of which are kept: the next time it builds
# what has changed, or the rest of what was interrupted.

deb_usage="kernel/build --deb [--config FILE] [--output DIR]"
deb_config=''
deb_output=''

# deb_options ARG...: what comes after --deb
deb_options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--config) deb_config=${2-} ;;
		--output) deb_output=${2-} ;;
		esac
		case $1 in
		--config | --output) [ -n "${2-}" ] && shift 2 && continue ;;
		esac
		say "usage: $deb_usage"
		exit 2
	done
	[ -z "$deb_config" ] || [ -f "$deb_config" ] || die "--config $deb_config: there is no such file"
	[ -z "$deb_output" ] || [ -d "$deb_output" ] || die "--output $deb_output: there is no such directory"
}

# Debian's configuration of the source's version, for this machine, from its archive
debian_config()
{
	local package arch version=${tree##*/} dir
	package=$(base_value package)
	package=${package/source/config}
	arch=$(dpkg --print-architecture)
	deb_config=$cache/src/$version.$arch.config
	[ ! -f "$deb_config" ] || return 0
	say "fetching Debian's configuration ($package $version) ..."
	dir=$(mktemp -d "$cache/.config.XXXXXX")
	(
		cd "$dir"
		# as fetch has it
		apt-get -qq -o APT::Sandbox::User=root download "$package=$version" &&
			dpkg-deb --fsys-tarfile ./*.deb | tar -x &&
			xz -dc usr/src/*/"config.${arch}_none_$arch.xz" >config
	) || {
		rm -rf "$dir"
		die "there is no configuration for $arch in $package $version; --config takes
another one, such as /boot/config-VERSION of a kernel that is installed"
	}
	mv "$dir/config" "$deb_config"
	rm -rf "$dir"
}

configure_deb()
{
	scripts/kconfig/merge_config.sh -m -y -O "$obj" "$deb_config" "${configs[@]}" \
		>"$obj/configure.log" 2>&1
	# A distribution's keys are files that only its own builds have: a key is made, and
	# no other is trusted
	scripts/config --file "$obj/.config" --set-str LOCALVERSION -p2pmr \
		--set-str MODULE_SIG_KEY certs/signing_key.pem \
		--set-str SYSTEM_TRUSTED_KEYS '' --set-str SYSTEM_REVOCATION_KEYS ''
	make -s O="$obj" olddefconfig >>"$obj/configure.log" 2>&1 ||
		die "olddefconfig failed: see $obj/configure.log"
	check_config "$obj"
}

# Each build is newer than those before it, so that apt takes it. The headers of C
# programs are made as well, and are Debian's own package's to have.
build_packages()
{
	local version=${tree##*/}
	rm -f "$deb_dir"/*.deb
	run_make "$obj" "$deb_dir/build.log" \
		KDEB_PKGVERSION="${version%%-*}-$(date -u +%Y%m%d.%H%M)" bindeb-pkg
	rm -f "$deb_dir"/linux-libc-dev_*.deb "$deb_dir"/*.{buildinfo,changes}
	debs=$(find "$deb_dir" -maxdepth 1 -name 'linux-*.deb' | sort)
	if [ -n "$deb_output" ]; then
		# there may be those of an earlier build
		xargs -d '\n' mv -t "$deb_output" <<<"$debs"
		debs=${debs//"$deb_dir"/$deb_output}
	fi
}

build_deb()
{
	local name debs
	[ -z "$deb_config" ] || deb_config=$(realpath "$deb_config")
	[ -z "$deb_output" ] || deb_output=$(realpath "$deb_output")
	name=${deb_config:-debian}
	name=${name##*/}
	configs=("$kernel_dir/config/deb.config")
	take_lock deb
	[ -n "$deb_config" ] || debian_config
	deb_dir=$cache/deb/${name%.config}
	obj=$deb_dir/obj
	mkdir -p "$obj"
	cd "$tree" || return
	commit=$(patched_commit)
	[ -e "$cache/src/${tree##*/}-deb/.git" ] ||
		git worktree add -q -f --detach "$cache/src/${tree##*/}-deb" base
	cd "$cache/src/${tree##*/}-deb" || return
	git checkout -q --detach "$commit"
	configure_deb
	say "building packages in $deb_dir, with $(grep -c '=y' "$obj/.config") options and $(grep -c '=m' "$obj/.config") modules ..."
	build_packages
	say "to have them on this machine, beside the kernels that it has:

    apt install ${debs//$'\n'/ }
    reboot
"
	echo "$debs"
}
