#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # the tests and lib.sh read what is set here
#
# Live tests of the kernel programs: run.sh [NAME...]   (NAME may be a pattern: 'dns_*')
#
# Needs root; makes its own network namespaces (topology.sh), cgroups, pins and directories, and
# takes them away again. BUILD is the build directory (default build), BPFGUARD the binary.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$top/build}
BPFGUARD=$(realpath -e "${BPFGUARD:-$BUILD/bpfguard}") || exit 1
LIVE=$(realpath -m "$BUILD")/live

if [ "$(id -u)" != 0 ]; then
	echo "run.sh: needs root for network namespaces and BPF" >&2
	exit 77
fi

# shellcheck source=tests/live/build.sh
. "$here/build.sh"
# shellcheck source=tests/live/topology.sh
. "$here/topology.sh"
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

for f in "$here"/test_*.sh; do
	# shellcheck disable=SC1090
	. "$f"
done

# ---- a world of our own ----
CGROOT=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
if [ -z "$CGROOT" ]; then
	echo "run.sh: no cgroup2 is mounted" >&2
	exit 1
fi
NS=bglive$$
CG=$CGROOT/bglive-$$ CG2=$CGROOT/bglive-$$-two CGT=$CGROOT/bglive-$$-tools
W=$(mktemp -d "/tmp/bglive-$$.XXXXXX")
export BPFGUARD_PINS=/sys/fs/bpf/bglive-$$ BPFGUARD_RUN=$W/run BPFGUARD_LOG=$W/log
export BPFGUARD_DOCKER=$W/no-docker.sock
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

# Again and again: a list that changes while it is read may leave out a process.
emptied() { # DIR
	local pids
	mapfile -t pids < "$1/cgroup.procs"
	[ ${#pids[@]} = 0 ] || kill -9 "${pids[@]}" 2> /dev/null
	rmdir "$1" 2> /dev/null
}

kill_cgroup() { # DIR: only processes that were put there
	local d
	[ -d "$1" ] || return 0
	while read -r d; do
		await 5 emptied "$d"
	done < <(find "$1" -depth -type d)
}

cleanup() {
	trap - EXIT
	trap '' INT TERM HUP
	kill_cgroup "$CG"
	kill_cgroup "$CG2"
	kill_cgroup "$CGT"
	[ ! -d "$BPFGUARD_PINS" ] || "$BPFGUARD" unload --yes > /dev/null
	topo_down "$NS"
	rm -rf "$W"
}

# A run that was killed with no chance to clean up leaves namespaces and cgroups: take them away.
reap_dead() {
	local n pid
	for n in /run/netns/bglive*-sw; do
		pid=${n#/run/netns/bglive} pid=${pid%-sw}
		[ -e "$n" ] || continue
		[ ! -d "/proc/$pid" ] || continue
		BPFGUARD_PINS=/sys/fs/bpf/bglive-$pid "$BPFGUARD" unload --yes > /dev/null 2>&1
		kill_cgroup "$CGROOT/bglive-$pid"
		kill_cgroup "$CGROOT/bglive-$pid-two"
		kill_cgroup "$CGROOT/bglive-$pid-tools"
		topo_down "bglive$pid"
		rm -rf "/tmp/bglive-$pid".*
	done
}

# In a cgroup of their own, so that they are found when this run ends, also by the next run.
spawn() { # NAME CMD...: a helper outside of the guard; returns when it is ready
	local name=$1 fd line=''
	shift
	exec {fd}< <(echo "$BASHPID" > "$CGT/cgroup.procs" && exec "$@" 2>&1)
	read -r -t 10 -u "$fd" line
	if [ "$line" != ready ]; then
		echo "run.sh: $name does not start: $line" >&2
		exit 1
	fi
}

world() {
	local place
	mkdir -p "$W/run" "$W/log" "$CG" "$CG2" "$CGT"
	mkfifo "$W/idle"
	exec {IDLE}<> "$W/idle"
	reap_dead
	topo_up || exit 1
	spawn capture "$LIVE/capture" "$W/seen" "gw=/run/netns/$NS-gw" \
		"peer=/run/netns/$NS-peer" "rogue=/run/netns/$NS-rogue"
	for place in gw rogue peer; do
		spawn "server at $place" "$LIVE/server" "$place" "/run/netns/$NS-$place" "$W/queries"
	done
}

# ---- the tests ----
selected() { # NAME
	local pattern
	[ ${#wanted[@]} -gt 0 ] || return 0
	for pattern in "${wanted[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

run_one() { # NAME
	failed='' skipped='' policy=basic where=app cg=$CG comm=t-$1 guard_name=vpn loop_pid='' uid=''
	comm=${comm:0:15}
	number=$((number + 1))
	export BPFGUARD_LOG=$W/log/$number
	mkdir -p "$BPFGUARD_LOG"
	: > "$W/queries"
	topo_routes
	"test_$1"
	[ -z "$loop_pid" ] || loop_close
	if [ -n "$failed" ]; then
		echo "FAIL $1: $failed"
		n_failed=$((n_failed + 1))
	elif [ -n "$skipped" ]; then
		echo "skip $1: $skipped"
		n_skipped=$((n_skipped + 1))
	else
		echo "ok $1"
		n_passed=$((n_passed + 1))
	fi
}

wanted=("$@")
n_passed=0 n_failed=0 n_skipped=0
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
IDLE=''
world
while read -r name; do
	selected "$name" && run_one "$name"
done < <(sed -n 's/^test_\([a-z0-9_]*\)().*/\1/p' "$here"/test_*.sh)
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" = 0 ] && [ $((n_passed + n_skipped)) -gt 0 ]
