#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion in bash: every command and option that --help has is offered, names
# are those of this machine, and no option takes a value of a kind that
# tools/completion.sh has never heard of.
. "$(dirname "$0")/lib.sh"

library=/usr/share/bash-completion/bash_completion
if [ ! -r $library ]; then
	echo "$library is missing (package bash-completion)"
	exit 77
fi
set +u
# shellcheck disable=SC1090,SC1091
. $library
. "${P2PMR_SOURCE:-../..}/tools/completion.sh"
set -u

# compopt works only while bash itself completes
compopt()
{
	:
}

# complete_line LINE: what is offered at its end, one a line, in $dir/out
complete_line()
{
	local COMPREPLY=() COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD COMP_TYPE=9 COMP_KEY=9
	local COMP_WORDS
	# As readline does it: "=" and ":" are words of their own
	read -ra COMP_WORDS < <(sed -E 's/[=:]+/ & /g' <<<"$1")
	[[ $1 != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	# bash-completion's own functions use variables that are not set
	set +u
	_p2pmr p2pmr "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	set -u
	printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | sort -u | sed '/^$/d' >"$dir/out"
	: >"$dir/err"
}

# offers LINE WORD...: these and nothing else
offers()
{
	local line=$1
	shift
	complete_line "$line"
	if printf '%s\n' "$@" | sort -u | sed '/^$/d' | cmp -s - "$dir/out"; then
		ok "'$line'"
	else
		not_ok "'$line' does not offer: $*"
	fi
}

empty_tree
pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 67108864 63963136 1
nvme_controller nvme0 0000:04:00.0
pci_function 0000:81:00.1 p2pmem_bar 1
peer_memory 0000:81:00.1 4096 0 0
mkdir -p "$P2PMR_SYSFS_ROOT/class/infiniband/rxe0" "$P2PMR_SYSFS_ROOT/class/infiniband/mlx5_0"

# ---- commands -------------------------------------------------------------
commands=$(p2pmr --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
if [ "$(wc -w <<<"$commands")" -lt 8 ]; then
	not_ok "only these commands: $commands"
fi
# shellcheck disable=SC2086 # words
offers "p2pmr " $commands --help --version
offers "p2pmr veri" verify
offers "p2pmr nvmet " set show save restore clear --help
offers "p2pmr nvmet s" set show save

# ---- options --------------------------------------------------------------
# Kinds of values that nobody can guess
no_guess=" ADDRESS BYTES COUNT INDEX N NQN PORT SECONDS SIZE "

# all_options WORD...: of "p2pmr WORD..."
all_options()
{
	local line kind options
	p2pmr "$@" --help >"$dir/help"
	options=$(grep -oE -- '^ +(-., )? *--[a-zA-Z0-9_-]+=?' "$dir/help" | grep -oE -- '--[a-zA-Z0-9_-]+=?|-[^-, ]')
	# shellcheck disable=SC2086 # words
	offers "p2pmr $* -" $options
	while read -r kind; do
		cur=''
		if [[ $no_guess == *" $kind "* ]] || _p2pmr_command=p2pmr _p2pmr_values "$kind" "$*"; then
			ok "  $kind"
		else
			not_ok "  $kind: no such kind of value in tools/completion.sh, nor in no_guess here"
		fi
	done < <(grep -oE -- '^ +(-., )? *--[a-zA-Z0-9_-]+=[^ ]+' "$dir/help" | sed 's/.*=//' | sort -u)
}

for command in $commands; do
	# Its actions have options, it has none
	[ "$command" = nvmet ] || all_options "$command"
done
for action in set show save restore clear; do
	all_options nvmet "$action"
done

# ---- values ---------------------------------------------------------------
offers "p2pmr bw --mem " nvme0 0000:81:00.1 host
offers "p2pmr bw --mem nv" nvme0
offers "p2pmr verify --mem=nv" nvme0
offers "p2pmr verify --mem=" nvme0 0000:81:00.1 host
# What is before the last colon stands on the line already
offers "p2pmr verify --mem 0000:8" 81:00.1
offers "p2pmr verify --mem=0000:81:" 00.1
offers "p2pmr bw -d " rxe0 mlx5_0
offers "p2pmr reg --ib-dev=r" rxe0
offers "p2pmr bw --op " write read send atomic
offers "p2pmr bw --compare-side=s" server
offers "p2pmr topo n" nvme0
offers "p2pmr check " nvme0 0000:81:00.1 rxe0 mlx5_0
offers "p2pmr list " ""
offers "p2pmr bw -s " ""
offers "p2pmr nvmet set --p2pmem=o" off
offers "p2pmr nvmet set -t " rdma tcp loop
touch "$dir/a-file" "$dir/another one"
offers "p2pmr topo --svg $dir/a-" "$dir/a-file"
offers "p2pmr frobnicate -" ""

# ---- installed ------------------------------------------------------------
DESTDIR=$dir/root expect "installed" 0 cmake --install "${P2PMR_BUILD:-../../build}"
if find "$dir/root" -path '*/share/bash-completion/completions/p2pmr' | grep -q .; then
	ok "  where bash-completion looks for it"
else
	not_ok "  not where bash-completion looks for it"
fi

finish
