#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# p2pmr nvmet: arguments, files with mistakes in them, and a made tree in place
# of configfs, in which folders can be made but have no files.
. "$(dirname "$0")/lib.sh"

nqn=nqn.2026-11.org.example:a
nvmet=
record=

# target: an empty tree with a target
target()
{
	empty_tree
	nvmet=$P2PMR_SYSFS_ROOT/kernel/config/nvmet
	record=$P2PMR_SYSFS_ROOT/run/p2pmr/nvmet
	mkdir -p "$nvmet"/{hosts,subsystems,ports}
}

# has_nothing: neither in the target nor on record
has_nothing()
{
	if [ -z "$(find "$nvmet" -mindepth 2)" ] && [ ! -s "$record" ]; then
		ok "  nothing is left"
	else
		not_ok "  left: $(find "$nvmet" -mindepth 2) $(cat "$record")"
	fi
}

# ---- arguments -----------------------------------------------------------------
target

expect "no action" 2 p2pmr nvmet
has err 'no action \[USAGE\]'
expect "unknown action" 2 p2pmr nvmet frobnicate
has err 'frobnicate: is no action \[USAGE\]'
for action in set show save restore clear; do
	expect "$action: help" 0 p2pmr nvmet $action --help
	has out "^Usage: p2pmr nvmet $action "
	silent err
	expect "$action: unknown option" 2 p2pmr nvmet $action --frobnicate
	has err "^p2pmr nvmet $action: "
done
for action in show clear; do
	expect "$action: an argument" 2 p2pmr nvmet $action x
	has err 'x: takes options only \[USAGE\]'
done
expect "set: nothing" 2 p2pmr nvmet set
has err '--nqn and --device, or --file, must be given \[USAGE\]'
expect "set: no device" 2 p2pmr nvmet set --nqn $nqn
expect "set: file and flags" 2 p2pmr nvmet set --nqn $nqn --file x
has err '--file: goes with'
expect "set: service without address" 2 p2pmr nvmet set --nqn $nqn --device /dev/x --trsvcid 1
expect "set: transport without address" 2 p2pmr nvmet set --nqn $nqn --device /dev/x --transport rdma
expect "set: port without address" 2 p2pmr nvmet set --nqn $nqn --device /dev/x --port 1
expect "restore: no file" 2 p2pmr nvmet restore
expect "restore: two files" 2 p2pmr nvmet restore a b
expect "save: two files" 2 p2pmr nvmet save a b
has_nothing

# ---- values --------------------------------------------------------------------

# bad NAME PATTERN OPTION...: of set
bad()
{
	local name=$1 pattern=$2
	shift 2
	expect "$name" 1 p2pmr nvmet set --device "$dir/file" --p2pmem off "$@"
	has err "$pattern"
	silent out
	has_nothing
}

long=$(printf 'x%.0s' {1..224})
: >"$dir/file"
bad "a slash in a name" 'subsystems\[0\]\.nqn must be without "/" and "\.\.".*\[BAD_FILE\]$' --nqn a/b
bad "a name that leads up" 'must be without "/"' --nqn ..
bad "an empty name" 'subsystems\[0\]\.nqn must be there' --nqn ''
bad "a name of 224 bytes" 'must be at most 223 bytes long' --nqn "$long"
bad "a newline in a name" 'without control characters' --nqn $'a\nb'
bad "namespace 0" 'namespaces\[0\]\.nsid must be a number from 1 to 4294967294' --nqn $nqn --nsid 0
bad "a namespace with a sign" 'nsid must be a number' --nqn $nqn --nsid +1
bad "port 65536" 'portid must be a number from 0 to 65535' --nqn $nqn --traddr 127.0.0.1 --port 65536
bad "a transport" 'trtype must be one of "rdma" "tcp" "loop"' --nqn $nqn --traddr 127.0.0.1 --transport smoke
bad "an address" '"300.0.0.1" is no address of the family "ipv4".*\[BAD_CONFIG\]$' --nqn $nqn --traddr 300.0.0.1
bad "an address that nobody has" 'no interface.*192\.0\.2\.1.*\[NO_ADDRESS\]$' --nqn $nqn --traddr 192.0.2.1
bad "an address without RDMA device" '127\.0\.0\.1 has no RDMA device.*\[NO_RDMA_DEVICE\]$' --nqn $nqn --traddr 127.0.0.1
bad "inline data" 'inline_data_size must be a number' --nqn $nqn --traddr 127.0.0.1 --inline-data-size 1k
bad "a host's name" 'hosts\[0\]\.nqn must be' --nqn $nqn --host a/b
bad "the same host twice" 'hosts\[1\]\.nqn must be another' --nqn $nqn --host a --host a
bad "no such device" '/nowhere: No such file.*\[NO_DEVICE\]$' --nqn $nqn --device /nowhere
bad "a folder" 'neither a block device nor a file.*\[NO_DEVICE\]$' --nqn $nqn --device /
bad "a relative path" 'does not start with "/".*\[BAD_CONFIG\]$' --nqn $nqn --device file
bad "a file and peer memory" 'it is a file.*\[DEVICE_NO_P2PDMA\]$' --nqn $nqn --p2pmem auto
bad "an unknown provider" '\[NO_PROVIDER\]$' --nqn $nqn --p2pmem nvme7
expect "host memory as provider" 2 p2pmr nvmet set --device "$dir/file" --nqn $nqn --p2pmem host
has err 'is no peer memory.*\[USAGE\]$'

expect "a failure as JSON" 1 p2pmr nvmet set --json --device /nowhere --nqn $nqn
json '.error.reason == "NO_DEVICE" and .error.errno == "ENOENT"'
silent err

# ---- files ---------------------------------------------------------------------

# wrong NAME PATTERN <file: what restore says about it
wrong()
{
	cat >"$dir/wrong.json"
	expect "$1" 1 p2pmr nvmet restore "$dir/wrong.json"
	has err "wrong\.json.*$2"
	silent out
	has_nothing
}

# in_namespace TEXT: a file with a namespace that has it
in_namespace()
{
	echo '{"subsystems": [{"nqn": "a", "namespaces": [{"nsid": 1, '"$1"'}]}]}'
}

wrong "no JSON" ':2:9: this is no JSON: .*\[BAD_FILE\]$' <<-'EOF'
	{
	"hosts" [] }
EOF
wrong "half a file" ':2:1: this is no JSON: unexpected end of data' <<<'{ "hosts": ['
wrong "an empty file" 'unexpected end of data' </dev/null
wrong "null" 'nothing but "null"' <<<null
wrong "something after it" 'this is no JSON' <<<'{} {}'
wrong "an array" 'the whole of it must be an object' <<<'[]'
wrong "very deep" 'this is no JSON: nesting too deep' <<<"$(printf '[%.0s' {1..100})"
wrong "an unknown key" ': frobs is not known' <<<'{"frobs": []}'
wrong "an unknown key inside" ': subsystems\[0\]\.attr\.colour is not known' <<<'{"subsystems": [{"nqn": "a", "attr": {"colour": "red"}}]}'
wrong "an unknown key in a namespace" ': subsystems\[0\]\.namespaces\[0\]\.p2p is not known' <<<"$(in_namespace '"p2p": 1')"
wrong "a list that is none" ': subsystems must be an array' <<<'{"subsystems": {}}'
wrong "an item that is none" ': subsystems\[1\] must be an object' <<<'{"subsystems": [{"nqn": "a"}, 7]}'
wrong "a group that is none" 'namespaces\[0\]\.device must be an object' <<<"$(in_namespace '"device": "/dev/x"')"
wrong "a value that is none" 'device\.path must be a string' <<<"$(in_namespace '"device": {"path": []}')"
wrong "null as a value" 'enable must be a string or a whole number' <<<"$(in_namespace '"enable": null')"
wrong "a broken number" 'enable must be a string or a whole number' <<<"$(in_namespace '"enable": 0.5')"
wrong "neither yes nor no" 'enable must be a number from 0 to 1' <<<"$(in_namespace '"enable": 2')"
wrong "a NUL in a value" 'device\.path must be a string' <<<"$(in_namespace '"device": {"path": "/dev/x\u0000y"}')"
wrong "a UUID" 'device\.uuid must be a UUID' <<<"$(in_namespace '"device": {"uuid": "12"}')"
wrong "p2pmem" 'p2pmem must be "0", "1", or a PCI address' <<<"$(in_namespace '"p2pmem": "nvme0"')"
wrong "a value that is too long" 'model must be at most 40 bytes' <<<'{"subsystems": [{"nqn": "a", "attr": {"model": "'"${long:0:41}"'"}}]}'
wrong "no name" 'subsystems\[0\]\.nqn must be there' <<<'{"subsystems": [{}]}'
wrong "a slash in a name" 'ports\[0\]\.referrals\[0\]\.name must be without' <<<'{"ports": [{"portid": 1, "referrals": [{"name": "../../x"}]}]}'
wrong "a slash in a link" 'allowed_hosts\[0\] must be without' <<<'{"subsystems": [{"nqn": "a", "allowed_hosts": ["../b"]}]}'
wrong "a link that is no name" 'allowed_hosts\[0\] must be a string' <<<'{"subsystems": [{"nqn": "a", "allowed_hosts": [1]}]}'
wrong "the same twice" 'subsystems\[1\]\.nqn must be another' <<<'{"subsystems": [{"nqn": "a"}, {"nqn": "a"}]}'
wrong "the same number, written otherwise" 'ports\[1\]\.portid must be another' <<<'{"ports": [{"portid": 1}, {"portid": "01"}]}'
wrong "the same link twice" 'subsystems\[1\] must be there only once' <<<'{"ports": [{"portid": 1, "subsystems": ["a", "a"]}]}'
expect "no such file" 1 p2pmr nvmet restore "$dir/nowhere"
has err 'nowhere cannot be read.*\[SYSTEM\]$'
expect "a folder" 1 p2pmr nvmet restore "$dir"
head -c 5M /dev/zero | tr '\0' ' ' >"$dir/large"
expect "a large file" 1 p2pmr nvmet restore "$dir/large"
has err 'larger than 4 MiB.*\[BAD_FILE\]$'

# What a file says as a whole
lacks()
{
	cat >"$dir/file.json"
	expect "$1" 1 p2pmr nvmet restore "$dir/file.json"
	has err "$2.*\[BAD_CONFIG\]$"
	has_nothing
}

lacks "a link to nothing" '"b" in allowed_hosts is not among the hosts' <<<'{"subsystems": [{"nqn": "a", "allowed_hosts": ["b"]}]}'
lacks "a port's link to nothing" 'ports 1: "b" in subsystems is not' <<<'{"ports": [{"portid": 1, "addr": {"trtype": "loop"}, "subsystems": ["b"]}]}'
lacks "any host, and some" 'allows any host, and lists' <<<'{"hosts": [{"nqn": "b"}], "subsystems": [{"nqn": "a", "attr": {"allow_any_host": 1}, "allowed_hosts": ["b"]}]}'
lacks "a port without transport" 'Port 1 has no transport' <<<'{"ports": [{"portid": 1}]}'
lacks "a namespace without device" 'Namespace 1 of a has no device' <<<"$(in_namespace '"enable": 1')"

cat >"$dir/twins.json" <<'EOF'
{ "subsystems": [ { "nqn": "a" } ],
  "ports": [
    { "portid": 1, "addr": { "trtype": "loop" }, "subsystems": [ "a" ] },
    { "portid": 2, "addr": { "trtype": "loop" }, "subsystems": [ "a" ] } ] }
EOF
expect "two ports at one address" 1 p2pmr nvmet restore "$dir/twins.json"
has err '\[ADDRESS_IN_USE\]$'
has_nothing

# ---- all of it or nothing ---------------------------------------------------------

# A subsystem without parts can be made in a tree of folders; the next one has an
# attribute, which is not there
cat >"$dir/half.json" <<'EOF'
{ "hosts": [ { "nqn": "h" } ],
  "subsystems": [ { "nqn": "a" }, { "nqn": "b", "attr": { "model": "none" } } ] }
EOF
expect "a step that fails" 1 p2pmr nvmet restore "$dir/half.json"
has err 'has no attr_model for subsystems/b.*\[REFUSED\]$'
has_nothing
expect "checked only" 0 p2pmr nvmet restore --check "$dir/half.json"
silent out
has_nothing

echo '{ "hosts": [ { "nqn": "h" } ], "subsystems": [ { "nqn": "a" } ] }' >"$dir/good.json"
expect "checked, from standard input" 0 sh -c "p2pmr nvmet restore --check - <$dir/good.json"
silent out
has_nothing
expect "made" 0 p2pmr nvmet restore "$dir/good.json"
has out '^made hosts/h$'
has out '^made subsystems/a$'
expect "made again" 0 p2pmr nvmet restore --json "$dir/good.json"
json '. == {"made": []}'

# ---- clear ----------------------------------------------------------------------

mkdir "$nvmet/subsystems/theirs" "$nvmet/subsystems/a/theirs"
expect "something in it" 1 p2pmr nvmet clear
has out '^in use subsystems/a$'
has out '^removed hosts/h$'
has err 'subsystems/a cannot be removed.*\[IN_USE\]$'
expect "as JSON" 1 p2pmr nvmet clear --json
json '.error.reason == "IN_USE" and .items == [{"path": "subsystems/a", "result": "in use"}]'
rmdir "$nvmet/subsystems/a/theirs"
mv "$nvmet/subsystems/a" "$nvmet/subsystems/old"
mkdir "$nvmet/subsystems/a"
expect "another of that name" 0 p2pmr nvmet clear
has out '^replaced subsystems/a$'
rmdir "$nvmet"/subsystems/{a,old}
expect "nothing to clear" 0 p2pmr nvmet clear --json
json '. == {"items": []}'
if [ "$(ls "$nvmet/subsystems")" = theirs ]; then
	ok "others' is left"
else
	not_ok "others' is not left"
fi

echo 'rm -rf /' >"$record"
expect "a record of somebody else's" 1 p2pmr nvmet clear
has err 'nothing of this command.*\[SYSTEM\]$'
echo '1 ../../x' >"$record"
expect "a record that leads elsewhere" 1 p2pmr nvmet clear
: >"$record"

exec 9>>"$record"
flock 9
expect "one at a time" 124 timeout 1 p2pmr nvmet clear
exec 9>&-

# ---- what is configured -------------------------------------------------------------
target
expect "nothing: table" 0 p2pmr nvmet show
has out '^Nothing is configured'
expect "nothing: JSON" 0 p2pmr nvmet show --json
json '. == {"namespaces": [], "ports": [], "controllers": null}'
expect "nothing: saved" 0 p2pmr nvmet save
json '. == {"hosts": [], "subsystems": [], "ports": []}'

# item FOLDER FILE=VALUE...
item()
{
	local pair
	mkdir -p "$nvmet/$1"
	for pair in "${@:2}"; do
		echo "${pair#*=}" >"$nvmet/$1/${pair%%=*}"
	done
}

pci_function 0000:04:00.0 nvme 0
peer_memory 0000:04:00.0 67108864 67108864 1
nvme_controller nvme0 0000:04:00.0
item hosts/h dhchap_hash='hmac(sha256)' dhchap_key= dhchap_ctrl_key=
item "subsystems/$nqn" attr_allow_any_host=0 attr_serial='abc                 ' attr_version=1.3
item "subsystems/$nqn/namespaces/10" device_path=/dev/nvme1n1 enable=1 p2pmem=0000:04:00.0 \
	device_uuid=d592cdf3-5d1c-44e0-8412-3fcf7d99df27 ana_grpid=1 buffered_io=0
item "subsystems/$nqn/namespaces/9" device_path='(null)' enable=0 p2pmem=1
item "subsystems/$nqn/allowed_hosts"
ln -s "$nvmet/hosts/h" "$nvmet/subsystems/$nqn/allowed_hosts/h"
item ports/1 addr_trtype=rdma addr_adrfam=ipv4 addr_traddr=192.0.2.1 addr_trsvcid=4420 \
	addr_treq='not specified' param_inline_data_size=0
item ports/1/subsystems
ln -s "$nvmet/subsystems/$nqn" "$nvmet/ports/1/subsystems/$nqn"
item ports/2 addr_trtype= param_inline_data_size=-1
mkdir -p "$nvmet"/ports/2/{subsystems,referrals,ana_groups}

expect "table" 0 p2pmr nvmet show
has out '^SUBSYSTEM +NSID +DEVICE +ENABLED +P2PMEM +PROVIDER +PORTS$'
has out "^$nqn +9 +- +no +1 +- +1 *\$"
has out "^$nqn +10 /dev/nvme1n1 +yes +0000:04:00\.0 +nvme0 +1 *\$"
has out '^PORT +TRANSPORT +ADDRESS +SERVICE +INLINE +RDMA +SUBSYSTEMS$'
has out "^ +1 +rdma +192\.0\.2\.1 +4420 +0 +- +$nqn\$"
has out '^ +2 +- +- +- +- +- +- *$'
silent err

expect "JSON" 0 p2pmr nvmet show --json
json '(.namespaces | length) == 2 and .namespaces[1] == {"subsystem": "'$nqn'", "nsid": 10,
	"device": "/dev/nvme1n1", "enabled": true, "p2pmem": "0000:04:00.0",
	"provider": {"name": "nvme0", "pci_address": "0000:04:00.0"}, "ports": [1],
	"served": null}'
json '.namespaces[0].provider == null and .namespaces[0].device == null'
json '.ports[0] == {"port": 1, "transport": "rdma", "family": "ipv4", "address": "192.0.2.1",
	"service": "4420", "inline_data_bytes": 0, "rdma_devices": [], "subsystems": ["'$nqn'"]}'
json '.ports[1].inline_data_bytes == null and .ports[1].transport == null'

# ---- counters ------------------------------------------------------------------

count=$P2PMR_SYSFS_ROOT/kernel/debug/nvmet/$nqn/ns10
mkdir -p "$count"
printf '%s\n' 'peer 12 49152' 'no_memory 3 4096' 'inline 0 0' 'something else' >"$count/p2pmem"
expect "counters: table" 0 p2pmr nvmet show
has out '^SUBSYSTEM +NSID +SERVED FROM +REQUESTS +BYTES$'
has out "^$nqn +10 +peer +12 +49152\$"
has out "^$nqn +10 +no_memory +3 +4096\$"
expect "counters: JSON" 0 p2pmr nvmet show --json
json '.namespaces[1].served == {"peer": {"requests": 12, "bytes": 49152},
	"no_memory": {"requests": 3, "bytes": 4096}, "inline": {"requests": 0, "bytes": 0}}'

# ---- controllers ---------------------------------------------------------------

# controller N FILE=VALUE...
controller()
{
	local folder=$P2PMR_SYSFS_ROOT/kernel/debug/nvmet/$nqn/ctrl$1 pair
	mkdir -p "$folder"
	for pair in "${@:2}"; do
		printf '%b' "${pair#*=}" >"$folder/${pair%%=*}"
	done
}

expect "nobody is connected" 0 p2pmr nvmet show --json
json '.controllers == []'
controller 2 hostnqn=nqn.host:b port='1\n' host_traddr='192.0.2.8\n' kato='5\n' p2pmem=
controller 10 hostnqn=nqn.host:a port='1\n' host_traddr='192.0.2.7\n' p2pmem='9 0000:05:00.0\n10 0000:04:00.0\n'
controller 11 hostnqn=nqn.host:c port='1\n' host_traddr='\n' p2pmem='1 0000:04:00.0\n10 0000:09:00.0\n100 0000:04:00.0\n'
controller 12 hostnqn=nqn.host:d port='1\n'
expect "controllers: table" 0 p2pmr nvmet show
has out '^SUBSYSTEM +CTRL +HOST +ADDRESS +NSID +PROVIDER$'
has out "^$nqn +2 +nqn.host:b +192\.0\.2\.8 +10 +- *\$"
has out "^$nqn +10 +nqn.host:a +192\.0\.2\.7 +10 +nvme0\$"
has out "^$nqn +11 +nqn.host:c +- +10 +0000:09:00\.0\$"
expect "controllers: JSON" 0 p2pmr nvmet show --json
json '[.controllers[].controller] == [2, 10, 11, 12]'
json '.controllers[0].namespaces == [{"nsid": 10, "provider": null}]'
json '.controllers[1] == {"subsystem": "'$nqn'", "controller": 10, "host": "nqn.host:a",
	"host_address": "192.0.2.7", "port": 1, "namespaces": [{"nsid": 10,
	"provider": {"name": "nvme0", "pci_address": "0000:04:00.0"}}]}'
json '.controllers[2].host_address == null and .controllers[2].namespaces[0].provider ==
	{"name": "0000:09:00.0", "pci_address": "0000:09:00.0"}'
json '.controllers[3].namespaces == null'

expect "saved" 0 p2pmr nvmet save
has err "^p2pmr nvmet save: $nqn, namespace 10: /dev/nvme1n1 may be another drive after the next boot\\."
json '.hosts == [{"nqn": "h", "dhchap": {"hash": "hmac(sha256)"}}]'
json '[.subsystems[].namespaces[].nsid] == [9, 10]'
json '.subsystems[0].namespaces[1] == {"nsid": 10, "device": {"path": "/dev/nvme1n1",
	"uuid": "d592cdf3-5d1c-44e0-8412-3fcf7d99df27"}, "ana": {"grpid": "1"},
	"buffered_io": "0", "p2pmem": "0000:04:00.0", "enable": 1}'
json '.subsystems[0].attr.serial == "abc                 "'
json '.subsystems[0].allowed_hosts == ["h"] and .ports[0].subsystems == ["'$nqn'"]'
cp "$dir/out" "$dir/saved"
expect "saved to a file" 0 p2pmr nvmet save "$dir/config.json"
silent out
expect "  the same" 0 cmp "$dir/saved" "$dir/config.json"
expect "  for its owner" 0 test "$(stat -c %a "$dir/config.json")" = 600
ln -s config.json "$dir/link"
expect "saved to what a link leads to" 0 p2pmr nvmet save "$dir/link"
expect "  which stays" 0 test -L "$dir/link"
mkfifo "$dir/pipe"
cat "$dir/pipe" >"$dir/read" &
expect "saved to a pipe" 0 p2pmr nvmet save "$dir/pipe"
wait $!
expect "  which stays" 0 test -p "$dir/pipe"
expect "  the same" 0 cmp "$dir/saved" "$dir/read"
item "subsystems/$nqn/namespaces/10" device_path=/dev/disk/by-id/nvme-x
expect "saved by a name that stays" 0 p2pmr nvmet save
silent err
expect "saved where none can be" 1 p2pmr nvmet save "$dir/nowhere/x"
has err '\[SYSTEM\]$'
expect "full disk" 1 sh -c 'p2pmr nvmet save >/dev/full'

item "subsystems/$nqn" attr_colour=red
item "subsystems/$nqn/passthru" device_path=/dev/nvme5
expect "what a file cannot hold" 0 p2pmr nvmet save
has err 'an attribute "attr_colour" that this version does not know'
has err 'passes commands through to /dev/nvme5'

# ---- no target -------------------------------------------------------------------
empty_tree
for action in show save "set --nqn a --device /dev/x" "restore $dir/good.json"; do
	# shellcheck disable=SC2086 # words
	expect "no target: ${action%% *}" 77 p2pmr nvmet $action
	has err 'modprobe nvmet.*\[NO_NVMET\]$'
done
expect "no target: clear" 0 p2pmr nvmet clear

finish
