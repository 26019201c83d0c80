#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The loader against interruption, races, tampering and machines that lack something.
#
#   run.sh [NAME...]      BPFGUARD: the binary (BUILD/bpfguard); BUILD: where it was built (build)
#
# Prints `ok NAME` or `FAIL NAME` with what the test said; the last line is the sum. Root only: each
# test works on an instance of its own and takes it away.
set -u

cd "$(dirname "$0")/../.." || exit 1
export BUILD=${BUILD:-build}
export BPFGUARD=${BPFGUARD:-$BUILD/bpfguard}
bin=$BUILD/loader-tests
log=$(mktemp -d)
passed=0 failed=0 skipped=0
pids=()

stop() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2> /dev/null
	wait
	exit 1
}
trap stop INT TERM HUP
trap 'rm -rf "$log"' EXIT

# The sweeps take longest and mostly wait for the kernel: they run side by side.
declare -A command=(
	[interrupt_load]="$bin/interrupt load" [interrupt_reload]="$bin/interrupt reload"
	[interrupt_unload]="$bin/interrupt unload" [swaps]="$bin/swaps"
	[same]="$bin/changes same" [failing]="$bin/changes failing"
	[together]="$bin/changes together" [limits]="$bin/changes limits"
	[noted]="$bin/noted"
	[tamper]="$bin/tamper" [refusals]=tests/loader/refusals.sh
	[lost]=tests/loader/lost.sh [before]="$bin/before"
)
rounds=("noted same failing together limits tamper refusals lost before interrupt_unload" "interrupt_load interrupt_reload"
	"swaps")

wanted() { # NAME LIST...
	local name=$1 n
	shift
	[ $# = 0 ] && return 0
	for n; do [ "$n" = "$name" ] && return 0; done
	return 1
}

start() { # NAME
	# shellcheck disable=SC2086 # a command and its argument
	${command[$1]} > "$log/$1" 2>&1 &
	pids=("${pids[@]}" $!)
	names=("${names[@]}" "$1")
}

collect() {
	local i
	for i in "${!pids[@]}"; do
		if wait "${pids[$i]}"; then
			echo "ok ${names[$i]}"
			sed 's/^/   /' "$log/${names[$i]}"
			passed=$((passed + 1))
		else
			echo "FAIL ${names[$i]}"
			sed 's/^/   /' "$log/${names[$i]}"
			failed=$((failed + 1))
		fi
	done
	pids=() names=()
}

if [ "$(id -u)" != 0 ]; then
	echo "skip: needs root"
	echo "0 passed, 0 failed, ${#command[@]} skipped"
	exit 0
fi
names=()
for round in "${rounds[@]}"; do
	for name in $round; do
		wanted "$name" "$@" || continue
		start "$name"
		[ ${#pids[@]} -lt 2 ] || collect
	done
	collect
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
