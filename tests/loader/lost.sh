#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The bpf file system goes away under a guard, or another is mounted over it: `status` says that
# nobody unloaded, and whether programs still run. In a mount namespace, on a bpffs of its own.
set -u

if [ "${1:-}" != inside ]; then
	exec unshare -m --propagation private "$0" inside
fi
id=bpfguard-lost-$$
dir=$(mktemp -d "/tmp/$id-XXXXXX")
bpfguard=$(realpath "${BPFGUARD:-${BUILD:-build}/bpfguard}")
export BPFGUARD_PINS=$dir/bpffs/pins BPFGUARD_RUN=$dir/run BPFGUARD_LOG=$dir/log
export BPFGUARD_DOCKER=$dir/none.sock
cgroups=$(awk '$(NF-2) == "cgroup2" && $4 == "/" { print $5; exit }' /proc/self/mountinfo)
failed=0

# shellcheck disable=SC2317 # called by the trap
clean_up() {
	"$bpfguard" unload --yes > /dev/null 2>&1
	while umount "$dir/bpffs" 2> /dev/null; do :; done
	rmdir "$cgroups/$id" 2> /dev/null
	rm -rf --one-file-system "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

bad() {
	echo "  $*" >&2
	failed=1
}

says() { # NAME CODE PATTERN: status ends so
	local got
	"$bpfguard" status > "$dir/out" 2>&1
	got=$?
	[ "$got" = "$2" ] || bad "$1: exit $got instead of $2: $(cat "$dir/out")"
	grep -Eq "$3" "$dir/out" || bad "$1: not '$3': $(cat "$dir/out")"
}

cat > "$dir/policy.yaml" << END
version: 1
guards:
  - name: a
    cgroup: /$id
    gateway: {address: 10.0.9.1}
    local: [10.0.9.0/24]
    kill_switch: {lease: off}
END
load() {
	"$bpfguard" load -p "$dir/policy.yaml" > "$dir/out" 2>&1 || bad "load: $(cat "$dir/out")"
}

mkdir "$dir/bpffs"
mount -t bpf bpf "$dir/bpffs" || bad "cannot mount"
says 'before' 2 'nothing is loaded'
load
says 'loaded' 0 'enforced'

mount -t bpf bpf "$dir/bpffs"
says 'mounted over' 2 'out of reach: nobody unloaded.*11 programs still run on /'
umount "$dir/bpffs"
says 'uncovered' 0 'enforced'

umount -l "$dir/bpffs"
says 'unmounted' 2 'out of reach: nobody unloaded.*(removed|unmounted)'
mount -t bpf bpf "$dir/bpffs"
says 'an empty one' 2 'out of reach: nobody unloaded'
load
says 'loaded again' 0 'enforced'

rm -r "$BPFGUARD_PINS"
says 'pins removed' 2 'out of reach: nobody unloaded'
load
says 'loaded a third time' 0 'enforced'

"$bpfguard" unload --yes > /dev/null || bad 'unload'
says 'unloaded' 2 'nothing is loaded'
grep -q 'nobody unloaded' "$dir/out" && bad "unloaded: $(cat "$dir/out")"
[ $failed = 0 ]
