#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the suites, each by its own runner, and adds up what they say.
# run.sh BUILD [SUITE...]; a suite's runner ends with `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/.." || exit 2
build=$1
shift
export BUILD=$build BPFGUARD=$build/bpfguard PATH=$PATH:/usr/sbin:/sbin
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT

unit() {
	local t log bad=0 ok=0 n
	log=$(mktemp)
	for t in "$build"/unit/test_*; do
		[[ $t = *.d ]] && continue
		if "$t" > "$log" 2>&1; then
			n=$(grep -c '^\[       OK \]' "$log")
			ok=$((ok + n))
			echo "ok $(basename "$t"): $n"
		else
			bad=$((bad + $(sed '/listed below/q' "$log" | grep -c '^\[  FAILED  \] [a-z]')))
			[ "$bad" -gt 0 ] || bad=1
			echo "FAIL $(basename "$t")"
			tail -30 "$log" | sed 's/^/    /'
		fi
	done
	rm -f "$log"
	echo "$ok passed, $bad failed"
	[ "$bad" = 0 ]
}

suite() { # NAME
	case $1 in
	check) tests/check/run.sh "$build" ;;
	unit) unit ;;
	cli) tests/cli/run.sh ;;
	policy) tests/policy/run.sh "$BPFGUARD" ;;
	prog) tests/prog/run.sh ;;
	loader) tests/loader/run.sh ;;
	link) tests/link/run.sh ;;
	mutation) tests/mutation/run.sh "$build" --short ;;
	live) tests/live/run.sh ;;
	attacks) tests/attacks/run.sh ;;
	vm) KERNEL=${KERNEL:-6.1} LSM=${LSM:-on} VERIFIER_WRITE='' tests/vm/run.sh "$build" ;;
	monitor) tests/monitor/run.sh ;;
	lab) tests/lab/check.sh ;;
	gateway) tests/gateway/run.sh ;;
	killswitch) tests/killswitch/run.sh --short ;;
	docker) tests/docker/run.sh ;;
	boot) tests/boot/run.sh ;;
	fuzz) tests/fuzz/run.sh "$build" "${FUZZ_SECONDS:-60}" "$build"/fuzz/fuzz_?*[!.d] ;;
	*)
		echo "no such suite: $1"
		return 2
		;;
	esac
}

suites=("$@")
[ $# -gt 0 ] || suites=(check unit cli policy prog loader link live attacks mutation monitor lab
	gateway docker killswitch boot vm fuzz)
if [ "$(id -u)" != 0 ]; then
	echo "tests: loading programs and making namespaces needs root (run: sudo make test)" >&2
	exit 77
fi
passed=0 failed=0 skipped=0
for s in "${suites[@]}"; do
	began=$SECONDS
	printf '== %s\n' "$s"
	suite "$s" 2>&1 | tee "$out"
	rc=${PIPESTATUS[0]}
	last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
	read -r p f k <<< "$(sed -E 's/([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?.*/\1 \2 \4/' <<< "$last")"
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${k:-0}))
	# a runner that fails without counting a failure, or counts nothing at all, has failed
	if { [ "$rc" != 0 ] && [ "${f:-0}" = 0 ]; } || [ -z "$last" ] || [ "${p:-0}" = 0 ]; then
		echo "FAIL $s: its runner ended with $rc and '$last'"
		failed=$((failed + 1))
	fi
	printf -- '-- %s: %s s\n' "$s" $((SECONDS - began))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
