# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of p2pmr's command line in bash. Commands, options and what kind of
# value an option takes are read from --help, so that there is nothing here to
# keep up with them; only kinds of values are.

# _p2pmr_help WORD...: what these words' --help says
_p2pmr_help()
{
	P2PMR_LOG='' "$_p2pmr_command" "$@" --help 2>/dev/null
}

# The words of a list in --help, of commands or actions
_p2pmr_listed()
{
	_p2pmr_help "$@" | sed -nE '/^(Commands|Actions):$/,/^[^ ]*:$/!b; s/^  ([a-z]+) .*/\1/p'
}

# "SHORT LONG VALUE" of each option; what there is not is "-"
_p2pmr_options()
{
	_p2pmr_help "$@" |
		sed -nE 's/^ +((-[^ ,]),)? *(--[A-Za-z0-9_-]+)(=([^ ]+))?( .*)?$/\2 \3 \5 /p' |
		sed -E 's/^ /- /; s/  $/ -/'
}

# What an argument that belongs to no option is
_p2pmr_argument()
{
	_p2pmr_help "$@" | sed -nE '1s/^Usage: .*\[OPTION\.\.\.\] \[?([A-Z]+).*/\1/p'
}

_p2pmr_providers()
{
	P2PMR_LOG='' "$_p2pmr_command" list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_p2pmr_devices()
{
	ls "${P2PMR_SYSFS_ROOT:-/sys}/class/infiniband" 2>/dev/null
}

# _p2pmr_values KIND WORDS: fill COMPREPLY with what can stand for KIND; return 1
# where nobody knows, as for a number. WORDS: command and action
_p2pmr_values()
{
	case $1 in
	*'|'*) mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$cur") ;;
	DEV) mapfile -t COMPREPLY < <(compgen -W "$(_p2pmr_devices)" -- "$cur") ;;
	WHAT) mapfile -t COMPREPLY < <(compgen -W "$(_p2pmr_providers) auto off" -- "$cur") ;;
	TYPE) mapfile -t COMPREPLY < <(compgen -W "rdma tcp loop" -- "$cur") ;;
	FILE | PATH)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	SERVER) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
	NAME)
		local names
		names=$(_p2pmr_providers)
		case $2 in
		topo* | check*) names=$(grep -vx host <<<"$names")" $(_p2pmr_devices)" ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur")
		;;
	*) return 1 ;;
	esac
}

_p2pmr()
{
	local cur prev words cword option='' kind _p2pmr_command
	local -a at=()
	COMPREPLY=()
	# PCI addresses have colons, options equals signs: words go on over both
	_get_comp_words_by_ref -n =: cur prev words cword
	_p2pmr_command=${words[0]}

	if [ "$cword" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_p2pmr_listed) --help --version" -- "$cur")
		return
	fi
	at=("${words[1]}")
	if [ "${at[0]}" = nvmet ]; then
		if [ "$cword" = 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_p2pmr_listed nvmet) --help" -- "$cur")
			return
		fi
		at+=("${words[2]}")
	fi

	case $cur in
	--*=*)
		option=${cur%%=*}
		cur=${cur#*=}
		;;
	*)
		case $prev in
		-*=*) ;;
		-*) option=$prev ;;
		esac
		;;
	esac
	if [ -n "$option" ]; then
		kind=$(_p2pmr_options "${at[@]}" |
			awk -v option="$option" '$1 == option || $2 == option { print $3 }')
		if [ -n "$kind" ] && [ "$kind" != - ]; then
			_p2pmr_values "$kind" "${at[*]}"
			__ltrim_colon_completions "$cur"
			return
		fi
	fi
	case $cur in
	-*)
		# With an equals sign where there is a value
		mapfile -t COMPREPLY < <(compgen -W "$(_p2pmr_options "${at[@]}" |
			awk '{ print $2 ($3 == "-" ? "" : "=") } $1 != "-" { print $1 }')" -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
		;;
	*)
		_p2pmr_values "$(_p2pmr_argument "${at[@]}")" "${at[*]}"
		__ltrim_colon_completions "$cur"
		;;
	esac
} &&
	complete -F _p2pmr p2pmr
