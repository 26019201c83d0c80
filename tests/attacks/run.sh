#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The attack catalogue. run.sh [--guard on|off|both] [--layers i1|i1+i2|all] [--caps SET,...]
#   [--tsv FILE] [NAME...]                        (BUILD, BPFGUARD; NAME may be a pattern: 'path_*')
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath -m "${BUILD:-build}")
BPFGUARD=$(realpath -m "${BPFGUARD:-$BUILD/bpfguard}")
ATTACK=$BUILD/attacks/attack CAPTURE=$BUILD/attacks/capture
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
	echo "run.sh: needs root for network namespaces and BPF" >&2
	exit 77
fi
guard=both layers=all sets='none hardened default admin sys' tsv='' patterns=()
while [ $# -gt 0 ]; do
	case $1 in
	--guard) guard=$2 && shift 2 ;;
	--layers) layers=$2 && shift 2 ;;
	--tsv) tsv=$2 && shift 2 ;;
	--caps) sets=${2//,/ } && shift 2 ;;
	-*)
		sed -n '4,6s/^# *//p' "$0" >&2
		exit 64
		;;
	*) patterns+=("$1") && shift ;;
	esac
done
CGROOT=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
[ -n "$CGROOT" ] || {
	echo "run.sh: no cgroup2 is mounted" >&2
	exit 1
}
NS=bgatt$$ W=$(mktemp -d "/tmp/bgatt-$$.XXXXXX") || exit 1
CG=$CGROOT/$NS CGO=$CGROOT/$NS-other
export BPFGUARD_PINS=/sys/fs/bpf/$NS BPFGUARD_RUN=$W/run BPFGUARD_LOG=$W/log
export BPFGUARD_STATE=$W/state BPFGUARD_DOCKER=$W/no-docker.sock
# shellcheck source=tests/attacks/topology.sh
. tests/attacks/topology.sh
# shellcheck source=tests/attacks/lib.sh
. tests/attacks/lib.sh
barriers=0 generation=0 pinned='' HERE=tests/attacks
trap 'trap - EXIT; world_down; [ -n "${KEEP:-}" ] || rm -rf "$W"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

selected() { # NAME
	local pattern
	[ ${#patterns[@]} -gt 0 ] || return 0
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

world_up
names=()
while IFS=$'\t' read -r name file _; do
	[ "$file" != self ] && selected "$name" && names+=("$name")
done < "$W/catalogue"
[ ${#names[@]} -gt 0 ] || give_up "no attack is called ${patterns[*]}"
[ "$guard" = on ] || attacks_control "${names[@]}"
[ "$guard" = off ] || attacks_guarded "$layers" "$sets" "${names[@]}"
attacks_judge "$layers"
[ -z "$tsv" ] || cp "$W/result" "$tsv"
attacks_tell "$sets"
