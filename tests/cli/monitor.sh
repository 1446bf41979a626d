#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr monitor on a made tree, as lines and on a terminal. Who has memory
# registered only a running kernel tells: that is tested in a guest.
. "$(dirname "$0")/lib.sh"
empty_tree

for value in 0 -1 x 86401 0.5; do
	expect "-i $value" 2 p2pmr monitor -i "$value"
	has err '^p2pmr monitor: -i .*: must be a whole number from 1 to 86400'
done
expect "-n 0" 2 p2pmr monitor -n 0
expect "an argument" 2 p2pmr monitor nvme0
has err 'takes options only'

expect "an empty machine" 0 p2pmr monitor -n 1
has out '^20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]$'
has out '^There is no peer memory\.$'
has out '^No RDMA device has counted anything\.$'
silent err

# ---- as lines -------------------------------------------------------------
pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 67108864 50331648 1
nvme_controller nvme0 0000:04:00.0
pci_function 0000:81:00.1 p2pmem_bar 1
peer_memory 0000:81:00.1 4096 0 0
counters=$P2PMR_SYSFS_ROOT/class/infiniband/rxe0/ports/1/hw_counters
mkdir -p "$counters" "$P2PMR_SYSFS_ROOT/class/infiniband/mlx5_0/hw_counters" \
	"$P2PMR_SYSFS_ROOT/class/infiniband/mlx5_0/ports/1/counters"
echo 1000 >"$counters/sent_pkts"
echo 7 >"$counters/rcvd_pkts"
echo 0 >"$counters/send_err"
echo 10 >"$counters/lifespan"
echo garbage >"$counters/not_a_number"
echo 3 >"$P2PMR_SYSFS_ROOT/class/infiniband/mlx5_0/hw_counters/of_the_device"
echo 18446744073709551615 >"$P2PMR_SYSFS_ROOT/class/infiniband/mlx5_0/ports/1/counters/port_xmit_data"

expect "lines" 0 p2pmr monitor -n 1
has out '^PROVIDER +SIZE +FREE +USED +PUBLISHED *$'
has out '^nvme0 +64 MiB +48 MiB +25% +yes *$'
has out '^0000:81:00\.1 +4 KiB +0 B +100% +no *$'
has out '^DEVICE +COUNTER +TOTAL +PER SECOND$'
has out '^rxe0/1 +sent_pkts +1000 +- *$'
has out '^mlx5_0 +of_the_device +3 +- *$'
has out '^mlx5_0/1 +port_xmit_data +18446744073709551615 +- *$'
has out '^Who has memory registered is not known\. A recorded tree does not tell\.$'
if grep -qE 'send_err|lifespan|not_a_number' "$dir/out"; then
	not_ok "  what says nothing is shown"
else
	ok "  what says nothing is not shown"
fi

# What moves comes first, and has a rate
(
	sleep 0.5
	echo 9 >"$counters/rcvd_pkts.new"
	mv "$counters/rcvd_pkts.new" "$counters/rcvd_pkts"
	rm "$P2PMR_SYSFS_ROOT/class/infiniband/mlx5_0/hw_counters/of_the_device"
) &
expect "two blocks" 0 p2pmr monitor -n 2 -i 1
wait
awk '/^DEVICE/ { tables++; next } tables == 2' "$dir/out" >"$dir/second"
has out '^rxe0/1 +rcvd_pkts +9 +[12]\.[0-9]$'
has out '^rxe0/1 +sent_pkts +1000 +0\.0$'
if head -n 1 "$dir/second" | grep -q rcvd_pkts; then
	ok "  what moves comes first"
else
	not_ok "  what moves does not come first: $(cat "$dir/second")"
fi

# ---- JSON -----------------------------------------------------------------
expect "JSON" 0 p2pmr monitor --json -n 1
silent err
json 'keys == ["counters", "providers", "registrations", "time"] and .registrations == null
	and (.providers | length) == 2 and (.providers[0] | . == {name: "nvme0", pci_address: "0000:04:00.0",
		size_bytes: 67108864, available_bytes: 50331648, published: true})
	and any(.counters[]; . == {rdma_device: "rxe0", port: 1, name: "sent_pkts", value: 1000, per_second: null})
	and any(.counters[]; .value == 0)'
expect "JSON lines" 0 p2pmr monitor --json -n 2 -i 1
if [ "$(wc -l <"$dir/out")" = 2 ] && [ "$(jq -c .time "$dir/out" | sort -u | wc -l)" = 2 ]; then
	ok "  one line each"
else
	not_ok "  not one line each"
fi
tail -n 1 "$dir/out" >"$dir/last" && cp "$dir/last" "$dir/out"
json 'any(.counters[]; .name == "sent_pkts" and .per_second == 0)'

# ---- ends -----------------------------------------------------------------
expect "full disk" 1 sh -c 'p2pmr monitor -n 5 -i 1 >/dev/full'
has err 'Cannot print what was seen: No space left on device.*\[SYSTEM\]$'
expect "full disk, JSON" 1 sh -c 'p2pmr monitor -n 5 -i 1 --json >/dev/full'
# shellcheck disable=SC2016 # for the other shell
expect "the reader has gone" 1 bash -c 'p2pmr monitor -i 1 | true; exit "${PIPESTATUS[0]}"'
expect "Ctrl-C" 130 timeout -s INT --preserve-status 1 p2pmr monitor -i 60
silent err
has out '^nvme0 '
P2PMR_SYSFS_ROOT=$dir/nowhere expect "no tree" 1 p2pmr monitor
has err 'nowhere.*\[SYSTEM\]$'

# ---- on a terminal --------------------------------------------------------
if ! command -v script >/dev/null; then
	echo "script (package bsdutils) is missing: no terminal to test on"
	finish
fi

settings()
{
	stty -a | sed 's/rows [0-9]*; columns [0-9]*;//'
}

# screens N: were that many drawn?
screens()
{
	local i
	for ((i = 0; i < 100; i++)); do
		[ "$(grep -ao $'\x1b\\[H' "$dir/out" | wc -l)" -lt "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

# on_terminal NAME STATUS KEYS SETUP COMMAND [SCREENS]: both run by a shell on a
# terminal of its own, where KEYS are typed once SCREENS (1) were drawn; what was
# drawn is in $dir/out
on_terminal()
{
	local name=$1 want=$2 keys=$3 got=0
	cat >"$dir/session" <<-END
	$(declare -f settings)
	$4
	settings >"$dir/before"
	$5
	echo \$? >"$dir/status"
	settings >"$dir/after"
	END
	: >"$dir/err"
	: >"$dir/out"
	(
		[ -z "$keys" ] || screens "${6:-1}"
		# shellcheck disable=SC2059 # escapes
		printf "$keys"
		sleep 1
	) | TERM=xterm timeout 20 script -qec "bash $dir/session" /dev/null >>"$dir/out" 2>"$dir/err"
	got=$(cat "$dir/status" 2>/dev/null)
	if [ "$got" = "$want" ] && cmp -s "$dir/before" "$dir/after"; then
		ok "$name"
	else
		not_ok "$name: status ${got:-none}, not $want, or the terminal is not as it was"
	fi
}

# lines_fit WIDTH HEIGHT: no line is longer, and no screen higher
lines_fit()
{
	local long high
	sed 's/\x1b\[[?0-9]*[a-zA-Z]/\n/g' "$dir/out" | tr -d '\r' >"$dir/plain"
	long=$(wc -L <"$dir/plain")
	high=$(tr -d '\r' <"$dir/out" | sed 's/\x1b\[H/\nSCREEN\n/g' |
		awk '/^SCREEN$/ { n = 0; next } { n++; if (n > max) max = n } END { print max }')
	if [ "$long" -le "$1" ] && [ "$high" -le $(($2 + 1)) ]; then
		ok "  fits $1 columns, $2 lines"
	else
		not_ok "  $long columns and $high lines do not fit $1 and $2"
	fi
}

on_terminal "q" 0 q "stty cols 80 rows 24" "p2pmr monitor -i 60"
has out 'nvme0 +64 MiB +48 MiB +25%'
has out $'\x1b\\[\\?1049h'
has out $'\x1b\\[\\?1049l'
lines_fit 80 24
on_terminal "Ctrl-C on a terminal" 130 '\003' "stty cols 80 rows 24" "p2pmr monitor -i 60"
has out $'\x1b\\[\\?1049l'
on_terminal "40 columns" 0 q "stty cols 40 rows 10" "p2pmr monitor -i 60"
has out 'nvme0 +64 MiB +48 MiB +25%'
lines_fit 40 10
on_terminal "1 column" 0 q "stty cols 1 rows 1" "p2pmr monitor -i 60"
lines_fit 1 1
on_terminal "no size" 0 q "stty cols 0 rows 0" "p2pmr monitor -i 60"
on_terminal "a count" 0 '' "stty cols 80 rows 24" "p2pmr monitor -i 1 -n 2"
on_terminal "it is resized" 0 q "stty cols 80 rows 24; (sleep 0.7; stty cols 33 rows 6 </dev/tty) &" \
	"p2pmr monitor -i 60" 3
sed -z 's/.*\x1b\[H//' "$dir/out" >"$dir/last"
mv "$dir/last" "$dir/out"
lines_fit 33 6
on_terminal "a dumb terminal" 0 '' "export TERM=dumb" "p2pmr monitor -n 1"
if grep -q $'\x1b' "$dir/out"; then
	not_ok "  sequences on a dumb terminal"
else
	ok "  no sequences on a dumb terminal"
fi

finish
