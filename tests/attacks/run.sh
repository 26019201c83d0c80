#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The attack catalogue. run.sh [--guard on|off|both] [--layers i1|i1+i2|all] [--caps "SET..."]
#   [NAME...]                                     (BUILD, BPFGUARD; NAME may be a pattern: 'path_*')
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
guard=both layers=all sets='none hardened default admin sys' names=()
while [ $# -gt 0 ]; do
	case $1 in
	--guard) guard=$2 && shift 2 ;;
	--layers) layers=$2 && shift 2 ;;
	--caps) sets=$2 && shift 2 ;;
	-*)
		sed -n '4,6s/^# *//p' "$0" >&2
		exit 64
		;;
	*) names+=("$1") && shift ;;
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
barriers=0
trap 'trap - EXIT; world_down; [ -n "${KEEP:-}" ] || rm -rf "$W"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

selected() { # NAME
	local pattern
	[ ${#names[@]} -gt 0 ] || return 0
	for pattern in "${names[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

world_up
: > "$W/said"
number=0
plan() { # off|on
	while IFS=$'\t' read -r name _ _ needs _; do
		selected "$name" || continue
		for c in $sets; do
			[ "$1" = on ] || [ "$c" = "$needs" ] || continue
			echo $((++number)) "$name" "$c"
		done
	done < "$W/catalogue"
}
"$ATTACK" list > "$W/catalogue" || exit 1
if [ "$guard" != on ]; then
	plan off > "$W/plan.off"
	run_plan "$W/plan.off"
fi
if [ "$guard" != off ]; then
	number=20000
	guard_on "$layers"
	plan on > "$W/plan.on"
	if [ "$layers" = all ]; then sealed=$W/run; else sealed=; fi
	run_plan "$W/plan.on" ${sealed:+sealed="$sealed"}
	guard_off
fi
cat "$W/said"
cut -f 1-4 "$W/seen" | grep -v '^-'
jq -c '[.hook,.reason,.comm,.dst,.count]' "$W/log.out" 2>/dev/null
