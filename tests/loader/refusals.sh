#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the machine lacks, load refuses: one line `bpfguard: what: why (what to do)` on stderr, the
# contract's exit code, and nothing left behind. Each lack is made in a private mount namespace.
set -u

id=bpfguard-refuse-$$
dir=$(mktemp -d "/tmp/$id-XXXXXX")
bpfguard=$dir/bpfguard # a copy: the tree may stand where only root can go
cp "${BPFGUARD:-${BUILD:-build}/bpfguard}" "$bpfguard"
export BPFGUARD_PINS=/sys/fs/bpf/$id BPFGUARD_RUN=$dir/run BPFGUARD_LOG=$dir/log
cgroups=$(awk '$(NF-2) == "cgroup2" && $4 == "/" { print $5; exit }' /proc/self/mountinfo)
failed=0

# shellcheck disable=SC2317 # called by the trap
clean_up() {
	"$bpfguard" unload --yes > /dev/null 2>&1
	rmdir "$cgroups/$id" "$cgroups/$id-ns/$id" "$cgroups/$id-ns" 2> /dev/null
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

cat > "$dir/policy.yaml" << END
version: 1
guards:
  - name: a
    cgroup: /$id
    gateway: {address: 10.0.9.1}
    local: [10.0.9.0/24]
    kill_switch: {lease: off}
END
chmod 755 "$dir"
chmod 644 "$dir/policy.yaml"

bad() {
	echo "  $*" >&2
	failed=1
}

# refused NAME CODE PATTERN COMMAND...: the command ends so, with one well-formed line
refused() {
	local name=$1 code=$2 pattern=$3 got
	shift 3
	"$@" > "$dir/out" 2> "$dir/err"
	got=$?
	[ "$got" = "$code" ] || bad "$name: exit $got instead of $code: $(cat "$dir/err")"
	[ "$(wc -l < "$dir/err")" = 1 ] || bad "$name: not one line: $(cat "$dir/err")"
	grep -Eq '^bpfguard: [^:]+: .+ \(.+\)$' "$dir/err" || bad "$name: form: $(cat "$dir/err")"
	grep -Eq "$pattern" "$dir/err" || bad "$name: not about '$pattern': $(cat "$dir/err")"
	[ ! -s "$dir/out" ] || bad "$name: spoke on stdout: $(cat "$dir/out")"
	[ ! -e "$BPFGUARD_PINS" ] || bad "$name: left $BPFGUARD_PINS"
	[ ! -e "$cgroups/$id" ] || bad "$name: left its cgroup"
}

# Runs load behind a shell command in a mount namespace of its own.
without() {
	unshare -m --propagation private sh -c "$1"' && shift && exec "$@"' sh "$1" \
		"$bpfguard" load -p "$dir/policy.yaml"
}

# The control: with nothing taken away the same load succeeds in such a namespace.
without : > "$dir/out" 2> "$dir/err" || bad "control: $(cat "$dir/err")"
"$bpfguard" unload --yes > /dev/null || bad "control: cannot unload"
rmdir "$cgroups/$id" || bad "control: the cgroup stays"

for verb in load reload; do
	refused "not root: $verb" 77 'root' \
		setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		env BPFGUARD_RUN="$dir/nobody" "$bpfguard" "$verb" -p "$dir/policy.yaml"
done
refused 'root without capabilities' 77 'root' \
	setpriv --bounding-set -all --inh-caps -all "$bpfguard" load -p "$dir/policy.yaml"
refused 'root of a user namespace' 77 'root' \
	unshare --user --map-root-user "$bpfguard" load -p "$dir/policy.yaml"
mkdir "$dir/plain"
refused 'pins not on a bpffs' 69 'bpf file system' \
	env BPFGUARD_PINS="$dir/plain/pins" "$bpfguard" load -p "$dir/policy.yaml"
[ ! -e "$dir/plain/pins" ] || bad "pins not on a bpffs: something was made there"
# where nobody mounted a bpffs, load does (here the mount, and so the guard, ends with the namespace)
without 'umount -l /sys/fs/bpf' > "$dir/out" 2> "$dir/err" || bad "no bpffs yet: $(cat "$dir/err")"
grep -q enforced "$dir/out" || bad "no bpffs yet: $(cat "$dir/out")"
rmdir "$cgroups/$id" || bad "no bpffs yet: the cgroup stays"
refused 'cgroup v1 only' 69 'cgroup v2' \
	without "umount -l '$cgroups'"
mkdir "$dir/empty"
refused 'no type information' 69 'type information' \
	without "mount --bind '$dir/empty' /sys/kernel/btf"
# A stand-in for lockdown=confidentiality: only a boot option makes the kernel say so itself.
mkdir "$dir/security"
echo 'none integrity [confidentiality]' > "$dir/security/lockdown"
refused 'lockdown (stand-in)' 69 'lockdown' \
	without "mount --bind '$dir/security' /sys/kernel/security"
echo 'none [integrity] confidentiality' > "$dir/security/lockdown"
without "mount --bind '$dir/security' /sys/kernel/security" > "$dir/out" 2> "$dir/err" ||
	bad "lockdown=integrity is no obstacle: $(cat "$dir/err")"
"$bpfguard" unload --yes > /dev/null || bad "lockdown: cannot unload"
rmdir "$cgroups/$id" || bad "lockdown: the cgroup stays"

# A cgroup namespace that is not the machine's: its "/" is $id-ns.
mkdir "$cgroups/$id-ns" || exit 1
# shellcheck disable=SC2016 # the inner shells' own words
below() {
	sh -c 'echo $$ > "$1/cgroup.procs" && shift && exec unshare -C -m --propagation private \
		sh -c "umount -l \"\$1\" && mount -t cgroup2 cgroup2 \"\$1\" && shift && exec \"\$@\"" sh "$@"' \
		sh "$cgroups/$id-ns" "$cgroups" "$@"
}
accepts() { below "$bpfguard" "$@" --accept-missing=host-cgroup -p "$dir/policy.yaml"; }
says_enforced() { # NAME COUNT of holes shown; the exit code stays 0
	below "$bpfguard" status > "$dir/out" 2>&1 || bad "$1: status: $(cat "$dir/out")"
	[ "$(grep -c '^  accepted  *host-cgroup: ' "$dir/out")" = "$2" ] || bad "$1: $(cat "$dir/out")"
	below "$bpfguard" status --json > "$dir/out" 2>&1 || bad "$1: status --json"
	grep -q '"status":"enforced"' "$dir/out" || bad "$1: $(cat "$dir/out")"
	[ "$(grep -c '"accepted":\["host-cgroup"\]' "$dir/out")" = "$2" ] ||
		bad "$1: $(cat "$dir/out")"
}
for verb in load reload "load --dry-run"; do
	# shellcheck disable=SC2086 # a verb and its option
	refused "cgroup namespace: $verb" 69 "root cgroup .*--accept-missing=host-cgroup" \
		below "$bpfguard" $verb -p "$dir/policy.yaml"
done
for name in host-cgrou host-cgroups '' 'host-cgroup,' btf; do
	refused "no hole is called '$name'" 64 'no feature of this name' \
		below "$bpfguard" load "--accept-missing=$name" -p "$dir/policy.yaml"
done
accepts load > "$dir/out" 2>&1 || bad "accepted: $(cat "$dir/out")"
says_enforced "accepted" 1
[ -d "$cgroups/$id-ns/$id" ] || bad "accepted: the guard is not below the namespace's root"
"$bpfguard" status > /dev/null 2>&1 && bad "accepted: enforced in the machine's eyes, too"
below "$bpfguard" load -p "$dir/policy.yaml" > /dev/null 2>&1 && bad "accepted once is not for good"
sed -i 's/10.0.9.0/10.0.8.0/; s/10.0.9.1/10.0.8.1/' "$dir/policy.yaml"
accepts reload > "$dir/out" 2>&1 || bad "accepted, reload: $(cat "$dir/out")"
says_enforced "accepted, another policy" 1
"$bpfguard" unload --yes > /dev/null || bad "accepted: cannot unload"
rmdir "$cgroups/$id-ns/$id" || bad "accepted: the cgroup stays"
# what is not missing is not accepted: the machine's own root, a namespace that hides nothing
for where in env "unshare -C"; do
	# shellcheck disable=SC2086 # a command and its option
	$where "$bpfguard" load --accept-missing=host-cgroup -p "$dir/policy.yaml" > "$dir/out" 2>&1 ||
		bad "$where: $(cat "$dir/out")"
	"$bpfguard" status > "$dir/out" || bad "$where: $(cat "$dir/out")"
	grep -q accepted "$dir/out" && bad "$where: nothing is missing: $(cat "$dir/out")"
	"$bpfguard" unload --yes > /dev/null || bad "$where: cannot unload"
	# shellcheck disable=SC2086
	$where "$bpfguard" load -p "$dir/policy.yaml" > "$dir/out" 2>&1 || bad "$where: $(cat "$dir/out")"
	"$bpfguard" unload --yes > /dev/null
	rmdir "$cgroups/$id" || bad "$where: the cgroup stays"
done
exit $failed
