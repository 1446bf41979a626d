# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2054
# (tests/vm/run sets the variables; commas are QEMU's)
# --hosts 2: tests/vm/run runs itself once for each of two guests. They share a
# network, made of two datagram sockets, and a directory to meet in, both in
# P2PMR_VM_PAIR, by which a run knows that it is one of two.

declare -A pair=() # the number of the host by the process of its run
label_pids=()

# shellcheck disable=SC2317 # called by the traps
cleanup_pair()
{
	local pid
	for pid in "${!pair[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	wait "${label_pids[@]}" 2>/dev/null || true
	rm -rf "$P2PMR_VM_PAIR"
}

# label_output NUMBER: what one guest's run writes into the fifos goes on with the
# number in front
label_output()
{
	local port
	for port in stdout stderr; do
		mkfifo "$P2PMR_VM_PAIR/$port$1"
	done
	sed -u "s/^/host $1: /" <"$P2PMR_VM_PAIR/stdout$1" &
	label_pids+=("$!")
	sed -u "s/^/host $1: /" <"$P2PMR_VM_PAIR/stderr$1" >&2 &
	label_pids+=("$!")
}

run_host()
{
	export P2PMR_VM_HOST=$1
	shift
	exec setpriv --pdeathsig TERM "$vm_dir/run" "$@" \
		>"$P2PMR_VM_PAIR/stdout$P2PMR_VM_HOST" 2>"$P2PMR_VM_PAIR/stderr$P2PMR_VM_HOST"
}

# run_pair ARG...: status: that of the first guest that fails, which ends the
# other one, as that would wait for it in vain
run_pair()
{
	local host status ended
	P2PMR_VM_PAIR=$(readlink -f "$(mktemp -d "${TMPDIR:-/tmp}/p2pmr-pair.XXXXXX")")
	export P2PMR_VM_PAIR
	trap cleanup_pair EXIT
	trap 'exit 130' INT TERM HUP
	mkdir "$P2PMR_VM_PAIR/meet"
	# a kernel that is not there yet is built once, and for one to see
	[[ $kernel == */* ]] || "$repo/kernel/build" "$kernel" >/dev/null ||
		guest_failed "kernel/build $kernel failed: what it said is above"
	for host in 0 1; do
		label_output "$host"
		run_host "$host" "$@" &
		pair[$!]=$host
	done
	while [ ${#pair[@]} -gt 0 ]; do
		status=0
		wait -n -p ended "${!pair[@]}" || status=$?
		host=${pair[$ended]}
		unset "pair[$ended]"
		[ "$status" = 0 ] || break
	done
	[ ${#pair[@]} = 0 ] ||
		say "host $host failed with status $status, so the other one is stopped"
	exit "$status"
}

# pair_network: the NIC's other end is the other guest; what is sent before that
# one has started is lost, as on any network
pair_network()
{
	local dir
	dir=$(comma "$P2PMR_VM_PAIR")
	qemu+=(-netdev "dgram,id=net0,local.type=unix,local.path=$dir/net$P2PMR_VM_HOST,remote.type=unix,remote.path=$dir/net$((1 - P2PMR_VM_HOST))"
		-fsdev "local,id=meet,path=$dir/meet,security_model=none"
		-device virtio-9p-pci,fsdev=meet,mount_tag=meet)
}
