#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the suites, each by its own runner, and adds up what they say.
# run.sh BUILD [SUITE...]; a suite's runner ends with `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/.." || exit 2
build=$1
shift
export BUILD=$build BPFGUARD=$build/bpfguard PATH=$PATH:/usr/sbin:/sbin
tmp=$(mktemp -d) || exit 2
out=$tmp/out counts=$tmp/counts other=''
end() {
	[ -z "$other" ] || { kill -TERM -- "-$other" && wait "$other"; } 2> /dev/null
	rm -rf "$tmp"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

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

# One suite, its seconds and what it counted (a line in $counts).
run_suite() { # NAME
	local began=$SECONDS rc last p f k
	printf '== %s\n' "$1"
	suite "$1" 2>&1 | tee "$out.$1"
	rc=${PIPESTATUS[0]}
	last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out.$1" | tail -1)
	read -r p f k <<< "$(sed -E 's/([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?.*/\1 \2 \4/' <<< "$last")"
	# a runner that fails without counting a failure, or counts nothing at all, has failed
	if { [ "$rc" != 0 ] && [ "${f:-0}" = 0 ]; } || [ -z "$last" ] || [ "${p:-0}" = 0 ]; then
		echo "FAIL $1: its runner ended with $rc and '$last'"
		f=$((${f:-0} + 1))
	fi
	printf -- '-- %s: %s s\n' "$1" $((SECONDS - began))
	echo "${p:-0} ${f:-0} ${k:-0}" >> "$counts"
}

# Those that only compute, and touch nothing of the machine's that the others look at, run beside
# them with what processor time these leave. What each said is shown whole, when it has ended.
beside() { # NAME...
	local s
	for s; do
		run_suite "$s" > "$out.beside" 2>&1
		cat "$out.beside"
	done
}

suites=("$@") aside=()
[ $# -gt 0 ] || suites=(unit cli policy prog loader link live attacks mutation monitor lab gateway
	docker killswitch boot) aside=(check fuzz vm)
if [ "$(id -u)" != 0 ]; then
	echo "tests: loading programs and making namespaces needs root (run: sudo make test)" >&2
	exit 77
fi
: > "$counts"
if [ ${#aside[@]} -gt 0 ]; then
	set -m # a process group, to be ended as a whole
	beside "${aside[@]}" < /dev/null &
	other=$!
	set +m
	renice -n 19 -g "$other" > /dev/null
fi
for s in "${suites[@]}"; do
	run_suite "$s"
done
if [ -n "$other" ]; then
	wait "$other" # alone now: at full speed
	other=''
fi
read -r passed failed skipped ran < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0,
	s + 0, NR }' "$counts")
if [ "$ran" != $((${#suites[@]} + ${#aside[@]})) ]; then
	echo "FAIL: $ran suites of $((${#suites[@]} + ${#aside[@]})) came to an end"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
